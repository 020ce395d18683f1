//! `schoolgate changes`: what waits for a second person, and what became of the rest.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, RiskAssessment, Token, decide, every, joined};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/changes";

/// Changes of the policy and of the school's lists, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Changes {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them, the newest first.
    List(List),
    /// Let it come in force. Never one's own.
    Approve {
        /// The change.
        id: Uuid,
        /// Why it may be opened.
        #[arg(long)]
        comment: String,
        #[command(flatten)]
        risk: RiskAssessment,
    },
    /// Say no.
    Refuse {
        /// The change.
        id: Uuid,
        /// Why not.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Say that it was looked at again, and when that is done next.
    Reviewed {
        /// The change.
        id: Uuid,
        /// The next day of review: 2027-07-01.
        #[arg(long)]
        review_on: String,
        /// What was looked at, and what came of it.
        #[arg(long)]
        comment: String,
    },
}

#[derive(Args)]
struct List {
    /// pending, approved, refused, withdrawn or at_once.
    #[arg(long)]
    state: Option<String>,
    /// none, tightens or loosens.
    #[arg(long)]
    effect: Option<String>,
    /// entry, policy or lift_block.
    #[arg(long)]
    kind: Option<String>,
    /// Only what this member of staff proposed; or local, or system.
    #[arg(long)]
    proposer: Option<String>,
    /// Proposed at this moment or later (RFC 3339).
    #[arg(long)]
    from: Option<String>,
    /// Proposed before this moment.
    #[arg(long)]
    to: Option<String>,
    #[command(flatten)]
    form: Form,
}

impl Changes {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        let decided = |id: Uuid, act, said| decide(&gateway, PATH, (id, act), said);
        match &self.act {
            Act::List(list) => {
                let items = every(&gateway, PATH, &list.query())?;
                list.form.print(&items, table, "No such change.");
            }
            Act::Approve { id, comment, risk } => {
                print(&decided(*id, "approve", json!({ "comment": comment, "risk": risk.value() }))?);
            }
            Act::Refuse { id, comment } => {
                print(&decided(*id, "refuse", json!({ "comment": comment }))?);
            }
            Act::Reviewed { id, review_on, comment } => {
                let said = json!({ "review_on": review_on, "comment": comment });
                let change = decided(*id, "reviewed", said)?;
                print(&change);
                out!("To be looked at again on {}.", text(&change, "review_on"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    fn query(&self) -> [(&str, Option<&str>); 6] {
        [
            ("state", self.state.as_deref()),
            ("effect", self.effect.as_deref()),
            ("kind", self.kind.as_deref()),
            ("proposer", self.proposer.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
        ]
    }
}

fn print(change: &Value) {
    out!("{}: {} (record {})", text(change, "state"), text(change, "sentence"), change["audit_seq"]);
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header([
        "id",
        "state",
        "kind",
        "effect",
        "what",
        "why",
        "risk",
        "proposed",
        "by",
        "decided by",
    ]);
    for change in items {
        let column = |field: &str| text(change, field);
        let proposer = &change["proposer"];
        let by = proposer["name"].as_str().map_or_else(|| text(proposer, "kind"), ToOwned::to_owned);
        let needs = joined(&change["needs"], " or ");
        let decided = if needs.is_empty() { column("decided_by") } else { format!("waits for {needs}") };
        table.add_row([
            column("id"),
            column("state"),
            column("kind"),
            column("effect"),
            column("sentence"),
            column("reason"),
            risk(change),
            column("proposed_at"),
            by,
            decided,
        ]);
    }
    table
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
