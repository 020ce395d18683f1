//! An act from its intent to its end: kept, recorded, applied.
//!
//! **Invariant:** as [`mutation`](super::mutation) has it; and what a sudden end left open is
//! closed before anything else is read or done.

use crate::audit::{Act, Actor, Closes, Entry, Filter, Recorder, scan};
use crate::control::journal::Journal;
use crate::control::journal::mutation::Mutation;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};

impl Control {
    /// Does what `act` says: keeps it, records it as an entry `of` its kind, applies it. The number
    /// of its record.
    ///
    /// # Errors
    /// When it can't be kept or recorded: then it is not done.
    pub(in crate::control) async fn keep(
        &self,
        journal: &mut Journal,
        of: fn(Act) -> Entry,
        act: Act,
        mutation: Mutation,
    ) -> Result<u64, ControlError> {
        if close(&journal.store, &self.recorder)? == Closed::Applied {
            // What this act was made from is not what there is by now.
            journal.renew()?;
            let text = "an act before this one had been cut off, and has come in force now: look again";
            return Err(ControlError::Conflict("try_again", text.to_owned()));
        }
        journal.store.intend(&mutation, &act)?;
        match self.record(of(act.with("journal", mutation.id().to_string()))).await {
            Ok(audit_seq) => {
                journal.store.settle(&mutation, audit_seq)?;
                Ok(audit_seq)
            }
            Err(unrecorded) => {
                journal.store.forget(mutation.id())?;
                Err(unrecorded)
            }
        }
    }
}

#[cfg(test)]
impl Control {
    /// The acts in the journal, each with the number of its record.
    pub(crate) async fn journalled(&self) -> std::collections::BTreeMap<String, u64> {
        self.journal.lock().await.store.recorded_acts().unwrap()
    }
}

/// Closes an act that was cut off: applied when it was recorded, forgotten when it was not.
pub(super) fn close(store: &Store, recorder: &Recorder) -> Result<Closed, ControlError> {
    let mut closed = Closed::Nothing;
    while let Some(mutation) = store.unsettled()? {
        match recorded(&mutation, recorder)? {
            Some(audit_seq) => {
                store.settle(&mutation, audit_seq)?;
                closed = Closed::Applied;
            }
            None => store.forget(mutation.id())?,
        }
    }
    Ok(closed)
}

/// What there was to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// No act, or none that had been recorded.
    Nothing,
    /// An act that had been recorded.
    Applied,
}

/// What to record where the trail does not hold the record of the last act that was applied: the trail,
/// or its end, was lost or put in the place of another. What retention removed in its time is no loss.
pub(in crate::control) fn lost(store: &Store, recorder: &Recorder) -> Result<Option<Act>, StoreError> {
    let Some((id, sequence)) = store.last_settled()? else { return Ok(None) };
    let head = recorder.head().sequence;
    let (after, before) = (Some(sequence.saturating_sub(1)), Some(sequence.saturating_add(1)));
    let filter = Filter { after, before, closes: Closes::Apart, ..Filter::default() };
    let mut is_other = sequence > head;
    scan(recorder.dir(), &filter, |record| {
        is_other = is_other || record.event["schoolgate"]["details"]["journal"] != id.as_str();
        false
    })
    .map_err(|fault| StoreError::System(fault.to_string()))?;
    let act = Act::new(Actor::System, "audit.disturbed");
    Ok(is_other.then(|| act.with("lost_record", sequence).with("trail_ended_at", head)))
}

/// The number of the act's record, if there is one.
fn recorded(mutation: &Mutation, recorder: &Recorder) -> Result<Option<u64>, StoreError> {
    let id = mutation.id().to_string();
    let filter = Filter {
        from: Some(mutation.at()),
        text: Some(id.clone()),
        closes: Closes::Apart,
        ..Filter::default()
    };
    let mut found = None;
    scan(recorder.dir(), &filter, |record| {
        let is_it = record.event["schoolgate"]["details"]["journal"] == id.as_str();
        found = is_it.then_some(record.sequence);
        !is_it
    })
    .map_err(|fault| StoreError::System(fault.to_string()))?;
    Ok(found)
}
