//! `schoolgate suggestions`: sites that staff had opened again and again. Is their category right?

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, decide, every, joined};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/suggestions";

/// Sites to review, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Suggestions {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them.
    List {
        #[command(flatten)]
        form: Form,
    },
    /// Say why a site stays where it is: what was asked for before counts no more.
    Dismiss {
        /// The suggestion.
        id: Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl Suggestions {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::List { form } => {
                let items = every(&gateway, PATH, &[])?;
                form.print(&items, table, "No site to review.");
            }
            Act::Dismiss { id, reason } => {
                let done = decide(&gateway, PATH, (*id, "dismiss"), json!({ "reason": reason }))?;
                out!("{} stays in its category.", text(&done, "site"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "site", "categories", "unblocks", "members of staff", "since"]);
    for found in items {
        table.add_row([
            text(found, "id"),
            text(found, "site"),
            joined(&found["category_names"], ", "),
            found["unblocks"].to_string(),
            found["staff"].to_string(),
            text(found, "raised_at"),
        ]);
    }
    table
}
