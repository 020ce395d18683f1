//! `schoolgate unblock`: ask for, decide on and list temporary unblocks.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, decide, every, joined};
use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::model::Timestamp;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/unblocks";

/// Temporary unblocks, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Unblock {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
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
        /// pending, scheduled, active, ended or refused.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        form: Form,
    },
}

#[derive(Args)]
struct Request {
    /// A page, a host (subdomains included), or category:NAME.
    target: String,
    /// For this group; may be repeated.
    #[arg(long = "group")]
    groups: Vec<String>,
    /// For this person; may be repeated.
    #[arg(long = "user")]
    users: Vec<String>,
    /// For this device; may be repeated.
    #[arg(long = "device")]
    devices: Vec<String>,
    #[command(flatten)]
    wish: Wish,
}

/// For how long, why, and what else.
#[derive(Args)]
pub(super) struct Wish {
    /// Also this host or page, which the target needs; may be repeated.
    #[arg(long = "also")]
    also: Vec<String>,
    /// How long, in minutes.
    #[arg(long, conflicts_with_all = ["until", "until_lesson_ends"],
          required_unless_present_any = ["until", "until_lesson_ends"])]
    minutes: Option<u32>,
    /// Until when (RFC 3339).
    #[arg(long, conflicts_with = "until_lesson_ends")]
    until: Option<Timestamp>,
    /// Until the lesson ends that the start lies in.
    #[arg(long)]
    until_lesson_ends: bool,
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
struct Decision {
    /// The unblock.
    id: Uuid,
    /// Why.
    #[arg(long)]
    comment: Option<String>,
}

impl Unblock {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::Request(request) => {
                print_one(&gateway.post(PATH, Some(request.body()))?);
            }
            Act::Approve(decision) => decision.send(&gateway, "approve")?,
            Act::Refuse(decision) => decision.send(&gateway, "refuse")?,
            Act::Revoke(decision) => decision.send(&gateway, "revoke")?,
            Act::List { state, form } => {
                let items = every(&gateway, PATH, &[("state", state.as_deref())])?;
                form.print(&items, table, "No such unblock.");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Request {
    fn body(&self) -> Value {
        self.wish.over(json!({
            "target": self.target, "groups": self.groups, "users": self.users, "devices": self.devices,
        }))
    }
}

impl Wish {
    /// What is asked for, with what is said here besides.
    pub(super) fn over(&self, mut body: Value) -> Value {
        body["reason"] = json!(self.reason);
        let optional = [
            ("minutes", json!(self.minutes)),
            ("ends_at", json!(self.until)),
            ("starts_at", json!(self.from)),
            ("lesson", json!(self.lesson)),
            ("until", json!(self.until_lesson_ends.then_some("lesson"))),
            ("also", if self.also.is_empty() { Value::Null } else { json!(self.also) }),
        ];
        for (field, value) in optional {
            if !value.is_null() {
                body[field] = value;
            }
        }
        body
    }
}

impl Decision {
    fn send(&self, gateway: &Gateway, act: &str) -> anyhow::Result<()> {
        print_one(&decide(gateway, PATH, (self.id, act), json!({ "comment": self.comment }))?);
        Ok(())
    }
}

pub(super) fn print_one(unblock: &Value) {
    out!("{}  {} until {}", text(unblock, "id"), text(unblock, "state"), text(unblock, "ends_at"));
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

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "state", "target", "for", "from", "until", "asked by", "reason"]);
    for unblock in items {
        let named = ["groups", "users", "devices"].map(|field| joined(&unblock[field], ", "));
        let audience: Vec<String> = named.into_iter().filter(|names| !names.is_empty()).collect();
        let column = |field: &str| text(unblock, field);
        table.add_row([
            column("id"),
            column("state"),
            column("target"),
            audience.join(", "),
            column("starts_at"),
            column("ends_at"),
            column("requester"),
            column("reason"),
        ]);
    }
    table
}
