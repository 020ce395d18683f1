//! The trail: opened with its clock, sent to collectors, and used where no gateway runs.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};

use crate::app::{audit_dir, make_state_dir, sources};
use crate::audit::{Actor, Entry, Observer, Recorder, Signer, Writer};
use crate::clock::Clock;
use crate::control::Shared;
use crate::control::feeds::{self, Asked, Looked};
use crate::identity::Directory;
use crate::model::Timestamp;
use crate::policy::Reach;
use crate::settings::Settings;
use crate::shipping::{self, Shipping};
use crate::telemetry::Metrics;

/// Looks at the lists' sources where no gateway runs, and records it.
///
/// # Errors
/// When the state can't be opened, as while a gateway runs on it, or no source has that name.
pub async fn fetch_by_itself(settings: &Settings, asked: &Asked) -> Result<Vec<Looked>> {
    make_state_dir(settings)?;
    let (recorder, writer, clock) = open_trail(settings)?;
    let shared = Shared { recorder, clock, metrics: Metrics::new()?, directory: Directory::default() };
    let sources = sources(settings, Reach::default());
    let looked = feeds::fetch_once(&sources, &shared, asked, &Actor::Local).await;
    drop(shared);
    tokio::task::spawn_blocking(move || writer.finish()).await.context("the audit writer")?;
    Ok(looked?)
}

/// Records something where no gateway runs.
///
/// # Errors
/// When the trail can't be opened, as while a gateway runs on it, or can't be written.
pub async fn record_by_itself(settings: &Settings, entry: Entry) -> Result<()> {
    make_state_dir(settings)?;
    let (recorder, writer, _clock) = open_trail(settings)?;
    let recorded = recorder.record(entry).await;
    drop(recorder);
    tokio::task::spawn_blocking(move || writer.finish()).await.context("the audit writer")?;
    recorded.context("can't keep the audit record, so nothing is shown")?;
    Ok(())
}

/// The trail and the clock need each other: the clock goes on from the trail's last event, so
/// that no restart takes time back, and the trail asks the clock.
pub(super) fn open_trail(settings: &Settings) -> Result<(Recorder, Writer, Clock)> {
    let clock: Arc<OnceLock<Clock>> = Arc::default();
    let reading = Arc::clone(&clock);
    let fallback = Clock::system();
    let now = move || -> Timestamp { reading.get().unwrap_or(&fallback).now() };
    let observer =
        Observer { name: settings.site.gateway.to_string(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let dir = audit_dir(settings);
    let signer = Signer::open(&settings.state.dir.join("audit.key"), &dir)?;
    let (recorder, writer) = Recorder::open(&dir, observer, Some(signer), now)?;
    let started = clock.get_or_init(|| Clock::starting_at_least(recorder.head().time)).clone();
    Ok((recorder, writer, started))
}

/// What sends the trail to the school's collectors; one that was never sent anything begins behind
/// the line `began`.
pub(super) fn ship(
    settings: &Settings,
    recorder: &Recorder,
    metrics: &Metrics,
    began: u64,
) -> Result<Shipping> {
    Ok(Shipping::start(shipping::Parts {
        collectors: settings.audit.syslog.clone(),
        recorder: recorder.clone(),
        metrics: metrics.clone(),
        state_dir: settings.state.dir.clone(),
        gateway: settings.site.gateway.to_string(),
        began,
    })?)
}
