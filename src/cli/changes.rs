//! `schoolgate changes`: what waits for a second person, and what became of the rest.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::{RiskAssessment, decide, every, joined, recorded};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column};
use crate::cli::said::{Day, Id, one_of};
use crate::control::changes::ChangeState;
use crate::model::Timestamp;
use crate::policy::Effect;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/changes";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("state", Cell::Of("state")),
    ("kind", Cell::Of("kind")),
    ("effect", Cell::Of("effect")),
    ("what", Cell::Of("sentence")),
    ("why", Cell::Of("reason")),
    ("risk", Cell::Made(risk)),
    ("proposed", Cell::At("proposed_at")),
    ("by", Cell::Made(proposer)),
    ("decided by", Cell::Made(decider)),
];

/// Changes of the policy and of the school's lists, in the name of the token's owner.
pub(super) type Changes = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// List them, the newest first.
    List(List),
    /// Let it come in force. Never one's own.
    Approve {
        /// The change.
        id: Id,
        /// Why it may be opened.
        #[arg(long)]
        comment: String,
        #[command(flatten)]
        risk: RiskAssessment,
    },
    /// Say no.
    Refuse {
        /// The change.
        id: Id,
        /// Why not.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say that it was looked at again, and when that is done next.
    Reviewed {
        /// The change.
        id: Id,
        /// The next day of review: 2027-07-01.
        #[arg(long)]
        review_on: Day,
        /// What was looked at, and what came of it.
        #[arg(long)]
        comment: String,
    },
}

#[derive(Args)]
pub(super) struct List {
    /// Only those that stand there.
    #[arg(long, value_parser = one_of(ChangeState::ALL.map(ChangeState::as_str)))]
    state: Option<String>,
    /// Only those that do that.
    #[arg(long, value_parser = one_of(Effect::ALL.map(Effect::as_str)))]
    effect: Option<String>,
    /// Only of this kind.
    #[arg(long, value_parser = one_of(["entry", "policy", "lift_block"]))]
    kind: Option<String>,
    /// Only what this member of staff proposed; or local, or system.
    #[arg(long)]
    proposer: Option<String>,
    /// Proposed at this moment or later (RFC 3339).
    #[arg(long)]
    from: Option<Timestamp>,
    /// Proposed before this moment.
    #[arg(long)]
    to: Option<Timestamp>,
}

impl Changes {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        let decided = |id: &Id, act, said| decide(&gateway, PATH, (*id, act), said);
        let change = match &self.act {
            Act::List(list) => {
                self.form.items(&list.items(&gateway)?, COLUMNS);
                return Ok(ExitCode::SUCCESS);
            }
            Act::Approve { id, comment, risk } => {
                decided(id, "approve", json!({ "comment": comment, "risk": risk.value() }))?
            }
            Act::Refuse { id, comment } => decided(id, "refuse", json!({ "comment": comment }))?,
            Act::Reviewed { id, review_on, comment } => {
                let change = decided(id, "reviewed", json!({ "review_on": review_on, "comment": comment }))?;
                self.form.answer(&change, tell_reviewed);
                return Ok(ExitCode::SUCCESS);
            }
        };
        self.form.answer(&change, |change| {
            out!("{}: {}{}", text(change, "state"), text(change, "sentence"), recorded(change));
        });
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn items(&self, gateway: &crate::cli::gateway::Gateway) -> anyhow::Result<Vec<Value>> {
        let [from, to] = [self.from, self.to].map(|moment| moment.map(|moment| moment.to_string()));
        let query = [
            ("state", self.state.as_deref()),
            ("effect", self.effect.as_deref()),
            ("kind", self.kind.as_deref()),
            ("proposer", self.proposer.as_deref()),
            ("from", from.as_deref()),
            ("to", to.as_deref()),
        ];
        every(gateway, PATH, &query)
    }
}

fn tell_reviewed(change: &Value) {
    out!("reviewed: {}{}", text(change, "sentence"), recorded(change));
    out!("To be looked at again on {}.", text(change, "review_on"));
}

fn proposer(change: &Value) -> String {
    let proposer = &change["proposer"];
    proposer["name"].as_str().map_or_else(|| text(proposer, "kind"), ToOwned::to_owned)
}

fn decider(change: &Value) -> String {
    let needs = joined(&change["needs"], " or ");
    if needs.is_empty() { text(change, "decided_by") } else { format!("waits for {needs}") }
}

/// What was thought through, or that somebody must.
fn risk(change: &Value) -> String {
    let risk = &change["risk"];
    match (risk.is_object(), change["needs_risk"] == true) {
        (true, _) => {
            let [benefit, risk, mitigation] = ["benefit", "risk", "mitigation"].map(|part| text(risk, part));
            format!("good for: {benefit}\nrisk: {risk}\ndone about it: {mitigation}")
        }
        (false, true) => "to be given with the approval".to_owned(),
        (false, false) => String::new(),
    }
}
