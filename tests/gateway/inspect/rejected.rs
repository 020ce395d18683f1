//! Clients that do not take the leaf: recorded, counted, and never let past because of it.

use super::*;
use crate::harness::{BOTH, hello};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn of_rule(gateway: &Gateway, rule: &str) -> Vec<Value> {
    let events = gateway.accesses().into_iter().map(|access| access.event);
    events.filter(|event| event["rule"]["id"] == rule).collect()
}

/// A device that does not trust the school's authority shows itself, once a try, and gets nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_trust_the_authority_is_recorded_and_gets_nothing() {
    let gateway = always().start().await;
    let browser = gateway.browser("ks2");
    for tries in 1..=3 {
        for (at, offer) in [&BOTH[..], &["http/1.1"], &[]].into_iter().enumerate() {
            let fault = browser.try_visit("maths.example", offer).await.err().unwrap();
            assert!(fault.body.contains("UnknownIssuer"), "{fault:?}");
            let so_far = (tries - 1) * 3 + at + 1;
            let all = i64::try_from(so_far).unwrap();
            gateway
                .eventually("the rejection", |gateway| {
                    of_rule(gateway, "protocol:authority_not_trusted").len() == so_far
                        && gateway.metric("inspection_rejected_total") == all
                })
                .await;
        }
    }
    let event = of_rule(&gateway, "protocol:authority_not_trusted").pop().unwrap();
    assert_eq!(event["event"]["action"], "block", "{event:#}");
    assert_eq!(event["source"]["ip"], "127.1.2.7", "{event:#}");
    assert_eq!(event["destination"]["domain"], "maths.example", "{event:#}");
    assert_eq!(event["error"]["message"], "unknown_ca", "{event:#}");
    assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "nothing was asked in its stead");
    assert_eq!(gateway.managed("ks2").visit("maths.example", &BOTH).await.get("/").await.status, 200);
    gateway.stop().await;
}

/// One that leaves without a word after the certificate is a candidate too; one that never
/// finishes its hello, or finishes and asks nothing, is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_after_the_certificate_is_a_candidate() {
    let gateway = always().start().await;
    let browser = gateway.browser("ks2");
    let mut tunnel = browser.connect("maths.example:443").await.unwrap();
    tunnel.write_all(&hello("maths.example", 0)).await.unwrap();
    assert!(tunnel.read_u8().await.is_ok(), "the certificate is on its way");
    drop(tunnel);
    // It is counted first, and recorded then.
    let rejected = |gateway: &Gateway| {
        of_rule(gateway, "protocol:authority_not_trusted").len() == 1
            && gateway.metric("inspection_rejected_total") == 1
    };
    gateway.eventually("the rejection", rejected).await;
    let event = of_rule(&gateway, "protocol:authority_not_trusted").pop().unwrap();
    assert_eq!(event["error"]["message"], "closed_after_certificate", "{event:#}");
    let mut tunnel = browser.connect("maths.example:443").await.unwrap();
    tunnel.write_all(&hello("maths.example", 0)[..50]).await.unwrap();
    drop(tunnel);
    drop(gateway.managed("ks2").visit("maths.example", &BOTH).await);
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    assert_eq!(gateway.metric("inspection_rejected_total"), 1);
    gateway.stop().await;
}

/// What is refused stays refused, and is recorded as refused, for a client that can't be shown why.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_site_is_recorded_as_such_also_for_who_cannot_be_told() {
    let gateway = always().start().await;
    for (at, (site, rung)) in [
        ("games.example", "category"),
        ("school-blocked.example", "school_lists"),
        ("statutory.example", "statutory"),
    ]
    .into_iter()
    .enumerate()
    {
        let fault = gateway.browser("ks2").try_visit(site, &BOTH).await.err().unwrap();
        assert!(fault.status == 403 || fault.body.contains("UnknownIssuer"), "{site}: {fault:?}");
        gateway.eventually("the refusal", |gateway| gateway.accesses().len() == at + 1).await;
        let event = gateway.accesses().pop().unwrap().event;
        assert_eq!(event["event"]["action"], "block", "{site}: {event:#}");
        assert_eq!(event["schoolgate"]["rung"], rung, "{site}: {event:#}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// A browser that opens a connection ahead and asks nothing leaves one event of a refused site; one
/// that asks leaves one for every request and no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_one_event_however_it_is_used() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (asks, events) in [(0, 1), (1, 1), (3, 3)] {
        for offer in [&["h2"][..], &["http/1.1"]] {
            // Over HTTP/1.1 a refusal ends the connection.
            if asks > 1 && offer == ["http/1.1"] {
                continue;
            }
            let before = gateway.accesses().len();
            let mut visit = browser.visit("games.example", offer).await;
            for _ in 0..asks {
                assert_eq!(visit.get("/x").await.status, 403);
            }
            drop(visit);
            gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
            let told = gateway.accesses().split_off(before);
            assert_eq!(told.len(), events, "{asks} {offer:?}: {told:#?}");
            assert!(told.iter().all(|access| access.event["event"]["action"] == "block"));
        }
    }
    gateway.stop().await;
}
