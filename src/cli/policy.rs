//! `schoolgate policy`: the policy of record as a text, what a new text would do, and what there
//! was before.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::{RiskAssessment, every};
use crate::cli::form::Named;
use crate::cli::gateway::{Gateway, Refused, text};
use crate::cli::output;
use crate::cli::said::Day;
use crate::document::{Fault, Faults};
use crate::settings::Settings;

mod tables;

/// The policy of record. To propose takes a token; to read it does not, on this machine.
pub(super) type Policy = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Print the text in force, to be edited and proposed.
    Export {
        /// An earlier version instead.
        #[arg(long)]
        version: Option<u64>,
    },
    /// Propose a text: what opens nothing is in force at once, the rest waits for a second person.
    Propose {
        /// The text.
        file: PathBuf,
        /// Say what would come of it, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        said: Said,
    },
    /// Say what lies between two versions.
    Diff {
        /// The version before.
        from: u64,
        /// The version after.
        to: u64,
    },
    /// List the versions that changed something, the newest first.
    History {
        /// Those too that changed nothing, as every start and every reload makes one.
        #[arg(long)]
        all: bool,
    },
    /// Propose an earlier version anew. What it opens waits like anything else.
    Rollback {
        /// The version.
        version: u64,
        /// Say what would come of it, and change nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        said: Said,
    },
    /// List what is to be looked at again: entries of the school's lists, and what opened something.
    Reviews {
        /// Only what somebody should have looked at by now.
        #[arg(long)]
        overdue: bool,
    },
}

/// What is said with a proposal.
#[derive(Args)]
pub(super) struct Said {
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    risk: RiskAssessment,
    /// Who answers for it; you, when absent.
    #[arg(long)]
    owner: Option<String>,
    /// The day on which it is looked at again (2027-07-01); a year from now, when absent.
    #[arg(long)]
    review_on: Option<Day>,
}

/// Whether something is proposed or only weighed.
#[derive(Clone, Copy)]
enum Aim {
    Make,
    Weigh,
}

impl Policy {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let (gateway, root) = self.token.reading(settings);
        match &self.act {
            Act::Export { version } => {
                let version = version.map(|version| format!("/{version}")).unwrap_or_default();
                let policy = gateway.get(&format!("{root}/policy{version}"))?;
                self.form.answer(&policy, |policy| {
                    output::file(&format!("{}\n", text(policy, "text").trim_end_matches('\n')));
                });
            }
            Act::Propose { file, dry_run, said } => {
                let policy = std::fs::read_to_string(file);
                let policy = policy.with_context(|| format!("can't read {}", file.display()))?;
                let body = said.body(json!({ "kind": "policy", "text": policy }));
                let proposed = self.propose(settings, Aim::of(*dry_run), body);
                proposed.map_err(|fault| in_file(fault, file, &policy))?;
            }
            Act::Diff { from, to } => {
                let answer = gateway.get(&format!("{root}/policy/diff?from={from}&to={to}"))?;
                self.form.answer(&answer, tables::print_difference);
            }
            Act::History { all } => {
                let mut versions = every(&gateway, &format!("{root}/policy/history"), &[])?;
                versions.retain(|version| *all || tables::is_change(version));
                self.form.items(&versions, tables::HISTORY);
            }
            Act::Rollback { version, dry_run, said } => {
                let body = said.body(json!({ "kind": "rollback", "version": version }));
                self.propose(settings, Aim::of(*dry_run), body)?;
            }
            Act::Reviews { overdue } => {
                let only = overdue.then_some("true");
                let reviews = every(&gateway, &format!("{root}/reviews"), &[("overdue", only)])?;
                self.form.items(&reviews, tables::REVIEWS);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn propose(&self, settings: &Settings, aim: Aim, body: Value) -> anyhow::Result<()> {
        let (gateway, path): (Gateway, String) = match aim {
            Aim::Make => (self.token.gateway(settings)?, "/api/v1/changes".to_owned()),
            Aim::Weigh => {
                let (gateway, root) = self.token.reading(settings);
                (gateway, format!("{root}/changes?dry_run=true"))
            }
        };
        self.form.answer(&gateway.post(&path, Some(body))?, tables::print_proposed);
        Ok(())
    }
}

impl Aim {
    fn of(dry_run: bool) -> Aim {
        if dry_run { Aim::Weigh } else { Aim::Make }
    }
}

impl Said {
    fn body(&self, change: Value) -> Value {
        json!({
            "change": change, "reason": self.reason, "risk": self.risk.value(), "owner": self.owner,
            "review_on": self.review_on,
        })
    }
}

/// The faults of a proposed text as faults of its file, with the lines that they are on.
fn in_file(fault: anyhow::Error, file: &Path, policy: &str) -> anyhow::Error {
    let Some(refused) = fault.downcast_ref::<Refused>() else { return fault };
    let number = |fault: &Value, field: &str| {
        fault[field].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
    };
    let mut faults = Faults::new();
    for found in refused.faults() {
        let line = number(found, "line");
        let at = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
        let shown = at.and_then(|at| policy.lines().nth(at)).unwrap_or_default();
        let file =
            if text(found, "file") == "policy" { file.display().to_string() } else { text(found, "file") };
        faults.push(Fault {
            file,
            line,
            column: number(found, "column"),
            text: shown.to_owned(),
            width: 1,
            problem: text(found, "problem"),
            help: found["help"].as_str().map(ToOwned::to_owned),
        });
    }
    if faults.is_empty() { fault } else { faults.into() }
}
