//! `schoolgate suspend`: take internet from people or devices for a time, and give it back.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, decide, every, joined};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::model::Timestamp;
use crate::policy::Reduced;
use crate::settings::Settings;

/// Where they are.
const PATH: &str = "/api/v1/suspensions";

/// Suspensions, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Suspend {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Take internet away, for a time.
    Add(Impose),
    /// List them.
    List {
        /// scheduled, active, ended or lifted.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        form: Form,
    },
    /// Give it back before the end.
    Lift {
        /// The suspension.
        id: Uuid,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Args)]
struct Impose {
    /// This person's; may be repeated.
    #[arg(long = "user", required_unless_present = "devices")]
    users: Vec<String>,
    /// This device's; may be repeated.
    #[arg(long = "device")]
    devices: Vec<String>,
    /// What is left: nothing, or approved (the sites of categories that their group allows by name).
    #[arg(long, default_value = "nothing")]
    to: Reduced,
    /// What stays open besides: a page, a host or category:NAME; may be repeated.
    #[arg(long = "except")]
    exceptions: Vec<String>,
    /// How long, in minutes.
    #[arg(long, conflicts_with = "until", required_unless_present = "until")]
    minutes: Option<u32>,
    /// Until when (RFC 3339).
    #[arg(long)]
    until: Option<Timestamp>,
    /// From when (RFC 3339); now, when absent.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Why.
    #[arg(long)]
    reason: String,
}

impl Suspend {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        match &self.act {
            Act::Add(impose) => told(&gateway.post(PATH, Some(impose.body()))?),
            Act::List { state, form } => {
                let items = every(&gateway, PATH, &[("state", state.as_deref())])?;
                form.print(&items, table, "No such suspension.");
            }
            Act::Lift { id, reason } => {
                told(&decide(&gateway, PATH, (*id, "lift"), json!({ "reason": reason }))?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Impose {
    fn body(&self) -> Value {
        let mut body = json!({
            "users": self.users, "devices": self.devices, "to": self.to.as_str(),
            "exceptions": self.exceptions, "reason": self.reason,
        });
        let optional = [
            ("minutes", json!(self.minutes)),
            ("ends_at", json!(self.until)),
            ("starts_at", json!(self.from)),
        ];
        for (field, value) in optional {
            if !value.is_null() {
                body[field] = value;
            }
        }
        body
    }
}

fn told(suspension: &Value) {
    let field = |field: &str| text(suspension, field);
    out!(
        "{}  {} until {} (record {})",
        field("id"),
        field("state"),
        field("ends_at"),
        suspension["audit_seq"]
    );
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "state", "of", "left", "besides", "from", "until", "by", "reason"]);
    for suspension in items {
        let of = ["users", "devices"].map(|field| joined(&suspension[field], ", "));
        let of: Vec<String> = of.into_iter().filter(|names| !names.is_empty()).collect();
        let column = |field: &str| text(suspension, field);
        table.add_row([
            column("id"),
            column("state"),
            of.join(", "),
            column("to"),
            joined(&suspension["exceptions"], ", "),
            column("starts_at"),
            column("ends_at"),
            column("imposed_by"),
            column("reason"),
        ]);
    }
    table
}
