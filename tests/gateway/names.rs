//! Names through real name servers: asked once, judged by what they come to, survived when dead.

mod server;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Answer, Gateway};
use server::{NameServer, Silence};

/// What a school's name server would know. `*.example` never gets this far: the harness fixes it.
const RECORDS: &str = "\
127.0.0.1 plain.names.test
127.0.0.1 kept.names.test
::1 kept.names.test
127.0.0.1 moving.names.test
127.0.0.1 two.names.test
10.9.8.7 two.names.test
10.9.8.7 private.names.test
fd00::7 private.names.test
169.254.169.254 metadata.names.test
127.0.0.2 this-host.names.test
::ffff:10.9.8.7 mapped.names.test
64:ff9b::a09:807 nat64.names.test
198.51.100.7 illegal.names.test
";

async fn asking(address: std::net::SocketAddr) -> Gateway {
    Gateway::new().setting("RESOLVER__SERVERS", &format!("[\"{address}\"]")).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_asked_for_once_an_access_and_what_was_judged_is_dialled() {
    let mut names = NameServer::start(RECORDS, &["--cname=alias.names.test,plain.names.test"]).await;
    let gateway = asking(names.address).await;
    let browser = gateway.browser("ks2");
    let answer = browser.get("http://plain.names.test/").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        names.asked("plain.names.test").await,
        ["A", "AAAA"],
        "one question a family, and no second look"
    );

    assert_eq!(browser.get("http://alias.names.test/").await.status, 200, "by way of a CNAME");
    assert_eq!(names.asked("alias.names.test").await, ["A", "AAAA"]);

    // The answers live for no time at all, so the next access asks again: a name that moved to
    // the school's own network in between is not followed there.
    assert_eq!(browser.get("http://moving.names.test/").await.status, 200);
    names.change(&RECORDS.replace("127.0.0.1 moving", "10.9.8.7 moving")).await;
    let answer = browser.get("http://moving.names.test/").await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(names.asked("moving.names.test").await, ["A", "AAAA", "A", "AAAA"]);
    assert_eq!(gateway.origin.heads().len(), 3, "the site was reached three times");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_for_as_long_as_it_lives() {
    let mut names = NameServer::start(RECORDS, &["--local-ttl=60"]).await;
    let gateway = asking(names.address).await;
    for _ in 0..5 {
        assert_eq!(gateway.browser("ks2").get("http://kept.names.test/").await.status, 200);
    }
    assert_eq!(names.asked("kept.names.test").await, ["A", "AAAA"]);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_into_a_private_network_is_refused_and_recorded() {
    let names = NameServer::start(RECORDS, &[]).await;
    let gateway = asking(names.address).await;
    let browser = gateway.browser("staff");
    for (name, rule) in [
        ("private", "protocol:private_address"),
        ("metadata", "protocol:private_address"),
        ("this-host", "protocol:this_host"),
        ("mapped", "protocol:private_address"),
        ("nat64", "protocol:private_address"),
    ] {
        let answer = browser.get(&format!("http://{name}.names.test/")).await;
        assert_eq!(answer.status, 403, "{name}: {answer:?}");
        let event = gateway.accesses().pop().unwrap().event;
        assert_eq!(event["event"]["action"], "block", "{name}");
        assert_eq!(event["rule"]["id"], rule, "{name}: {event:#}");
        let refused = browser.tls(&format!("{name}.names.test:443"), &format!("{name}.names.test")).await;
        assert!(refused.is_err_and(|answer| answer.body.contains("AccessDenied")), "{name} by TLS");
    }
    // Of two addresses the one within reach is taken, and the other never tried.
    assert_eq!(browser.get("http://two.names.test/").await.status, 200);
    // A statutory address is refused under any name, and the record does not say which.
    assert_eq!(browser.get("http://illegal.names.test/").await.status, 403);
    let event = gateway.accesses().pop().unwrap().event;
    assert_eq!(event["schoolgate"]["rung"], "statutory");
    assert!(!event.to_string().contains("names.test"), "{event}");
    assert_eq!(gateway.origin.heads().len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_exist_gets_a_page_that_says_so_and_is_recorded() {
    let names = NameServer::start(RECORDS, &[]).await;
    let gateway = asking(names.address).await;
    let answer = gateway.browser("ks2").get("http://no-such.names.test/").await;
    unreachable(&answer);
    failed(&gateway.closed(0).await);
    let refused = gateway.browser("ks2").tls("no-such.names.test:443", "no-such.names.test").await;
    let refused = refused.unwrap_err();
    assert!(refused.body.contains("InternalError"), "TLS is told that it is not policy: {refused:?}");
    failed(&gateway.closed(1).await);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_name_server_costs_those_names_only_and_is_forgotten_once_it_is_back() {
    let mut names = NameServer::start(RECORDS, &[]).await;
    let gateway = asking(names.address).await;
    let browser = gateway.browser("ks2");
    assert_eq!(browser.get("http://plain.names.test/").await.status, 200);
    names.stop().await;
    for _ in 0..3 {
        let asked = Instant::now();
        unreachable(&browser.get("http://plain.names.test/").await);
        assert!(asked.elapsed() < GIVEN_UP, "took {:?}", asked.elapsed());
    }
    assert_eq!(browser.get("http://maths.example/").await.status, 200, "other names go on");
    assert_eq!(browser.get("http://games.example/").await.status, 403);
    names.start_again().await;
    let answer = browser.get("http://plain.names.test/").await;
    assert_eq!(answer.status, 200, "back to normal with the next request: {answer:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_server_that_says_nothing_is_given_up_in_time() {
    let silence = Silence::start().await;
    let gateway = asking(silence.address).await;
    let browser = gateway.browser("ks2");
    let asked = Instant::now();
    let slow = tokio::spawn({
        let browser = browser.clone();
        async move { browser.get("http://plain.names.test/").await }
    });
    silence.was_asked().await;
    assert_eq!(browser.get("http://maths.example/").await.status, 200, "nobody else waits");
    assert!(!slow.is_finished(), "and it was still waiting");
    unreachable(&slow.await.unwrap());
    assert!(asked.elapsed() < GIVEN_UP, "took {:?}", asked.elapsed());
    gateway.stop().await;
}

/// How long a name may take to be found nowhere: what a browser waits for.
const GIVEN_UP: Duration = Duration::from_secs(20);

fn unreachable(answer: &Answer) {
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.body.contains("The site was not found or did not answer"), "{}", answer.body);
}

fn failed(event: &Value) {
    assert_eq!(event["event"]["action"], "allow", "policy did not refuse it: {event:#}");
    assert_eq!(event["schoolgate"]["closed_by"], "error", "{event:#}");
}
