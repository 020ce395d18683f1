//! The index of the trail: for every day, where the lines are of a person, a host, a category, …
//!
//! **Invariant:** the index follows from the trail and says nothing that the trail does not: a
//! day's index that is missing, of another form, unfinished or not what its digest says is not
//! used, and that day's questions are answered by a scan.
//!
//! # On disk
//!
//! `<audit>/<day>/index.db`, an SQLite file, written behind the trail by one thread, and beside it
//! `index.sum`, the BLAKE3 digest of the finished file. Of a statutory match it has neither host nor
//! address, since the trail has none.

mod day;
mod fields;
mod indexer;
mod reader;
mod rebuild;
mod seal;
mod sought;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, io};

use tokio::sync::{Notify, watch};

use crate::audit::query::Halt;
use crate::audit::segment::Segment;
use seal::Seal;

pub use indexer::Indexer;
pub use rebuild::{Rebuilding, ReindexError, reindex};

pub(super) use reader::{DayReader, Spot};

/// The index of a trail; clones share what is known of it.
#[derive(Clone, Debug)]
pub struct Index {
    dir: Arc<Path>,
    days: Arc<Mutex<BTreeMap<String, Standing>>>,
    /// The last line that is indexed.
    reached: watch::Receiver<u64>,
    /// Wakes who makes indexes anew: one was found that is not to be trusted.
    found: Arc<Notify>,
    halt: Halt,
}

/// Whether a day's index is to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Finished, and its digest is right.
    Sound,
    /// Being written by this process.
    Growing,
    /// Not to be trusted.
    Unsound,
}

/// What names somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A user.
    User,
    /// A device.
    Device,
    /// A client's address.
    Client,
}

/// An index that is not what its digest says, or has a log beside it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Damage {
    /// The day.
    pub day: String,
    /// The index.
    pub file: PathBuf,
}

/// Looks at every finished index under `dir`: which are not what their digest says. One that is
/// missing or being written is no damage.
///
/// # Errors
/// When a folder or an index can't be read.
pub fn check(dir: &Path) -> io::Result<Vec<Damage>> {
    let mut damages = Vec::new();
    for day in days(dir)? {
        let folder = dir.join(&day);
        if seal::look(&folder)? == Seal::Wrong {
            damages.push(Damage { day, file: seal::file(&folder) });
        }
    }
    Ok(damages)
}

impl Index {
    /// The index of a trail that this process does not write; each day's digest is looked at before
    /// it is first used.
    #[must_use]
    pub fn of(dir: &Path) -> Index {
        Index {
            dir: dir.into(),
            days: Arc::default(),
            reached: watch::channel(0).1,
            found: Arc::default(),
            halt: Halt::default(),
        }
    }

    /// The same for somebody who may leave: what they read through it is broken off by this halt.
    #[must_use]
    pub fn heeding(&self, halt: Halt) -> Index {
        Index { halt, ..self.clone() }
    }

    /// What breaks off every reading through this index and its clones.
    #[must_use]
    pub fn halt(&self) -> &Halt {
        &self.halt
    }

    /// The folder of the trail.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The name that is meant, looked for in the newest day first: finds whose a pseudonym is. `None`
    /// where no index has it, which does not say that the trail has not.
    #[must_use]
    pub fn name(&self, of: Named, is: &dyn Fn(&str) -> bool) -> Option<String> {
        let days = days(&self.dir).unwrap_or_default();
        days.iter().rev().find_map(|day| self.day(day)?.name(of, is).ok().flatten())
    }

    /// Waits until the line of this sequence is indexed; false when the indexer ended before.
    pub async fn reaches(&mut self, sequence: u64) -> bool {
        self.reached.wait_for(|reached| *reached >= sequence).await.is_ok()
    }

    /// The index of a day, if it is to be trusted.
    pub(super) fn day(&self, day: &str) -> Option<DayReader> {
        let folder = self.dir.join(day);
        match self.standing(day) {
            Standing::Unsound => None,
            Standing::Sound if seal::has_log(&folder) => {
                self.distrust(day);
                None
            }
            Standing::Sound | Standing::Growing => match DayReader::open(&folder) {
                Ok(reader) => reader,
                Err(fault) => {
                    tracing::warn!(day, %fault, "a day's index can't be read; the trail itself is");
                    self.distrust(day);
                    None
                }
            },
        }
    }

    /// The index of this day led astray: it is not used any more.
    pub(super) fn distrust(&self, day: &str) {
        tracing::warn!(day, "a day's index does not fit the trail; it is made anew");
        self.set(day, Standing::Unsound);
    }

    /// Lines of this day were removed, and its index with them: it is made anew.
    pub(super) fn forget(&self, day: &str) {
        self.set(day, Standing::Unsound);
    }

    /// How the day's index stands; looks at the digest the first time.
    fn standing(&self, day: &str) -> Standing {
        if let Some(standing) = self.known(day) {
            return standing;
        }
        let standing = match seal::look(&self.dir.join(day)) {
            Ok(Seal::Right) => Standing::Sound,
            Ok(Seal::None | Seal::Wrong) | Err(_) => Standing::Unsound,
        };
        // The indexer may have said more meanwhile.
        let standing = *self.days().entry(day.to_owned()).or_insert(standing);
        if standing == Standing::Unsound {
            self.found.notify_one();
        }
        standing
    }

    /// Whether the day's index is known to be none, before anybody asks for it. One that has a digest
    /// is looked at when it is first asked for: to read the indexes of a year would keep a start busy.
    fn is_wanting(&self, day: &str) -> bool {
        match self.known(day) {
            Some(standing) => standing == Standing::Unsound,
            None => !seal::is_finished(&self.dir.join(day)),
        }
    }

    /// The day's index is finished; false where it led astray meanwhile.
    fn finished(&self, day: &str) -> bool {
        let mut days = self.days();
        let trusted = days.get(day) != Some(&Standing::Unsound);
        if trusted {
            days.insert(day.to_owned(), Standing::Sound);
        }
        trusted
    }

    /// Days that are known not to be trusted.
    fn unsound(&self) -> Vec<String> {
        let days = self.days();
        let unsound = days.iter().filter(|(_, standing)| **standing == Standing::Unsound);
        unsound.map(|(day, _)| day.clone()).filter(|day| self.dir.join(day).is_dir()).collect()
    }

    fn known(&self, day: &str) -> Option<Standing> {
        self.days().get(day).copied()
    }

    fn set(&self, day: &str, standing: Standing) {
        self.days().insert(day.to_owned(), standing);
        if standing == Standing::Unsound {
            self.found.notify_one();
        }
    }

    fn days(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the index is not what its digest says; the trail is not touched by that",
            self.file.display()
        )
    }
}

/// The days of a trail, oldest first.
fn days(dir: &Path) -> io::Result<Vec<String>> {
    let mut days: Vec<String> = Segment::list(dir)?.into_iter().map(|segment| segment.day).collect();
    days.dedup();
    Ok(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_led_astray_while_it_was_finished_is_not_trusted() {
        let dir = tempfile::tempdir().unwrap();
        let index = Index::of(dir.path());
        index.set("2026-11-24", Standing::Growing);
        assert!(index.finished("2026-11-24"));
        assert_eq!(index.known("2026-11-24"), Some(Standing::Sound));
        index.set("2026-11-25", Standing::Growing);
        index.distrust("2026-11-25");
        assert!(!index.finished("2026-11-25"));
        assert_eq!(index.known("2026-11-25"), Some(Standing::Unsound));
    }
}
