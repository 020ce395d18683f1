//! `schoolgate check`: settings, policy and lists, every fault at once.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output;
use crate::control::lists::Loaded;
use crate::control::{StartError, check};
use crate::document::Fault;
use crate::model::GroupName;
use crate::policy::Draft;
use crate::settings::Settings;

/// Options of `check`.
#[derive(Args)]
pub(super) struct Check {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Looks at what the settings point to also where the settings themselves are at fault.
    pub(super) fn run(&self, config: &Path) -> anyhow::Result<ExitCode> {
        let (settings, mut faults) = Settings::survey(config, super::environment());
        let mut sound = None;
        if let Some(settings) = settings {
            match check(&super::sources(&settings), &|_, _, _| {}) {
                Ok(found) => sound = Some(found),
                Err(StartError::Faults(more)) => faults.extend(more),
                Err(fault @ StartError::Control(_)) => return Err(fault.into()),
            }
        }
        match sound.filter(|_| faults.is_empty()) {
            Some((draft, loaded)) => {
                self.print_sound(&draft, &loaded);
                Ok(ExitCode::SUCCESS)
            }
            None if self.json => {
                out!("{}", json!({ "faults": faults.iter().map(fault_as_json).collect::<Vec<_>>() }));
                Ok(ExitCode::from(super::CONFIGURATION))
            }
            None => Err(faults.into()),
        }
    }

    fn print_sound(&self, draft: &Draft, loaded: &Loaded) {
        let lists = loaded.catalogue.lists();
        let entries: usize = lists.iter().map(|list| list.entries).sum();
        let strictest = draft.strictest().map_or("none", |group| group.id.as_str());
        if self.json {
            let answer = json!({
                "faults": [], "groups": draft.groups.len(), "categories": draft.categories.len(),
                "lists": lists.len(), "entries": entries, "strictest": strictest,
                "statutory": loaded.held.sentence(), "alarms": alarms(loaded).collect::<Vec<_>>(),
            });
            out!("{answer}");
            return;
        }
        let mut table = output::table();
        table.add_row(["groups", &draft.groups.len().to_string()]);
        table.add_row(["unknown clients are judged as", strictest]);
        table.add_row(["categories", &draft.categories.len().to_string()]);
        table.add_row(["lists", &lists.len().to_string()]);
        table.add_row(["entries", &entries.to_string()]);
        table.add_row(["statutory lists", loaded.held.sentence()]);
        for problem in alarms(loaded) {
            table.add_row(["ALARM", &problem]);
        }
        let asking: Vec<&str> = draft.asking_for_inspection().map(GroupName::as_str).collect();
        if !asking.is_empty() {
            table.add_row(["INSPECTION IS NOT BUILT YET, asked for by", &asking.join(", ")]);
        }
        out!("No faults.\n\n{table}");
    }
}

/// What is wrong with statutory lists whose last good forms stay in force.
fn alarms(loaded: &Loaded) -> impl Iterator<Item = String> {
    let own = loaded.standing.iter().filter_map(|own| Some((own.id(), own.problem.as_ref()?)));
    let own = own.map(|(id, problem)| format!("{id}: {problem}; the last good one is in force"));
    own.chain(loaded.told.iter().cloned())
}

fn fault_as_json(fault: &Fault) -> Value {
    json!({
        "file": fault.file, "line": fault.line, "column": fault.column,
        "problem": fault.problem, "help": fault.help,
    })
}
