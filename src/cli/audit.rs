//! `schoolgate audit`: follow, search and verify the trail.

use std::process::ExitCode;

use clap::Subcommand;

use crate::settings::Settings;

mod query;
mod table;
mod tail;
mod verify;

use query::Query;
use tail::Tail;
use verify::Verify;

pub(super) use table::table;

/// What to do with the trail.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Print the last events as JSON lines, and each new one as it comes.
    Tail(Tail),
    /// Search: newest first, as a table or as JSON lines.
    Query(Box<Query>),
    /// Check the chain: names the exact record of any edit, deletion, reordering or gap.
    Verify(Verify),
}

impl Audit {
    pub(super) fn run(
        &self,
        settings: impl FnOnce() -> anyhow::Result<Settings>,
    ) -> anyhow::Result<ExitCode> {
        let dir = match self {
            Audit::Verify(Verify { dir: Some(dir), .. }) => dir.clone(),
            Audit::Tail(_) | Audit::Query(_) | Audit::Verify(_) => crate::app::audit_dir(&settings()?),
        };
        anyhow::ensure!(dir.is_dir(), "there is no audit trail at {} yet", dir.display());
        match self {
            Audit::Tail(tail) => tail.run(&dir),
            Audit::Query(query) => query.run(&dir),
            Audit::Verify(verify) => verify.run(&dir),
        }
    }
}
