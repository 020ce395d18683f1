//! `schoolgate ask`: what pupils asked for from the block page, and what staff make of it.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::cli::decisions::{decide, every, recorded};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column};
use crate::cli::said::{Id, one_of};
use crate::cli::unblock::{self, Wish};
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/asks";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("state", Cell::Of("state")),
    ("target", Cell::Of("target")),
    ("group", Cell::Of("group")),
    ("asked", Cell::At("asked_at")),
    ("the pupil wrote", Cell::Of("words")),
];

/// Pupils' asks, in the name of the token's owner.
pub(super) type Ask = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// List them: of the groups that one teaches, or all for those who decide on unblocks.
    List {
        /// Only those that stand there.
        #[arg(long, value_parser = one_of(["waiting", "taken", "refused", "lapsed"]))]
        state: Option<String>,
    },
    /// Make one a request of one's own, for the group that asked unless others are named.
    Take {
        /// The ask.
        id: Id,
        /// For this group instead; may be repeated.
        #[arg(long = "group")]
        groups: Vec<String>,
        #[command(flatten)]
        wish: Wish,
    },
    /// Say no.
    Refuse {
        /// The ask.
        id: Id,
        /// Why.
        #[arg(long)]
        comment: Option<String>,
    },
}

impl Ask {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::List { state } => {
                self.form.items(&every(&gateway, PATH, &[("state", state.as_deref())])?, COLUMNS);
            }
            Act::Take { id, groups, wish } => {
                let body = wish.over(json!({ "groups": groups }));
                self.form.answer(&decide(&gateway, PATH, (*id, "take"), body)?, unblock::tell);
            }
            Act::Refuse { id, comment } => {
                let ask = decide(&gateway, PATH, (*id, "refuse"), json!({ "comment": comment }))?;
                self.form.answer(&ask, |ask| {
                    out!("{}  {}{}", text(ask, "id"), text(ask, "state"), recorded(ask));
                });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
