//! `schoolgate suspend`: take internet from people or devices for a time, and give it back.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::{decide, every, joined, recorded, sent};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column, moment};
use crate::cli::said::{Count, Id, one_of};
use crate::model::Timestamp;
use crate::policy::{Reduced, SuspensionState};
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/suspensions";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("state", Cell::Of("state")),
    ("of", Cell::Made(whose)),
    ("left", Cell::Of("to")),
    ("besides", Cell::Of("exceptions")),
    ("from", Cell::At("starts_at")),
    ("until (UTC)", Cell::Made(until)),
    ("by", Cell::Of("imposed_by")),
    ("reason", Cell::Of("reason")),
];

/// Suspensions, in the name of the token's owner.
pub(super) type Suspend = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Take internet away, for a time.
    Add(Impose),
    /// List them.
    List {
        /// Only those that stand there.
        #[arg(long, value_parser = one_of(SuspensionState::ALL.map(SuspensionState::as_str)))]
        state: Option<String>,
    },
    /// Give it back before the end.
    Lift {
        /// The suspension.
        id: Id,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args)]
pub(super) struct Impose {
    #[command(flatten)]
    whose: Whose,
    /// What is left: nothing, or approved (the sites of categories that their group allows by name).
    #[arg(long, default_value = "nothing")]
    to: Reduced,
    /// What stays open besides: a page, a host or category:NAME; may be repeated.
    #[arg(long = "except")]
    exceptions: Vec<String>,
    #[command(flatten)]
    end: End,
    /// From when (RFC 3339); now, when absent.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Why.
    #[arg(long)]
    reason: String,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Whose {
    /// This person's; may be repeated.
    #[arg(long = "user")]
    users: Vec<String>,
    /// This device's; may be repeated.
    #[arg(long = "device")]
    devices: Vec<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct End {
    /// How long, in minutes.
    #[arg(long, allow_negative_numbers = true)]
    minutes: Option<Count>,
    /// Until when (RFC 3339).
    #[arg(long)]
    until: Option<Timestamp>,
}

impl Suspend {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        let suspension = match &self.act {
            Act::Add(impose) => gateway.post(PATH, Some(impose.body()))?,
            Act::Lift { id, reason } => decide(&gateway, PATH, (*id, "lift"), json!({ "reason": reason }))?,
            Act::List { state } => {
                self.form.items(&every(&gateway, PATH, &[("state", state.as_deref())])?, COLUMNS);
                return Ok(ExitCode::SUCCESS);
            }
        };
        self.form.answer(&suspension, tell);
        Ok(ExitCode::SUCCESS)
    }
}

impl Impose {
    fn body(&self) -> Value {
        sent(json!({
            "users": self.whose.users, "devices": self.whose.devices, "to": self.to.as_str(),
            "exceptions": self.exceptions, "reason": self.reason, "minutes": self.end.minutes,
            "ends_at": self.end.until, "starts_at": self.from,
        }))
    }
}

fn tell(suspension: &Value) {
    let (id, state, until) = (text(suspension, "id"), text(suspension, "state"), until(suspension));
    let tense = if matches!(&*state, "scheduled" | "active") { "until" } else { "at" };
    out!("{id}  {state} {tense} {until} UTC{}", recorded(suspension));
}

/// When it ends, or did.
fn until(suspension: &Value) -> String {
    let lifted = suspension["lifted_at"].as_str().map(ToOwned::to_owned);
    moment(&lifted.unwrap_or_else(|| text(suspension, "ends_at")))
}

fn whose(suspension: &Value) -> String {
    let named = ["users", "devices"].map(|field| joined(&suspension[field], ", "));
    named.into_iter().filter(|names| !names.is_empty()).collect::<Vec<_>>().join(", ")
}
