//! `schoolgate staff`: accounts and tokens, through the running gateway.

use std::process::ExitCode;

use clap::Subcommand;
use comfy_table::Table;
use serde_json::json;

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::model::{Role, StaffName};
use crate::settings::Settings;

/// What to do with accounts. The gateway must be running: it keeps the record.
#[derive(Subcommand)]
pub(super) enum Staff {
    /// Add a member of staff.
    Add {
        /// The sign-in name.
        name: StaffName,
        /// technician, filtering_manager, dsl, headteacher, governor or teacher; may be repeated.
        #[arg(long = "role", required = true)]
        roles: Vec<Role>,
    },
    /// List everybody.
    List {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End an account, and its tokens, at once.
    Disable {
        /// The sign-in name.
        name: StaffName,
    },
    /// Make a token for the API; it is shown this once.
    Token {
        /// The sign-in name.
        name: StaffName,
    },
}

impl Staff {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let gateway = Gateway::of(settings, None);
        match self {
            Staff::Add { name, roles } => {
                let answer = gateway.post("/local/staff", Some(json!({ "name": name, "roles": roles })))?;
                out!("Added {name} (record {}).", answer["audit_seq"]);
                out!("Next: schoolgate staff token {name}");
            }
            Staff::List { json } => {
                let answer = gateway.get("/local/staff")?;
                if *json {
                    out!("{answer}");
                } else {
                    out!("{}", table(&answer));
                }
            }
            Staff::Disable { name } => {
                gateway.post(&format!("/local/staff/{name}/disable"), None)?;
                out!("{name} can no longer sign in.");
            }
            Staff::Token { name } => {
                let answer = gateway.post(&format!("/local/staff/{name}/token"), None)?;
                out!("{}", text(&answer, "token"));
                eprintln!("This token is shown once and ends on {}.", text(&answer, "expires_at"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(answer: &serde_json::Value) -> Table {
    let mut table = output::table();
    table.set_header(["name", "roles", ""]);
    for staff in answer["items"].as_array().into_iter().flatten() {
        let roles: Vec<&str> =
            staff["roles"].as_array().into_iter().flatten().filter_map(|r| r.as_str()).collect();
        let state = if staff["disabled"] == true { "disabled" } else { "" };
        table.add_row([text(staff, "name"), roles.join(", "), state.to_owned()]);
    }
    table
}
