//! Which index is used, and what becomes of one that must not be.

use super::*;
use crate::audit::index::{ReindexError, reindex};

/// Two days of accesses, indexed and finished.
pub(super) fn two_days() -> Both {
    let mut both = Both::new();
    both.start(true);
    for number in 0..40 {
        both.trail.tick(3_600_000);
        let entry = if number % 4 == 0 { block("b.a.example") } else { access("school.county.sch.uk") };
        let receipt = both.trail.record(both.running.as_ref().unwrap(), entry).unwrap();
        both.running.as_ref().unwrap().recorder.close(receipt, end(number));
    }
    both.settled();
    both.stop();
    both
}

pub(super) fn blocks() -> Filter {
    Filter { action: Some("block".into()), host: Host::parse("a.example").ok(), ..Filter::default() }
}

#[test]
fn a_finished_index_is_used_and_goes_on_where_it_ended() {
    let mut both = two_days();
    let dir = both.trail.dir();
    let index = Index::of(&dir);
    assert_eq!(
        index.day("2026-11-25").unwrap().reached() + 1,
        index
            .day("2026-11-26")
            .unwrap()
            .search(&Filter { order: Order::OldestFirst, ..Filter::default() })
            .unwrap()
            .map(|mut all| { index.day("2026-11-26").unwrap().next(&mut all, 1).unwrap()[0].sequence })
            .unwrap()
    );
    agree(&dir, &index, &blocks());
    let before = fs::read(dir.join("2026-11-24/index.db")).unwrap();
    both.start(true);
    let index = both.settled();
    assert!(index.day("2026-11-26").is_some(), "the last day goes on");
    assert!(!dir.join("2026-11-26/index.sum").exists(), "nothing says that it is whole while it is written");
    both.trail.record(both.running.as_ref().unwrap(), block("a.example")).unwrap();
    agree(&dir, &both.settled(), &blocks());
    both.stop();
    assert_eq!(fs::read(dir.join("2026-11-24/index.db")).unwrap(), before);
    reindex(&dir, Some("2026-11-24"), &mut |_| ()).unwrap();
    agree(&dir, &Index::of(&dir), &blocks());
}

#[test]
fn the_index_is_made_anew_only_while_no_gateway_runs() {
    let mut both = two_days();
    let dir = both.trail.dir();
    both.start(true);
    assert!(matches!(reindex(&dir, None, &mut |_| ()), Err(ReindexError::InUse)));
    both.stop();
    assert!(matches!(reindex(&dir, Some("2026-01-01"), &mut |_| ()), Err(ReindexError::NoDay(_))));
    let mut days = Vec::new();
    let lines = reindex(&dir, None, &mut |at| days.push((at.day.to_owned(), at.done))).unwrap();
    assert_eq!(lines as usize, both.trail.lines().len());
    assert!(days.iter().any(|(day, done)| day == "2026-11-26" && *done > 0), "{days:?}");
    let first: Vec<_> =
        ["2026-11-24", "2026-11-25"].map(|day| fs::read(dir.join(day).join("index.db")).unwrap()).into();
    reindex(&dir, None, &mut |_| ()).unwrap();
    let again: Vec<_> =
        ["2026-11-24", "2026-11-25"].map(|day| fs::read(dir.join(day).join("index.db")).unwrap()).into();
    assert!(first == again, "the same trail makes the same index");
    agree(&dir, &Index::of(&dir), &blocks());
}

/// A start reads no older day's index: what is wrong with one is found out by the first question.
#[test]
fn an_older_day_is_looked_at_when_it_is_first_asked_for() {
    let mut both = two_days();
    let dir = both.trail.dir();
    let file = dir.join("2026-11-24/index.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    fs::remove_file(dir.join("2026-11-25/index.db")).unwrap();
    both.start(true);
    let index = both.settled();
    // The days are gone through from the newest on: with this one done, the next is the damaged one.
    super::astray::soon(|| {
        index::check(&dir).unwrap().len() == 1 && dir.join("2026-11-25/index.sum").exists()
    });
    both.trail.record(both.running.as_ref().unwrap(), access("school.county.sch.uk")).unwrap();
    both.settled();
    assert_eq!(fs::read(&file).unwrap(), bytes, "nobody asked");
    assert!(index.day("2026-11-24").is_none(), "it is found out");
    agree(&dir, &index, &blocks());
    super::astray::soon(|| index.day("2026-11-24").is_some());
    agree(&dir, &index, &blocks());
    both.stop();
    assert_eq!(index::check(&dir).unwrap(), []);
}
