//! `schoolgate audit retention`: removes what is past its time, or tells what is.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::app;
use crate::audit::Due;
use crate::cli::output;
use crate::model::counted;
use crate::settings::Settings;

/// Options of `retention`.
#[derive(Args)]
pub(in crate::cli) struct Retention {
    /// Only tell what would be removed.
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Retention {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let found = if self.dry_run { app::past_its_time(settings)? } else { removed(settings)? };
        if self.json {
            out!("{}", serde_json::to_string(&found)?);
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table();
        table.set_header(["segment", "from", "to", "events"]);
        for due in &found {
            table.add_row([
                due.segment.clone(),
                due.from.to_string(),
                due.to.to_string(),
                count(due).to_string(),
            ]);
        }
        out!("{table}");
        let all: u64 = found.iter().map(count).sum();
        let done = if self.dry_run { "Past its time" } else { "Removed" };
        let segments = counted(found.len(), "segment");
        out!("{done}: {} in {segments}", counted(all, "event"));
        Ok(ExitCode::SUCCESS)
    }
}

fn removed(settings: &Settings) -> anyhow::Result<Vec<Due>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let removed = runtime.block_on(app::remove_by_itself(settings));
    removed.context("a gateway that runs removes by itself, once a day; --dry-run tells what")
}

fn count(due: &Due) -> u64 {
    due.datasets.values().sum()
}
