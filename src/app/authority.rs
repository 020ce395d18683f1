//! The authority at the start: opened, or made and recorded.

use anyhow::{Context, Result};

use crate::audit::{Act, Actor, Entry, Recorder};
use crate::ca::Authority;
use crate::model::Timestamp;
use crate::settings::Settings;

/// Opens the authority that the settings name, or makes one; that it was made is on record before
/// anything is signed with it.
pub(super) async fn open(settings: &Settings, recorder: &Recorder, now: Timestamp) -> Result<Authority> {
    let authority = Authority::open(&settings.inspect, &settings.state.dir, &settings.site.name, now)?;
    if authority.is_new() {
        let public = authority.public();
        tracing::info!(
            file = %public.file.display(), fingerprint = %public.fingerprint,
            "made an authority; devices must be told to trust it before anything is inspected"
        );
        let made = Act::new(Actor::System, "authority.made")
            .with("name", public.name.as_str())
            .with("fingerprint", public.fingerprint.as_str())
            .with("not_after", public.not_after.to_string())
            .with("excluded", public.excluded.iter().map(ToString::to_string).collect::<Vec<_>>());
        let recorded = recorder.record(Entry::System(made)).await;
        recorded.context("can't record that an authority was made, so nothing is served")?;
    }
    Ok(authority)
}
