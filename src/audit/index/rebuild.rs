//! Makes a day's index anew from the trail, beside the one that is there.

use std::io;
use std::path::Path;

use tokio::sync::watch;

use crate::audit::chain::Head;
use crate::audit::follow::{Follower, Reach, Written};
use crate::audit::index::day::{DayWriter, IndexError};
use crate::audit::index::days;
use crate::audit::recorder::{self, OpenError};
use crate::audit::segment::Segment;

/// How many lines are taken in at once.
const BATCH: usize = 4096;

/// A day that is being indexed anew.
#[derive(Debug)]
pub(super) struct Rebuild {
    day: String,
    follower: Follower,
    writer: DayWriter,
}

/// How far the making of an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rebuilding<'a> {
    /// The day.
    pub day: &'a str,
    /// Lines of the day that are indexed.
    pub done: u64,
    /// Lines of the day; of the last day it is not known beforehand.
    pub of: Option<u64>,
}

/// Why an index could not be made anew.
#[derive(Debug, thiserror::Error)]
pub enum ReindexError {
    /// A gateway runs: it keeps its index itself.
    #[error("a gateway runs on this trail, and keeps its index itself: stop it, or restart it")]
    InUse,
    /// There is no such day.
    #[error("the trail has no day {0}")]
    NoDay(String),
    /// The trail or the index can't be read or written.
    #[error("the index can't be made: {0}")]
    Failed(#[source] io::Error),
}

/// Makes the index of one day, or of all, anew, and tells `progress` of every step. How many lines
/// are indexed.
///
/// # Errors
/// [`ReindexError`]; the days that were done stay done.
pub fn reindex(
    dir: &Path,
    day: Option<&str>,
    progress: &mut dyn FnMut(Rebuilding<'_>),
) -> Result<u64, ReindexError> {
    let lock = recorder::lock(dir).map_err(|fault| match fault {
        OpenError::InUse => ReindexError::InUse,
        OpenError::Unreadable(fault) | OpenError::Thread(fault) => ReindexError::Failed(fault),
        OpenError::Observer(fault) => ReindexError::Failed(fault.into()),
    })?;
    let all = days(dir).map_err(ReindexError::Failed)?;
    if let Some(day) = day.filter(|day| !all.iter().any(|known| known == day)) {
        return Err(ReindexError::NoDay(day.to_owned()));
    }
    let mut lines = 0;
    for known in all.into_iter().filter(|known| day.is_none_or(|day| day == known)) {
        lines += one(dir, &known, progress).map_err(|fault| ReindexError::Failed(fault.into()))?;
    }
    drop(lock);
    Ok(lines)
}

fn one(dir: &Path, day: &str, progress: &mut dyn FnMut(Rebuilding<'_>)) -> Result<u64, IndexError> {
    let segments = Segment::list(dir)?;
    let first = segments.iter().find(|segment| segment.day == day).map_or(1, |segment| segment.first);
    let next = segments.iter().find(|segment| segment.day.as_str() > day);
    let of = next.map(|next| next.first.saturating_sub(first));
    // Nobody writes: every whole line counts.
    let head = Head { sequence: u64::MAX, ..Head::NONE };
    let (_end, reach) = watch::channel(Reach { head, open: None });
    let mut rebuild = Rebuild::start(dir, day, &Follower::new(dir, 0, reach))?;
    let mut done = 0;
    progress(Rebuilding { day, done, of });
    while let Some(lines) = rebuild.step()? {
        done += lines;
        progress(Rebuilding { day, done, of });
    }
    rebuild.finish()?;
    Ok(done)
}

impl Rebuild {
    /// `like` follows the same trail.
    pub(super) fn start(dir: &Path, day: &str, like: &Follower) -> Result<Rebuild, IndexError> {
        let segments = Segment::list(dir)?;
        let first = segments.iter().find(|segment| segment.day == day).map_or(1, |segment| segment.first);
        let follower = like.again(first.saturating_sub(1));
        Ok(Rebuild { day: day.to_owned(), follower, writer: DayWriter::beside(&dir.join(day))? })
    }

    pub(super) fn day(&self) -> &str {
        &self.day
    }

    /// Takes in some lines; `None` when the day is done.
    pub(super) fn step(&mut self) -> Result<Option<u64>, IndexError> {
        let mut lines = self.follower.read(BATCH)?;
        let of_day = |line: &Written| line.segment.day == self.day;
        lines.truncate(lines.iter().position(|line| !of_day(line)).unwrap_or(lines.len()));
        self.writer.add(&lines)?;
        Ok((!lines.is_empty()).then_some(lines.len() as u64))
    }

    /// Puts the index in its place.
    pub(super) fn finish(self) -> Result<(), IndexError> {
        self.writer.seal()
    }
}

impl From<IndexError> for io::Error {
    fn from(fault: IndexError) -> io::Error {
        match fault {
            IndexError::Io(fault) => fault,
            IndexError::Sqlite(fault) => io::Error::other(fault),
        }
    }
}
