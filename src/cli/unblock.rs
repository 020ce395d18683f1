//! `schoolgate unblock`: ask for, decide on and list temporary unblocks.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::{decide, every, joined, recorded, sent};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column, moment};
use crate::cli::said::{Count, Id, one_of};
use crate::model::Timestamp;
use crate::policy::State;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/unblocks";
/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("state", Cell::Made(state)),
    ("target", Cell::Of("target")),
    ("for", Cell::Made(audience)),
    ("from", Cell::At("starts_at")),
    ("until (UTC)", Cell::Made(until)),
    ("asked by", Cell::Of("requester")),
    ("reason", Cell::Of("reason")),
];

/// Temporary unblocks, in the name of the token's owner.
pub(super) type Unblock = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Ask for a temporary unblock.
    Request(Request),
    /// Let it be. Never one's own, where policy wants a second person.
    Approve(Decision),
    /// Say no.
    Refuse(Decision),
    /// End it early.
    Revoke(Decision),
    /// List them.
    List {
        /// Only those that stand there.
        #[arg(long, value_parser = one_of(State::ALL.map(State::as_str)))]
        state: Option<String>,
    },
}

#[derive(Args)]
pub(super) struct Request {
    /// A page, a host (subdomains included), or category:NAME.
    target: String,
    #[command(flatten)]
    audience: Audience,
    #[command(flatten)]
    wish: Wish,
}

/// For how long, why, and what else.
#[derive(Args)]
pub(super) struct Wish {
    /// Also this host or page, which the target needs; may be repeated.
    #[arg(long = "also")]
    also: Vec<String>,
    #[command(flatten)]
    end: End,
    /// From when (RFC 3339); now, when absent.
    #[arg(long)]
    from: Option<Timestamp>,
    /// What the class will use it for.
    #[arg(long)]
    reason: String,
    /// The lesson.
    #[arg(long)]
    lesson: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = true)]
struct Audience {
    /// For this group; may be repeated.
    #[arg(long = "group")]
    groups: Vec<String>,
    /// For this person; may be repeated.
    #[arg(long = "user")]
    users: Vec<String>,
    /// For this device; may be repeated.
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
    /// Until the lesson ends that the start lies in.
    #[arg(long)]
    until_lesson_ends: bool,
}

#[derive(Args)]
pub(super) struct Decision {
    /// The unblock.
    id: Id,
    /// Why.
    #[arg(long)]
    comment: Option<String>,
}

impl Unblock {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        let decided = |decision: &Decision, act| {
            decide(&gateway, PATH, (decision.id, act), json!({ "comment": decision.comment }))
        };
        let unblock = match &self.act {
            Act::Request(request) => gateway.post(PATH, Some(request.body()))?,
            Act::Approve(decision) => decided(decision, "approve")?,
            Act::Refuse(decision) => decided(decision, "refuse")?,
            Act::Revoke(decision) => decided(decision, "revoke")?,
            Act::List { state } => {
                self.form.items(&every(&gateway, PATH, &[("state", state.as_deref())])?, COLUMNS);
                return Ok(ExitCode::SUCCESS);
            }
        };
        self.form.answer(&unblock, tell);
        Ok(ExitCode::SUCCESS)
    }
}

impl Request {
    fn body(&self) -> Value {
        let Audience { groups, users, devices } = &self.audience;
        let whom = json!({ "target": self.target, "groups": groups, "users": users, "devices": devices });
        self.wish.over(whom)
    }
}

impl Wish {
    /// What is asked for, with what is said here besides.
    pub(super) fn over(&self, mut body: Value) -> Value {
        body["reason"] = json!(self.reason);
        body["minutes"] = json!(self.end.minutes);
        body["ends_at"] = json!(self.end.until);
        body["starts_at"] = json!(self.from);
        body["lesson"] = json!(self.lesson);
        body["until"] = json!(self.end.until_lesson_ends.then_some("lesson"));
        body["also"] = json!(Some(&self.also).filter(|also| !also.is_empty()));
        sent(body)
    }
}

/// Says how an unblock stands.
pub(super) fn tell(unblock: &Value) {
    let ends = match unblock["state"].as_str() {
        Some("pending" | "scheduled" | "active") => {
            format!(" until {} UTC", moment(&text(unblock, "ends_at")))
        }
        Some(_) | None => String::new(),
    };
    out!("{}  {}{ends}{}", text(unblock, "id"), state(unblock), recorded(unblock));
    let needs = joined(&unblock["needs"], " or ");
    if !needs.is_empty() {
        out!("Needs somebody else’s yes: {needs}");
    }
    if unblock["repeated_reason"] == true {
        out!("The same reason was given for something else not long ago: that is recorded.");
    }
    if let Some(note) = unblock["note"].as_str() {
        out!("{note}");
    }
}

/// Where it stands, and how it ended: `ended (revoked)`.
fn state(unblock: &Value) -> String {
    match unblock["ending"].as_str() {
        Some(ending) => format!("{} ({ending})", text(unblock, "state")),
        None => text(unblock, "state"),
    }
}

/// When it ends, or did.
fn until(unblock: &Value) -> String {
    let ended = unblock["ended_at"].as_str().map(ToOwned::to_owned);
    moment(&ended.unwrap_or_else(|| text(unblock, "ends_at")))
}

fn audience(unblock: &Value) -> String {
    let named = ["groups", "users", "devices"].map(|field| joined(&unblock[field], ", "));
    named.into_iter().filter(|names| !names.is_empty()).collect::<Vec<_>>().join(", ")
}
