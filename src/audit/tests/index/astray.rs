//! An index that is damaged, does not fit or was left by a crash is found out and made anew, and
//! never the one that is being written.

use std::sync::LazyLock;

use super::trust::{blocks, two_days};
use super::*;
use crate::audit::index::reindex;
use crate::audit::tests::tamper::Copy;

/// Two days whose indexes were made from the lines: whenever that is done, the bytes are the same.
static SAMPLE: LazyLock<Trail> = LazyLock::new(|| {
    let trail = two_days().trail;
    reindex(&trail.dir(), None, &mut |_| ()).unwrap();
    trail
});

const FIRST: &str = "2026-11-24";
const SECOND: &str = "2026-11-25";
/// What stands in a day's folder while the index is written.
const WRITTEN: [&str; 3] = ["index.db", "index.db-wal", "index.db-shm"];

fn record(both: &Both, entry: Entry) {
    both.trail.record(both.running.as_ref().unwrap(), entry).unwrap();
}

/// Records something, so that the indexer looks about.
fn nudge(both: &Both) -> Index {
    record(both, access("school.county.sch.uk"));
    both.settled()
}

fn has_log(dir: &Path, day: &str) -> bool {
    WRITTEN[1..].iter().any(|name| dir.join(day).join(name).exists())
}

/// Waits for what the indexer does by and by.
pub(super) fn soon(is: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while !is() {
        assert!(std::time::Instant::now() < until, "not within 20 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_damaged_or_missing_index_is_not_used_and_is_made_anew() {
    let mut both = two_days();
    let dir = both.trail.dir();
    for day in ["2026-11-24", "2026-11-26"] {
        let file = dir.join(day).join("index.db");
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    fs::remove_file(dir.join("2026-11-25/index.db")).unwrap();
    let damaged: Vec<String> = index::check(&dir).unwrap().into_iter().map(|damage| damage.day).collect();
    assert_eq!(damaged, ["2026-11-24", "2026-11-26"]);
    let blind = Index::of(&dir);
    assert!(["2026-11-24", "2026-11-25", "2026-11-26"].iter().all(|day| blind.day(day).is_none()));
    agree(&dir, &blind, &blocks());
    both.start(true);
    let index = both.settled();
    soon(|| ["2026-11-24", "2026-11-25", "2026-11-26"].iter().all(|day| index.day(day).is_some()));
    agree(&dir, &index, &blocks());
    both.stop();
    assert_eq!(index::check(&dir).unwrap(), []);
}

#[test]
fn an_index_that_does_not_fit_the_trail_is_found_out() {
    let both = two_days();
    let dir = both.trail.dir();
    let segment = both.trail.segments().remove(0);
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, format!("{{\"inserted\":1}}\n{text}")).unwrap();
    let index = Index::of(&dir);
    assert!(index.day("2026-11-24").is_some());
    agree(&dir, &index, &blocks());
    assert!(index.day("2026-11-24").is_none(), "it is not used any more");
}

#[test]
fn the_log_that_a_crash_left_is_not_read_into_the_index_that_is_made_anew() {
    let mut both = Both::new();
    let dir = both.trail.dir();
    both.start(true);
    (0..20).for_each(|_| record(&both, block("a.example")));
    both.settled();
    let left = WRITTEN.map(|name| fs::read(dir.join(FIRST).join(name)).unwrap());
    both.stop();
    both.start(false);
    (0..200).for_each(|number| record(&both, block(&format!("b{number}.a.example"))));
    both.trail.tick(24 * 3_600_000);
    record(&both, block("a.example"));
    both.stop();
    fs::remove_file(dir.join(FIRST).join("index.sum")).unwrap();
    for (name, bytes) in WRITTEN.iter().zip(left) {
        fs::write(dir.join(FIRST).join(name), bytes).unwrap();
    }
    both.start(true);
    let index = both.settled();
    soon(|| index.day(FIRST).is_some());
    assert!(!has_log(&dir, FIRST));
    agree(&dir, &index, &blocks());
    assert!(index.day(FIRST).is_some(), "it fits the trail");
    both.stop();
    assert_eq!(index::check(&dir).unwrap(), []);
}

#[test]
fn who_reads_while_the_day_changes_spoils_nothing() {
    let mut both = Both::new();
    let dir = both.trail.dir();
    both.start(true);
    (0..200).for_each(|number| record(&both, block(&format!("b{number}.a.example"))));
    let reader = both.settled().day(FIRST).unwrap();
    both.trail.tick(24 * 3_600_000);
    let index = nudge(&both);
    soon(|| index.day(FIRST).is_some());
    assert_eq!(reader.reached(), 200);
    assert!(!has_log(&dir, FIRST));
    agree(&dir, &index, &blocks());
    drop(reader);
    agree(&dir, &index, &blocks());
    assert!(index.day(FIRST).is_some(), "it fits the trail");
    both.stop();
    assert_eq!(index::check(&dir).unwrap(), []);
}

#[test]
fn a_finished_index_with_a_log_beside_it_is_damage() {
    let both = two_days();
    let dir = both.trail.dir();
    let index = Index::of(&dir);
    assert!(index.day(SECOND).is_some());
    for day in [FIRST, SECOND] {
        fs::write(dir.join(day).join("index.db-wal"), "").unwrap();
        assert!(index.day(day).is_none());
    }
    let damaged: Vec<String> = index::check(&dir).unwrap().into_iter().map(|damage| damage.day).collect();
    assert_eq!(damaged, [FIRST, SECOND]);
}

#[test]
fn a_day_that_was_asked_for_before_its_first_line_is_not_made_anew_while_it_is_written() {
    let mut both = Both::new();
    let dir = both.trail.dir();
    both.start(true);
    let index = nudge(&both);
    for day in ["2026-11-25", "2026-11-26", "2026-11-27"] {
        fs::create_dir(dir.join(day)).unwrap();
        assert!(index.day(day).is_none());
        // Until the indexer waits for lines, most likely: nothing tells.
        std::thread::sleep(Duration::from_millis(20));
        both.trail.tick(24 * 3_600_000);
        (0..5).for_each(|_| drop(nudge(&both)));
        std::thread::sleep(Duration::from_millis(20));
        let head = both.running.as_ref().unwrap().recorder.head().sequence;
        assert_eq!(index.day(day).unwrap().reached(), head);
        assert_eq!(nudge(&both).day(day).unwrap().reached(), head + 1);
    }
    both.stop();
    assert_eq!(index::check(&dir).unwrap(), []);
}

#[test]
fn an_index_that_was_made_anew_and_leads_astray_again_is_given_up() {
    let mut both = two_days();
    fs::remove_file(both.trail.dir().join(FIRST).join("index.sum")).unwrap();
    both.start(true);
    let index = nudge(&both);
    // The first day is the last that a start looks at.
    soon(|| nudge(&both).day(FIRST).is_some());
    index.distrust(FIRST);
    soon(|| nudge(&both).day(FIRST).is_some());
    index.distrust(FIRST);
    index.distrust(SECOND);
    soon(|| nudge(&both).day(SECOND).is_some());
    (0..5).for_each(|_| drop(nudge(&both)));
    assert!(index.day(FIRST).is_none());
    agree(&both.trail.dir(), &index, &blocks());
    both.stop();
}

#[test]
fn a_damaged_frame_costs_its_lines_and_one_index() {
    let mut both = Both::new();
    both.trail.full = 64 << 20;
    let dir = both.trail.dir();
    both.start(true);
    (0..1200).for_each(|number| record(&both, block(&format!("b{number}.a.example"))));
    both.trail.tick(24 * 3_600_000);
    nudge(&both);
    both.stop();
    both.trail.pack();
    let segment = both.trail.segments().remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    let frames: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&[0x28, 0xb5, 0x2f, 0xfd])).collect();
    assert!(frames.len() > 2, "{frames:?}");
    // The checksum of the first frame.
    bytes[frames[1] - 1] ^= 1;
    fs::write(&segment, bytes).unwrap();
    both.start(true);
    let index = both.settled();
    assert!(index.day(FIRST).is_some());
    let file = dir.join(FIRST).join("index.db");
    let before = fs::read(&file).unwrap();
    agree(&dir, &index, &blocks());
    // It has lines that are lost.
    soon(|| index.day(FIRST).is_some() && fs::read(&file).is_ok_and(|now| now != before));
    agree(&dir, &index, &blocks());
    agree(&dir, &index, &Filter { order: Order::OldestFirst, ..blocks() });
    assert!(index.day(FIRST).is_some(), "it fits what is left");
    both.stop();
}

/// The indexes and their digests.
fn indexes(dir: &Path) -> Vec<PathBuf> {
    let days = fs::read_dir(dir).unwrap().map(|day| day.unwrap().path()).filter(|day| day.is_dir());
    let files = days.flat_map(|day| ["index.db", "index.sum"].map(|name| day.join(name)));
    let mut files: Vec<PathBuf> = files.filter(|file| file.exists()).collect();
    files.sort();
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// A bug: a digest that was no text any more kept the other days from being looked at.
    #[test]
    fn any_byte_of_an_index_is_found_and_leads_nobody_astray(
        file in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let copy = Copy::of(&SAMPLE);
        let files = indexes(copy.path());
        let file = file.get(&files);
        let whole = fs::read(file).unwrap();
        let mut bytes = whole.clone();
        bytes[place.index(whole.len())] ^= flip;
        fs::write(file, &bytes).unwrap();
        // The line end of a digest says nothing.
        let is_harmless = bytes.trim_ascii_end() == whole.trim_ascii_end();
        prop_assert_eq!(index::check(copy.path()).unwrap().is_empty(), is_harmless);
        let index = Index::of(copy.path());
        for filter in [blocks(), Filter::default(), Filter { user: Some("y5.042".into()), ..Filter::default() }] {
            agree(copy.path(), &index, &filter);
        }
        reindex(copy.path(), None, &mut |_| ()).unwrap();
        for (made, first) in indexes(copy.path()).iter().zip(indexes(&SAMPLE.dir())) {
            prop_assert!(fs::read(made).unwrap() == fs::read(first).unwrap(), "{}", made.display());
        }
    }
}
