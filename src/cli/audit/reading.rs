//! How the log is read from the command line: through the running gateway, which records it; by
//! itself where none runs, recording it too; or from a copy, where nothing can be recorded.
//!
//! **Invariant:** no look at a gateway's own trail goes unrecorded.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value};

use crate::app;
use crate::audit::{Act, Actor, Entry};
use crate::cli::form::Token;
use crate::cli::gateway::Gateway;
use crate::settings::Settings;
use crate::web::escaped;

/// The shortest purpose, in characters; as the API has it.
const MIN_PURPOSE: usize = 10;

/// Who reads, and what for.
#[derive(Args, Default)]
pub(in crate::cli) struct Reading {
    #[command(flatten)]
    token: Token,
    /// What you look at it for, in 10 characters or more: needed with names, and recorded.
    #[arg(long)]
    reason: Option<String>,
    /// A copy of an audit folder to read instead; nothing is recorded.
    #[arg(long, value_name = "DIR", conflicts_with = "reason")]
    dir: Option<PathBuf>,
}

/// Where the log is read.
pub(super) enum Place {
    /// At the running gateway.
    Gateway(Gateway, &'static str),
    /// In a folder; the look is recorded, where that can be done.
    Folder(PathBuf),
}

impl Reading {
    /// Where to read, once it is settled whether a gateway runs. `action` and `details` are what is
    /// recorded where the gateway does not do it.
    pub(super) fn place(
        &self,
        settings: &Settings,
        action: &'static str,
        details: Map<String, Value>,
    ) -> anyhow::Result<Place> {
        if let Some(dir) = &self.dir {
            anyhow::ensure!(dir.is_dir(), "there is no folder {}", dir.display());
            eprintln!("{} is read as a copy: nothing is recorded", dir.display());
            return Ok(Place::Folder(dir.clone()));
        }
        let (gateway, root) = self.token.reading(settings);
        if gateway.is_running() {
            return Ok(Place::Gateway(gateway, root));
        }
        anyhow::ensure!(root == "/local", "no gateway runs here, and a token is for one that does");
        self.by_itself(settings, action, details).map(Place::Folder)
    }

    /// Records the look where no gateway runs, and answers the trail's folder.
    fn by_itself(
        &self,
        settings: &Settings,
        action: &'static str,
        details: Map<String, Value>,
    ) -> anyhow::Result<PathBuf> {
        let dir = app::audit_dir(settings);
        anyhow::ensure!(dir.is_dir(), "there is no audit trail at {} yet", dir.display());
        let reason = self.reason.as_deref().map(str::trim).unwrap_or_default();
        anyhow::ensure!(
            reason.chars().count() >= MIN_PURPOSE && !reason.chars().any(char::is_control),
            "say what you look at pupils' logs for: --reason, {MIN_PURPOSE} characters or more"
        );
        let act = Act { reason: Some(reason.to_owned()), details, ..Act::new(Actor::Local, action) };
        crate::cli::runtime()?.block_on(app::record_by_itself(settings, Entry::Read(act)))?;
        Ok(dir)
    }

    /// What stands behind `?` for the reason; begins with `&`.
    pub(super) fn because(&self) -> String {
        self.reason.as_deref().map(|reason| format!("&reason={}", escaped(reason))).unwrap_or_default()
    }

    /// Whether a copy is read, for which nothing is recorded.
    pub(super) fn is_of_a_copy(&self) -> bool {
        self.dir.is_some()
    }

    /// What it is for.
    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}
