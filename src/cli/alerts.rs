//! `schoolgate alerts`: safeguarding alerts, looked at and answered in the name of a token's owner.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::decisions::{Form, Token, decide, every};
use crate::cli::gateway::text;
use crate::cli::output;
use crate::model::{Severity, Theme};
use crate::settings::Settings;
use crate::web::escaped;

/// Where they are.
const PATH: &str = "/api/v1/alerts";

/// Safeguarding alerts, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Alerts {
    #[command(flatten)]
    token: Token,
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// List them, without names.
    List {
        /// new, seen, action, outcome or closed.
        #[arg(long)]
        state: Option<String>,
        /// self_harm, abuse, radicalisation, adult, violence, drugs, bullying, bypass or illegal.
        #[arg(long)]
        theme: Option<Theme>,
        /// advisory, caution or danger.
        #[arg(long)]
        severity: Option<Severity>,
        #[command(flatten)]
        form: Form,
    },
    /// Show one: whom it is about, what was done, its events. The look is recorded.
    Show {
        /// The alert.
        id: Uuid,
        /// What you look at it for.
        #[arg(long)]
        reason: String,
    },
    /// Say that you have looked at it.
    Seen(Said),
    /// Say what is being done about it.
    Action(Said),
    /// Say what came of it.
    Outcome(Said),
    /// Close it, once it is known what came of it.
    Close(Said),
    /// Close it: there was nothing to it.
    FalsePositive {
        /// The alert.
        id: Uuid,
        /// Why.
        #[arg(long)]
        words: String,
        /// What raises no such alert from now on: term (with --value, a whole search), host, category.
        #[arg(long, requires_all = ["value", "days"])]
        suppress: Option<String>,
        /// The search, the host or the category.
        #[arg(long, requires = "suppress")]
        value: Option<String>,
        /// For how many days, 90 at most.
        #[arg(long, requires = "suppress")]
        days: Option<u32>,
        /// For this group alone.
        #[arg(long, requires = "suppress")]
        group: Option<String>,
    },
}

#[derive(Args)]
struct Said {
    /// The alert.
    id: Uuid,
    /// In your words; needed for an action and an outcome.
    #[arg(long)]
    words: Option<String>,
}

impl Alerts {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = self.token.gateway(settings)?;
        let answer = |said: &Said, act: &str| {
            decide(&gateway, PATH, (said.id, act), json!({ "words": said.words })).map(|alert| told(&alert))
        };
        match &self.act {
            Act::List { state, theme, severity, form } => {
                let (theme, severity) = (theme.map(Theme::as_str), severity.map(Severity::as_str));
                let query = [("state", state.as_deref()), ("theme", theme), ("severity", severity)];
                form.print(&every(&gateway, PATH, &query)?, table, "No such alert.");
            }
            Act::Show { id, reason } => {
                let alert = gateway.get(&format!("{PATH}/{id}?reason={}", escaped(reason)))?;
                out!("{}", serde_json::to_string_pretty(&alert)?);
            }
            Act::Seen(said) => answer(said, "seen")?,
            Act::Action(said) => answer(said, "action")?,
            Act::Outcome(said) => answer(said, "outcome")?,
            Act::Close(said) => answer(said, "close")?,
            Act::FalsePositive { id, words, suppress, value, days, group } => {
                let mut suppression = json!({ "by": suppress, "value": value, "days": days });
                if let Some(group) = group {
                    suppression["group"] = json!(group);
                }
                let suppression = if suppress.is_some() { suppression } else { Value::Null };
                let said = json!({ "words": words, "suppress": suppression });
                told(&decide(&gateway, PATH, (*id, "false_positive"), said)?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn told(alert: &Value) {
    let field = |field: &str| text(alert, field);
    let (theme, severity, state) = (field("theme"), field("severity"), field("state"));
    out!("{}  {theme} {severity}: {state} (record {})", field("id"), alert["audit_seq"]);
}

fn table(items: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["id", "theme", "severity", "about", "state", "group", "events", "since", "last"]);
    for alert in items {
        let column = |field: &str| text(alert, field);
        let state =
            if alert["false_positive"] == true { "false positive".to_owned() } else { column("state") };
        table.add_row([
            column("id"),
            column("theme"),
            column("severity"),
            column("about"),
            state,
            column("group"),
            alert["count"].to_string(),
            column("first_at"),
            column("last_at"),
        ]);
    }
    table
}
