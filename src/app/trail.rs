//! The trail: opened with its clock, and sent to collectors.

use std::sync::{Arc, OnceLock};

use anyhow::Result;

use crate::app::audit_dir;
use crate::audit::{Observer, Pseudonyms, Recorder, Signer, Writer};
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::settings::Settings;
use crate::shipping::{self, Shipping};
use crate::telemetry::Metrics;

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
    (pseudonyms, began): (Pseudonyms, u64),
) -> Result<Shipping> {
    Ok(Shipping::start(shipping::Parts {
        collectors: settings.audit.syslog.clone(),
        recorder: recorder.clone(),
        metrics: metrics.clone(),
        state_dir: settings.state.dir.clone(),
        gateway: settings.site.gateway.to_string(),
        pseudonyms,
        began,
    })?)
}
