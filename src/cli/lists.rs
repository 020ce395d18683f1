//! `schoolgate lists`: import lists, read them all, say what is held, look a site up.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output;
use crate::clock::Clock;
use crate::control::Sources;
use crate::control::lists::{self, Effect, ImportFormat, ImportOptions, Keys, Loaded, Made, Sizes, Status};
use crate::document::Document;
use crate::policy::{self, Draft};

mod difference;
mod imported;
mod overblocking;

/// What is not for keeping needs no secret: these commands end with their indexes.
const KEYS: Keys = Keys { index: [0; 16], statutory: [0; 32] };

/// What to do with the lists.
#[derive(Subcommand)]
pub(super) enum Lists {
    /// Take a list in: a UT1 tree (a folder or .tar.gz) or a single file.
    Import(Import),
    /// Read every list and say what is wrong, as a reload would.
    Build(Build),
    /// Say what lists are held, how large and how old.
    Status(Show),
    /// Say which lists cover a host or URL, and from which line.
    Lookup(Lookup),
    /// Say which popular sites, and which learning sites, the policy would block, for whom.
    Overblocking(overblocking::Overblocking),
    /// Say what a version of a list adds and removes.
    Diff(difference::Diff),
}

/// Options of `import`.
#[derive(Args)]
pub(super) struct Import {
    /// A folder, a .tar.gz or a list.
    path: PathBuf,
    /// What a single file lists; it becomes the list local/CATEGORY.
    #[arg(long)]
    category: Option<String>,
    /// How it is written, where that should not be guessed.
    #[arg(long)]
    format: Option<Format>,
    /// What the source is called (ut1 for a UT1 tree, local for a file).
    #[arg(long)]
    name: Option<String>,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// A list that may shrink as it likes; may be given several times.
    #[arg(long, value_name = "ID")]
    accept_shrink: Vec<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `build`.
#[derive(Args)]
pub(super) struct Build {
    /// A list that may shrink, or be gone; may be given several times.
    #[arg(long, value_name = "ID")]
    accept_shrink: Vec<String>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `status`.
#[derive(Args)]
pub(super) struct Show {
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `lookup`.
#[derive(Args)]
pub(super) struct Lookup {
    /// A host or URL.
    #[arg(value_name = "HOST-OR-URL")]
    query: String,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// How a list is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// One host a line.
    Domains,
    /// One page a line.
    Urls,
    /// A tree of categories.
    Ut1,
}

impl Lists {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self {
            Lists::Import(import) => import.run(sources),
            Lists::Build(build) => build.run(sources),
            Lists::Status(show) => show.run(sources),
            Lists::Lookup(lookup) => lookup.run(sources),
            Lists::Overblocking(overblocking) => overblocking.run(sources),
            Lists::Diff(diff) => diff.run(sources),
        }
    }
}

impl Import {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let accept_shrink: BTreeSet<String> = self.accept_shrink.iter().cloned().collect();
        let options = ImportOptions {
            category: self.category.clone(),
            format: self.format.map(Format::into),
            name: self.name.clone(),
            effect: if self.dry_run { Effect::DryRun } else { Effect::Write },
            accept_shrink: accept_shrink.clone(),
            used: draft(sources).map(|draft| used(&draft)),
            now: Clock::system().now(),
        };
        let bar = bar();
        let report = lists::import(&self.path, &options, &sources.places, KEYS.index, &|id, done, all| {
            step(&bar, id, done, all);
        });
        bar.finish_and_clear();
        let report = report?;
        if report.written_to.is_some() {
            let mut now = Sizes::new();
            for row in &report.files {
                *now.entry(row.list.clone()).or_default() += row.kept;
            }
            let own = format!("{}/", report.source);
            let accepted = accept_shrink.into_iter().filter(|id| id.starts_with(&own)).collect();
            lists::accept_sizes(&sources.store_file, &accepted, &now)?;
        }
        if self.json {
            out!("{}", imported::json(&report));
        } else {
            imported::print(&report);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Build {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let accepted: BTreeSet<String> = self.accept_shrink.iter().cloned().collect();
        let mut sizes = lists::sizes_in_force(&sources.store_file)?;
        sizes.retain(|id, _| !accepted.contains(id));
        let loaded = load(&sources.clone().keeping(), &sizes)?;
        lists::accept_sizes(&sources.store_file, &accepted, &loaded.sizes())?;
        let (held, entries) = (loaded.catalogue.lists().len(), loaded.catalogue.index().len());
        let made = made(&loaded);
        if self.json {
            let answer = serde_json::json!({
                "faults": [], "lists": held, "entries": entries, "statutory": loaded.held.sentence(),
                "compiled": made,
            });
            out!("{answer}");
            return Ok(ExitCode::SUCCESS);
        }
        out!("No faults: {held} lists with {entries} entries; {}.", loaded.held.sentence());
        out!("{made}.");
        for id in &accepted {
            out!("The size of {id} is accepted; the next reload takes it.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let loaded = load(sources, &Sizes::new())?;
        let rows = lists::status(&loaded, &sources.places, Clock::system().now());
        if self.json {
            let answer = serde_json::json!({ "lists": rows, "statutory": loaded.held.sentence() });
            out!("{answer}");
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table();
        table.set_header(["list", "title", "version", "entries", "not taken", "days old", "licence", "kind"]);
        for row in &rows {
            table.add_row(cells(row));
        }
        out!("{table}");
        out!("Statutory: {}.", loaded.held.sentence());
        Ok(ExitCode::SUCCESS)
    }
}

impl Lookup {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let loaded = load(sources, &Sizes::new())?;
        let draft = draft(sources);
        let category = |list: &str| draft.as_ref().and_then(|draft| category_of(draft, list));
        let answer = lists::lookup(&loaded, &self.query, &category)?;
        if self.json {
            out!("{}", serde_json::to_string(&answer)?);
            return Ok(ExitCode::SUCCESS);
        }
        if answer.matches.is_empty() {
            out!("No list covers {}.", self.query);
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table();
        table.set_header(["category", "list", "version", "file", "line", "entry"]);
        for found in &answer.matches {
            let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
            let line = found.line.map(|line| line.to_string());
            table.add_row([
                or(&found.category),
                found.list.clone(),
                found.version.clone(),
                or(&found.file),
                or(&line),
                or(&found.entry),
            ]);
        }
        out!("{table}");
        Ok(ExitCode::SUCCESS)
    }
}

impl Format {
    fn into(self) -> ImportFormat {
        match self {
            Format::Domains => ImportFormat::Domains,
            Format::Urls => ImportFormat::Urls,
            Format::Ut1 => ImportFormat::Ut1,
        }
    }
}

fn load(sources: &Sources, sizes: &Sizes) -> anyhow::Result<Loaded> {
    let bar = bar();
    let loaded = lists::load(&sources.places, &KEYS, sizes, &|id, done, all| step(&bar, id, done, all));
    bar.finish_and_clear();
    Ok(loaded?)
}

/// How the compiled lists came to be, and how large they are.
fn made(loaded: &Loaded) -> String {
    let compiled = loaded.catalogue.compiled();
    let (all, hot) = (compiled.len() / 1024, compiled.hot_bytes() / 1024);
    let how = match &loaded.made {
        Made::Mapped => "Compiled before, and still the same lists".to_owned(),
        Made::Built => "Compiled anew, and kept for the next start".to_owned(),
        Made::InMemory(None) => "Compiled, not kept".to_owned(),
        Made::InMemory(Some(why)) => format!("Compiled, and could not be kept: {why}"),
    };
    format!("{how} ({all} KiB, of which {hot} KiB are read at every look-up)")
}

/// The policy, where it can be read; what is wrong with it is for `check` to say.
fn draft(sources: &Sources) -> Option<Draft> {
    let text = std::fs::read_to_string(&sources.policy_file).ok()?;
    let file = sources.policy_file.display().to_string();
    policy::read_text(&Document::new(&file, text), &|_| true).ok()
}

fn used(draft: &Draft) -> BTreeSet<String> {
    let lists = |category: &policy::CategoryDraft| {
        category.sources.iter().chain(&category.optional_sources).cloned().collect::<Vec<_>>()
    };
    draft.categories.iter().flat_map(lists).collect()
}

fn category_of(draft: &Draft, list: &str) -> Option<String> {
    let feeds = |category: &&policy::CategoryDraft| {
        category.sources.iter().chain(&category.optional_sources).any(|source| source == list)
    };
    draft.categories.iter().find(feeds).map(|category| category.id.clone())
}

fn cells(row: &Status) -> [String; 8] {
    let days = row.age_seconds.map_or_else(|| "–".to_owned(), |age| (age / 86_400).to_string());
    let kind = match row.kind {
        lists::Kind::Category => "category",
        lists::Kind::School => "school",
        lists::Kind::Statutory => "statutory",
        lists::Kind::Synthetic => "synthetic: does not count",
    };
    [
        row.id.clone(),
        row.title.clone(),
        row.version.clone(),
        row.entries.to_string(),
        row.rejected.to_string(),
        days,
        row.licence.clone(),
        kind.to_owned(),
    ]
}

/// A bar on standard error, which draws nothing where that is no terminal.
fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn step(bar: &ProgressBar, id: &str, done: usize, all: usize) {
    bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    bar.set_message(id.to_owned());
}
