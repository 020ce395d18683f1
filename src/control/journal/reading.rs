//! Policy and lists, read and found sound; or, at a start, as they last were in force.
//!
//! **Invariant:** what is faulty never comes in force. At a reload everything stays as it is; at a
//! start each faulty part is as it last was in force, with an alarm, or nothing is served.

use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Clock;
use crate::control::changes::{self, Change, ChangeState, PolicyProposal, Proposal, Scales};
use crate::control::journal::laid::Laid;
use crate::control::journal::statutory::no_statutory_list;
use crate::control::journal::{Journal, Prepared, Sources, StartError};
use crate::control::lists::{self, Held, Keys, LastGood, Loaded, Progress, Sizes};
use crate::control::store::{Store, StoreError};
use crate::document::{Document, Fault, Faults};
use crate::model::Timestamp;
use crate::policy::{self, Draft};

/// Whoever has everything read, when, and why if they said so.
pub(super) type Reader<'a> = (&'a Actor, Timestamp, Option<&'a str>);

/// What lists are read with: nothing of it is the journal's own.
pub(in crate::control) struct ToRead {
    sources: Arc<Sources>,
    keys: Keys,
    sizes: Sizes,
    taken: u64,
}

/// Lists as they were read, sound or not.
pub(in crate::control) struct ReadLists {
    loaded: Result<Loaded, Faults>,
    /// What they were held against.
    sizes: Sizes,
    /// How many times lists had come in force.
    taken: u64,
}

impl ToRead {
    /// Reads every list, which takes a while.
    pub(in crate::control) fn read(self, progress: &Progress<'_>) -> ReadLists {
        let ToRead { sources, keys, sizes, taken } = self;
        ReadLists { loaded: lists::load_or(&sources.places, &keys, &sizes, None, progress), sizes, taken }
    }
}

impl Journal {
    /// What lists are read with now.
    pub(in crate::control) fn to_read(&self) -> Result<ToRead, StoreError> {
        let (sources, keys) = (Arc::clone(&self.sources), self.keys.clone());
        Ok(ToRead { sources, keys, sizes: self.store.list_sizes()?, taken: self.taken_times })
    }

    /// Whether no lists have come in force since these were read, and no sizes were accepted.
    pub(in crate::control) fn is_as_it_was(&self, read: &ReadLists) -> Result<bool, StoreError> {
        Ok(self.taken_times == read.taken && self.store.list_sizes()? == read.sizes)
    }

    /// Reads the policy anew and weighs it and lists against what is in force, in the name of `by`;
    /// nothing is changed yet.
    pub(in crate::control) fn prepare(
        &self,
        read: ReadLists,
        by: Reader<'_>,
    ) -> Result<Prepared, StartError> {
        weighed_with(&self.store, &self.sources, &self.keys, (by, None), read.loaded)
    }
}

/// What is read at a start. Where something is faulty, what was in force last stands in for it,
/// and is told; where nothing was ever in force, nothing is served.
pub(super) fn first(
    store: &Store,
    sources: &Sources,
    keys: &Keys,
    now: Timestamp,
    progress: &Progress<'_>,
) -> Result<Prepared, StartError> {
    let by = (&Actor::System, now, None);
    let faults = match prepare(store, sources, keys, by, None, progress) {
        Err(StartError::Faults(faults)) => faults,
        prepared => return prepared,
    };
    let Some(last) = store.last_in_force()? else { return Err(StartError::Faults(faults)) };
    // What can't be mended so keeps the gateway from starting: all that is wrong is then told.
    prepare(store, sources, keys, by, Some(&last), progress).map_err(|_| StartError::Faults(faults))
}

/// Reads everything and weighs it against what is in force; nothing is changed yet.
pub(super) fn prepare(
    store: &Store,
    sources: &Sources,
    keys: &Keys,
    by: Reader<'_>,
    last: Option<&LastGood>,
    progress: &Progress<'_>,
) -> Result<Prepared, StartError> {
    let sizes = store.list_sizes()?;
    let loaded = lists::load_or(&sources.places, keys, &sizes, last, progress);
    weighed_with(store, sources, keys, (by, last), loaded)
}

/// What was read of the lists, with the policy text, weighed against what is in force.
fn weighed_with(
    store: &Store,
    sources: &Sources,
    keys: &Keys,
    (by, last): (Reader<'_>, Option<&LastGood>),
    loaded: Result<Loaded, Faults>,
) -> Result<Prepared, StartError> {
    let policy = weighed(store, sources, (&loaded, last), by)?;
    let ((policy, told), mut loaded) = sound(sources, policy, loaded).map_err(StartError::Faults)?;
    loaded.stood_in.extend(told);
    let lists = Proposal::of(store, &loaded, sources.loosening, by.0, by.1)?;
    lists.apply(&mut loaded, keys.index);
    let changes = changes::changes_since(store, &policy, &loaded, &lists)?;
    Ok(Prepared { draft: Arc::new(policy.draft.clone()), loaded, policy, changes, proposal: lists })
}

/// Reads the policy file and the lists alone, for a look at them.
pub(super) fn look(
    sources: &Sources,
    keys: &Keys,
    sizes: &lists::Sizes,
    progress: &Progress<'_>,
) -> Result<(Draft, Loaded), Faults> {
    let loaded = lists::load_or(&sources.places, keys, sizes, None, progress);
    let draft = file(sources).and_then(|file| policy::read_text(&file, &holds(&loaded, None)));
    sound(sources, draft, loaded)
}

/// What waits for approval, or would once the files are read, for commands that look at them without
/// serving; the lists are put as they would be in force.
///
/// # Errors
/// What the store says, or every fault of the policy file.
pub fn waiting(sources: &Sources, loaded: &mut Loaded) -> Result<Vec<Change>, StartError> {
    if !sources.store_file.exists() {
        return Ok(Vec::new());
    }
    let store = Store::open(&sources.store_file)?;
    let by = (&Actor::Local, Clock::system().now(), None);
    let (held, laid) = (|id: &str| loaded.holds(id), Laid::of(&store)?);
    let mut waits = store.pending_changes()?;
    waits.retain(|change| change.entry().is_none_or(|entry| entry.line.is_none()));
    if let Some(record) = store.record()? {
        let pending = waits.clone();
        let scales = Scales {
            held: &held,
            standing: laid.standing(),
            loosening: sources.policy_loosening,
            pending,
            said: by,
        };
        let file = file(sources).map_err(StartError::Faults)?;
        let policy = PolicyProposal::of_file(&record, &file, &scales).map_err(StartError::Faults)?;
        waits.retain(|change| !policy.withdrawn.iter().any(|withdrawn| withdrawn.id == change.id));
        waits.extend(policy.new.into_iter().filter(|change| change.state == ChangeState::Pending));
    }
    let lists = Proposal::of(&store, loaded, sources.loosening, by.0, by.1)?;
    lists.apply(loaded, [0; 16]);
    waits.extend(lists.held().iter().cloned());
    Ok(waits)
}

/// What of the policy file is to be in force; at a start, where it is faulty, what was, and why.
fn weighed(
    store: &Store,
    sources: &Sources,
    (loaded, last): (&Result<Loaded, Faults>, Option<&LastGood>),
    by: Reader<'_>,
) -> Result<Result<(PolicyProposal, Vec<String>), Faults>, StartError> {
    let (held, laid) = (holds(loaded, last), Laid::of(store)?);
    let (file, record) = (file(sources), store.record()?);
    let Some(record) = record else {
        let first = file.and_then(|file| PolicyProposal::first(&file, &held));
        return Ok(first.map(|policy| (policy, Vec::new())));
    };
    let scales = Scales {
        held: &held,
        standing: laid.standing(),
        loosening: sources.policy_loosening,
        pending: store.pending_changes()?,
        said: by,
    };
    let read = file.and_then(|file| PolicyProposal::of_file(&record, &file, &scales));
    Ok(match (read, last) {
        (Ok(policy), _) => Ok((policy, Vec::new())),
        (Err(faults), None) => Err(faults),
        (Err(faults), Some(_)) => PolicyProposal::standing(&record, &Document::new("", String::new()), &held)
            .map(|policy| (policy, lists::instead(&faults))),
    })
}

fn file(sources: &Sources) -> Result<Document, Faults> {
    let file = sources.policy_file.display().to_string();
    match std::fs::read_to_string(&sources.policy_file) {
        Ok(text) => Ok(Document::new(&file, text)),
        Err(fault) => {
            let mut faults = Faults::new();
            faults.push(Fault::of_file(&file, format!("the policy can't be read: {fault}")));
            Err(faults)
        }
    }
}

/// Whether a list is held. While the lists themselves are at fault, none that the policy names is
/// missed besides; and a term list that can't be read at a start is told of already.
fn holds<'a>(loaded: &'a Result<Loaded, Faults>, last: Option<&LastGood>) -> impl Fn(&str) -> bool + use<'a> {
    let stands_in = last.is_some();
    move |id| match loaded {
        Ok(loaded) => (stands_in && id.starts_with("terms/")) || loaded.holds(id),
        Err(_) => true,
    }
}

/// Both, when neither has a fault and the statutory lists are what they must be; else every fault.
fn sound<T>(
    sources: &Sources,
    policy: Result<T, Faults>,
    loaded: Result<Loaded, Faults>,
) -> Result<(T, Loaded), Faults> {
    let mut faults = Faults::new();
    let loaded = loaded.map_err(|more| faults.extend(more)).ok();
    let policy = policy.map_err(|more| faults.extend(more)).ok();
    if loaded.as_ref().is_some_and(|loaded| loaded.held != Held::Licensed) {
        faults.extend(no_statutory_list(sources).into_iter().flatten());
    }
    match (policy, loaded) {
        (Some(policy), Some(loaded)) => faults.or((policy, loaded)),
        _ => Err(faults),
    }
}
