//! Ten thousand requests through the running program: none fails, none is recorded twice or not.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use crate::harness::{Browser, Gateway};

const CLIENTS: u8 = 64;
const REQUESTS_EACH: usize = 157;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_tls_requests_pass_and_each_is_recorded_once_with_its_end() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 1..=CLIENTS {
        let address = IpAddr::V4(Ipv4Addr::new(127, 1, 2, client));
        let browser = Browser::new(address, program.at("explicit"), vec![site.origin.authority.clone()]);
        clients.spawn(async move {
            for request in 0..REQUESTS_EACH {
                let answer = browser.get("https://maths.example/").await;
                assert_eq!(answer.status, 200, "request {request} of {address}: {answer:?}");
                assert_eq!(answer.body, "hello from the origin");
            }
        });
    }
    clients.join_all().await;
    program.signal("TERM").await;
    assert_eq!(program.ended().await.code(), Some(0));

    site.verify().await;
    let trail = site.trail();
    let accesses = of(&trail, "schoolgate.access");
    let mut by_client = BTreeMap::<&str, usize>::new();
    for access in &accesses {
        assert_eq!(access["event"]["action"], "allow");
        *by_client.entry(access["source"]["ip"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(by_client.len(), usize::from(CLIENTS));
    assert!(by_client.values().all(|count| *count == REQUESTS_EACH), "{by_client:?}");
    let ends = of(&trail, "schoolgate.close");
    assert_eq!(ends.len(), accesses.len(), "one end an access");
    assert_eq!(ids(&ends), ids(&accesses), "each end belongs to an access, and each access has one");
    for end in ends {
        assert!(end["schoolgate"]["bytes_down"].as_u64().unwrap() > 500, "{end:#}");
        assert_eq!(end["event"]["outcome"], "success", "{end:#}");
    }
}

fn of<'a>(trail: &'a [Value], dataset: &str) -> Vec<&'a Value> {
    trail.iter().filter(|event| event["event"]["dataset"] == dataset).collect()
}

/// The ids of events, each of which must be there once.
fn ids<'a>(events: &[&'a Value]) -> BTreeSet<&'a str> {
    let ids: BTreeSet<&str> = events.iter().map(|event| event["event"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "an id was used twice");
    ids
}
