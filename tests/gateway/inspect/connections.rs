//! Every request on a connection is judged by itself, by what is in force when it comes.

use super::*;
use crate::harness::{AT_ONCE, Frames, HEADERS, Outcome, Talk, Visit, proper, request, within};
use http_body_util::BodyExt;
use schoolgate::control::{Decision, Staff, UnblockRequest};
use schoolgate::model::Role;

const BLOCK: &str = "blocklists/school/block.txt";

/// Invariant 9 over HTTP/2: each stream has its own answer, and a refusal ends its stream alone.
#[tokio::test(flavor = "multi_thread")]
async fn each_stream_is_judged_by_itself() {
    let gateway = inspected().file(BLOCK, "h2.example/no/\n").start().await;
    let mut visit = gateway.managed("ks2").visit("h2.example", &["h2"]).await;
    for (path, status) in
        [("/yes", 200), ("/no/1", 403), ("/path?2", 200), ("/no/../yes", 200), ("/%6eo/", 403), ("/yes", 200)]
    {
        let page = visit.get(path).await;
        assert_eq!(page.status, status, "{path}: {}", page.text());
    }
    let both = (0..40).map(|at| {
        let mut beside = visit.beside();
        async move {
            let (path, status) =
                if at % 2 == 0 { (format!("/path?{at}"), 200) } else { (format!("/no/{at}"), 403) };
            let page = beside.get(&path).await;
            assert_eq!(page.status, status, "{path}");
            assert!(status == 403 || page.text() == path, "{path}: {}", page.text());
        }
    });
    futures_util::future::join_all(both).await;
    let requests = gateway.accesses().into_iter().filter(|access| access.event["url"]["path"].is_string());
    assert_eq!(requests.count(), 46);
    assert_eq!(gateway.metric("connections_total"), 1);
    gateway.stop().await;
}

/// Two requests in one packet are two requests.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_come_in_one_packet_are_judged_one_by_one() {
    let gateway = inspected().file(BLOCK, "h2.example/no/\n").start().await;
    let mut frames = Frames::open(&gateway.managed("ks2"), "h2.example").await;
    let paths = ["/yes", "/no/", "/yes", "/no/"];
    let all = paths.iter().zip((1..).step_by(2)).map(|(path, at)| request(at, &proper("h2.example", path)));
    frames.say(all.collect::<Vec<_>>().concat()).await;
    let mut statuses = [0; 4];
    while statuses.contains(&0) {
        let heard = frames.next().await.unwrap();
        if heard.kind == HEADERS {
            let Outcome::Status(status) = heard.outcome() else { panic!("{heard:?}") };
            statuses[(heard.stream as usize - 1) / 2] = status;
        }
    }
    assert_eq!(statuses, [200, 403, 200, 403]);
    assert_eq!(gateway.origin.heads().len(), 2);
    gateway.stop().await;
}

/// Invariant 9 over HTTP/1.1: a refusal ends the connection; until then every request is judged.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_is_judged_again_for_every_request() {
    let gateway = inspected().file(BLOCK, "h1only.example/no/\n").start().await;
    let browser = gateway.managed("ks2");
    let mut visit = browser.visit("h1only.example", &["http/1.1"]).await;
    for at in 0..5 {
        assert_eq!(visit.get(&format!("/path?{at}")).await.text(), format!("/path?{at}"));
    }
    assert_eq!(visit.get("/no/").await.status, 403);
    assert!(visit.ask("GET", "/behind", &[], "").await.is_err(), "a refusal ends the connection");
    assert_eq!(gateway.origin.heads().len(), 5);
    gateway.stop().await;
}

/// A change of policy is in force for the next request on a connection that is open already.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_policy_holds_on_an_open_connection() {
    let gateway = inspected().file(BLOCK, "h2.example/no/\nh1only.example/no/\n").start().await;
    let browser = gateway.managed("ks2");
    let mut second = browser.visit("h2.example", &["h2"]).await;
    let mut first = browser.visit("h1only.example", &["http/1.1"]).await;
    for visit in [&mut first, &mut second] {
        assert_eq!(visit.get("/later").await.status, 200);
    }
    gateway.rewrite(BLOCK, "h2.example/later\nh1only.example/later\n").await.unwrap();
    for visit in [&mut first, &mut second] {
        assert_eq!(visit.get("/later").await.status, 403, "{}", visit.site);
    }
    assert_eq!(second.get("/no/").await.status, 200, "what was taken out is open");
    gateway.rewrite(BLOCK, "h2.example\n").await.unwrap();
    assert_eq!(second.get("/").await.status, 403, "the whole host");
    gateway.rewrite(BLOCK, "h2.example/later\n").await.unwrap();
    assert_eq!(second.get("/").await.status, 200);
    gateway.stop().await;
}

async fn cut_short(visit: &mut Visit, gateway: &Gateway) {
    let mut stream = visit.open("GET", "/stream", &[], "").await.unwrap().into_body();
    assert!(within(stream.frame()).await.unwrap().is_ok());
    gateway.rewrite(BLOCK, &format!("{}/stream\n", visit.site)).await.unwrap();
    let rest = tokio::time::timeout(AT_ONCE, stream.collect()).await;
    assert!(rest.expect("cut at once").is_err(), "{}: not whole", visit.site);
}

/// Invariants 12 and 18: a download that a reload blocks is cut, and seen to be cut.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_becomes_blocked_is_cut() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (site, offer) in [("h2.example", "h2"), ("h1only.example", "http/1.1"), ("h1only.example", "h2")] {
        gateway.rewrite(BLOCK, "# nothing\n").await.unwrap();
        let mut visit = browser.visit(site, &[offer]).await;
        cut_short(&mut visit, &gateway).await;
        if offer == "h2" {
            assert_eq!(visit.get("/").await.status, 200, "the connection outlives its stream");
        }
        let accesses = gateway.accesses();
        let at = accesses.iter().rposition(|access| access.event["url"]["path"] == "/stream").unwrap();
        assert_eq!(gateway.closed(at).await["schoolgate"]["closed_by"], "policy");
    }
    gateway.stop().await;
}

/// Invariant 12 for a WebSocket inside TLS.
#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_that_becomes_blocked_is_cut() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let tunnel = browser.connect("h1only.example:443").await.unwrap();
    let mut talk = Talk::new(browser.secure(tunnel, "h1only.example", &["http/1.1"]).await.unwrap());
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket";
    talk.say(format!("GET /websocket HTTP/1.1\r\nHost: h1only.example\r\n{upgrade}\r\n\r\n")).await;
    assert_eq!(talk.answer().await.unwrap().status, 101);
    talk.say("still here").await;
    assert_eq!(talk.exactly(10).await, b"still here");
    gateway.rewrite(BLOCK, "h1only.example/other\n").await.unwrap();
    talk.say("and now").await;
    assert_eq!(talk.exactly(7).await, b"and now", "another page is blocked, not this one");
    gateway.rewrite(BLOCK, "h1only.example/websocket\n").await.unwrap();
    let ended = tokio::time::timeout(AT_ONCE, talk.rest()).await;
    assert!(ended.is_ok(), "cut at once");
    assert_eq!(gateway.closed(1).await["schoolgate"]["closed_by"], "policy");
    gateway.stop().await;
}

async fn headteacher(gateway: &Gateway) -> Staff {
    let control = &gateway.running.control;
    control.add_staff(&"head".parse().unwrap(), &[Role::Headteacher]).await.unwrap();
    control.staff().await.unwrap().remove(0)
}

/// One page is opened for a lesson, its neighbours stay blocked, and it ends with the lesson.
#[tokio::test(flavor = "multi_thread")]
async fn an_unblock_opens_one_page_and_ends() {
    let gateway = inspected().start().await;
    let head = headteacher(&gateway).await;
    let browser = gateway.managed("ks2");
    let mut visit = browser.visit("games.example", &["h2"]).await;
    assert_eq!(visit.get("/chess/rules").await.status, 403);
    let request = UnblockRequest {
        target: "https://games.example/chess/".to_owned(),
        groups: vec!["ks2".to_owned()],
        minutes: Some(30),
        reason: "Year six study chess in the lesson".to_owned(),
        ..UnblockRequest::default()
    };
    let control = &gateway.running.control;
    let kept = control.request_unblock(&head, &request, None).await.unwrap().value;
    for (path, status) in
        [("/chess/rules", 200), ("/chess/", 200), ("/poker", 403), ("/chess/../poker", 403), ("/", 403)]
    {
        let mut visit = browser.visit("games.example", &["h2"]).await;
        assert_eq!(visit.get(path).await.status, status, "{path}");
        let page = visit.get("/chess/again").await;
        assert_eq!(page.status, 200, "behind {path}: {}", page.text());
    }
    let opened = gateway.accesses().into_iter().find(|access| access.event["url"]["path"] == "/chess/again");
    let event = opened.unwrap().event;
    assert_eq!(event["schoolgate"]["unblock_id"], kept.unblock.id.to_string(), "{event:#}");
    let mut open = browser.visit("games.example", &["h2"]).await;
    assert_eq!(open.get("/chess/rules").await.status, 200);
    control.decide(&head, kept.unblock.id, Decision::Revoke, Some("the lesson is over"), None).await.unwrap();
    assert_eq!(open.get("/chess/rules").await.status, 403, "on the open connection too");
    assert_eq!(browser.get("https://games.example/chess/rules").await.status, 403);
    gateway.stop().await;
}
