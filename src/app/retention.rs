//! Retention: once a day, what is past its time goes, from the store and from the trail.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::app::{audit_dir, make_state_dir, open_trail};
use crate::audit::{Due, Index, Recorder, Terms, due, retain};
use crate::clock::Clock;
use crate::control::Control;
use crate::control::holds::held_in;
use crate::control::retention::forget_in;
use crate::model::Timestamp;
use crate::settings::Settings;

/// How often it is looked whether a new day has come, and how long after a start at first.
const LOOK: Duration = Duration::from_secs(15 * 60);

/// Begins to remove what is past its time, once a day until `stop`.
pub(super) fn begin(
    settings: &Settings,
    control: &Arc<Control>,
    recorder: &Recorder,
    index: &Index,
    stop: &CancellationToken,
) {
    let terms = Terms::from(&settings.audit);
    tokio::spawn(daily(Arc::clone(control), recorder.clone(), index.clone(), terms, stop.clone()));
}

async fn daily(
    control: Arc<Control>,
    recorder: Recorder,
    index: Index,
    terms: Terms,
    stop: CancellationToken,
) {
    let mut done = String::new();
    let mut last = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = control.now();
        let before = match last {
            Some(before) => before,
            None => match control.last_retention(now).await {
                Ok(before) => before,
                Err(fault) => {
                    tracing::warn!(%fault, "when retention last was can't be read, so nothing is removed");
                    continue;
                }
            },
        };
        let is_trusted = control.trusts_time(before, now);
        last = Some(if is_trusted { now } else { before });
        if !is_trusted || done == now.day() {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            is_done = remove(&control, &recorder, &index, (terms, now)) => if is_done { done = now.day() },
        }
    }
}

/// Whether all that is past its time is gone. No fault of the store stops the trail's removal, which
/// makes the room that the store may lack; but for who is held, which it must know.
async fn remove(
    control: &Arc<Control>,
    recorder: &Recorder,
    index: &Index,
    (terms, now): (Terms, Timestamp),
) -> bool {
    let forgotten = control.forget_past(terms, now).await;
    if let Err(fault) = &forgotten {
        tracing::warn!(%fault, "what is past its time is still in the store");
    }
    let (holder, runtime) = (Arc::clone(control), Handle::current());
    let held = move || runtime.block_on(holder.held()).map_err(io::Error::other);
    match retain(recorder, index, terms, held, now).await {
        Ok(removed) => {
            tracing::info!(
                segments = removed.len(),
                "what was past its time is removed from the audit trail"
            );
            forgotten.is_ok()
        }
        Err(fault) => {
            tracing::warn!(%fault, "what is past its time is still in the audit trail");
            false
        }
    }
}

/// What is past its time by now, without touching it.
///
/// # Errors
/// When the trail or the holds can't be read.
pub fn past_its_time(settings: &Settings) -> Result<Vec<Due>> {
    let now = Clock::system().now();
    let held = held_in(&settings.state.dir.join("state.db"), now)?;
    Ok(due(&audit_dir(settings), &Terms::from(&settings.audit), &held, now)?)
}

/// Removes what is past its time by the machine's clock, where no gateway runs.
///
/// # Errors
/// When the state can't be opened, as while a gateway runs on it, a file can't be replaced, or the store
/// fails, which does not stop the trail's removal.
pub async fn remove_by_itself(settings: &Settings) -> Result<Vec<Due>> {
    make_state_dir(settings)?;
    let (recorder, writer, _) = open_trail(settings)?;
    // As `past_its_time` told: the trail's time may be ahead for good, after a clock that was wrong.
    let now = Clock::system().now();
    let (store, terms) = (settings.state.dir.join("state.db"), Terms::from(&settings.audit));
    let held = {
        let store = store.clone();
        move || held_in(&store, now).map_err(io::Error::other)
    };
    let forgotten = forget_in(&store, terms, now, &recorder).await;
    let index = Index::of(recorder.dir());
    let removed = retain(&recorder, &index, terms, held, now).await;
    drop(recorder);
    tokio::task::spawn_blocking(move || writer.finish()).await.context("the audit writer")?;
    match (forgotten, removed) {
        (Ok(()), removed) => Ok(removed?),
        (Err(store), Ok(_)) => Err(anyhow!("the trail is done, but not the store: {store}")),
        (Err(store), Err(trail)) => Err(anyhow!("{trail}; and {store}")),
    }
}
