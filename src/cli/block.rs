//! `schoolgate block`: shut something for everybody in one step, and ask for it to be lifted.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::settings::Settings;

/// Emergency blocks, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Block {
    /// The token of the one who acts (`schoolgate staff token NAME`).
    #[arg(long, global = true, env = "SCHOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Shut something for everybody, at once.
    Add {
        /// A page, a host (subdomains included), or category:NAME.
        target: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List them.
    List {
        /// in_force or lifted.
        #[arg(long)]
        state: Option<String>,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ask for one to be lifted: a second person lets it be (`schoolgate changes approve`).
    Lift {
        /// The block.
        id: Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl Block {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::in_the_name_of(settings, self.token.as_ref())?;
        match &self.act {
            Act::Add { target, reason } => {
                let body = json!({ "target": target, "reason": reason });
                let block = gateway.post("/api/v1/blocks", Some(body))?;
                out!(
                    "{}  {} is shut for everybody (record {})",
                    text(&block, "id"),
                    text(&block, "target"),
                    block["audit_seq"]
                );
                if let Some(note) = block["note"].as_str() {
                    out!("{note}");
                }
            }
            Act::List { state, json } => {
                let items = gateway.every("/api/v1/blocks", state.as_deref())?;
                if *json {
                    out!("{}", json!({ "items": items, "next": null }));
                } else if items.is_empty() {
                    out!("No such block.");
                } else {
                    out!("{}", table(&items));
                }
            }
            Act::Lift { id, reason } => {
                let path = format!("/api/v1/blocks/{id}");
                told(&gateway.delete_saying(&path, json!({ "reason": reason }))?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(change: &Value) {
    let (target, id) = (text(change, "target"), text(change, "id"));
    if change["state"] == "pending" {
        out!("{target} stays shut until somebody else approves change {id}");
    } else {
        out!("{target} is open again (change {id})");
    }
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "state", "target", "reason", "by", "at", "lifted by", "lifted at"]);
    for block in items {
        table.add_row(
            ["id", "state", "target", "reason", "placed_by", "placed_at", "lifted_by", "lifted_at"]
                .map(|field| text(block, field)),
        );
    }
    table
}
