//! What is asked is found, all of it and nothing else.

use std::time::Duration;

use super::*;
use crate::audit::query::Ends;
use crate::audit::{
    ClosedBy, Closes, Closing, Filter, Index, Options, Order, QueryError, Record, query, scan,
};

fn closing(bytes_down: u64) -> Closing {
    Closing { bytes_up: 1, bytes_down, duration: Duration::from_secs(3), closed_by: ClosedBy::Origin }
}

/// 60 accesses over three days in small segments, every third blocked, the others ended late.
fn sample() -> Trail {
    let trail = Trail::of_segments(8000);
    let running = trail.start();
    let mut open = Vec::new();
    for number in 0..60 {
        trail.tick(60 * 60 * 1000);
        let host = format!("h{}.site-{}.example", number, number % 5);
        let entry = if number % 3 == 0 { block(&host) } else { access(&host) };
        let receipt = trail.record(&running, entry).unwrap();
        if number % 3 != 0 {
            open.push((number, receipt));
        }
        if open.len() > 4 {
            let (number, receipt) = open.remove(0);
            running.recorder.close(receipt, closing(number));
        }
    }
    trail.record(&running, change("policy.reloaded")).unwrap();
    running.writer.finish();
    trail
}

fn sequences(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.sequence).collect()
}

type Wanted = Box<dyn Fn(&serde_json::Value) -> bool>;

fn cases() -> Vec<(Filter, Wanted)> {
    let (from, to) = ("2026-11-25T03:14:03.123Z", "2026-11-26T01:14:03.123Z");
    let some = |text: &str| Some(text.to_owned());
    vec![
        (Filter::default(), Box::new(|_| true)),
        (Filter { user: some("y5.042"), ..Filter::default() }, Box::new(|e| e["user"]["name"] == "y5.042")),
        (Filter { user: some("ks2"), ..Filter::default() }, Box::new(|_| false)),
        (
            Filter { group: some("ks2"), ..Filter::default() },
            Box::new(|e| e["user"]["group"]["name"] == "ks2"),
        ),
        (
            Filter { device: some("CB-2-017"), ..Filter::default() },
            Box::new(|e| e["host"]["name"] == "CB-2-017"),
        ),
        (
            Filter { action: some("block"), ..Filter::default() },
            Box::new(|e| e["event"]["action"] == "block"),
        ),
        (
            Filter { rung: some("category"), ..Filter::default() },
            Box::new(|e| e["schoolgate"]["rung"] == "category"),
        ),
        (
            Filter { category: some("games"), ..Filter::default() },
            Box::new(|e| e["rule"]["category"] == "games"),
        ),
        (
            Filter { client: Some("10.1.2.33".parse().unwrap()), ..Filter::default() },
            Box::new(|e| !e["source"].is_null()),
        ),
        (Filter { client: Some("10.1.2.3".parse().unwrap()), ..Filter::default() }, Box::new(|_| false)),
        (
            Filter { dataset: some("schoolgate.change"), ..Filter::default() },
            Box::new(|e| e["event"]["dataset"] == "schoolgate.change"),
        ),
        (
            Filter { text: some("h17.site"), ..Filter::default() },
            Box::new(|e| e.to_string().contains("h17.site")),
        ),
        (
            Filter { host: Host::parse("site-2.example").ok(), ..Filter::default() },
            Box::new(|e| e["url"]["domain"].as_str().is_some_and(|host| host.ends_with(".site-2.example"))),
        ),
        (Filter { host: Host::parse("e-2.example").ok(), ..Filter::default() }, Box::new(|_| false)),
        (
            Filter { from: Some(at(from)), to: Some(at(to)), ..Filter::default() },
            Box::new(move |e| (from..to).contains(&e["@timestamp"].as_str().unwrap())),
        ),
        (
            Filter { after: Some(30), before: Some(50), ..Filter::default() },
            Box::new(|e| (31..50).contains(&e["event"]["sequence"].as_u64().unwrap())),
        ),
    ]
}

#[test]
fn every_filter_finds_what_a_naive_scan_finds() {
    let trail = sample();
    let events = trail.events();
    let naive = |wanted: &dyn Fn(&serde_json::Value) -> bool| -> Vec<u64> {
        let kept =
            events.iter().filter(|event| event["event"]["dataset"] != "schoolgate.close" && wanted(event));
        kept.map(|event| event["event"]["sequence"].as_u64().unwrap()).collect()
    };
    for (number, (filter, wanted)) in cases().into_iter().enumerate() {
        let expected = naive(&*wanted);
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let mut found = Vec::new();
            let mut filter = Filter { order, limit: 7, ..filter.clone() };
            loop {
                let page = query(&trail.dir(), &filter).unwrap();
                assert!(page.records.len() <= 7);
                found.extend(sequences(&page.records));
                match order {
                    Order::OldestFirst if page.next.is_some() => filter.after = page.next,
                    Order::NewestFirst if page.next.is_some() => filter.before = page.next,
                    Order::OldestFirst | Order::NewestFirst => break,
                }
            }
            if order == Order::NewestFirst {
                found.reverse();
            }
            assert_eq!(found, expected, "case {number}, {order:?}");
        }
    }
}

#[test]
fn an_access_carries_its_end() {
    let trail = sample();
    let page = query(&trail.dir(), &Filter { action: Some("allow".into()), ..Filter::default() }).unwrap();
    assert_eq!(page.records.len(), 40);
    for record in &page.records {
        let host = record.event["url"]["domain"].as_str().unwrap();
        let number: u64 = host[1..host.find('.').unwrap()].parse().unwrap();
        let own = &record.event["schoolgate"];
        if number < 53 {
            assert_eq!(
                (own["bytes_down"].as_u64(), own["closed_by"].as_str()),
                (Some(number), Some("origin")),
                "{number}"
            );
            assert_eq!(record.event["event"]["duration"], 3_000_000_000u64);
        }
        assert!(record.line.contains("\"closed_by\":null"), "the line is as written");
    }
    let apart =
        Filter { closes: Closes::Apart, dataset: Some("schoolgate.close".into()), ..Filter::default() };
    let mut ends = 0;
    assert_eq!(
        scan(&trail.dir(), &apart, |_| {
            ends += 1;
            true
        })
        .unwrap(),
        ends
    );
    assert_eq!(ends, 36);
}

#[test]
fn what_is_no_line_is_passed_over() {
    let trail = Trail::filled(3, 64 << 20);
    let path = &trail.segments()[0];
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, format!("garbage\n{text}{}", &text[..200])).unwrap();
    let page = query(&trail.dir(), &Filter::default()).unwrap();
    assert_eq!(sequences(&page.records), [3, 2, 1]);
    assert_eq!(query(&trail.dir().join("nowhere"), &Filter::default()).unwrap().records, []);
}

#[test]
fn what_is_broken_off_says_so_and_passes_for_no_answer() {
    let trail = sample();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (index, filter) = (Index::of(&trail.dir()), Filter { order, ..Filter::default() });
        let mut seen = 0;
        let broken = index.scan(&filter, |_| {
            seen += 1;
            if seen == 5 {
                index.halt().call();
            }
            true
        });
        assert!(matches!(broken, Err(QueryError::Halted)), "{broken:?}");
        assert_eq!(seen, 5, "at the next line");
        let nothing = Filter { text: Some("that stands nowhere".to_owned()), ..filter };
        assert!(matches!(index.query(&nothing), Err(QueryError::Halted)));
    }
}

#[test]
fn whoever_left_is_read_nothing_more_and_others_go_on() {
    let trail = sample();
    let index = Index::of(&trail.dir());
    let gone = index.heeding(index.halt().beneath());
    gone.halt().call();
    let span = Duration::from_secs(60);
    assert!(matches!(gone.around(5, span), Err(QueryError::Halted)));
    assert!(matches!(gone.view(5), Err(QueryError::Halted)));
    assert!(matches!(gone.views(&Filter::default()), Err(QueryError::Halted)));
    let options = Options { halt: gone.halt().clone(), ..Options::default() };
    assert!(matches!(crate::audit::verify(&trail.dir(), &options), Err(QueryError::Halted)));
    assert!(index.around(5, span).unwrap().is_some(), "nobody else is ended");
    index.halt().call();
    assert!(matches!(index.heeding(index.halt().beneath()).one(5), Err(QueryError::Halted)));
}

/// Whatever else stands on the page, an end is looked for within a day of its own access.
#[test]
fn an_end_is_found_or_not_whatever_is_asked_for_with_it() {
    let trail = Trail::new();
    let running = trail.start();
    let hour = 60 * 60 * 1000;
    let record = |host: &str| trail.record(&running, access(host)).unwrap();
    let late = record("late.example");
    trail.tick(23 * hour);
    let soon = record("soon.example");
    trail.tick(hour);
    let timely = record("timely.example");
    trail.tick(hour);
    [late, soon, timely].into_iter().for_each(|receipt| running.recorder.close(receipt, closing(7)));
    record("last.example");
    running.writer.finish();
    let page = query(&trail.dir(), &Filter::default()).unwrap();
    let ended = page.records.iter().map(|record| !record.event["schoolgate"]["closed_by"].is_null());
    assert_eq!(ended.collect::<Vec<_>>(), [false, true, true, false]);
    for record in page.records {
        let (before, limit) = (Some(record.sequence + 1), 1);
        let alone = query(&trail.dir(), &Filter { before, limit, ..Filter::default() }).unwrap();
        assert_eq!(alone.records, [record]);
    }
}

/// Days between accesses far apart are not even opened, with or without an index.
#[test]
fn no_end_is_looked_for_where_none_can_stand() {
    let trail = Trail::new();
    let running = trail.start();
    for day in 0..6 {
        let receipt = trail.record(&running, access("a.example")).unwrap();
        if day == 5 {
            running.recorder.close(receipt, closing(7));
        }
        trail.tick(24 * 60 * 60 * 1000);
    }
    running.writer.finish();
    let mut ends = Ends::before(None);
    for (sequence, event) in trail.events().iter().enumerate().filter(|(at, _)| [0, 5].contains(at)) {
        ends.add(sequence as u64 + 1, event).unwrap();
    }
    for segment in &trail.segments()[2..5] {
        fs::remove_file(segment).unwrap();
        fs::create_dir(segment).unwrap();
    }
    let mut found = Vec::new();
    ends.find(&trail.dir(), None, &mut |_, sequence, _| {
        found.push(sequence);
        true
    })
    .unwrap();
    assert_eq!(found, [7]);
}
