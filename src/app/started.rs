//! What the record says of a start: that the gateway stands, or why it does not.
//!
//! **Invariant:** a start is recorded as one once policy and lists are in force, and never before.

use std::time::Duration;

use anyhow::{Context, Result};
use uuid::Uuid;

use crate::audit::{Act, Actor, Entry, Outcome, Recorder};
use crate::ca::Public;
use crate::clock::Clock;
use crate::control::StartError;
use crate::settings::Settings;
use crate::whole;

/// How far the gateway's time may be ahead of the wall clock before it is said.
const CLOCK_ALARM: Duration = Duration::from_secs(60);

/// Records that the gateway stands: its policy is in force, and all that is left is to open the doors.
pub(super) async fn stands(
    settings: &Settings,
    recorder: &Recorder,
    clock: &Clock,
    authority: &Public,
) -> Result<()> {
    let ahead = clock.ahead_of_wall();
    if ahead > CLOCK_ALARM {
        let seconds = ahead.as_secs();
        tracing::warn!(seconds, "the wall clock is behind the record's last event: is the clock right?");
    }
    let act = Act::new(Actor::System, "gateway.started")
        .with("gateway_id", gateway_id(settings)?.to_string())
        .with("authority", authority.fingerprint.as_str())
        .with("unlicensed", settings.statutory.unlicensed)
        .with("clock_ahead_seconds", ahead.as_secs())
        .with("ports_remapped", settings.upstream.ports.len());
    recorder.record(Entry::System(act)).await.context("can't keep the audit record, so nothing is served")?;
    Ok(())
}

/// Records what kept the gateway from starting. Where that can't be recorded either, whoever started it
/// is told both.
pub(super) async fn failed(recorder: &Recorder, fault: &anyhow::Error) {
    let faults = match fault.downcast_ref::<StartError>() {
        Some(fault) => fault.summary(),
        None => vec![format!("{fault:#}")],
    };
    let act = Act::new(Actor::System, "gateway.start_failed").with("faults", faults);
    let entry = Entry::System(Act { outcome: Outcome::Failure, ..act });
    if let Err(unrecorded) = recorder.record(entry).await {
        tracing::error!(fault = %unrecorded, "could not record that the start failed");
    }
}

/// This gateway's own id, made at its first start: a name may be given twice, this is not.
fn gateway_id(settings: &Settings) -> Result<Uuid> {
    let file = settings.state.dir.join("gateway-id");
    let named = || format!("can't keep the gateway's id in {}", file.display());
    match std::fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().with_context(named),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
            let id = Uuid::now_v7();
            whole::write(&file, format!("{id}\n").as_bytes(), 0o600).with_context(named)?;
            Ok(id)
        }
        Err(fault) => Err(fault).with_context(named),
    }
}
