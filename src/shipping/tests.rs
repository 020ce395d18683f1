//! Frames, places, and collectors that go away.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::frame::Framer;
use super::*;
use crate::audit::{Act, Actor, Entry, Observer, Writer};
use crate::model::Timestamp;
use crate::settings::{Collector, SyslogNames, Transport};

fn trail(dir: &Path) -> (Recorder, Writer) {
    let now: Timestamp = "2026-11-24T09:14:03.123Z".parse().unwrap();
    let observer = Observer { name: "st-example".into(), version: "0".into() };
    Recorder::open(&dir.join("audit"), observer, None, move || now).unwrap()
}

fn shipping(dir: &Path, recorder: &Recorder, port: u16) -> Shipping {
    let address = Collector { host: crate::model::Host::parse("127.0.0.1").unwrap(), port };
    let collector = Syslog {
        name: "county".into(),
        address,
        transport: Transport::Tcp,
        ca: None,
        names: SyslogNames::Full,
        datasets: BTreeSet::new(),
    };
    Shipping::start(Parts {
        collectors: vec![collector],
        recorder: recorder.clone(),
        metrics: Metrics::new().unwrap(),
        state_dir: dir.to_owned(),
        gateway: "st-example".into(),
        pseudonyms: Pseudonyms::of_key([7; 32]),
        began: 0,
    })
    .unwrap()
}

async fn record(recorder: &Recorder, words: &str) {
    let act = Act { reason: Some(words.to_owned()), ..Act::new(Actor::System, "test.said") };
    recorder.record(Entry::System(act)).await.unwrap();
}

/// Reads one octet-counted message.
async fn message(stream: &mut TcpStream) -> String {
    let mut length = 0;
    loop {
        match stream.read_u8().await.unwrap() {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn sequence(message: &str) -> u64 {
    let (_, rest) = message.split_once("sequence=\"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_line_is_one_message_whatever_stands_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    for words in ["plain", "a\r\n<0>1 b\0\x1b[31m", "é\u{2028}\u{202e}\"]\\", &"x".repeat(900)] {
        record(&recorder, words).await;
    }
    let lines = recorder.follow(0).read(10).unwrap();
    let framer = Framer::new("st example]\n\"", BTreeSet::new());
    let all = |framer: &Framer| {
        let mut out = Vec::new();
        lines.iter().for_each(|line| framer.put(&line.line, &mut out));
        out
    };
    let mut rest = &all(&framer)[..];
    for line in &lines {
        let at = rest.iter().position(|byte| *byte == b' ').unwrap();
        let length: usize = std::str::from_utf8(&rest[..at]).unwrap().parse().unwrap();
        let message = std::str::from_utf8(&rest[at + 1..at + 1 + length]).unwrap();
        rest = &rest[at + 1 + length..];
        let hash = &line.line[line.line.len() - 67..line.line.len() - 3];
        let head = format!(
            "<134>1 2026-11-24T09:14:03.123Z stexample schoolgate - schoolgate.system \
             [schoolgate@32473 sequence=\"{}\" hash=\"{hash}\"] ",
            line.sequence
        );
        let said = message.strip_prefix(&head).unwrap_or_else(|| panic!("{message}\n{head}"));
        assert_eq!(said.strip_prefix('\u{feff}').unwrap_or(said), line.line);
        assert_eq!(said.starts_with('\u{feff}'), !line.line.is_ascii());
        assert!(!message.contains(|c: char| c.is_control()), "{message}");
    }
    assert!(rest.is_empty());
    assert!(all(&Framer::new("x", BTreeSet::from(["schoolgate.access".to_owned()]))).is_empty());
    let mut out = Vec::new();
    framer.put("no event", &mut out);
    assert!(out.is_empty());
}

/// Everything of a line but the name is known: its hash, or that of the next, would say whether a guess
/// is right.
#[tokio::test]
async fn under_pseudonyms_a_message_holds_neither_names_nor_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    let act = || Act::new(Actor::Staff("a.teacher".parse().unwrap()), "suspension.imposed");
    recorder.record(Entry::Change(act().with("users", vec!["y5.042".to_owned()]))).await.unwrap();
    recorder.record(Entry::Alert(act())).await.unwrap();
    recorder.record(Entry::Change(act())).await.unwrap();
    let lines = recorder.follow(0).read(10).unwrap();
    let pseudonyms = Pseudonyms::of_key([7; 32]);
    let (framer, mut out) = (Framer::new("x", BTreeSet::new()).under(pseudonyms.clone()), Vec::new());
    lines.iter().for_each(|line| framer.put(&line.line, &mut out));
    assert_eq!(whole(&out), [1, 3], "and nothing of alerts");
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(&pseudonyms.of("user", "y5.042")) && text.contains("a.teacher"), "{text}");
    let hashes = lines.iter().map(|line| &line.line[line.line.len() - 67..line.line.len() - 3]);
    for name in hashes.chain(["y5.042", "prev", "hash"]) {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn what_matters_is_more_severe() {
    let line = |dataset: &str, action: &str, outcome: &str| {
        let line = format!(
            "{{\"@timestamp\":\"t\",\"event\":{{\"sequence\":1,\"dataset\":\"schoolgate.{dataset}\",\
             \"action\":\"{action}\",\"outcome\":\"{outcome}\"}},\"schoolgate\":{{\"hash\":\"h\"}}}}"
        );
        let mut out = Vec::new();
        Framer::new("x", BTreeSet::new()).put(&line, &mut out);
        let text = String::from_utf8(out).unwrap();
        let at = text.find('<').unwrap();
        text[at + 1..text.find('>').unwrap()].parse::<u8>().unwrap() - 128
    };
    for (dataset, action, outcome, severity) in [
        ("alert", "alert.raised", "success", 1),
        ("access", "block", "success", 4),
        ("access", "alert", "success", 4),
        ("access", "allow", "success", 6),
        ("close", "close", "failure", 6),
        ("auth", "signed_in", "failure", 4),
        ("change", "block.placed", "success", 5),
        ("system", "gateway.started", "success", 6),
        ("system", "audit.disturbed", "success", 4),
    ] {
        assert_eq!(line(dataset, action, outcome), severity, "{dataset} {action} {outcome}");
    }
}

#[test]
fn a_place_is_kept_and_belongs_to_its_trail() {
    let dir = tempfile::tempdir().unwrap();
    let open = |began, head| Cursor::open(dir.path(), "county", began, head);
    let mut cursor = open(7, 9).unwrap();
    assert_eq!(cursor.sequence(), 7, "a new one begins where the gateway did");
    cursor.advance(9).unwrap();
    assert_eq!(open(8, 9).unwrap().sequence(), 9);
    assert_eq!(open(4, 5).unwrap().sequence(), 4, "a trail that is shorter is another one");
    std::fs::write(dir.path().join("syslog-county.json"), "{").unwrap();
    assert!(matches!(open(1, 1), Err(ShippingError::Place { .. })));
}

#[tokio::test]
async fn nothing_is_lost_while_a_collector_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, writer) = trail(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shipping = shipping(dir.path(), &recorder, port);
    record(&recorder, "one").await;
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(sequence(&message(&mut stream).await), 1);
    // It dies with what it has read, and more is on its way.
    record(&recorder, "two").await;
    drop((stream, listener));
    for _ in 0..500 {
        record(&recorder, "while it is away").await;
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut seen = Vec::new();
    let mut lost = false;
    while !(lost && seen.len() >= 503) {
        let message = message(&mut stream).await;
        lost |= message.contains("\"action\":\"syslog.lost\"");
        seen.push(sequence(&message));
    }
    let expected: Vec<u64> = (1..=seen.len() as u64).collect();
    assert_eq!(seen, expected, "all of it, in order, and again what may have been lost on its way");

    // At the stop it says that it has read all: the next start sends nothing twice.
    let reading = tokio::spawn(async move {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        stream.shutdown().await.unwrap();
        rest
    });
    tokio::task::spawn_blocking(move || shipping.finish()).await.unwrap();
    reading.await.unwrap();
    let head = recorder.head().sequence;
    let kept = std::fs::read_to_string(dir.path().join("syslog-county.json")).unwrap();
    assert_eq!(kept, format!("{{\"sequence\":{head}}}\n"));
    drop(recorder);
    tokio::task::spawn_blocking(move || writer.finish()).await.unwrap();
}

#[tokio::test]
async fn a_collector_that_reads_nothing_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shipping = shipping(dir.path(), &recorder, listener.local_addr().unwrap().port());
    let words = "w".repeat(900);
    let (_stream, _) = listener.accept().await.unwrap();
    for _ in 0..5_000 {
        record(&recorder, &words).await;
    }
    let stopping = std::time::Instant::now();
    tokio::task::spawn_blocking(move || shipping.finish()).await.unwrap();
    assert!(stopping.elapsed() < Duration::from_secs(10), "{:?}", stopping.elapsed());
    assert_eq!(recorder.head().sequence, 5_000);
}

/// The sequences of the whole messages that stand at the start.
fn whole(mut bytes: &[u8]) -> Vec<u64> {
    let mut sequences = Vec::new();
    while let Some(space) = bytes.iter().position(|byte| *byte == b' ') {
        let length =
            std::str::from_utf8(&bytes[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(message) = length.and_then(|length| bytes.get(space + 1..space + 1 + length)) else { break };
        sequences.push(sequence(std::str::from_utf8(message).unwrap()));
        bytes = &bytes[space + 1 + message.len()..];
    }
    sequences
}

/// A bug: what was written after the frame that a stop had cut off made all of it count as sent.
#[tokio::test]
async fn a_collector_that_reads_on_after_the_stop_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shipping = shipping(dir.path(), &recorder, listener.local_addr().unwrap().port());
    let words = "w".repeat(900);
    let (mut stream, _) = listener.accept().await.unwrap();
    // More than the kernel takes for a collector that reads nothing.
    for _ in 0..8_000 {
        record(&recorder, &words).await;
    }
    let finishing = tokio::task::spawn_blocking(move || shipping.finish());
    // By now it has given up on the frame that it is in the middle of.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    drop(stream);
    finishing.await.unwrap();
    let seen = whole(&bytes);
    assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    assert!(seen.len() < 8_000, "it was not held up at all");
    let kept = Cursor::open(dir.path(), "county", 0, 8_000).unwrap();
    assert!(kept.sequence() <= seen.len() as u64, "{} of {}", kept.sequence(), seen.len());
}

#[tokio::test]
async fn a_disk_that_does_not_answer_holds_up_no_stop() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    record(&recorder, "one").await;
    // A segment that can be opened, and never read: a pipe that nobody writes to.
    let day = dir.path().join("audit/2099-01-01");
    std::fs::create_dir(&day).unwrap();
    let pipe = day.join("000000000001.jsonl");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shipping = shipping(dir.path(), &recorder, listener.local_addr().unwrap().port());
    let _stream = listener.accept().await.unwrap();
    let reading = tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(pipe));
    let _held = reading.await.unwrap().unwrap();
    let stopping = std::time::Instant::now();
    tokio::task::spawn_blocking(move || shipping.finish()).await.unwrap();
    assert!(stopping.elapsed() < AT_MOST + LAST * 3, "{:?}", stopping.elapsed());
}

/// A start that fails after this one drops it: nothing goes on sending.
#[tokio::test]
async fn what_is_dropped_sends_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _writer) = trail(dir.path());
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shipping = shipping(dir.path(), &recorder, collector.local_addr().unwrap().port());
    let (mut stream, _) = collector.accept().await.unwrap();
    drop(shipping);
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
}
