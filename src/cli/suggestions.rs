//! `schoolgate suggestions`: sites that staff had opened again and again. Is their category right?

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use crate::cli::decisions::{decide, every, recorded};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column};
use crate::cli::said::Id;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/suggestions";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("site", Cell::Of("site")),
    ("categories", Cell::Of("category_names")),
    ("unblocks", Cell::Of("unblocks")),
    ("members of staff", Cell::Of("staff")),
    ("since", Cell::At("raised_at")),
];

/// Sites to review, in the name of the token's owner.
pub(super) type Suggestions = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// List them.
    List,
    /// Say why a site stays where it is: what was asked for before counts no more.
    Dismiss {
        /// The suggestion.
        id: Id,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl Suggestions {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::List => self.form.items(&every(&gateway, PATH, &[])?, COLUMNS),
            Act::Dismiss { id, reason } => {
                let done = decide(&gateway, PATH, (*id, "dismiss"), json!({ "reason": reason }))?;
                self.form.answer(&done, |done| {
                    out!("{} stays in its category{}.", text(done, "site"), recorded(done));
                });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
