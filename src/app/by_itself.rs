//! What is done, and recorded, where no gateway runs.

use anyhow::{Context, Result};

use crate::app::{make_state_dir, open_trail, sources};
use crate::audit::{Actor, Entry, Index};
use crate::control::Shared;
use crate::control::feeds::{self, Asked, Looked};
use crate::identity::Directory;
use crate::policy::Reach;
use crate::settings::Settings;
use crate::telemetry::Metrics;

/// Looks at the lists' sources where no gateway runs, and records it.
///
/// # Errors
/// When the state can't be opened, as while a gateway runs on it, or no source has that name.
pub async fn fetch_by_itself(settings: &Settings, asked: &Asked) -> Result<Vec<Looked>> {
    make_state_dir(settings)?;
    let (recorder, writer, clock) = open_trail(settings)?;
    let index = Index::of(recorder.dir());
    let shared = Shared { recorder, index, clock, metrics: Metrics::new()?, directory: Directory::default() };
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
