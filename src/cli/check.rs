//! `schoolgate check`: settings, policy and lists, every fault at once.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output;
use crate::control::changes::{Change, ChangeState};
use crate::control::lists::Loaded;
use crate::control::{StartError, check, waiting};
use crate::document::Fault;
use crate::model::GroupName;
use crate::policy::Draft;
use crate::settings::{Loosening, Settings};

/// Options of `check`.
#[derive(Args)]
pub(super) struct Check {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// What there is, where nothing is wrong with it.
struct Sound {
    draft: Draft,
    loaded: Loaded,
    held: Vec<Change>,
    loosening: Loosening,
}

impl Check {
    /// Looks at what the settings point to also where the settings themselves are at fault.
    pub(super) fn run(&self, config: &Path) -> anyhow::Result<ExitCode> {
        let (settings, mut faults) = Settings::survey(config, super::environment());
        let mut sound = None;
        if let Some(settings) = settings {
            match check(&super::sources(&settings), &|_, _, _| {}) {
                Ok((draft, mut loaded)) => {
                    let held = waiting(&super::sources(&settings), &mut loaded)?;
                    sound = Some(Sound { draft, loaded, held, loosening: settings.lists.loosening });
                }
                Err(StartError::Faults(more)) => faults.extend(more),
                Err(fault @ StartError::Control(_)) => return Err(fault.into()),
            }
        }
        match sound.filter(|_| faults.is_empty()) {
            Some(sound) => {
                self.print_sound(&sound);
                Ok(ExitCode::SUCCESS)
            }
            None if self.json => {
                out!("{}", json!({ "faults": faults.iter().map(fault_as_json).collect::<Vec<_>>() }));
                Ok(ExitCode::from(super::CONFIGURATION))
            }
            None => Err(faults.into()),
        }
    }

    fn print_sound(&self, sound: &Sound) {
        let Sound { draft, loaded, held, loosening } = sound;
        let lists = loaded.catalogue.lists();
        let entries: usize = lists.iter().map(|list| list.entries).sum();
        let strictest = draft.strictest().map_or("none", |group| group.id.as_str());
        if self.json {
            let answer = json!({
                "faults": [], "groups": draft.groups.len(), "categories": draft.categories.len(),
                "lists": lists.len(), "entries": entries, "strictest": strictest,
                "statutory": loaded.held.sentence(), "alarms": alarms(loaded).collect::<Vec<_>>(),
                "loosening": loosening.as_str(),
                "held": held.iter().map(change_as_json).collect::<Vec<_>>(),
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
        let opens = match loosening {
            Loosening::Held => "wait for a second person",
            Loosening::AtOnce => "are in force AT ONCE",
        };
        table.add_row(["edits of the school's lists that open something", opens]);
        let never: Vec<&str> = draft.never_inspected().map(GroupName::as_str).collect();
        if !never.is_empty() {
            table.add_row(["of https no more than the host is seen for", &never.join(", ")]);
        }
        out!("No faults.\n\n{table}");
        print_held(held);
    }
}

/// What is wrong with statutory lists whose last good forms stay in force.
fn alarms(loaded: &Loaded) -> impl Iterator<Item = String> {
    let own = loaded.standing.iter().filter_map(|own| Some((own.id(), own.problem.as_ref()?)));
    let own = own.map(|(id, problem)| format!("{id}: {problem}; the last good one is in force"));
    own.chain(loaded.told.iter().cloned())
}

/// What is not in force, although the files say so.
fn print_held(held: &[Change]) {
    if held.is_empty() {
        return;
    }
    out!("\nHELD, until somebody approves (`schoolgate changes list`) or the file is as before:");
    for change in held {
        let refused = if change.state == ChangeState::Refused { ": refused, take it back" } else { "" };
        out!("  {change}{refused}");
    }
}

fn change_as_json(change: &Change) -> Value {
    let mut shown = json!({ "effect": change.effect.as_str(), "state": change.state.as_str() });
    if let (Value::Object(shown), Ok(Value::Object(what))) = (&mut shown, serde_json::to_value(&change.what))
    {
        shown.extend(what);
    }
    shown
}

fn fault_as_json(fault: &Fault) -> Value {
    json!({
        "file": fault.file, "line": fault.line, "column": fault.column,
        "problem": fault.problem, "help": fault.help,
    })
}
