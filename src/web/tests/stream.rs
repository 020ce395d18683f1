//! The log as it grows, over real sockets: who sees what, going on, ends, readers that do not read.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::fixture::Office;
use crate::audit::{Act, Actor, Entry};
use crate::web::{admin, serve};

/// A listener, and what stops it.
async fn listen(office: &Office) -> (SocketAddr, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    tokio::spawn(serve(vec![listener], admin(&office.shared), None, stop.clone()));
    (address, stop)
}

/// What came of a stream so far.
struct Heard {
    stream: TcpStream,
    text: String,
}

impl Heard {
    async fn open(office: &Office, address: SocketAddr, who: &str, query: &str, more: &str) -> Heard {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let token = office.token(who).unwrap();
        let asked = format!(
            "GET /api/v1/events/stream?{query} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{more}\r\n"
        );
        stream.write_all(asked.as_bytes()).await.unwrap();
        Heard { stream, text: String::new() }
    }

    /// Reads until it is there with the whole of its event, however it comes in pieces.
    async fn until(&mut self, wanted: &str) -> &str {
        let mut bytes = vec![0; 64 * 1024];
        while !self.text.split_once(wanted).is_some_and(|(_, rest)| rest.contains("\n\n")) {
            let read = tokio::time::timeout(Duration::from_secs(10), self.stream.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("no {wanted} in {}", self.text)).unwrap();
            assert!(read > 0, "it ended without {wanted}: {}", self.text);
            self.text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        &self.text
    }

    /// The events so far, by number.
    fn events(&self) -> Vec<(u64, Value)> {
        let frames = self.text.split("event: event\nid: ").skip(1);
        let frames = frames.filter_map(|frame| frame.split_once("\n\n")).filter_map(|(frame, _)| {
            let (id, data) = frame.split_once("\ndata: ")?;
            Some((id.parse().unwrap(), serde_json::from_str(data).unwrap()))
        });
        frames.collect()
    }
}

async fn ends(office: &Office) -> Vec<Value> {
    let trail = office.trail().await;
    trail.into_iter().filter(|event| event["event"]["action"] == "events.stream_ended").collect()
}

/// Waits until so many ends of streams are recorded.
async fn ended(office: &Office, count: usize) -> Vec<Value> {
    let mut follower = office.recorder.follow(office.recorder.head().sequence);
    loop {
        let found = ends(office).await;
        if found.len() >= count {
            return found;
        }
        let more = tokio::time::timeout(Duration::from_secs(10), follower.more()).await;
        assert!(more.is_ok(), "{count} ends: {found:?}");
        follower = office.recorder.follow(office.recorder.head().sequence);
    }
}

const WHY: &str = "reason=worried+about+year+five";

#[tokio::test]
async fn a_stream_shows_what_comes_and_goes_on_where_it_was_left() {
    let office = Office::open().await;
    let (address, stop) = listen(&office).await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let mut first = Heard::open(&office, address, "dsl", &format!("{WHY}&host=games.example"), "").await;
    let head = first.until("event: start").await.to_owned();
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    office.visit("10.1.2.3", "y5.042", "other.example").await;
    office.visit("10.1.2.4", "y5.043", "www.games.example").await;
    first.until("y5.043").await;
    let seen = first.events();
    assert_eq!(seen.len(), 1, "nothing from before, nothing else: {seen:?}");
    assert_eq!(seen[0].1["url"]["domain"], "www.games.example");
    drop(first);
    ended(&office, 1).await;

    for number in 0..100 {
        office.visit("10.1.2.3", &format!("y6.{number}"), "games.example").await;
    }
    let id = format!("Last-Event-ID: {}\r\n", seen[0].0);
    let query = format!("{WHY}&host=games.example&after=1");
    let mut second = Heard::open(&office, address, "dsl", &query, &id).await;
    second.until("y6.99\"").await;
    let users: Vec<Value> =
        second.events().into_iter().map(|(_, event)| event["user"]["name"].clone()).collect();
    let expected: Vec<Value> = (0..100).map(|number| format!("y6.{number}").into()).collect();
    assert_eq!(users, expected, "none is missed and none comes twice");
    let line = second.text.split("data: {\"@timestamp\"").nth(1).unwrap();
    assert!(line.contains(",\"hash\":\""), "who sees names gets the line itself: {line}");
    drop(second);

    let found = ended(&office, 2).await;
    assert_eq!(found[0]["schoolgate"]["details"]["sent"], 1);
    assert_eq!(found[1]["schoolgate"]["details"]["sent"], 100);
    assert_eq!(found[1]["schoolgate"]["details"]["ended_by"], "reader");
    let trail = office.trail().await;
    let began = trail.iter().find(|event| event["event"]["action"] == "events.stream").unwrap();
    assert_eq!(began["event"]["reason"], "worried about year five");
    assert_eq!(began["schoolgate"]["details"]["host"], "games.example");
    assert_eq!(began["event"]["sequence"], found[0]["schoolgate"]["details"]["stream"]);
    let resumed = trail.iter().rfind(|event| event["event"]["action"] == "events.stream").unwrap();
    assert_eq!(resumed["schoolgate"]["details"]["after"], seen[0].0, "where it went on, whoever said so");
    stop.cancel();
}

#[tokio::test]
async fn each_role_sees_what_it_sees_of_the_log() {
    let office = Office::open().await;
    let (address, stop) = listen(&office).await;
    let mut technician = Heard::open(&office, address, "technician", "dataset=access", "").await;
    technician.until("event: start").await;
    office.visit("10.1.2.4", "y5.043", "listed.example").await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let text = technician.until("games.example").await.to_owned();
    for name in ["y5.04", "10.1.2.", "CB-2-017", "\"hash\"", "\"prev\"", "listed.example"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    assert_eq!(technician.events().len(), 2);
    for (who, query, status) in [
        ("dsl", "", 422),
        ("dsl", &format!("{WHY}&after=100000"), 422),
        ("dsl", &format!("{WHY}&last=1001"), 422),
        ("dsl", &format!("{WHY}&from=2026-11-24T09:00:00Z"), 422),
        ("technician", "host=a..b", 422),
        ("governor", "", 403),
        ("teacher", "", 403),
        ("none", "", 401),
    ] {
        let (found, answer) = office.get(who, &format!("/events/stream?{query}")).await;
        assert_eq!(found, status, "{who} {query}: {answer}");
    }
    let mut last = Heard::open(&office, address, "dsl", &format!("{WHY}&last=3"), "").await;
    last.until("y5.042").await;
    assert!(last.events().len() <= 4, "{:?}", last.events());
    stop.cancel();
}

#[tokio::test]
async fn a_stream_ends_with_the_account_and_with_the_role() {
    let office = Office::open().await;
    let (address, stop) = listen(&office).await;
    for (who, change) in [("dsl", "disable"), ("headteacher", "roles")] {
        let mut heard = Heard::open(&office, address, who, WHY, "").await;
        heard.until("event: start").await;
        let name = who.parse().unwrap();
        match change {
            "disable" => drop(office.control.disable_staff(&name).await.unwrap()),
            _ => {
                let store = office.folder.path().join("state.db");
                let sql = "UPDATE staff SET roles = 'governor' WHERE name = 'headteacher'";
                rusqlite::Connection::open(store).unwrap().execute(sql, []).unwrap();
            }
        }
        office.visit("10.1.2.3", "y5.042", "games.example").await;
        let text = heard.until("event: end").await;
        assert!(text.contains("\"reason\":\"access\"") && !text.contains("y5.042"), "{text}");
    }
    let found = ended(&office, 2).await;
    assert!(found.iter().all(|event| event["schoolgate"]["details"]["ended_by"] == "access"), "{found:?}");
    stop.cancel();
}

#[tokio::test]
async fn streams_are_few_and_end_with_the_gateway() {
    let office = Office::open().await;
    let (address, stop) = listen(&office).await;
    let mut open = Vec::new();
    for _ in 0..4 {
        let mut heard = Heard::open(&office, address, "dsl", WHY, "").await;
        heard.until("event: start").await;
        open.push(heard);
    }
    let (status, answer) = office.get("dsl", &format!("/events/stream?{WHY}")).await;
    assert_eq!((status, answer["code"].as_str()), (429, Some("too_many_streams")), "{answer}");
    let mut other = Heard::open(&office, address, "technician", "", "").await;
    other.until("event: start").await;
    let shared = office.shared.clone();
    shared.end_streams().await;
    for heard in &mut open {
        heard.until("event: end\ndata: {\"reason\":\"stop\"}").await;
    }
    assert_eq!(ends(&office).await.len(), 5, "all is recorded once streams have ended");
    stop.cancel();
}

#[tokio::test]
async fn who_does_not_read_holds_up_nobody() {
    const FILLERS: u64 = 5000;
    let office = Office::open().await;
    let (address, stop) = listen(&office).await;
    let mut silent = Heard::open(&office, address, "dsl", WHY, "").await;
    silent.until("event: start").await;
    let words = "w".repeat(20_000);
    let act = || Act { reason: Some(words.clone()), ..Act::new(Actor::System, "test.filler") };
    let mut tasks = Vec::new();
    // More than the sockets hold for it.
    for _ in 0..FILLERS {
        let (recorder, entry) = (office.recorder.clone(), Entry::System(act()));
        tasks.push(tokio::spawn(async move { recorder.record(entry).await.unwrap() }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(30), task)
            .await
            .expect("recording waits for no reader")
            .unwrap();
    }
    let (status, _) = office.get("technician", "/events?limit=1").await;
    assert_eq!(status, 200);
    assert!(ends(&office).await.is_empty(), "it has a minute to take something");
    office.shared.end_streams().await;
    let found = ends(&office).await;
    let sent = found[0]["schoolgate"]["details"]["sent"].as_u64().unwrap();
    assert!(sent < FILLERS, "what is not taken is not read either: {sent}");
    stop.cancel();
}
