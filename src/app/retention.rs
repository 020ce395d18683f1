//! Retention: once a day, what is past its time goes, from the store and from the trail.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

use crate::app::{audit_dir, make_state_dir, open_trail};
use crate::audit::{Due, Index, Recorder, Terms, due, retain};
use crate::clock::Clock;
use crate::control::Control;
use crate::control::holds::held_in;
use crate::control::retention::forget_in;
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
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let now = control.now();
        if done == now.day() {
            continue;
        }
        let held = match control.held().await {
            Ok(held) => held,
            Err(fault) => {
                tracing::warn!(%fault, "the legal holds can't be read, so nothing is removed from the audit trail");
                continue;
            }
        };
        if let Err(fault) = control.forget_past(&terms, &held, now).await {
            tracing::warn!(%fault, "what is past its time is still in the store");
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            removed = retain(&recorder, &index, terms, held, now) => match removed {
                Ok(removed) => {
                    tracing::info!(segments = removed.len(), "what was past its time is removed from the audit trail");
                    done = now.day();
                }
                Err(fault) => tracing::warn!(%fault, "what is past its time is still in the audit trail"),
            }
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

/// Removes what is past its time where no gateway runs.
///
/// # Errors
/// When the state can't be opened, as while a gateway runs on it, or a file can't be replaced.
pub async fn remove_by_itself(settings: &Settings) -> Result<Vec<Due>> {
    make_state_dir(settings)?;
    let (recorder, writer, clock) = open_trail(settings)?;
    let now = clock.now();
    let (store, terms) = (settings.state.dir.join("state.db"), Terms::from(&settings.audit));
    let held = held_in(&store, now)?;
    forget_in(&store, &terms, &held, now)?;
    let index = Index::of(recorder.dir());
    let removed = retain(&recorder, &index, terms, held, now).await;
    drop(recorder);
    tokio::task::spawn_blocking(move || writer.finish()).await.context("the audit writer")?;
    Ok(removed?)
}
