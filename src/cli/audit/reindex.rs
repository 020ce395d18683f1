//! `schoolgate audit reindex`: makes the index of the trail anew.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::audit::index::{Rebuilding, reindex};
use crate::model::counted;

/// What is known of how far it is, for a day that has an end and for one that has none yet.
const KNOWN: &str = "{msg} {wide_bar} {human_pos} of {human_len} events, {per_sec}";
const OPEN: &str = "{msg} {spinner} {human_pos} events, {per_sec}";

/// Options of `reindex`.
#[derive(Args)]
pub(in crate::cli) struct Reindex {
    /// Only this day, as its folder is called: 2026-11-24.
    #[arg(long)]
    day: Option<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Reindex {
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let bar = ProgressBar::no_length();
        let lines = reindex(dir, self.day.as_deref(), &mut |at| show(&bar, at))?;
        bar.finish_and_clear();
        if self.json {
            out!("{}", json!({ "events": lines }));
        } else {
            out!("{} indexed", counted(lines, "event"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(bar: &ProgressBar, at: Rebuilding<'_>) {
    if at.done == 0 {
        bar.reset();
        bar.set_message(at.day.to_owned());
        let template = at.of.map_or(OPEN, |_| KNOWN);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        match at.of {
            Some(of) => bar.set_length(of),
            None => bar.unset_length(),
        }
    }
    bar.set_position(at.done);
}
