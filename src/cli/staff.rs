//! `schoolgate staff`: accounts and tokens, through the running gateway.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::{Value, json};

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::control::accounts::Scope;
use crate::model::{GroupName, Role, StaffName, Timestamp};
use crate::settings::Settings;

/// What to do with accounts. The gateway must be running: it keeps the record.
#[derive(Subcommand)]
pub(super) enum Staff {
    /// Add a member of staff; prints the link by which they set their password.
    Add(Add),
    /// List everybody.
    List {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
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
        #[arg(long)]
        days: Option<u32>,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// Let a supplier sign in for a while.
    LetIn {
        /// The supplier's sign-in name.
        name: StaffName,
        /// For how long: 480 at most.
        #[arg(long)]
        minutes: u32,
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
        match self {
            Staff::Add(add) => add.run(settings, &gateway)?,
            Staff::List { json } => {
                let answer = gateway.get("/local/staff")?;
                if *json {
                    out!("{answer}");
                } else {
                    out!("{}", table(&answer));
                }
            }
            Staff::Disable { name, reason } => {
                told(name, "disable", json!({ "reason": reason }))?;
                out!("{name} can no longer sign in.");
            }
            Staff::Enable { name, reason } => {
                told(name, "enable", json!({ "reason": reason }))?;
                out!("{name} can sign in again.");
            }
            Staff::Confirm { name, reason } => {
                told(name, "confirm", json!({ "reason": reason }))?;
                out!("{name} counts as nobody else.");
            }
            Staff::Reset { name, reason } => {
                let answer = told(name, "reset", json!({ "reason": reason }))?;
                out!("{name} has neither password nor second factor, session or token any more.");
                print_link(settings, name, &answer);
            }
            Staff::Token { name, scopes, days, label } => {
                let body = json!({ "scopes": scopes, "days": days, "label": label });
                let answer = told(name, "token", body)?;
                out!("{}", text(&answer, "token"));
                eprintln!("This token is shown once and ends on {}.", text(&answer, "expires_at"));
            }
            Staff::LetIn { name, minutes, reason } => {
                let answer = told(name, "access", json!({ "minutes": minutes, "reason": reason }))?;
                out!("{name} may sign in until {}.", text(&answer, "access_until"));
            }
            Staff::LetOut { name } => {
                gateway.delete(&format!("/local/staff/{name}/access"))?;
                out!("{name} can no longer sign in.");
            }
            Staff::BreakGlass { act: BreakGlass::Seal { reason } } => {
                let answer = gateway.post("/local/break-glass/seal", Some(json!({ "reason": reason })))?;
                print_for_the_safe(settings, &text(&answer, "code"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Add {
    fn run(&self, settings: &Settings, gateway: &Gateway) -> anyhow::Result<()> {
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
        let answer = gateway.post("/local/staff", Some(body))?;
        out!("Added {} (record {}).", self.name, answer["audit_seq"]);
        print_link(settings, &self.name, &answer);
        if self.supplier {
            out!("Before it works: schoolgate staff let-in {} --minutes 60 --reason …", self.name);
        }
        Ok(())
    }
}

/// The link by which somebody sets their password.
fn print_link(settings: &Settings, name: &StaffName, answer: &Value) {
    out!("{name} sets their password here, once, until {}:", text(answer, "expires_at"));
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

fn table(answer: &Value) -> Table {
    let mut table = output::table();
    table.set_header(["name", "roles", "from", "until", ""]);
    for staff in answer["items"].as_array().into_iter().flatten() {
        let roles: Vec<&str> =
            staff["roles"].as_array().into_iter().flatten().filter_map(|r| r.as_str()).collect();
        let supplier = staff["kind"] == "supplier";
        let state = match (staff["disabled"] == true, supplier) {
            (true, _) => "disabled".to_owned(),
            (false, true) => format!("supplier, let in until {}", text(staff, "access_until")),
            (false, false) => String::new(),
        };
        let state = state.trim_end_matches(", let in until ").to_owned();
        let counts_as = staff["counts_as"].as_str().map(|whose| format!("counts as {whose}: confirm"));
        let state = [state, counts_as.unwrap_or_default()];
        let state: Vec<String> = state.into_iter().filter(|text| !text.is_empty()).collect();
        let (from, until) = (text(staff, "starts_at"), text(staff, "ends_at"));
        table.add_row([text(staff, "name"), roles.join(", "), from, until, state.join("; ")]);
    }
    table
}
