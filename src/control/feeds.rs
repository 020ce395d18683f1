//! Where lists come from: looked at on time, taken in when sound, put in force, told of when not.
//!
//! **Invariant:** a source that fails, in whatever way, costs nothing that is in force; and it
//! stands in status, record and metrics until it is mended. Nothing here runs on a thread that
//! carries traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::audit::{Act, Actor, Entry, Outcome as Went};
use crate::control::lists::{Keys, Places, Sizes, Standing};
use crate::control::{ControlError, Shared, Sources, StartError};
use crate::lists::Statutory;
use crate::model::Timestamp;
use crate::settings::{Delivers, Place, Source};

mod alarm;
mod look;
mod memory;
mod schedule;
mod status;
mod watch;
mod web;

pub use alarm::Alarm;
pub use schedule::{STATUTORY_MAX_AGE, is_overdue, next_look};
pub use status::{SourceStatus, View, inspection_sentence, view};
pub(super) use watch::fetch_first;
pub use watch::fetch_once;

use look::{Found, Setting};
use memory::{Memory, Seen};

/// The file that remembers how each source was.
const MEMORY: &str = "feeds.json";
/// The folder of files that are being taken in.
const STAGING: &str = "fetch";

/// Which sources to look at.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Those whose time has come, or the one of that name, or all.
    pub which: Which,
    /// The lists that may shrink as they like.
    pub accept_shrink: BTreeSet<String>,
}

/// Which sources to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// Those whose time has come.
    #[default]
    Due,
    /// All of them, now.
    All,
    /// One, now: `ut1`, `statutory/iwf`, or `iwf` where no other is called so.
    One(String),
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new version was taken.
    Refreshed,
    /// There is nothing new.
    Unchanged,
    /// What came is not to be trusted: why.
    Refused(String),
    /// Nothing came: why.
    Failed(String),
}

/// A look at a source, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// The source: `ut1`, `statutory/iwf`.
    pub source: String,
    /// `refreshed`, `unchanged`, `refused` or `failed`.
    pub outcome: &'static str,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// How many entries it brought.
    pub entries: Option<usize>,
    /// When it is looked at next.
    pub next_look: Option<Timestamp>,
    #[serde(skip)]
    sizes: Sizes,
    #[serde(skip)]
    statutory: bool,
}

/// The system's authorities and those of these files; none when a file can't be read.
pub(super) fn roots(extra: &[PathBuf]) -> Option<Vec<ureq::tls::Certificate<'static>>> {
    web::roots(extra).ok()
}

/// Why a look brought nothing.
#[derive(Debug)]
enum Fault {
    Refused(String),
    Failed(String),
}

impl Fault {
    /// The same where no version was ever taken, so that nobody believes that an older one is in force.
    fn of_the_first(self) -> Fault {
        let more = |why: String| format!("{why}; nothing of this source is in force yet");
        match self {
            Fault::Refused(why) => Fault::Refused(more(why)),
            Fault::Failed(why) => Fault::Failed(more(why)),
        }
    }
}

/// The sources, and what is remembered of them.
pub(super) struct Feeds {
    sources: Vec<Source>,
    extra_roots: Vec<PathBuf>,
    places: Places,
    file: PathBuf,
    staging: PathBuf,
    memory: Mutex<Memory>,
    /// One run at a time.
    pub(super) running: tokio::sync::Mutex<()>,
}

impl Outcome {
    /// As the metrics call it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Outcome::Refreshed => "refreshed",
            Outcome::Unchanged => "unchanged",
            Outcome::Refused(_) => "refused",
            Outcome::Failed(_) => "failed",
        }
    }

    /// What was wrong, if something was.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Outcome::Refreshed | Outcome::Unchanged => None,
            Outcome::Refused(why) => Some(format!("refused: {why}")),
            Outcome::Failed(why) => Some(format!("not fetched: {why}")),
        }
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Outcome {
        match fault {
            Fault::Refused(why) => Outcome::Refused(why),
            Fault::Failed(why) => Outcome::Failed(why),
        }
    }
}

impl Feeds {
    pub(super) fn open(sources: &Sources) -> Feeds {
        let state = sources.store_file.parent().map(ToOwned::to_owned).unwrap_or_default();
        let file = state.join(MEMORY);
        Feeds {
            sources: sources.feeds.clone(),
            extra_roots: sources.extra_roots.clone(),
            places: sources.places.clone(),
            memory: Mutex::new(Memory::read(&file)),
            file,
            staging: state.join(STAGING),
            running: tokio::sync::Mutex::default(),
        }
    }

    /// The sources that are asked for.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(super) fn chosen(&self, which: &Which, now: Timestamp) -> Result<Vec<Source>, ControlError> {
        let named = |source: &&Source, name: &str| source.id() == name || source.name == name;
        let chosen: Vec<Source> = match which {
            Which::All => self.sources.clone(),
            Which::Due => self.sources.iter().filter(|source| self.is_due(source, now)).cloned().collect(),
            Which::One(name) => self.sources.iter().filter(|source| named(source, name)).cloned().collect(),
        };
        match which {
            Which::One(name) if chosen.is_empty() => {
                let has: Vec<String> = self.sources.iter().map(Source::id).collect();
                let has = if has.is_empty() { "there are none".to_owned() } else { has.join(", ") };
                Err(ControlError::Invalid("name", format!("the settings have no source {name:?}: {has}")))
            }
            Which::One(name) if chosen.len() > 1 => {
                let problem = format!("there are two sources {name:?}: write statutory/{name} for the one");
                Err(ControlError::Invalid("name", problem))
            }
            Which::Due | Which::All | Which::One(_) => Ok(chosen),
        }
    }

    /// Whether a source's time has come.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.sources.iter().any(|source| self.is_due(source, now))
    }

    /// The statutory sources of which nothing is held yet.
    pub(super) fn never_taken(&self) -> Vec<Source> {
        let held = |source: &Source| self.places.kept.join(&source.name).exists();
        let statutory = self.sources.iter().filter(|source| source.what == Delivers::Statutory);
        statutory.filter(|source| !held(source)).cloned().collect()
    }

    /// Looks at a source and remembers how it went. It takes as long as the source's server does.
    pub(super) fn look(
        &self,
        source: &Source,
        (keys, sizes): (&Keys, &Sizes),
        accept_shrink: &BTreeSet<String>,
        now: Timestamp,
    ) -> Looked {
        let seen = self.memory().seen(source).cloned();
        let setting = Setting {
            places: &self.places,
            keys,
            sizes,
            extra_roots: &self.extra_roots,
            staging: &self.staging,
            accept_shrink,
            now,
        };
        let found = look::look(source, seen.as_ref(), &setting);
        let seen = remembered(source, seen.unwrap_or_default(), &found, now);
        let looked = Looked {
            source: source.id(),
            outcome: found.outcome.as_str(),
            reason: found.outcome.problem(),
            entries: (found.outcome == Outcome::Refreshed).then(|| found.sizes.values().sum()),
            next_look: seen.next,
            sizes: found.sizes,
            statutory: source.what == Delivers::Statutory,
        };
        self.memory().sources.insert(source.id(), seen);
        self.save();
        looked
    }

    /// Notes whether what was fetched is in force.
    pub(super) fn note_waiting(&self, sources: &[String], waiting: bool) {
        if sources.is_empty() {
            return;
        }
        let mut memory = self.memory();
        for id in sources {
            if let Some(seen) = memory.sources.get_mut(id) {
                seen.waiting = waiting;
            }
        }
        drop(memory);
        self.save();
    }

    /// The sources of lists that were fetched and are not in force.
    pub(super) fn waiting(&self) -> Vec<String> {
        let memory = self.memory();
        memory.sources.iter().filter(|(_, seen)| seen.waiting).map(|(id, _)| id.clone()).collect()
    }

    fn is_due(&self, source: &Source, now: Timestamp) -> bool {
        let memory = self.memory();
        memory.seen(source).and_then(|seen| seen.next).is_none_or(|next| next <= now)
    }

    /// No lookup is half done when a thread that holds this panics, so what it holds is whole.
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self) {
        let memory = self.memory().clone();
        if let Err(fault) = memory.write(&self.file) {
            tracing::error!(%fault, "what is known of the lists' sources can't be kept");
        }
    }
}

/// What is remembered after a look.
fn remembered(source: &Source, before: Seen, found: &Found, now: Timestamp) -> Seen {
    let went_well = found.outcome.problem().is_none();
    let failures = if went_well { 0 } else { before.failures.saturating_add(1) };
    let spread = blake3::hash(format!("{}{}", source.id(), now.as_millis()).as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&spread.as_bytes()[..8]);
    let next = next_look(now, source.every, failures, u64::from_le_bytes(eight));
    let refreshed = found.outcome == Outcome::Refreshed;
    let after = Seen {
        settings: memory::settings(source),
        tried: Some(now),
        next: Some(next),
        failures,
        problem: found.outcome.problem(),
        waiting: before.waiting || refreshed,
        ..before
    };
    if !went_well {
        return after;
    }
    Seen {
        looked: Some(now),
        changed: if refreshed { Some(now) } else { after.changed },
        etag: found.known.etag.clone(),
        last_modified: found.known.last_modified.clone(),
        content: found.content.clone(),
        ..after
    }
}
