//! `schoolgate ask`: what pupils asked for from the block page, and what staff make of it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, decide, every};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::cli::unblock::{Wish, print_one};
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/asks";

/// Pupils' asks, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Ask {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them: of the groups that one teaches, or all for those who decide on unblocks.
    List {
        /// waiting, taken, refused or lapsed.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Make one a request of one's own, for the group that asked unless others are named.
    Take {
        /// The ask.
        id: Uuid,
        /// For this group instead; may be repeated.
        #[arg(long = "group")]
        groups: Vec<String>,
        #[command(flatten)]
        wish: Wish,
    },
    /// Say no.
    Refuse {
        /// The ask.
        id: Uuid,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
    },
}

impl Ask {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::List { state, form } => {
                let items = every(&gateway, PATH, &[("state", state.as_deref())])?;
                form.print(&items, table, "No such ask.");
            }
            Act::Take { id, groups, wish } => {
                let body = wish.over(json!({ "groups": groups }));
                print_one(&decide(&gateway, PATH, (*id, "take"), body)?);
            }
            Act::Refuse { id, comment } => {
                let ask = decide(&gateway, PATH, (*id, "refuse"), json!({ "comment": comment }))?;
                out!("{}  {}", text(&ask, "id"), text(&ask, "state"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "state", "target", "group", "asked at", "the pupil wrote"]);
    for ask in items {
        table.add_row(["id", "state", "target", "group", "asked_at", "words"].map(|field| text(ask, field)));
    }
    table
}
