//! Facts at work: searches, rewrites, connect overrides.

mod confined;
mod safe;
mod searches;

use super::facts::Facts;
use crate::document::Faults;
use crate::model::{Host, Url};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

#[test]
fn the_facts_read_without_a_fault() {
    let mut faults = Faults::new();
    let facts = Facts::read(&mut faults);
    assert!(faults.is_empty(), "{faults}");
    assert!(facts.searches.rows.len() > 40 && facts.connects.rows.len() == 9);
    assert!(facts.safe.rows.iter().all(|row| !row.paths.is_empty()));
    assert!(facts.headers.rows.iter().all(|row| row.names.iter().all(|name| *name == name.to_lowercase())));
}

#[test]
fn every_host_of_the_facts_is_one() {
    let facts = Facts::read(&mut Faults::new());
    let hosts = [&facts.searches.hosts, &facts.safe.hosts, &facts.connects.hosts, &facts.headers.hosts];
    for (name, _) in hosts.into_iter().flat_map(super::hosts::Hosts::exact) {
        assert_eq!(Host::parse(name).map(|host| host.to_string()).as_deref(), Ok(name));
    }
}
