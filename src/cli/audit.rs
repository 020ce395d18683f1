//! `schoolgate audit`: follow, search and verify the trail.

use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::Value;

use crate::audit::{Anchor, Closes, Filter, Order, Record, query, verify};
use crate::cli::output;
use crate::model::{Host, Timestamp};
use crate::settings::Settings;

/// How often `tail` looks for more.
const LOOK: Duration = Duration::from_millis(250);

/// The widest that a column of what was asked for may be, in characters.
const COLUMN: usize = 60;

/// What to do with the trail.
#[derive(Subcommand)]
pub(super) enum Audit {
    /// Print the last events as JSON lines, and each new one as it comes.
    Tail(Tail),
    /// Search: newest first, as a table or as JSON lines.
    Query(Box<Query>),
    /// Check the chain: names the exact record of any edit, deletion, reordering or gap.
    Verify(Verify),
}

/// Options of `tail`.
#[derive(Args)]
pub(super) struct Tail {
    /// How many events to begin with.
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: usize,
    /// End instead of waiting for more.
    #[arg(long)]
    no_follow: bool,
}

/// What to search for.
#[derive(Args, Default)]
pub(super) struct Query {
    /// From this moment on (RFC 3339).
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long)]
    to: Option<Timestamp>,
    /// A person.
    #[arg(long)]
    user: Option<String>,
    /// A filtering group.
    #[arg(long)]
    group: Option<String>,
    /// A device.
    #[arg(long)]
    device: Option<String>,
    /// A client's address.
    #[arg(long)]
    client: Option<IpAddr>,
    /// A host and its subdomains.
    #[arg(long)]
    host: Option<String>,
    /// A category.
    #[arg(long)]
    category: Option<String>,
    /// allow, alert or block.
    #[arg(long)]
    action: Option<String>,
    /// The rung that decided.
    #[arg(long)]
    rung: Option<String>,
    /// A temporary unblock.
    #[arg(long)]
    unblock: Option<uuid::Uuid>,
    /// schoolgate.access, schoolgate.change, …
    #[arg(long)]
    dataset: Option<String>,
    /// Most events to print.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Go on before this sequence: where the last page ended.
    #[arg(long)]
    before: Option<u64>,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

/// Options of `verify`.
#[derive(Args)]
pub(super) struct Verify {
    /// A head noted earlier, SEQUENCE:HASH; finds a cut-off end. May be given several times.
    #[arg(long)]
    head: Vec<Anchor>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let dir = crate::app::audit_dir(settings);
        anyhow::ensure!(dir.is_dir(), "there is no audit trail at {} yet", dir.display());
        match self {
            Audit::Tail(tail) => tail.run(&dir),
            Audit::Query(query) => query.run(&dir),
            Audit::Verify(verify) => verify.run(&dir),
        }
    }
}

impl Tail {
    fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let last = Filter { closes: Closes::Apart, limit: self.lines.max(1), ..Filter::default() };
        let mut records = query(dir, &last)?.records;
        records.reverse();
        let mut after = 0;
        loop {
            for record in &records {
                after = record.sequence;
                out!("{}", record.line);
            }
            if self.no_follow {
                return Ok(ExitCode::SUCCESS);
            }
            if records.is_empty() {
                std::thread::sleep(LOOK);
            }
            let more = Filter {
                after: Some(after),
                order: Order::OldestFirst,
                closes: Closes::Apart,
                limit: 1000,
                ..Filter::default()
            };
            records = query(dir, &more)?.records;
        }
    }
}

impl Query {
    fn filter(&self) -> anyhow::Result<Filter> {
        Ok(Filter {
            from: self.from,
            to: self.to,
            user: self.user.clone(),
            group: self.group.clone(),
            device: self.device.clone(),
            host: self.host.as_deref().map(Host::parse).transpose()?,
            category: self.category.clone(),
            action: self.action.clone(),
            rung: self.rung.clone(),
            unblock: self.unblock,
            dataset: self.dataset.clone(),
            client: self.client,
            before: self.before,
            limit: self.limit.max(1),
            ..Filter::default()
        })
    }

    fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let page = query(dir, &self.filter()?)?;
        if self.json {
            for record in &page.records {
                out!("{}", record.event);
            }
            return Ok(ExitCode::SUCCESS);
        }
        out!("{}", table(&page.records));
        match page.next {
            Some(next) => out!("{} events; more with --before {next}", page.records.len()),
            None => out!("{} events", page.records.len()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let report = verify(dir, &self.head)?;
        let head = report.head.zip(report.last).map(|(hash, sequence)| Anchor { sequence, hash });
        if self.json {
            let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
            let answer = serde_json::json!({
                "sound": report.is_sound(), "events": report.events, "first": report.first, "last": report.last,
                "days": report.days, "head": head.map(|head| head.to_string()), "faults": faults,
                "further_faults": report.further_faults,
            });
            out!("{answer}");
        } else {
            for fault in &report.faults {
                out!("{fault}");
            }
            let days = report.days;
            match (report.is_sound(), head) {
                (true, Some(head)) => {
                    out!("The chain holds: {} events over {days} days. Head {head}", report.events)
                }
                (true, None) => out!("The trail is empty."),
                (false, _) => out!("THE CHAIN DOES NOT HOLD: see above."),
            }
        }
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// As much of a text as a terminal's column holds; `--json` has the whole.
fn short(text: &str) -> String {
    let mut short: String = text.chars().take(COLUMN).collect();
    if text.chars().nth(COLUMN).is_some() {
        short.push('…');
    }
    short
}

/// What happened, and whether it was turned down.
fn action(event: &Value) -> String {
    let action = event.pointer("/event/action").and_then(Value::as_str).unwrap_or_default();
    match event.pointer("/event/outcome").and_then(Value::as_str) {
        Some("failure") => format!("{action} (failed)"),
        _ => action.to_owned(),
    }
}

/// Events for people: one line each, what matters first.
pub(super) fn table(records: &[Record]) -> Table {
    let mut table = output::table();
    table.set_header(["#", "time (UTC)", "action", "group", "who", "what", "why"]);
    for record in records {
        let event = &record.event;
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let first = |paths: &[&str]| paths.iter().map(|path| text(path)).find(|text| !text.is_empty());
        table.add_row([
            record.sequence.to_string(),
            text("/@timestamp").replace('T', " ").trim_end_matches('Z').to_owned(),
            action(event),
            text("/user/group/name"),
            first(&["/user/name", "/host/name", "/source/ip"]).unwrap_or_default(),
            short(
                &first(&["/url/full", "/destination/domain", "/schoolgate/details/target"])
                    .unwrap_or_default(),
            ),
            text("/event/reason"),
        ]);
    }
    table
}
