//! `schoolgate block`: shut something for everybody in one step, and ask for it to be lifted.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::decisions::{every, recorded};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column};
use crate::cli::said::{Id, one_of};
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/blocks";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("state", Cell::Of("state")),
    ("target", Cell::Of("target")),
    ("reason", Cell::Of("reason")),
    ("by", Cell::Of("placed_by")),
    ("at", Cell::At("placed_at")),
    ("lifted by", Cell::Of("lifted_by")),
    ("lifted at", Cell::At("lifted_at")),
];

/// Emergency blocks, in the name of the token's owner.
pub(super) type Block = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
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
        /// Only those that stand there.
        #[arg(long, value_parser = one_of(["in_force", "lifted"]))]
        state: Option<String>,
    },
    /// Ask for one to be lifted: a second person lets it be (`schoolgate changes approve`).
    Lift {
        /// The block.
        id: Id,
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
                self.form.answer(&gateway.post(PATH, Some(body))?, tell_added);
            }
            Act::List { state } => {
                self.form.items(&every(&gateway, PATH, &[("state", state.as_deref())])?, COLUMNS);
            }
            Act::Lift { id, reason } => {
                let change = gateway.delete_saying(&format!("{PATH}/{id}"), json!({ "reason": reason }))?;
                self.form.answer(&change, tell_lifted);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell_added(block: &Value) {
    let (id, target) = (text(block, "id"), text(block, "target"));
    out!("{id}  {target} is shut for everybody{}", recorded(block));
    if let Some(note) = block["note"].as_str() {
        out!("{note}");
    }
}

fn tell_lifted(change: &Value) {
    let (target, id) = (text(change, "target"), text(change, "id"));
    if change["state"] == "pending" {
        out!("{target} stays shut until somebody else approves change {id}{}", recorded(change));
    } else {
        out!("{target} is open again (change {id}){}", recorded(change));
    }
}
