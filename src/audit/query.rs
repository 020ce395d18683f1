//! Reads the trail back: what happened to whom, where, when and why.
//!
//! A plain scan: days and segments that can't hold a match are not opened, lines that can't
//! match are not parsed.

mod filter;
mod join;
mod pick;
mod scan;

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::audit::segment::Segment;
use filter::Judged;
use join::Ends;
use scan::Walk;

pub use filter::{Closes, Filter, Order};
pub use pick::pick;

/// An event as found.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// `event.sequence`
    pub sequence: u64,
    /// The event; an access carries how it ended, when [`Closes::Joined`] was asked for.
    pub event: Value,
    /// The line as it stands in the segment, without its line end.
    pub line: String,
}

/// Some of the events found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// At most [`Filter::limit`] events in the order asked for.
    pub records: Vec<Record>,
    /// Where to go on: [`Filter::before`] for newest first, [`Filter::after`] for oldest
    /// first. `None` when there are no more.
    pub next: Option<u64>,
}

/// Why the trail can't be read back.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A folder or segment can't be read.
    #[error("the audit trail can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The filter's text has no JSON form.
    #[error("the filter can't be written as JSON: {0}")]
    Filter(#[from] serde_json::Error),
}

/// The events under `dir` that match, a page of them.
///
/// # Errors
/// [`QueryError`] when a segment can't be read. Lines that are no events are passed over:
/// naming them is [`super::verify()`]'s part.
pub fn query(dir: &Path, filter: &Filter) -> Result<Page, QueryError> {
    let mut page = Page::default();
    let limit = filter.limit.max(1);
    walk(dir, filter, |record| {
        if page.records.len() == limit {
            page.next = page.records.last().map(|last: &Record| last.sequence);
            return false;
        }
        page.records.push(record);
        true
    })?;
    if filter.closes == Closes::Joined {
        Ends::of(&page.records).join(dir, &mut page.records)?;
    }
    Ok(page)
}

/// Hands every event that matches to `each`, in the order asked for, until it answers false;
/// the limit is not minded and ends are not joined. How many events were handed over.
///
/// # Errors
/// As [`query`].
pub fn scan(dir: &Path, filter: &Filter, mut each: impl FnMut(Record) -> bool) -> Result<u64, QueryError> {
    let mut handed = 0;
    walk(dir, filter, |record| {
        handed += 1;
        each(record)
    })?;
    Ok(handed)
}

fn walk(dir: &Path, filter: &Filter, mut each: impl FnMut(Record) -> bool) -> Result<(), QueryError> {
    let matcher = filter.matcher()?;
    let segments = Segment::list(dir)?;
    for segment in matcher.segments(segments) {
        let mut lines = Walk::open(&segment.path, filter.order)?;
        while let Some(line) = lines.next()? {
            match matcher.judge(line) {
                Judged::Match(record) => {
                    if !each(*record) {
                        return Ok(());
                    }
                }
                Judged::Pass => {}
                Judged::Beyond => return Ok(()),
            }
        }
    }
    Ok(())
}
