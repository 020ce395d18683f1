//! The index finds what a scan finds, whatever was written and however much of it is indexed.

mod astray;
mod trust;

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::audit::index;
use crate::audit::{ClosedBy, Closes, Closing, Filter, Index, Indexer, Order, Page, query};

const USERS: [Option<&str>; 4] = [Some("y5.042"), Some("y5.043"), Some("ks2"), None];
const HOSTS: [&str; 9] = [
    "school.county.sch.uk",
    "maths.school.county.sch.uk",
    "notschool.county.sch.uk",
    "county.sch.uk",
    "a.example",
    "b.a.example",
    "10.9.8.7",
    "192.0.2.1",
    "2001:db8::1",
];
const TERMS: [&str; 5] = ["How To Hide", "to hide a site", "grüße AUS Köln", "hide", "cats"];
const CATEGORIES: [&str; 3] = ["games", "chat", "news"];

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    Access(Asked),
    Staff(u8),
    Close(usize),
    Wait(i64),
    Restart,
}

#[derive(Clone, Debug)]
struct Asked {
    user: usize,
    device: bool,
    client: u8,
    group: bool,
    host: Option<usize>,
    ip: bool,
    rung: u8,
    term: Option<usize>,
    typing: bool,
    further: Vec<usize>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let who = (0..4usize, any::<bool>(), 0..3u8, any::<bool>());
    let what = (prop::option::of(0..HOSTS.len()), any::<bool>(), 0..5u8);
    let more = (prop::option::of(0..TERMS.len()), any::<bool>(), prop::collection::vec(0..3usize, 0..3));
    (who, what, more).prop_map(
        |((user, device, client, group), (host, ip, rung), (term, typing, further))| Asked {
            user,
            device,
            client,
            group,
            host,
            ip,
            rung,
            term,
            typing,
            further,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => asked().prop_map(Step::Access),
        2 => (0..3u8).prop_map(Step::Staff),
        5 => (0..8usize).prop_map(Step::Close),
        4 => prop_oneof![Just(0), Just(1), 1..100_000i64, Just(11 * 3_600_000)].prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

fn text<const N: usize>(all: [&'static str; N]) -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.25, prop::sample::select(all.to_vec()).prop_map(str::to_owned))
}

fn filter() -> impl Strategy<Value = Filter> {
    let who = (
        text(["y5.042", "y5.043", "ks2", "m.jones", "nobody"]),
        text(["CB-2-017", "none"]),
        text(["ks2", "staff", "ks9"]),
        prop::option::weighted(0.2, (1..5u8).prop_map(|last| IpAddr::V4(Ipv4Addr::new(10, 1, 2, last)))),
    );
    let what = (
        text([
            "school.county.sch.uk",
            "sch.uk",
            "county.sch.uk",
            "example",
            "10.9.8.7",
            "2001:db8::1",
            "x.org",
        ]),
        text(["games", "chat", "news", "war"]),
        text(["hide", "HIDE to", "köln", "c", "  ", "dogs"]),
        prop::option::weighted(0.1, (0..2u128).prop_map(Uuid::from_u128)),
    );
    let kind = (
        text(["allow", "block", "policy.reloaded", "close"]),
        text(["default", "category", "unblock", "statutory"]),
        text(["schoolgate.access", "schoolgate.change", "schoolgate.unblock", "schoolgate.close"]),
        text(["example", "y5"]),
    );
    let span = (
        prop::option::weighted(0.2, 0..60u64),
        prop::option::weighted(0.2, 0..80u64),
        prop::option::weighted(0.2, 0..200_000_000i64),
        prop::option::weighted(0.2, 0..200_000_000i64),
    );
    let form = (any::<bool>(), any::<bool>(), 1..9usize);
    (who, what, kind, span, form).prop_map(|(who, what, kind, span, (newest, apart, limit))| {
        let moment = |millis: Option<i64>| millis.map(moment);
        Filter {
            user: who.0,
            device: who.1,
            group: who.2,
            client: who.3,
            host: what.0.map(|host| Host::parse(&host).unwrap()),
            category: what.1,
            search: what.2,
            unblock: what.3,
            action: kind.0,
            rung: kind.1,
            dataset: kind.2,
            text: kind.3.filter(|_| limit == 3),
            after: span.0,
            before: span.1,
            from: moment(span.2),
            to: moment(span.3),
            order: if newest { Order::NewestFirst } else { Order::OldestFirst },
            closes: if apart { Closes::Apart } else { Closes::Joined },
            limit,
        }
    })
}

/// So long after the trail began.
fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(at("2026-11-24T09:14:03.123Z").as_millis() + millis)
}

fn entry(asked: &Asked) -> Entry {
    let subject = Subject {
        address: IpAddr::V4(Ipv4Addr::new(10, 1, 2, asked.client + 1)),
        user: USERS[asked.user].map(|user| user.parse().unwrap()),
        device: asked.device.then(|| "CB-2-017".parse().unwrap()),
        ..subject()
    };
    let mut verdict = if asked.rung == 1 { blocked() } else { passed() };
    match asked.rung {
        2 => verdict.reason.unblock = Some(Uuid::from_u128(0)),
        3 => (verdict.reason.rung, verdict.action) = (Rung::Statutory, Action::Block),
        _ => {}
    }
    verdict.group = if asked.group { "ks2" } else { "staff" }.parse().unwrap();
    verdict.reason.categories = asked.further.iter().map(|at| CATEGORIES[*at].to_owned()).collect();
    let words = asked.term.map(|at| TERMS[at].to_owned());
    let seen = Seen {
        search: words.clone().filter(|_| !asked.typing),
        suggestion: words.filter(|_| asked.typing),
        destination_ip: asked.ip.then(|| IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        ..seen()
    };
    let host = asked.host.map(|at| Host::parse(HOSTS[at]).unwrap());
    let destination = Destination { host, port: 443, url: None };
    Entry::Access(Access::new(&subject, &destination, &verdict, &seen))
}

fn staff(kind: u8) -> Entry {
    let act = |action| Act::new(Actor::Staff("m.jones".parse().unwrap()), action);
    match kind {
        0 => change("policy.reloaded"),
        1 => Entry::Unblock(act("unblock.requested").with("unblock_id", Uuid::from_u128(1).to_string())),
        _ => Entry::System(act("gateway.odd").with("unblock_id", 7)),
    }
}

fn end(bytes: u64) -> Closing {
    Closing { bytes_up: 1, bytes_down: bytes, duration: Duration::from_secs(3), closed_by: ClosedBy::Origin }
}

/// A trail with an indexer beside it, or without one.
struct Both {
    trail: Trail,
    running: Option<Running>,
    indexer: Option<(Index, Indexer)>,
}

impl Both {
    fn new() -> Both {
        Both { trail: Trail::of_segments(6000).in_memory(), running: None, indexer: None }
    }

    fn start(&mut self, indexed: bool) {
        let running = self.trail.start();
        self.indexer = indexed.then(|| Indexer::start_with(&running.recorder, None, Duration::ZERO).unwrap());
        self.running = Some(running);
    }

    fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.writer.finish();
        }
        if let Some((_, indexer)) = self.indexer.take() {
            indexer.finish();
        }
    }

    fn run(&mut self, steps: &[Step], indexed: bool) {
        self.start(indexed);
        let mut open = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let running = self.running.as_ref().unwrap();
            match step {
                Step::Access(asked) => open.push(self.trail.record(running, entry(asked)).unwrap()),
                Step::Staff(kind) => drop(self.trail.record(running, staff(*kind)).unwrap()),
                Step::Close(at) if *at < open.len() => {
                    let receipt = open.remove(*at);
                    running.recorder.close(receipt, end(number as u64));
                }
                Step::Close(_) => {}
                Step::Wait(millis) => self.trail.tick(*millis),
                Step::Restart => {
                    open.clear();
                    self.stop();
                    self.start(indexed);
                }
            }
        }
        // An end is recorded without waiting; whatever is recorded after it stands behind it.
        self.trail.record(self.running.as_ref().unwrap(), staff(0)).unwrap();
    }

    /// Waits until all that is written is indexed.
    fn settled(&self) -> Index {
        let (index, _) = self.indexer.as_ref().unwrap();
        let head = self.running.as_ref().unwrap().recorder.head().sequence;
        let mut waiting = index.clone();
        assert!(self.trail.runtime.block_on(waiting.reaches(head)));
        index.clone()
    }
}

/// All pages, one after the other.
fn pages(filter: &Filter, find: impl Fn(&Filter) -> Page) -> Vec<Page> {
    let (mut filter, mut pages) = (filter.clone(), Vec::new());
    loop {
        let page = find(&filter);
        let next = page.next;
        pages.push(page);
        match filter.order {
            Order::NewestFirst if next.is_some() => filter.before = next,
            Order::OldestFirst if next.is_some() => filter.after = next,
            Order::NewestFirst | Order::OldestFirst => return pages,
        }
    }
}

fn agree(dir: &Path, index: &Index, filter: &Filter) {
    let scanned = pages(filter, |filter| query(dir, filter).unwrap());
    let found = pages(filter, |filter| index.query(filter).unwrap());
    assert_eq!(found, scanned, "{filter:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Live, with nothing of the end indexed, after a restart, and half of it indexed.
    #[test]
    fn the_index_finds_what_a_scan_finds(
        first in prop::collection::vec(step(), 0..80),
        then in prop::collection::vec(step(), 0..40),
        filters in prop::collection::vec(filter(), 40),
    ) {
        let mut both = Both::new();
        both.run(&first, true);
        let dir = both.trail.dir();
        let live = both.settled();
        filters.iter().for_each(|filter| agree(&dir, &live, filter));
        both.stop();
        both.run(&then, false);
        let half = Index::of(&dir);
        filters.iter().for_each(|filter| agree(&dir, &half, filter));
        both.stop();
        both.start(true);
        let whole = both.settled();
        filters.iter().for_each(|filter| agree(&dir, &whole, filter));
        both.stop();
        prop_assert_eq!(index::check(&dir).unwrap(), []);
    }
}
