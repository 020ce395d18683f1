//! `schoolgate staff`: accounts and tokens, through the running gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::decisions::recorded;
use crate::cli::form::Here;
use crate::cli::gateway::{Gateway, text};
use crate::cli::output::{Cell, Column, moment};
use crate::cli::said::Count;
use crate::control::accounts::Scope;
use crate::model::{GroupName, Role, StaffName, Timestamp};
use crate::settings::Settings;

/// What a list says of each.
const COLUMNS: &[Column] = &[
    ("name", Cell::Of("name")),
    ("roles", Cell::Of("roles")),
    ("from", Cell::At("starts_at")),
    ("until", Cell::At("ends_at")),
    ("", Cell::Made(standing)),
];

/// Accounts and tokens. The gateway must be running: it keeps the record.
pub(super) type Staff = Here<Act>;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Add a member of staff; prints the link by which they set their password.
    Add(Add),
    /// List everybody.
    List,
    /// End an account, its sessions and its tokens, at once.
    Disable {
        /// The sign-in name.
        name: StaffName,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let somebody back in.
    Enable {
        /// The sign-in name.
        name: StaffName,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Say that an account that a technician made is in the hands of a person of its own.
    Confirm {
        /// The sign-in name.
        name: StaffName,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Take password, second factor, sessions and tokens away, and print a new link.
    Reset {
        /// The sign-in name.
        name: StaffName,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Make a token for the API; it is shown this once.
    Token {
        /// The sign-in name.
        name: StaffName,
        /// read, unblock, change or staff; may be repeated. Everything, when absent.
        #[arg(long = "scope")]
        scopes: Vec<Scope>,
        /// How many days it lives: 90, or up to 365.
        #[arg(long, allow_negative_numbers = true)]
        days: Option<Count>,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Let a supplier sign in for a while.
    LetIn {
        /// The supplier's sign-in name.
        name: StaffName,
        /// For how long: 480 at most.
        #[arg(long, allow_negative_numbers = true)]
        minutes: Count,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End a supplier's time now.
    LetOut {
        /// The supplier's sign-in name.
        name: StaffName,
    },
    /// The sealed code in the safe, for the day when nobody can sign in.
    BreakGlass {
        /// What to do with it.
        #[command(subcommand)]
        act: BreakGlass,
    },
}

/// An account that is to be.
#[derive(Args)]
pub(super) struct Add {
    /// The sign-in name.
    name: StaffName,
    /// technician, filtering_manager, dsl, headteacher, governor or teacher; may be repeated.
    #[arg(long = "role", required = true)]
    roles: Vec<Role>,
    /// Only while nobody has an account.
    #[arg(long)]
    first: bool,
    /// Somebody of a supplier: signs in only while `let-in` says so.
    #[arg(long)]
    supplier: bool,
    /// A group that they teach; may be repeated.
    #[arg(long = "group")]
    groups: Vec<GroupName>,
    /// From when, as 2026-11-24T09:00:00Z.
    #[arg(long)]
    starts_at: Option<Timestamp>,
    /// Until when.
    #[arg(long)]
    ends_at: Option<Timestamp>,
}

/// What to do with the sealed code.
#[derive(Subcommand)]
pub(super) enum BreakGlass {
    /// Make a new code and print it once, on a page for the safe. The one before is dead.
    Seal {
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
}

impl Staff {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::of(settings, None);
        let told = |name: &StaffName, act: &str, body: Value| {
            gateway.post(&format!("/local/staff/{name}/{act}"), Some(body))
        };
        let form = self.form;
        match &self.act {
            Act::Add(add) => form.answer(&add.send(&gateway)?, |answer| add.tell(settings, answer)),
            Act::List => {
                let answer = gateway.get("/local/staff")?;
                form.items(answer["items"].as_array().map(Vec::as_slice).unwrap_or_default(), COLUMNS);
            }
            Act::Disable { name, reason } => {
                let answer = told(name, "disable", json!({ "reason": reason }))?;
                form.answer(&answer, |answer| out!("{name} can no longer sign in{}.", recorded(answer)));
            }
            Act::Enable { name, reason } => {
                let answer = told(name, "enable", json!({ "reason": reason }))?;
                form.answer(&answer, |answer| out!("{name} can sign in again{}.", recorded(answer)));
            }
            Act::Confirm { name, reason } => {
                let answer = told(name, "confirm", json!({ "reason": reason }))?;
                form.answer(&answer, |answer| out!("{name} counts as nobody else{}.", recorded(answer)));
            }
            Act::Reset { name, reason } => {
                let answer = told(name, "reset", json!({ "reason": reason }))?;
                form.answer(&answer, |answer| tell_reset(settings, name, answer));
            }
            Act::Token { name, scopes, days, label } => {
                let body = json!({ "scopes": scopes, "days": days, "label": label });
                form.answer(&told(name, "token", body)?, tell_token);
            }
            Act::LetIn { name, minutes, reason } => {
                let answer = told(name, "access", json!({ "minutes": minutes, "reason": reason }))?;
                let until = moment(&text(&answer, "access_until"));
                form.answer(&answer, |answer| {
                    out!("{name} may sign in until {until} UTC{}.", recorded(answer));
                });
            }
            Act::LetOut { name } => {
                let answer = gateway.delete(&format!("/local/staff/{name}/access"))?;
                form.answer(&answer, |answer| out!("{name} can no longer sign in{}.", recorded(answer)));
            }
            Act::BreakGlass { act: BreakGlass::Seal { reason } } => {
                let answer = gateway.post("/local/break-glass/seal", Some(json!({ "reason": reason })))?;
                form.answer(&answer, |answer| print_for_the_safe(settings, &text(answer, "code")));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn send(&self, gateway: &Gateway) -> anyhow::Result<Value> {
        let there = || -> anyhow::Result<usize> {
            Ok(gateway.get("/local/staff")?["items"].as_array().map_or(0, Vec::len))
        };
        if self.first && there()? > 0 {
            anyhow::bail!("somebody has an account already: leave --first away to add another");
        }
        let body = json!({
            "name": self.name,
            "roles": self.roles,
            "kind": if self.supplier { "supplier" } else { "school" },
            "groups": self.groups,
            "starts_at": self.starts_at,
            "ends_at": self.ends_at,
        });
        gateway.post("/local/staff", Some(body))
    }

    fn tell(&self, settings: &Settings, answer: &Value) {
        out!("Added {}{}.", self.name, recorded(answer));
        print_link(settings, &self.name, answer);
        if self.supplier {
            out!("Before it works: schoolgate staff let-in {} --minutes 60 --reason …", self.name);
        }
    }
}

fn tell_reset(settings: &Settings, name: &StaffName, answer: &Value) {
    out!("{name} has neither password nor second factor, session or token any more{}.", recorded(answer));
    print_link(settings, name, answer);
}

fn tell_token(answer: &Value) {
    out!("{}", text(answer, "token"));
    let ends = moment(&text(answer, "expires_at"));
    eprintln!("This token is shown once and ends on {ends} UTC{}.", recorded(answer));
}

/// The link by which somebody sets their password.
fn print_link(settings: &Settings, name: &StaffName, answer: &Value) {
    out!("{name} sets their password here, once, until {} UTC:", moment(&text(answer, "expires_at")));
    let reached = settings.listen.admin.first().map(|address| crate::app::reached(settings, address));
    let base = reached.as_ref().map_or("https://GATEWAY", |reached| &reached.base);
    out!("  {base}{}", text(answer, "setup_path"));
    if let Some(caution) = reached.as_ref().and_then(crate::app::Reached::caution) {
        out!("  ({caution})");
    }
}

/// The page for the safe.
fn print_for_the_safe(settings: &Settings, code: &str) {
    out!("{}: break-glass code of the web filter", settings.site.name);
    out!("");
    out!("  {code}");
    out!("");
    out!("Print this page, seal it, and keep it in the safe. The code is not shown again.");
    out!("It works once, for 60 minutes, on the day when nobody else can sign in.");
    out!("To open it, send code and reason to POST /api/v1/break-glass on the gateway.");
    out!("Opening it raises an alarm until a new one is sealed, and all that is done is recorded.");
    out!("Statutory lists stay in force: nothing opens them.");
}

fn standing(staff: &Value) -> String {
    let state = match (staff["disabled"] == true, staff["kind"] == "supplier", staff["access_until"].as_str())
    {
        (true, _, _) => "disabled".to_owned(),
        (false, true, Some(until)) => format!("supplier, let in until {} UTC", moment(until)),
        (false, true, None) => "supplier".to_owned(),
        (false, false, _) => String::new(),
    };
    let counts_as = staff["counts_as"].as_str().map(|whose| format!("counts as {whose}: confirm"));
    let told = [state, counts_as.unwrap_or_default()].into_iter().filter(|text| !text.is_empty());
    told.collect::<Vec<_>>().join("; ")
}
