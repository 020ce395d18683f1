//! `schoolgate block`: shut something for everybody in one step, and ask for it to be lifted.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, every};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/blocks";

/// Emergency blocks, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Block {
    #[command(flatten)]
    token: Token,
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
        #[command(flatten)]
        form: Form,
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
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::Add { target, reason } => {
                let body = json!({ "target": target, "reason": reason });
                let block = gateway.post(PATH, Some(body))?;
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
            Act::List { state, form } => {
                let items = every(&gateway, PATH, &[("state", state.as_deref())])?;
                form.print(&items, table, "No such block.");
            }
            Act::Lift { id, reason } => {
                told(&gateway.delete_saying(&format!("{PATH}/{id}"), json!({ "reason": reason }))?);
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
