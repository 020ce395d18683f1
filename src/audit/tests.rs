//! Tests of the whole trail: what is written, what survives, what is found.

mod checkpoints;
mod exports;
mod faults;
mod follow;
mod golden;
mod index;
mod measure;
mod packed;
mod pages;
mod query;
mod refused;
mod retention;
mod signed;
mod tamper;
mod trail;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};

use crate::audit::disk::Disk;
use crate::audit::keeper::pack_closed;
use crate::audit::segment::{Forward, Segment};
use crate::audit::{
    Access, Act, Actor, Entry, Observer, Receipt, RecordError, Recorder, Seen, Signer, Visibility, Writer,
};
use crate::model::{Attribution, Host, Subject, Timestamp, Url};
use crate::policy::{Action, Destination, Evidence, OnConnect, Reason, Rule, Rung, Verdict};

/// A trail in a folder of its own, with a clock that the test moves.
struct Trail {
    dir: tempfile::TempDir,
    clock: Arc<AtomicI64>,
    runtime: tokio::runtime::Runtime,
    full: u64,
    reserve: u64,
    signed: bool,
}

struct Running {
    recorder: Recorder,
    writer: Writer,
}

impl Trail {
    fn new() -> Trail {
        Trail::of_segments(64 << 20)
    }

    fn of_segments(full: u64) -> Trail {
        let clock = Arc::new(AtomicI64::new(at("2026-11-24T09:14:03.123Z").as_millis()));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
        Trail { dir: tempfile::tempdir().unwrap(), clock, runtime, full, reserve: 16 << 10, signed: false }
    }

    /// One with a key, whose segments end in checkpoints.
    fn signed(full: u64) -> Trail {
        Trail { signed: true, ..Trail::of_segments(full) }
    }

    /// The same trail in memory, where there is such a folder: for tests that start very often.
    fn in_memory(self) -> Trail {
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for path in self.segments() {
            let to = dir.path().join("audit").join(path.strip_prefix(self.dir()).unwrap());
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(path, to).unwrap();
        }
        Trail { dir, ..self }
    }

    fn dir(&self) -> PathBuf {
        self.dir.path().join("audit")
    }

    fn start(&self) -> Running {
        self.start_with(self.disk())
    }

    fn start_with(&self, disk: Disk) -> Running {
        let clock = Arc::clone(&self.clock);
        let now = move || Timestamp::from_millis(clock.load(Ordering::Relaxed));
        let observer = Observer { name: "st-example".into(), version: "0.1.0".into() };
        let key = || Signer::open(&self.dir.path().join("audit.key"), &self.dir()).unwrap();
        let signer = self.signed.then(key);
        let (recorder, writer) = Recorder::open_with(&self.dir(), observer, signer, now, disk).unwrap();
        Running { recorder, writer }
    }

    fn disk(&self) -> Disk {
        Disk { full: self.full, reserve: self.reserve, ..Disk::default() }
    }

    fn set(&self, time: &str) {
        self.clock.store(at(time).as_millis(), Ordering::Relaxed);
    }

    fn tick(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    fn record(&self, running: &Running, entry: Entry) -> Result<Receipt, RecordError> {
        self.runtime.block_on(running.recorder.record(entry))
    }

    /// A trail of `count` accesses, a second apart, written and closed.
    fn filled(count: u64, full: u64) -> Trail {
        let trail = Trail::of_segments(full);
        let running = trail.start();
        for number in 0..count {
            trail.tick(1000);
            trail.record(&running, access(&format!("site-{number}.example"))).unwrap();
        }
        running.writer.finish();
        trail
    }

    fn segments(&self) -> Vec<PathBuf> {
        Segment::list(&self.dir()).unwrap().into_iter().map(|segment| segment.path).collect()
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for path in self.segments() {
            let mut reader = Forward::open(&path).unwrap();
            while let Some(piece) = reader.next().unwrap() {
                lines.push(String::from_utf8(piece.bytes.to_vec()).unwrap());
            }
        }
        lines
    }

    /// Compresses every closed segment.
    fn pack(&self) {
        let (_running, stop) = mpsc::channel();
        pack_closed(&self.dir(), u64::MAX, &mut Vec::new(), &stop).unwrap();
    }

    fn events(&self) -> Vec<serde_json::Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn subject() -> Subject {
    Subject {
        address: IpAddr::V4(Ipv4Addr::new(10, 1, 2, 33)),
        group: Some("ks2".parse().unwrap()),
        user: Some("y5.042".parse().unwrap()),
        device: Some("CB-2-017".parse().unwrap()),
        attribution: Attribution::Subnet,
    }
}

fn to_host(host: &str) -> Destination {
    Destination { host: Some(Host::parse(host).unwrap()), port: 443, url: None }
}

fn to_url(url: &str) -> Destination {
    let url = Url::parse(url).unwrap();
    Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) }
}

fn passed() -> Verdict<OnConnect> {
    Verdict {
        answer: OnConnect::Block(crate::policy::Seal::Kept),
        action: Action::Allow,
        reason: Reason {
            rung: Rung::Default,
            rule: Rule { id: "default:allow".into(), name: "Default".into(), category: None },
            text: "nothing speaks against it".into(),
            evidence: None,
            unblock: None,
            categories: vec![],
        },
        group: "ks2".parse().unwrap(),
        generation: 17,
        until: None,
    }
}

fn blocked() -> Verdict<OnConnect> {
    let mut verdict = passed();
    verdict.action = Action::Block;
    verdict.reason = Reason {
        rung: Rung::Category,
        rule: Rule { id: "category:games".into(), name: "Games".into(), category: Some("games".into()) },
        text: "games is blocked for Key Stage 2".into(),
        evidence: Some(Evidence {
            list: "ut1/games".into(),
            version: "2026-08-17".into(),
            file: "games/domains".into(),
            line: 4211,
            entry: None,
        }),
        unblock: None,
        categories: vec![],
    };
    verdict
}

fn seen() -> Seen {
    Seen { visibility: Visibility::Host, ..Seen::default() }
}

fn access(host: &str) -> Entry {
    Entry::Access(Access::new(&subject(), &to_host(host), &passed(), &seen()))
}

fn block(host: &str) -> Entry {
    Entry::Access(Access::new(&subject(), &to_host(host), &blocked(), &seen()))
}

fn change(action: &'static str) -> Entry {
    Entry::Change(Act::new(Actor::Staff("m.jones".parse().unwrap()), action))
}

fn sound(dir: &Path) -> crate::audit::Report {
    let report = crate::audit::verify(dir, &crate::audit::Options::default()).unwrap();
    assert!(report.is_sound(), "{:#?}", report.faults);
    report
}
