//! `schoolgate unblock`: ask for, decide on and list temporary unblocks.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::model::Timestamp;
use crate::settings::Settings;

/// Temporary unblocks, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Unblock {
    /// The token of the one who asks or decides (`schoolgate staff token NAME`).
    #[arg(long, global = true, env = "SCHOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
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
        /// Print as JSON.
        #[arg(long)]
        json: bool,
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
    /// How long, in minutes.
    #[arg(long, conflicts_with = "until", required_unless_present = "until")]
    minutes: Option<u32>,
    /// Until when (RFC 3339).
    #[arg(long)]
    until: Option<Timestamp>,
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
        anyhow::ensure!(self.token.is_some(), "say who you are: --token, or SCHOOLGATE_TOKEN");
        let gateway = Gateway::of(settings, self.token.clone());
        match &self.act {
            Act::Request(request) => {
                print_one(&gateway.post("/api/v1/unblocks", Some(request.body()))?);
            }
            Act::Approve(decision) => decision.send(&gateway, "approve")?,
            Act::Refuse(decision) => decision.send(&gateway, "refuse")?,
            Act::Revoke(decision) => decision.send(&gateway, "revoke")?,
            Act::List { state, json } => {
                let query = state.as_ref().map(|state| format!("?state={state}")).unwrap_or_default();
                let answer = gateway.get(&format!("/api/v1/unblocks{query}"))?;
                if *json {
                    out!("{answer}");
                } else {
                    out!("{}", table(&answer));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Request {
    fn body(&self) -> Value {
        let mut body = json!({
            "target": self.target, "groups": self.groups, "users": self.users, "devices": self.devices,
            "reason": self.reason,
        });
        let optional = [
            ("minutes", json!(self.minutes)),
            ("ends_at", json!(self.until)),
            ("starts_at", json!(self.from)),
            ("lesson", json!(self.lesson)),
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
        let body = self.comment.as_ref().map_or_else(|| json!({}), |comment| json!({ "comment": comment }));
        print_one(&gateway.post(&format!("/api/v1/unblocks/{}/{act}", self.id), Some(body))?);
        Ok(())
    }
}

fn print_one(unblock: &Value) {
    out!("{}  {} until {}", text(unblock, "id"), text(unblock, "state"), text(unblock, "ends_at"));
    let needs: Vec<&str> =
        unblock["needs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !needs.is_empty() {
        out!("Needs somebody else’s yes: {}", needs.join(" or "));
    }
    if let Some(note) = unblock["note"].as_str() {
        out!("{note}");
    }
}

fn table(answer: &Value) -> Table {
    let mut table = output::table();
    table.set_header(["id", "state", "target", "for", "from", "until", "asked by", "reason"]);
    for unblock in answer["items"].as_array().into_iter().flatten() {
        let named = |field: &str| -> Vec<String> {
            unblock[field]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let audience = [named("groups"), named("users"), named("devices")].concat().join(", ");
        let column = |field: &str| text(unblock, field);
        table.add_row([
            column("id"),
            column("state"),
            column("target"),
            audience,
            column("starts_at"),
            column("ends_at"),
            column("requester"),
            column("reason"),
        ]);
    }
    table
}
