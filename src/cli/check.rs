//! `schoolgate check`: settings, policy and lists, every fault at once.

use std::process::ExitCode;

use clap::Args;
use comfy_table::Table;

use crate::control::lists::Held;
use crate::control::{StartError, check};
use crate::settings::Settings;

/// Options of `check`.
#[derive(Args)]
pub(super) struct Check {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// The settings have been read by now, or their faults told.
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        match check(&super::sources(settings), &|_, _, _| {}) {
            Ok((draft, loaded)) => {
                let lists = loaded.catalogue.lists();
                let entries: usize = lists.iter().map(|list| list.entries).sum();
                let strictest = draft.strictest().map_or("none", |group| group.id.as_str());
                if self.json {
                    let answer = serde_json::json!({
                        "faults": [], "groups": draft.groups.len(), "categories": draft.categories.len(),
                        "lists": lists.len(), "entries": entries, "strictest": strictest,
                        "statutory": statutory(loaded.held),
                    });
                    println!("{answer}");
                    return Ok(ExitCode::SUCCESS);
                }
                println!("No faults.\n");
                let mut table = Table::new();
                table.add_row(["groups", &draft.groups.len().to_string()]);
                table.add_row(["unknown clients are judged as", strictest]);
                table.add_row(["categories", &draft.categories.len().to_string()]);
                table.add_row(["lists", &lists.len().to_string()]);
                table.add_row(["entries", &entries.to_string()]);
                table.add_row(["statutory lists", statutory(loaded.held)]);
                println!("{table}");
                Ok(ExitCode::SUCCESS)
            }
            Err(StartError::Faults(faults)) if self.json => {
                let faults: Vec<_> = faults
                    .iter()
                    .map(|fault| {
                        serde_json::json!({
                            "file": fault.file, "line": fault.line, "column": fault.column,
                            "problem": fault.problem, "help": fault.help,
                        })
                    })
                    .collect();
                println!("{}", serde_json::json!({ "faults": faults }));
                Ok(ExitCode::from(super::CONFIGURATION))
            }
            Err(fault) => Err(fault.into()),
        }
    }
}

fn statutory(held: Held) -> &'static str {
    match held {
        Held::Licensed => "held",
        Held::SyntheticOnly => "none (the synthetic test list does not count)",
        Held::Nothing => "none",
    }
}
