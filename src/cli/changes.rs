//! `schoolgate changes`: edits of the school's lists that wait for a second person.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::settings::Settings;

/// Edits of the school's lists that open something, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Changes {
    /// The token of the one who looks or decides (`schoolgate staff token NAME`).
    #[arg(long, global = true, env = "SCHOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them.
    List {
        /// pending, approved, refused or withdrawn.
        #[arg(long)]
        state: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let it come in force. Never one's own.
    Approve {
        /// The change.
        id: Uuid,
        /// Why it may be opened.
        #[arg(long)]
        comment: String,
    },
    /// Say no.
    Refuse {
        /// The change.
        id: Uuid,
        /// Why not.
        #[arg(long)]
        comment: Option<String>,
    },
}

impl Changes {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(self.token.is_some(), "say who you are: --token, or SCHOOLGATE_TOKEN");
        let gateway = Gateway::of(settings, self.token.clone());
        match &self.act {
            Act::List { state, json } => {
                let items = every(&gateway, state.as_deref())?;
                if *json {
                    out!("{}", json!({ "items": items, "next": null }));
                } else if items.is_empty() {
                    out!("No such change.");
                } else {
                    out!("{}", table(&items));
                }
            }
            Act::Approve { id, comment } => decide(&gateway, *id, "approve", Some(comment))?,
            Act::Refuse { id, comment } => decide(&gateway, *id, "refuse", comment.as_ref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Every page of them.
fn every(gateway: &Gateway, state: Option<&str>) -> anyhow::Result<Vec<Value>> {
    let state = state.map(|state| format!("&state={state}")).unwrap_or_default();
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = gateway.get(&format!("/api/v1/changes?limit=500{state}{cursor}"))?;
        items.extend(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

fn decide(gateway: &Gateway, id: Uuid, act: &str, comment: Option<&String>) -> anyhow::Result<()> {
    let body = comment.map_or_else(|| json!({}), |comment| json!({ "comment": comment }));
    let change = gateway.post(&format!("/api/v1/changes/{id}/{act}"), Some(body))?;
    out!(
        "{}: {} {} ({}, record {})",
        text(&change, "state"),
        text(&change, "op"),
        text(&change, "entry"),
        text(&change, "list"),
        change["audit_seq"]
    );
    Ok(())
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header([
        "id",
        "state",
        "list",
        "change",
        "entry",
        "line",
        "remark",
        "proposed",
        "by",
        "decided by",
    ]);
    for change in items {
        let column = |field: &str| text(change, field);
        let proposer = &change["proposer"];
        let by = proposer["name"].as_str().map_or_else(|| text(proposer, "kind"), ToOwned::to_owned);
        table.add_row([
            column("id"),
            column("state"),
            column("list"),
            column("op"),
            column("entry"),
            change["line"].to_string(),
            column("remark"),
            column("proposed_at"),
            by,
            column("decided_by"),
        ]);
    }
    table
}
