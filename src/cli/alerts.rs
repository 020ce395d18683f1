//! `schoolgate alerts`: safeguarding alerts, looked at and answered in the name of a token's owner.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::{decide, every, recorded, sent};
use crate::cli::form::Named;
use crate::cli::gateway::text;
use crate::cli::output::Table;
use crate::cli::said::{Count, Id, one_of};
use crate::control::alerts::{AlertState, By};
use crate::model::{Severity, Theme};
use crate::settings::Settings;
use crate::web::escaped;

mod shown;

/// Where they are.
const PATH: &str = "/api/v1/alerts";

/// Safeguarding alerts, in the name of the token's owner.
pub(super) type Alerts = Named<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// List them, without names.
    List {
        /// Only those that stand there.
        #[arg(long, value_parser = one_of(AlertState::ALL.map(AlertState::as_str)))]
        state: Option<String>,
        /// Only of this theme.
        #[arg(long, value_parser = one_of(Theme::ALL.map(Theme::as_str)))]
        theme: Option<String>,
        /// Only of this severity.
        #[arg(long, value_parser = one_of(Severity::ALL.map(Severity::as_str)))]
        severity: Option<String>,
    },
    /// Show one: whom it is about, what was done, its events. The look is recorded.
    Show {
        /// The alert.
        id: Id,
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
    FalsePositive(Dismissal),
    /// List what raises no alert for a while.
    Suppressions,
    /// End a suppression before its time.
    Unsuppress {
        /// The suppression.
        id: Id,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Say how often alerts were right, theme by theme.
    Precision,
}

#[derive(Args)]
pub(super) struct Said {
    /// The alert.
    id: Id,
    /// In your words; needed for an action and an outcome.
    #[arg(long)]
    words: Option<String>,
}

#[derive(Args)]
pub(super) struct Dismissal {
    /// The alert.
    id: Id,
    /// Why.
    #[arg(long)]
    words: String,
    /// What raises no such alert from now on: a whole search, a host or a category, as --value says.
    #[arg(long, requires_all = ["value", "days"], value_parser = one_of(By::ALL.map(By::as_str)))]
    suppress: Option<String>,
    /// The search, the host or the category.
    #[arg(long, requires = "suppress")]
    value: Option<String>,
    /// For how many days, 90 at most.
    #[arg(long, requires = "suppress", allow_negative_numbers = true)]
    days: Option<Count>,
    /// For this group alone.
    #[arg(long, requires = "suppress")]
    group: Option<String>,
}

impl Alerts {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let (gateway, form) = (self.token.gateway(settings)?, self.form);
        let answer = |said: &Said, act: &str| -> anyhow::Result<()> {
            let alert = decide(&gateway, PATH, (said.id, act), json!({ "words": said.words }))?;
            form.answer(&alert, tell);
            Ok(())
        };
        match &self.act {
            Act::List { state, theme, severity } => {
                let asked = [("state", state), ("theme", theme), ("severity", severity)];
                let asked = asked.map(|(name, value)| (name, value.as_deref()));
                form.items(&every(&gateway, PATH, &asked)?, shown::ALERTS);
            }
            Act::Show { id, reason } => {
                let alert = gateway.get(&format!("{PATH}/{id}?reason={}", escaped(reason)))?;
                form.answer(&alert, shown::page);
            }
            Act::Seen(said) => answer(said, "seen")?,
            Act::Action(said) => answer(said, "action")?,
            Act::Outcome(said) => answer(said, "outcome")?,
            Act::Close(said) => answer(said, "close")?,
            Act::FalsePositive(said) => {
                form.answer(&decide(&gateway, PATH, (said.id, "false_positive"), said.body())?, tell);
            }
            Act::Suppressions => {
                form.items(&every(&gateway, &format!("{PATH}/suppressions"), &[])?, shown::SUPPRESSIONS);
            }
            Act::Unsuppress { id, reason } => {
                let path = format!("{PATH}/suppressions");
                let ended = decide(&gateway, &path, (*id, "end"), json!({ "reason": reason }))?;
                form.answer(&ended, |ended| out!("{id}  raises alerts again{}", recorded(ended)));
            }
            Act::Precision => {
                let answer = gateway.get(&format!("{PATH}/precision"))?;
                let themes = answer["items"].as_array().into_iter().flatten();
                form.answer(&answer, |_| out!("{}", Table::of(shown::PRECISION, themes)));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Dismissal {
    fn body(&self) -> Value {
        let suppression = json!({
            "by": self.suppress, "value": self.value, "days": self.days, "group": self.group,
        });
        let suppression = self.suppress.as_ref().map(|_| sent(suppression));
        json!({ "words": self.words, "suppress": suppression })
    }
}

fn tell(alert: &Value) {
    let field = |field: &str| text(alert, field);
    let (theme, severity) = (field("theme"), field("severity"));
    out!("{}  {theme} {severity}: {}{}", field("id"), shown::state(alert), recorded(alert));
    if let Some(suppression) = alert["suppression"].as_str() {
        out!("The same raises no alert for a while: suppression {suppression}.");
    }
}
