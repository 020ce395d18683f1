//! `schoolgate lists fetch`: looks at the sources now.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::gateway::{Gateway, text};
use crate::cli::output;
use crate::control::feeds::{Asked, Which};
use crate::settings::Settings;

/// Options of `fetch`.
#[derive(Args)]
pub(crate) struct Fetch {
    /// One source (ut1, statutory/iwf); all of them where none is named.
    name: Option<String>,
    /// A list that may shrink as it likes; may be given several times.
    #[arg(long, value_name = "ID")]
    accept_shrink: Vec<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Fetch {
    /// Through the gateway where it runs, which puts in force what is new; else by itself.
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let body = json!({ "name": self.name, "accept_shrink": self.accept_shrink });
        let answer = match Gateway::of(settings, None).post_if_running("/local/lists/fetch", body)? {
            Some(answer) => answer,
            None => self.by_itself(settings)?,
        };
        let rows = answer["items"].as_array().cloned().unwrap_or_default();
        if self.json {
            out!("{answer}");
        } else {
            print(&rows);
        }
        let all_well = rows.iter().all(|row| row["reason"].is_null());
        Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn by_itself(&self, settings: &Settings) -> anyhow::Result<Value> {
        let which = self.name.clone().map_or(Which::All, Which::One);
        let asked = Asked { which, accept_shrink: self.accept_shrink.iter().cloned().collect() };
        let rows = crate::cli::runtime()?.block_on(crate::app::fetch_by_itself(settings, &asked))?;
        Ok(json!({ "items": rows }))
    }
}

fn print(rows: &[Value]) {
    if rows.is_empty() {
        out!("The settings have no [[lists.source]] and no [[statutory.source]].");
        return;
    }
    let mut table = output::table();
    table.set_header(["source", "outcome", "entries", "why", "next look (UTC)"]);
    for row in rows {
        let entries = row["entries"].as_u64().map(|entries| entries.to_string()).unwrap_or_default();
        let words = ["source", "outcome", "reason", "next_look"].map(|field| text(row, field));
        let [source, outcome, reason, next] = words;
        table.add_row([source, outcome, entries, reason, output::moment(&next)]);
    }
    out!("{table}");
}
