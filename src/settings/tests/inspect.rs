//! `[inspect]`, and the two lists that are shipped for it.

use std::collections::BTreeSet;

use super::{faults, read};
use crate::lists::{Effect, Format, ReadOptions, Reading, parse};
use crate::model::{Host, Name};
use crate::settings::{Inspect, NO_INSPECT, Pair};

fn name(text: &str) -> Name {
    Host::parse(text).unwrap().name().unwrap().clone()
}

/// The entries of a list, one a line.
fn entries(text: &str) -> Vec<Name> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(name).collect()
}

#[test]
fn paths_start_from_the_settings_file() {
    let text = "[inspect]\nca_cert = \"a.pem\"\nca_key = \"/k/a.key\"\nno_inspect = \"own.txt\"\nnever = [\"NHS.uk.\"]\n";
    assert_eq!(
        read(text, &[]).unwrap().inspect,
        Inspect {
            authority: Some(Pair { certificate: "etc/a.pem".into(), key: "/k/a.key".into() }),
            no_inspect: Some("etc/own.txt".into()),
            never: vec![name("nhs.uk")],
        }
    );
    let none = read("[inspect]\nnever = []\n", &[]).unwrap().inspect;
    assert_eq!(none, Inspect { authority: None, no_inspect: None, never: Vec::new() });
}

#[test]
fn half_a_pair_and_what_is_no_domain_are_faults() {
    let text = "[inspect]\nca_key = \"a\"\nnever = [\"uk\", \"10.0.0.1\", \"*.nhs.uk\"]\n";
    assert_eq!(
        faults(text),
        [
            "2:10 `ca_cert` and `ca_key` go together: one is missing",
            "3:10 a single word; write the whole domain, as st-example.sch.uk",
            "3:16 an address; write the domain, as st-example.sch.uk",
            "3:28 the host holds a character that no host name may hold",
        ]
    );
}

#[test]
fn no_authority_is_made_that_can_sign_for_a_help_line() {
    let never = read("", &[]).unwrap().inspect.never;
    for line in entries(include_str!("../../../blocklists/lifeline/uk.txt")) {
        assert!(never.iter().any(|name| line.is_within(name)), "{line}");
    }
}

#[test]
fn the_shipped_list_reads_without_a_fault_and_holds_the_core() {
    let parsed = parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, NO_INSPECT.as_bytes());
    assert_eq!(parsed.rejected, [], "every line is an entry");
    assert!(parsed.items.iter().all(|item| item.effect == Effect::Lists));
    let listed = entries(NO_INSPECT);
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "no line twice");
    for core in read("", &[]).unwrap().inspect.never {
        assert!(listed.iter().any(|name| core.is_within(name)), "{core}");
    }
}

#[test]
fn the_shipped_list_frees_nothing_that_must_be_seen() {
    let listed = entries(NO_INSPECT);
    let seen = [
        "www.google.com",
        "www.google.co.uk",
        "www.bing.com",
        "duckduckgo.com",
        "www.youtube.com",
        "youtubei.googleapis.com",
        "storage.googleapis.com",
        "commondatastorage.googleapis.com",
        "tv.apple.com",
        "www.icloud.com",
        "mask.icloud.com",
        "www.facebook.com",
        "mail.google.com",
        "outlook.live.com",
        // Tenant restrictions are headers that the gateway adds.
        "accounts.google.com",
        "login.microsoftonline.com",
        "login.microsoft.com",
        "login.windows.net",
        "login.live.com",
    ];
    for host in seen {
        assert!(!listed.iter().any(|entry| name(host).is_within(entry)), "{host}");
    }
}
