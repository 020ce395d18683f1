//! Policy and lists, read and found sound; or, at a start, as they last were in force.
//!
//! **Invariant:** what is faulty never comes in force. At a reload everything stays as it is; at a
//! start each faulty part is as it last was in force, with an alarm, or nothing is served.

use std::sync::Arc;

use crate::audit::Actor;
use crate::control::changes::{self, Proposal};
use crate::control::journal::statutory::no_statutory_list;
use crate::control::journal::{Prepared, Sources, StartError};
use crate::control::lists::{self, Held, Keys, LastGood, Loaded, Progress};
use crate::control::store::Store;
use crate::document::{Document, Fault, Faults};
use crate::model::Timestamp;
use crate::policy::{self, Draft};

/// What is read at a start. Where something is faulty, what was in force last stands in for it,
/// and is told; where nothing was ever in force, nothing is served.
pub(super) fn first(
    store: &Store,
    sources: &Sources,
    keys: &Keys,
    now: Timestamp,
    progress: &Progress<'_>,
) -> Result<Prepared, StartError> {
    let by = (&Actor::System, now);
    let faults = match prepare(store, sources, keys, by, None, progress) {
        Err(StartError::Faults(faults)) => faults,
        prepared => return prepared,
    };
    let Some((policy, last)) = store.last_in_force()? else { return Err(StartError::Faults(faults)) };
    // What can't be mended so keeps the gateway from starting: all that is wrong is then told.
    prepare(store, sources, keys, by, Some((&policy, &last)), progress)
        .map_err(|_| StartError::Faults(faults))
}

pub(super) fn prepare(
    store: &Store,
    sources: &Sources,
    keys: &Keys,
    (actor, now): (&Actor, Timestamp),
    last: Option<(&str, &LastGood)>,
    progress: &Progress<'_>,
) -> Result<Prepared, StartError> {
    let (draft, mut loaded, policy_text) =
        read(sources, keys, &store.list_sizes()?, last, progress).map_err(StartError::Faults)?;
    let proposal = Proposal::of(store, &loaded, sources.loosening, actor, now)?;
    proposal.apply(&mut loaded, keys.index);
    let changes = changes::changes_since(store, &policy_text, &loaded, &proposal)?;
    Ok(Prepared { draft: Arc::new(draft), loaded, policy_text, changes, proposal })
}

pub(super) fn read(
    sources: &Sources,
    keys: &Keys,
    sizes: &lists::Sizes,
    last: Option<(&str, &LastGood)>,
    progress: &Progress<'_>,
) -> Result<(Draft, Loaded, String), Faults> {
    let file = sources.policy_file.display().to_string();
    let text = std::fs::read_to_string(&sources.policy_file);
    let loaded = lists::load_or(&sources.places, keys, sizes, last.map(|(_, last)| last), progress);
    // A term list that can't be read at a start is told of already.
    let held = |id: &str| {
        let stands_in = last.is_some() && id.starts_with("terms/");
        loaded.as_ref().is_ok_and(|loaded| stands_in || loaded.holds(id))
    };
    // While the lists themselves are at fault, no list that the policy names is missed besides.
    let held: &dyn Fn(&str) -> bool = if loaded.is_ok() { &held } else { &|_| true };
    let draft = match &text {
        Ok(text) => policy::read_text(&Document::new(&file, text.clone()), held),
        Err(fault) => {
            let mut faults = Faults::new();
            faults.push(Fault::of_file(&file, format!("the policy can't be read: {fault}")));
            Err(faults)
        }
    };
    let (draft, text, told) = match (draft, last) {
        (Err(own), Some((before, _))) => {
            let draft = policy::read_text(&Document::new(&file, before.to_owned()), held);
            (draft, Ok(before.to_owned()), lists::instead(&own))
        }
        (draft, _) => (draft, text, Vec::new()),
    };
    let mut faults = Faults::new();
    let mut loaded = loaded.map_err(|more| faults.extend(more)).ok();
    if let Some(loaded) = &mut loaded {
        loaded.stood_in.extend(told);
    }
    let draft = draft.map_err(|more| faults.extend(more)).ok();
    if loaded.as_ref().is_some_and(|loaded| loaded.held != Held::Licensed) {
        faults.extend(no_statutory_list(sources).into_iter().flatten());
    }
    match (draft, loaded, text) {
        (Some(draft), Some(loaded), Ok(text)) => faults.or((draft, loaded, text)),
        _ => Err(faults),
    }
}
