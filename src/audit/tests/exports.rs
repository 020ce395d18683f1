//! What an archive holds is the same whether its lines were found by the index or by reading them all.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::*;
use crate::audit::index::reindex;
use crate::audit::{ClosedBy, Closing, Exporting, Filter, Format, Index, Names, Rows, export};

/// Three days of six people in small segments, some ended much later, some never.
fn sample() -> Trail {
    let trail = Trail::signed(20_000);
    let running = trail.start();
    let mut open = Vec::new();
    for number in 0..240_u64 {
        trail.tick(if number % 4 == 0 { 55 * 60 * 1000 } else { 300 });
        let host = format!("h{number}.site-{}.example", number % 5);
        let person = subject_of(number / 4 % 6);
        let verdict = if number % 7 == 0 { blocked() } else { passed() };
        let search = (number % 9 == 0).then(|| format!("how to hide number {number}"));
        let seen = Seen { search, ..seen() };
        let access = Access::new(&person, &to_host(&host), &verdict, &seen);
        let receipt = trail.record(&running, Entry::Access(access)).unwrap();
        if number % 7 != 0 && number % 11 != 0 {
            open.push((number, receipt));
        }
        if open.len() > 30 {
            let (number, receipt) = open.remove((number % 29) as usize);
            let end = Closing {
                bytes_up: 1,
                bytes_down: 1000 + number,
                duration: Duration::from_secs(3),
                closed_by: ClosedBy::Origin,
            };
            let _inside = trail.runtime.enter();
            running.recorder.close(receipt, end);
        }
    }
    trail.record(&running, change("policy.reloaded")).unwrap();
    running.writer.finish();
    trail
}

fn subject_of(person: u64) -> Subject {
    Subject { user: Some(format!("y5.{person:03}").parse().unwrap()), ..subject() }
}

fn exporting<'a>(index: &'a Index, filter: &Filter, rows: Rows, scratch: &'a Path) -> Exporting<'a> {
    Exporting {
        index,
        filter: filter.clone(),
        formats: BTreeSet::from([Format::Jsonl, Format::Csv]),
        rows,
        names: Names::Own,
        show: &Some,
        explain: None,
        zone: TimeZone::UTC,
        scratch,
        about: Map::new(),
        parts: Vec::new(),
        most: 10_000,
        least_free: 0,
    }
}

fn files(wanted: Exporting<'_>) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(export(wanted).unwrap().file).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        files.insert(file.name().unwrap().into_owned(), text);
    }
    files
}

fn filters() -> Vec<Filter> {
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    vec![
        none(),
        Filter { user: some("y5.003"), ..none() },
        Filter { user: some("nobody"), ..none() },
        Filter { action: some("block"), ..none() },
        Filter { search: some("hide 9"), ..none() },
        Filter { dataset: some("schoolgate.change"), ..none() },
        Filter { dataset: some("schoolgate.close"), ..none() },
        Filter { host: Host::parse("site-2.example").ok(), before: Some(150), ..none() },
        Filter { from: Some(at("2026-11-25T03:00:00Z")), to: Some(at("2026-11-26T03:00:00Z")), ..none() },
    ]
}

#[test]
fn an_archive_is_the_same_however_its_lines_are_found() {
    let trail = sample();
    let scratch = tempfile::tempdir().unwrap();
    for rows in [Rows::Events, Rows::Pages] {
        let archive = |filter: &Filter| {
            let index = Index::of(&trail.dir());
            files(exporting(&index, filter, rows, scratch.path()))
        };
        for day in Segment::days(&trail.dir()).unwrap() {
            // Whatever index there is.
            let _ = fs::remove_file(trail.dir().join(day).join("index.sum"));
        }
        let scanned: Vec<_> = filters().iter().map(archive).collect();
        reindex(&trail.dir(), None, &mut |_| ()).unwrap();
        for (filter, scanned) in filters().iter().zip(scanned) {
            assert_eq!(archive(filter), scanned, "{filter:?}");
        }
    }
}

#[test]
fn every_event_is_in_one_row_of_page_views_and_has_its_line_and_proof() {
    let trail = sample();
    let (index, scratch) = (Index::of(&trail.dir()), tempfile::tempdir().unwrap());
    let filter = Filter { user: Some("y5.003".to_owned()), ..Filter::default() };
    let files = files(exporting(&index, &filter, Rows::Pages, scratch.path()));
    let mut reader = csv::Reader::from_reader(files["events.csv"].trim_start_matches('\u{feff}').as_bytes());
    let titles = reader.headers().unwrap().clone();
    let at = |title: &str| titles.iter().position(|other| other == title).unwrap();
    let (mut records, mut bytes, mut rows) = (Vec::new(), 0, 0);
    for row in reader.records() {
        let row = row.unwrap();
        rows += 1;
        bytes += row[at("Received in all (bytes)")].parse::<u64>().unwrap();
        let before = records.len();
        for run in row[at("Records of it")].split(", ") {
            let (first, last) = run.split_once('–').unwrap_or((run, run));
            records.extend(first.parse::<u64>().unwrap()..=last.parse().unwrap());
        }
        assert_eq!(records.len() - before, row[at("Events of it")].parse::<usize>().unwrap());
    }
    records.sort_unstable();
    let numbers = |file: &str| -> Vec<Value> {
        files[file].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let lines = numbers("events.jsonl");
    let written: Vec<u64> = lines.iter().map(|line| line["event"]["sequence"].as_u64().unwrap()).collect();
    assert_eq!(records, written);
    assert!(0 < rows && rows < records.len(), "{rows} views of {} events", records.len());
    let ends = numbers("closes.jsonl");
    let ended: u64 = ends.iter().filter_map(|line| line["schoolgate"]["bytes_down"].as_u64()).sum();
    assert_eq!(bytes, ended);
    assert_eq!(numbers("proofs.jsonl").len(), lines.len() + ends.len());
    let manifest: Value = serde_json::from_str(&files["manifest.json"]).unwrap();
    assert_eq!((&manifest["pages"], &manifest["events"]), (&rows.into(), &records.len().into()));
}

#[test]
#[ignore = "a measurement, by hand"]
fn one_persons_week() {
    let trail = Trail::of_segments(64 << 20);
    measure::write(&trail, 7, 20_000);
    fs::write(trail.dir().join("key.pem"), "").unwrap();
    reindex(&trail.dir(), None, &mut |_| ()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let filter = Filter { user: Some("y5.042".to_owned()), ..Filter::default() };
    let took = |formats: &[Format]| {
        let index = Index::of(&trail.dir());
        let wanted = exporting(&index, &filter, Rows::Events, scratch.path());
        let began = Instant::now();
        let events =
            export(Exporting { formats: formats.iter().copied().collect(), ..wanted }).unwrap().events;
        (began.elapsed(), events)
    };
    let found = [took(&[Format::Csv]), took(&[Format::Jsonl])];
    for day in Segment::days(&trail.dir()).unwrap() {
        fs::remove_file(trail.dir().join(day).join("index.sum")).unwrap();
    }
    let scanned = [took(&[Format::Csv]), took(&[Format::Jsonl])];
    eprintln!("by the index: {found:?}; by reading all: {scanned:?}");
}
