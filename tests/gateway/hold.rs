//! Policy holds for what is open already: tunnels, websockets and downloads end with their leave.

use std::time::{Duration, Instant};

use schoolgate::control::{Decision, Staff, UnblockRequest};
use schoolgate::model::Role;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::{AT_ONCE, Gateway, POLICY, Talk, within};

/// Everything that stays open to a host: a tunnel, a websocket, a download.
struct Held {
    tunnel: TlsStream<TcpStream>,
    websocket: Talk,
    download: Talk,
}

impl Held {
    async fn open(gateway: &Gateway, host: &str) -> Held {
        let browser = gateway.browser("ks2");
        let tunnel = browser.tls(&format!("{host}:443"), host).await.unwrap();
        let mut websocket = browser.talk().await;
        let fields = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
        websocket.say(format!("GET http://{host}/websocket HTTP/1.1\r\nHost: {host}\r\n{fields}")).await;
        assert_eq!(websocket.answer().await.unwrap().status, 101);
        let mut download = browser.talk().await;
        download.say(format!("GET http://{host}/stream HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(!download.first().await.is_empty());
        Held { tunnel, websocket, download }
    }

    /// Waits until all three have ended.
    async fn ended(mut self) {
        let mut rest = Vec::new();
        let _ = within(self.tunnel.read_to_end(&mut rest)).await;
        let _ = self.websocket.rest().await;
        let _ = self.download.rest().await;
    }
}

/// How the accesses to a host ended, in the record.
fn ends(gateway: &Gateway, host: &str) -> Vec<serde_json::Value> {
    let events = gateway.accesses().into_iter().map(|access| access.event);
    let passed = events.filter(|event| event["url"]["domain"] == host && event["event"]["action"] != "block");
    passed.map(|event| event["schoolgate"]["closed_by"].clone()).collect()
}

async fn all_ended_by_policy(gateway: &Gateway, host: &str) {
    gateway.eventually("three ends in the record", |gateway| ends(gateway, host) == ["policy"; 3]).await;
}

/// What was recorded of unblocks so far: `unblock.requested`, …
fn steps(gateway: &Gateway) -> Vec<String> {
    let steps = gateway.events("schoolgate.unblock").into_iter();
    steps.filter_map(|step| Some(step.event["event"]["action"].as_str()?.to_owned())).collect()
}

async fn headteacher(gateway: &Gateway) -> Staff {
    let control = &gateway.running.control;
    control.add_staff(&"head".parse().unwrap(), &[Role::Headteacher]).await.unwrap();
    control.staff().await.unwrap().remove(0)
}

fn games_for(group: &str) -> UnblockRequest {
    UnblockRequest {
        target: "games.example".to_owned(),
        groups: vec![group.to_owned()],
        reason: "Year six study games in the lesson".to_owned(),
        ..UnblockRequest::default()
    }
}

/// Invariant 12: a new block ends what is open to that host, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_block_ends_what_is_open_to_that_host_alone() {
    let gateway = Gateway::new().start().await;
    let held = Held::open(&gateway, "new.example").await;
    let mut other = Held::open(&gateway, "maths.example").await;
    gateway.rewrite("blocklists/school/block.txt", "new.example\n").await.unwrap();
    let since = Instant::now();
    held.ended().await;
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    all_ended_by_policy(&gateway, "new.example").await;
    other.websocket.say("still here").await;
    assert_eq!(other.websocket.exactly(10).await, b"still here");
    assert!(!other.download.first().await.is_empty());
    assert_eq!(ends(&gateway, "maths.example"), [(); 3].map(|()| serde_json::Value::Null));
    drop(other);
    gateway.stop().await;
}

/// Invariant 12: an unblock opens within a second, for its audience alone, and its revocation
/// ends what it opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_opens_for_its_audience_and_its_revocation_ends_it() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let request = UnblockRequest { minutes: Some(30), ..games_for("ks2") };
    let control = &gateway.running.control;
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 403);
    let kept = control.request_unblock(&head, &request, None).await.unwrap().value;
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 200);
    for group in ["eyfs_ks1", "nobody knows"] {
        assert_eq!(gateway.browser(group).get("http://games.example/").await.status, 403, "{group}");
    }
    let event = gateway.accesses()[1].event.clone();
    assert_eq!(event["schoolgate"]["unblock_id"], kept.unblock.id.to_string(), "{event:#}");
    let first = gateway.closed(1).await;
    assert_eq!(first["schoolgate"]["closed_by"], "origin");
    let held = Held::open(&gateway, "chess.games.example").await;
    control.decide(&head, kept.unblock.id, Decision::Revoke, Some("the lesson is over"), None).await.unwrap();
    let since = Instant::now();
    held.ended().await;
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    all_ended_by_policy(&gateway, "chess.games.example").await;
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 403);
    gateway.stop().await;
}

/// Invariant 12: an unblock's end by the clock ends what it opened, with nobody doing anything.
#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_that_runs_out_ends_what_it_opened() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let control = &gateway.running.control;
    let length = Duration::from_secs(5);
    let over = Instant::now() + length;
    let ends_at = control.now().plus(length);
    let request = UnblockRequest { ends_at: Some(ends_at), ..games_for("ks2") };
    control.request_unblock(&head, &request, None).await.unwrap();
    let held = Held::open(&gateway, "games.example").await;
    let mut kept = gateway.browser("ks2").talk().await;
    held.ended().await;
    let ended = Instant::now();
    assert!(ended + Duration::from_millis(50) >= over && ended < over + AT_ONCE, "{:?}", ended - over);
    assert_eq!(kept.get("http://games.example/").await.unwrap().status, 403);
    all_ended_by_policy(&gateway, "games.example").await;
    gateway.stop().await;
}

/// Invariant 12: an unblock holds across a restart, for its audience and no longer than its time;
/// what was asked for and not yet approved opens nothing then either.
#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_holds_across_a_restart_and_a_pending_one_opens_nothing() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let request = UnblockRequest { minutes: Some(30), ..games_for("ks2") };
    let kept = gateway.running.control.request_unblock(&head, &request, None).await.unwrap().value;
    let gateway = gateway.restarted().await;
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 200);
    assert_eq!(gateway.browser("eyfs_ks1").get("http://games.example/").await.status, 403);
    let control = &gateway.running.control;
    control.decide(&head, kept.unblock.id, Decision::Revoke, None, None).await.unwrap();
    // Whenever the gateway comes to it; only then is the order of the steps known.
    gateway.eventually("a report", |gateway| steps(gateway).contains(&"unblock.report".to_owned())).await;
    let teacher = Staff::of("t.teacher".parse().unwrap(), &[Role::Teacher]);
    control.add_staff(&teacher.name, &teacher.roles).await.unwrap();
    let asked = control.request_unblock(&teacher, &request, None).await.unwrap().value;
    let gateway = gateway.restarted().await;
    let now = gateway.running.control.now();
    assert_eq!(asked.unblock.state(now), schoolgate::policy::State::Pending);
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 403);
    let told = ["unblock.requested", "unblock.revoked", "unblock.report", "unblock.requested"];
    assert_eq!(steps(&gateway), told, "each step once");
    let steps = gateway.events("schoolgate.unblock");
    assert!(steps.iter().all(|step| step.event["schoolgate"]["details"]["justification"].is_string()));
    gateway.stop().await;
}

/// Invariant 12: an unblock for later opens at its start, within a second and not before, with
/// nobody doing anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_unblock_opens_at_its_start() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let control = &gateway.running.control;
    let ahead = Duration::from_secs(4);
    let starts_at = control.now().plus(ahead);
    let start = Instant::now() + ahead;
    let request = UnblockRequest { starts_at: Some(starts_at), minutes: Some(30), ..games_for("ks2") };
    let kept = control.request_unblock(&head, &request, None).await.unwrap().value;
    assert_eq!(kept.unblock.state(control.now()), schoolgate::policy::State::Scheduled);
    while gateway.browser("ks2").get("http://games.example/").await.status == 403 {
        assert!(Instant::now() < start + AT_ONCE, "it opens");
    }
    assert!(control.now() >= starts_at, "and not before");
    let told =
        |gateway: &Gateway| steps(gateway).iter().filter(|step| *step == "unblock.started").count() == 1;
    gateway.eventually("the start in the record", told).await;
    gateway.stop().await;
}

/// Invariant 12: a restart in the middle of an unblock moves its end by nothing; and what it was
/// used for is reported once, by whichever run sees it end.
#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_ends_on_time_after_a_restart_in_its_middle_and_is_reported_once() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let length = Duration::from_secs(8);
    let over = Instant::now() + length;
    let ends_at = gateway.running.control.now().plus(length);
    let request = UnblockRequest { ends_at: Some(ends_at), ..games_for("ks2") };
    gateway.running.control.request_unblock(&head, &request, None).await.unwrap();
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 200);
    let gateway = gateway.restarted().await;
    let held = Held::open(&gateway, "games.example").await;
    held.ended().await;
    let ended = Instant::now();
    assert!(ended + Duration::from_millis(50) >= over && ended < over + AT_ONCE, "{:?}", ended - over);
    let reports = |gateway: &Gateway| {
        let steps = gateway.events("schoolgate.unblock").into_iter();
        let reports = steps.filter(|step| step.event["event"]["action"] == "unblock.report");
        reports.map(|step| step.event["schoolgate"]["details"]["accesses"].clone()).collect::<Vec<_>>()
    };
    gateway.eventually("a report", |gateway| reports(gateway) == [4]).await;
    let gateway = gateway.restarted().await;
    gateway.eventually("no second one", |gateway| reports(gateway) == [4]).await;
    gateway.stop().await;
}

/// Invariant 13: a client in another group is judged as such from its next request on, also on a
/// connection that was open before; and its tunnels end if the group may not have them.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_group_takes_effect_on_the_next_request() {
    let gateway = Gateway::new().start().await;
    let held = Held::open(&gateway, "maths.example").await;
    let mut kept = gateway.browser("ks2").talk().await;
    assert_eq!(kept.get("http://maths.example/").await.unwrap().status, 200);
    let moved = POLICY
        .replace("\"127.1.1.0/24\"", "\"127.1.1.0/24\", \"127.1.2.0/24\"")
        .replace("\"127.1.2.0/24\", \"fd00:2::/64\"", "\"fd00:2::/64\"");
    gateway.rewrite("policy.toml", &moved).await.unwrap();
    let since = Instant::now();
    assert_eq!(kept.get("http://maths.example/").await.unwrap().status, 403);
    held.ended().await;
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    assert_eq!(gateway.browser("ks2").get("http://phonics.example/").await.status, 200);
    let event = gateway.accesses().pop().unwrap().event;
    assert_eq!(event["user"]["group"]["name"], "eyfs_ks1", "{event:#}");
    gateway.stop().await;
}
