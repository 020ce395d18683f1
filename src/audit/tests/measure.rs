//! How large the index gets, how fast it is made and how fast it answers: measured by hand.
//!
//! `SCHOOLGATE_DAYS=90 SCHOOLGATE_EVENTS=40000 cargo test --release --lib measure -- --ignored --nocapture`

use std::io::Write;
use std::time::{Duration, Instant};

use super::*;
use crate::audit::index::reindex;
use crate::audit::{ClosedBy, Closing, Filter, Index, Options, verify};
use crate::lists::tests::{data, gunzipped};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Small numbers often, large ones seldom, as with hosts.
    fn skewed(&mut self, end: u64) -> u64 {
        let (a, b) = (self.below(end), self.below(end));
        a * b / end * (self.below(end) + 1) / end
    }
}

/// What one request asks for.
struct Request {
    user: String,
    group: String,
    address: IpAddr,
    host: String,
    categories: Vec<String>,
    search: Option<String>,
    blocked: bool,
}

/// The requests of a school's day, where that is there; else none.
fn school_day() -> Vec<Request> {
    let Some(day) = data("school-day.jsonl.gz") else { return Vec::new() };
    let read = |line: &[u8]| {
        let row: serde_json::Value = serde_json::from_slice(line).unwrap();
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let categories = row["cats"].as_array().into_iter().flatten();
        Request {
            user: text("user").unwrap(),
            group: text("group").unwrap(),
            address: text("ip").unwrap().parse().unwrap(),
            host: text("host").unwrap(),
            categories: categories.map(|name| name.as_str().unwrap().to_owned()).collect(),
            search: text("query"),
            blocked: row["what"] == "blocked",
        }
    };
    gunzipped(&day).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(read).collect()
}

fn made_up(dice: &mut Dice) -> Request {
    let person = dice.below(1000);
    let site = dice.skewed(6000);
    Request {
        user: format!("y5.{person:03}"),
        group: ["ks1", "ks2", "ks2", "staff", "guest"][(person % 5) as usize].to_owned(),
        address: IpAddr::V4(Ipv4Addr::new(10, 1, (person / 250) as u8, (person % 250) as u8)),
        host: format!("h{}.site-{site}.example", dice.below(3)),
        categories: if dice.below(2) == 0 { vec![format!("category-{}", site % 40)] } else { Vec::new() },
        search: (dice.below(46) == 0).then(|| format!("how to draw a number {}", dice.below(20_000))),
        blocked: dice.below(25) == 0,
    }
}

fn entry(request: &Request, unblock: Option<uuid::Uuid>) -> Entry {
    let subject = Subject {
        address: request.address,
        user: Some(request.user.parse().unwrap()),
        device: Some(format!("CB-{}", request.address).parse().unwrap()),
        ..subject()
    };
    let mut verdict = if request.blocked { blocked() } else { passed() };
    verdict.group = request.group.parse().unwrap();
    verdict.reason.categories.clone_from(&request.categories);
    verdict.reason.unblock = unblock;
    let seen = Seen { search: request.search.clone(), destination_ip: Some(request.address), ..seen() };
    Entry::Access(Access::new(&subject, &to_host(&request.host), &verdict, &seen))
}

/// `days` days, each with `events` accesses and as many ends, written many at a time: those of a school's
/// day from its start on, again and again, where that is there.
pub(super) fn write(trail: &Trail, days: u64, events: u64) {
    let running = trail.start();
    let (mut dice, unblock) = (Dice(7), uuid::Uuid::from_u128(9));
    let school = school_day();
    let mut requests = school.iter().cycle();
    for day in 0..days {
        trail.set(&format!(
            "{}T07:30:00.000Z",
            at("2026-08-24T00:00:00.000Z").plus(Duration::from_secs(day * 86_400)).day()
        ));
        for _ in 0..events / 500 {
            trail.tick(48_000_000 / (events as i64 / 500));
            let recorder = &running.recorder;
            let mut next = || {
                let unblock = (dice.below(5000) == 0).then_some(unblock);
                match requests.next() {
                    Some(request) => entry(request, unblock),
                    None => entry(&made_up(&mut dice), unblock),
                }
            };
            let entries: Vec<Entry> = (0..500).map(|_| next()).collect();
            let receipts = trail.runtime.block_on(all(recorder, entries));
            let end = Closing {
                bytes_up: 9,
                bytes_down: 99,
                duration: Duration::from_secs(3),
                closed_by: ClosedBy::Origin,
            };
            let _inside = trail.runtime.enter();
            for receipt in receipts {
                running.recorder.close(receipt, end);
            }
        }
    }
    running.writer.finish();
}

async fn all(recorder: &Recorder, entries: Vec<Entry>) -> Vec<Receipt> {
    let record = |entry| {
        let recorder = recorder.clone();
        tokio::spawn(async move { recorder.record(entry).await.unwrap() })
    };
    let (waiting, mut receipts): (Vec<_>, _) = (entries.into_iter().map(record).collect(), Vec::new());
    for receipt in waiting {
        receipts.push(receipt.await.unwrap());
    }
    receipts
}

/// For how many seconds this thread has had a processor.
fn busy() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn size(dir: &Path, ending: &str) -> u64 {
    let days = fs::read_dir(dir).unwrap().filter_map(|day| fs::read_dir(day.unwrap().path()).ok());
    let files = days.flatten().map(|file| file.unwrap());
    let files = files.filter(|file| file.file_name().to_string_lossy().ends_with(ending));
    files.map(|file| file.metadata().unwrap().len()).sum()
}

/// What a lead asks: of a school's day, or of what is made up.
fn questions() -> Vec<(&'static str, Filter)> {
    let [person, popular, rare, group, words, category] = match data("school-day.jsonl.gz") {
        Some(_) => {
            ["y5.badger.12", "purplemash.com", "www.kidzcraft.co.uk", "ks1", "tudor", "social_networks"]
        }
        None => ["y5.042", "site-0.example", "site-5200.example", "ks1", "number 123", "category-7"],
    };
    let host = |host: &str| Host::parse(host).ok();
    let some = |text: &str| Some(text.to_owned());
    let none = Filter::default;
    vec![
        ("the last page", none()),
        ("one person", Filter { user: some(person), ..none() }),
        ("one person's blocks", Filter { user: some(person), action: some("block"), ..none() }),
        ("a popular host and below", Filter { host: host(popular), ..none() }),
        ("a rare host and below", Filter { host: host(rare), ..none() }),
        ("a host that nobody visited", Filter { host: host("site-9999.example"), ..none() }),
        ("one person on a popular host", Filter { user: some(person), host: host(popular), ..none() }),
        ("blocks of one group", Filter { group: some(group), action: some("block"), ..none() }),
        ("a group that is not there", Filter { group: some("ks3"), ..none() }),
        ("a search term", Filter { search: some(words), ..none() }),
        ("a search nobody made", Filter { search: some("zebra"), ..none() }),
        ("a category", Filter { category: some(category), ..none() }),
        ("an unblock", Filter { unblock: Some(uuid::Uuid::from_u128(9)), ..none() }),
        ("before a moment", Filter { to: Some(at("2026-09-30T10:00:00.000Z")), ..none() }),
    ]
}

#[test]
#[ignore = "a measurement, by hand"]
fn measure() {
    let (days, events) = (number("SCHOOLGATE_DAYS", 90), number("SCHOOLGATE_EVENTS", 10_000));
    let trail = Trail::of_segments(64 << 20);
    let dir = trail.dir();
    let started = Instant::now();
    write(&trail, days, events);
    let lines = days * events * 2;
    eprintln!("{lines} lines written in {:?}", started.elapsed());
    let started = Instant::now();
    let verified = verify(&dir, &Options::default()).unwrap();
    assert!(verified.is_sound());
    let rate = verified.events as f64 / started.elapsed().as_secs_f64();
    eprintln!("{} lines verified in {:?}: {rate:.0} lines/s", verified.events, started.elapsed());
    let (started, before) = (Instant::now(), busy());
    let indexed = reindex(&dir, None, &mut |_| ()).unwrap();
    let took = started.elapsed();
    let (index, plain) = (size(&dir, "index.db"), size(&dir, ".jsonl"));
    eprintln!(
        "{indexed} lines indexed in {took:?}: {:.0} lines/s, {:.0} of a processor's own, {:.1} bytes of index and {:.0} of trail a line",
        indexed as f64 / took.as_secs_f64(),
        indexed as f64 / (busy() - before),
        index as f64 / indexed as f64,
        plain as f64 / indexed as f64,
    );
    let started = Instant::now();
    assert_eq!(crate::audit::index::check(&dir).unwrap(), []);
    eprintln!(
        "all digests looked at in {:?}: {:.0} MB/s",
        started.elapsed(),
        index as f64 / 1e6 / started.elapsed().as_secs_f64()
    );
    let index = Index::of(&dir);
    index.query(&Filter { host: Host::parse("nobody.example").ok(), ..Filter::default() }).unwrap();
    for (name, filter) in questions() {
        let started = Instant::now();
        let page = index.query(&filter).unwrap();
        let took = started.elapsed();
        eprintln!("{took:>12.1?}  {:>4} events  {name}", page.records.len());
        std::io::stderr().flush().unwrap();
    }
}

/// How long it takes a follower to find its place in a full segment, beside reading up to there; and
/// the first pages of questions over compressed segments, beside plain ones.
#[test]
#[ignore = "a measurement, by hand"]
fn measure_places_and_pages() {
    let trail = Trail::of_segments(64 << 20);
    write(&trail, number("SCHOOLGATE_DAYS", 2), number("SCHOOLGATE_EVENTS", 30_000));
    let dir = trail.dir();
    reindex(&dir, None, &mut |_| ()).unwrap();
    let running = trail.start();
    let last = running.recorder.head().sequence - 1;
    for after in [last, last * 3 / 4] {
        let started = Instant::now();
        assert_eq!(running.recorder.follow(after).read(1).unwrap()[0].sequence, after + 1);
        let sought = started.elapsed();
        let segments = Segment::list(&dir).unwrap();
        let segment = segments.iter().rev().find(|segment| segment.first <= after).unwrap();
        let (started, mut reader) = (Instant::now(), Forward::open(&segment.path).unwrap());
        while let Some(piece) = reader.next().unwrap() {
            if crate::audit::line::Place::read(piece.bytes).is_some_and(|place| place.sequence > after) {
                break;
            }
        }
        eprintln!("a place in a segment: {sought:?} sought, {:?} read up to there", started.elapsed());
    }
    running.writer.finish();
    for form in ["plain", "compressed"] {
        if form == "compressed" {
            trail.pack();
        }
        let index = Index::of(&dir);
        index.query(&Filter { host: Host::parse("nobody.example").ok(), ..Filter::default() }).unwrap();
        for (name, filter) in questions() {
            // The last day's segment is open, and plain.
            let filter = Filter { to: filter.to.or(Some(at("2026-08-25T00:00:00.000Z"))), ..filter };
            let times = (0..9).map(|_| {
                let started = Instant::now();
                index.query(&filter).unwrap();
                started.elapsed()
            });
            let mut times: Vec<Duration> = times.collect();
            times.sort_unstable();
            eprintln!("{form:<10}  {:>12.1?}  {name}", times[4]);
        }
    }
}
