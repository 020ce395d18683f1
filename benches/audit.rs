//! What an event costs, and how many a second the trail takes: beside the same bytes written to a
//! file without chain, signature or answer, as the measure to hold it to.
#![allow(clippy::unwrap_used, reason = "a bench ends by panicking")]

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use schoolgate::audit::{Access, Entry, Observer, Recorder, Seen, Signer, Visibility};
use schoolgate::clock::Clock;
use schoolgate::model::{Attribution, Host, Subject};
use schoolgate::policy::{Action, Destination, Reason, Rule, Rung, Verdict};
use tokio::runtime::Runtime;

const EVENTS: u64 = 20_000;

fn entry(number: u64, action: Action) -> Entry {
    let subject = Subject {
        address: "10.1.2.33".parse().unwrap(),
        group: Some("ks2".parse().unwrap()),
        user: Some("y5.042".parse().unwrap()),
        device: Some("CB-2-017".parse().unwrap()),
        attribution: Attribution::Subnet,
    };
    let host = Host::parse(&format!("site-{number}.example")).unwrap();
    let destination = Destination { host: Some(host), port: 443, url: None };
    let rule = Rule { id: "category:games".into(), name: "Games".into(), category: Some("games".into()) };
    let reason = Reason {
        rung: Rung::Category,
        rule,
        text: "games for Key Stage 2".into(),
        evidence: None,
        unblock: None,
        categories: vec![],
    };
    let group = "ks2".parse().unwrap();
    let verdict = Verdict { answer: (), action, reason, group, generation: 17, until: None };
    let seen = Seen { visibility: Visibility::Host, ..Seen::default() };
    Entry::Access(Access::new(&subject, &destination, &verdict, &seen))
}

/// How long it takes `tasks` clients, each waiting for its answer, to have all events recorded.
fn recorded(runtime: &Runtime, recorder: &Recorder, tasks: u64, action: Action, events: u64) -> Duration {
    let started = Instant::now();
    runtime.block_on(async {
        let clients: Vec<_> = (0..tasks)
            .map(|task| {
                let recorder = recorder.clone();
                tokio::spawn(async move {
                    for number in 0..events / tasks {
                        recorder.record(entry(task * events + number, action)).await.unwrap();
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    });
    started.elapsed()
}

fn trail(c: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let state = tempfile::tempdir().unwrap();
    let dir = state.path().join("audit");
    let clock = Clock::system();
    let observer = Observer { name: "bench".into(), version: "0".into() };
    std::fs::create_dir(&dir).unwrap();
    let signer = Signer::open(&state.path().join("audit.key"), &dir).unwrap();
    let (recorder, writer) = Recorder::open(&dir, observer, Some(signer), move || clock.now()).unwrap();
    let mut group = c.benchmark_group("audit");
    group.sample_size(10);
    for (name, tasks, action, events) in [
        ("passed, one client", 1, Action::Allow, EVENTS),
        ("passed, 256 clients", 256, Action::Allow, EVENTS),
        ("blocked, 256 clients", 256, Action::Block, EVENTS / 10),
    ] {
        group.throughput(Throughput::Elements(events / tasks * tasks));
        group.bench_function(name, |b| {
            b.iter_custom(|rounds| {
                (0..rounds).map(|_| recorded(&runtime, &recorder, tasks, action, events)).sum()
            });
        });
    }
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("made, not recorded", |b| {
        b.iter(|| {
            (0..EVENTS).map(|number| std::mem::size_of_val(&entry(number, Action::Allow))).sum::<usize>()
        });
    });
    let line = vec![b'x'; 1100];
    group.bench_function("bytes of as many lines", |b| {
        let mut file = File::create(state.path().join("floor")).unwrap();
        b.iter(|| (0..EVENTS).for_each(|_| file.write_all(&line).unwrap()));
    });
    group.finish();
    writer.finish();
}

criterion_group!(benches, trail);
criterion_main!(benches);
