//! `schoolgate audit`: follow, search and verify the trail.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::settings::Settings;

mod archive;
mod around;
mod export;
mod query;
mod reading;
mod reindex;
mod retention;
mod table;
mod tail;
mod verify;
mod which;

use around::Around;
use export::{Export, VerifyExport};
use query::Query;
use reindex::Reindex;
use retention::Retention;
use tail::Tail;
use verify::Verify;

pub(super) use table::table;

/// What to do with the trail.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Print the last events as JSON lines, and each new one as it comes.
    Tail(Box<Tail>),
    /// Search: newest first, as a table or as JSON lines.
    Query(Box<Query>),
    /// What happened around an event: how it was reached, what came before and after, who else.
    Around(Around),
    /// Write events, or the evidence of one matter, as an archive that anybody can check.
    Export(Box<Export>),
    /// Check an archive that was exported.
    VerifyExport(VerifyExport),
    /// Make the index of the trail anew, while no gateway runs on it.
    Reindex(Reindex),
    /// Remove what is past its time, while no gateway runs on the trail: one that runs does it daily.
    Retention(Retention),
    /// Check the chain: names the exact record of any edit, deletion, reordering or gap.
    Verify(Verify),
}

impl Audit {
    pub(super) fn run(
        &self,
        settings: impl FnOnce() -> anyhow::Result<Settings>,
    ) -> anyhow::Result<ExitCode> {
        // Copies and archives are verified anywhere, without a gateway's settings.
        if let Audit::VerifyExport(verify) = self {
            return verify.run();
        }
        if let Audit::Verify(verify @ Verify { dir: Some(dir), .. }) = self {
            anyhow::ensure!(dir.is_dir(), "there is no audit trail at {}", dir.display());
            return verify.run(dir);
        }
        let settings = &settings()?;
        match self {
            Audit::Tail(tail) => tail.run(settings),
            Audit::Query(query) => query.run(settings),
            Audit::Around(around) => around.run(settings),
            Audit::Export(export) => export.run(settings),
            Audit::VerifyExport(verify) => verify.run(),
            Audit::Reindex(reindex) => reindex.run(&trail(settings)?),
            Audit::Retention(retention) => retention.run(settings),
            Audit::Verify(verify) => verify.run(&trail(settings)?),
        }
    }
}

/// The folder of the trail, if it is there.
fn trail(settings: &Settings) -> anyhow::Result<PathBuf> {
    let dir = crate::app::audit_dir(settings);
    anyhow::ensure!(dir.is_dir(), "there is no audit trail at {} yet", dir.display());
    Ok(dir)
}
