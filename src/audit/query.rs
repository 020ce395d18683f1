//! Reads the trail back: what happened to whom, where, when and why.
//!
//! Two ways to one answer. The scan opens no days and segments that can't hold a match, and parses
//! no lines that can't. [`Index::query`] lets a day's index say which lines may match, where
//! there is one to be trusted, and scans what is not indexed.
//!
//! **Invariant:** what is answered was read from the trail and judged by the filter, whoever said
//! where it stands.

mod filter;
mod halt;
mod indexed;
mod join;
mod pick;
mod scan;
mod words;

use std::io;
use std::path::Path;

use serde_json::Value;

use crate::audit::index::Index;
use crate::audit::segment::Segment;
use scan::Flow;

pub use filter::{Closes, Filter, Order};
pub use halt::Halt;
pub use pick::pick;
pub use words::Unknown;

pub(super) use join::Ends;

/// Of how many events at a time ends are looked for.
const TOGETHER: usize = 1000;

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
    /// The [`Halt`] of whoever reads was called before all was read.
    #[error("reading the audit trail was broken off")]
    Halted,
}

/// The events under `dir` that match, a page of them, by a scan.
///
/// # Errors
/// [`QueryError`] when a segment can't be read. Lines that are no events are passed over:
/// naming them is [`super::verify()`]'s part.
pub fn query(dir: &Path, filter: &Filter) -> Result<Page, QueryError> {
    page(dir, None, filter)
}

/// Hands every event that matches to `each`, in the order asked for, until it answers false;
/// the limit is not minded and ends are not joined. How many events were handed over.
///
/// # Errors
/// As [`query`].
pub fn scan(dir: &Path, filter: &Filter, each: impl FnMut(Record) -> bool) -> Result<u64, QueryError> {
    hand(dir, None, filter, each)
}

impl Index {
    /// The events that match, a page of them.
    ///
    /// # Errors
    /// As [`query`].
    pub fn query(&self, filter: &Filter) -> Result<Page, QueryError> {
        page(self.dir(), Some(self), filter)
    }

    /// Hands every event that matches to `each`, the oldest first, and every access with how it ended;
    /// limit, order and closes of the filter are not minded.
    ///
    /// # Errors
    /// As [`query`].
    pub fn ended(&self, filter: &Filter, mut each: impl FnMut(Record)) -> Result<(), QueryError> {
        let (order, closes) = (Order::OldestFirst, Closes::Joined);
        let mut filter = Filter { order, closes, limit: TOGETHER, ..filter.clone() };
        loop {
            let page = self.query(&filter)?;
            page.records.into_iter().for_each(&mut each);
            match page.next {
                Some(next) => filter.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Whether every day that may have a match is found through its index. Whoever asks once for each
    /// of many else reads such a day as often.
    ///
    /// # Errors
    /// As [`query`].
    pub fn leads(&self, filter: &Filter) -> Result<bool, QueryError> {
        let segments = filter.matcher(self.halt())?.segments(Segment::list(self.dir())?);
        let mut days = segments.chunk_by(|a, b| a.day == b.day);
        Ok(!filter.may_match_ends() && days.all(|day| self.day(&day[0].day).is_some()))
    }

    /// As [`scan()`].
    ///
    /// # Errors
    /// As [`query`].
    pub fn scan(&self, filter: &Filter, each: impl FnMut(Record) -> bool) -> Result<u64, QueryError> {
        hand(self.dir(), Some(self), filter, each)
    }
}

fn page(dir: &Path, index: Option<&Index>, filter: &Filter) -> Result<Page, QueryError> {
    let mut page = Page::default();
    let limit = filter.limit.max(1);
    walk(dir, index, filter, &mut |record| {
        if page.records.len() == limit {
            page.next = page.records.last().map(|last: &Record| last.sequence);
            return Flow::Stop;
        }
        page.records.push(record);
        Flow::On
    })?;
    if filter.closes == Closes::Joined {
        join::join(dir, index, &mut page.records)?;
    }
    Ok(page)
}

fn hand(
    dir: &Path,
    index: Option<&Index>,
    filter: &Filter,
    mut each: impl FnMut(Record) -> bool,
) -> Result<u64, QueryError> {
    let mut handed = 0;
    walk(dir, index, filter, &mut |record| {
        handed += 1;
        if each(record) { Flow::On } else { Flow::Stop }
    })?;
    Ok(handed)
}

fn walk(
    dir: &Path,
    index: Option<&Index>,
    filter: &Filter,
    each: &mut dyn FnMut(Record) -> Flow,
) -> Result<(), QueryError> {
    let halt = index.map(|index| index.halt().clone()).unwrap_or_default();
    let matcher = filter.matcher(&halt)?;
    let all = Segment::list(dir)?;
    let index = index.filter(|_| !filter.may_match_ends());
    for day in matcher.segments(all.clone()).chunk_by(|a, b| a.day == b.day) {
        let name = day[0].day.as_str();
        let flow = match index.and_then(|index| Some((index, index.day(name)?))) {
            Some((index, reader)) => {
                let whole = indexed::Day::new(name, &all, day);
                indexed::walk(&whole, index, &reader, filter, each)?
            }
            None => scan::walk(&matcher, day, filter.order, each)?,
        };
        if halt.is_called() {
            return Err(QueryError::Halted);
        }
        if flow == Flow::Stop {
            break;
        }
    }
    Ok(())
}
