//! Killed under load, again and again: it comes back quickly, and whatever a client was answered
//! is in the trail.

use std::collections::HashSet;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use schoolgate::audit::{Filter, Index, index, query};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::{Gateway, address_of, within};

const ROUNDS: usize = 20;
const CLIENTS: usize = 16;
/// From the start of the program to its first answer (RELIABILITY, goals).
const SERVES_WITHIN: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_before_a_kill_is_in_the_trail_after_it() {
    let site = Gateway::new().site().await;
    let (mut answered, mut starts) = (HashSet::new(), Vec::new());
    for round in 0..ROUNDS {
        let started = Instant::now();
        let program = site.serve().await;
        let proxy = program.at("explicit");
        let first = format!("http://maths.example/first/{round}");
        assert_eq!(within(get(proxy, &first)).await.unwrap(), 200);
        starts.push(started.elapsed());
        answered.insert(first);

        let load = Load::start(proxy, round);
        // Another moment in each round, so that the kill meets the writer in other states.
        load.reaches(100 + 23 * round).await;
        program.kill().await;
        answered.extend(load.stop().await);
    }

    // Of twenty, some may meet a machine that is busy with something else.
    starts.sort();
    assert!(starts[ROUNDS / 2] < SERVES_WITHIN, "served again after {starts:?}");

    let mut last = site.serve().await;
    last.signal("TERM").await;
    assert!(last.ended().await.success());
    site.verify().await;
    let trail = site.trail();
    let recorded: HashSet<&str> =
        trail.iter().filter_map(|event| event.pointer("/url/full").and_then(Value::as_str)).collect();
    let lost: Vec<&String> = answered.iter().filter(|url| !recorded.contains(url.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} answers are not in the trail: {lost:?}", lost.len(), answered.len());
    // What the index finds is what a reading of every line finds.
    let dir = site.file("var/audit");
    for day in site.segments().iter().filter_map(|segment| segment.parent()) {
        assert!(day.join("index.sum").is_file(), "the index caught up and was finished");
    }
    assert!(index::check(&dir).unwrap().is_empty());
    let blocked = Filter { action: Some("block".into()), limit: 1_000_000, ..Filter::default() };
    let (indexed, read) = (Index::of(&dir).query(&blocked).unwrap(), query(&dir, &blocked).unwrap());
    assert!(
        indexed == read && !read.records.is_empty(),
        "{} of {}",
        indexed.records.len(),
        read.records.len()
    );
    let starts = trail.iter().filter(|event| event["event"]["action"] == "gateway.started").count();
    assert_eq!(starts, ROUNDS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_torn_by_a_power_cut_is_set_aside_and_that_is_recorded() {
    let site = Gateway::new().site().await;
    let program = site.serve().await;
    assert_eq!(within(get(program.at("explicit"), "http://games.example/")).await.unwrap(), 403);
    program.kill().await;
    let segment = site.segments().pop().unwrap();
    let torn = br#"{"@timestamp":"2026-11-24T09:14:03.123Z","ecs":{"ver"#;
    std::fs::OpenOptions::new().append(true).open(&segment).unwrap().write_all(torn).unwrap();

    let mut program = site.serve().await;
    assert_eq!(within(get(program.at("explicit"), "http://maths.example/")).await.unwrap(), 200);
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
    let trail = site.trail();
    let repair = trail.iter().find(|event| event["event"]["action"] == "audit.repaired").expect("a repair");
    let kept = repair.to_string();
    let kept = site
        .segments()
        .pop()
        .and_then(|segment| segment.parent().map(std::path::Path::to_owned))
        .into_iter()
        .flat_map(|day| std::fs::read_dir(day).unwrap())
        .map(|entry| entry.unwrap().path())
        .find(|path| kept.contains(&*path.file_name().unwrap().to_string_lossy()) && *path != segment)
        .expect("the torn bytes are kept beside the segment");
    assert_eq!(std::fs::read(kept).unwrap(), torn);
    let blocked = trail.iter().filter(|event| event["url"]["full"] == "http://games.example/").count();
    assert_eq!(blocked, 1, "what stood before the torn line is still there");
}

/// Clients that ask without pause and remember what they were answered.
struct Load {
    clients: JoinSet<()>,
    answered: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Load {
    fn start(proxy: SocketAddr, round: usize) -> Load {
        let answered = Arc::new(Mutex::new(Vec::new()));
        let (tell, count) = watch::channel(0);
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (answered, tell) = (Arc::clone(&answered), tell.clone());
            clients.spawn(async move {
                for number in 0.. {
                    let (site, expected) =
                        if number % 3 == 0 { ("games.example", 403) } else { ("maths.example", 200) };
                    let url = format!("http://{site}/{round}/{client}/{number}");
                    let Ok(status) = get(proxy, &url).await else { return };
                    assert_eq!(status, expected, "{url}");
                    answered.lock().unwrap().push(url);
                    tell.send_modify(|count| *count += 1);
                }
            });
        }
        Load { clients, answered, count }
    }

    async fn reaches(&self, count: usize) {
        let mut watched = self.count.clone();
        within(watched.wait_for(|answered| *answered >= count)).await.unwrap();
    }

    /// What was answered until the program was gone.
    async fn stop(self) -> Vec<String> {
        within(self.clients.join_all()).await;
        std::mem::take(&mut *self.answered.lock().unwrap())
    }
}

/// The status of an answer, as soon as its first line is there: from then on it counts.
async fn get(proxy: SocketAddr, url: &str) -> io::Result<u16> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((address_of("ks2"), 0).into())?;
    let mut stream = socket.connect(proxy).await?;
    let host = url.split('/').nth(2).unwrap();
    let head = format!("GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let line = String::from_utf8_lossy(&answer);
    line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}
