//! `schoolgate lists`: import lists, read them all, say what is held, look a site up.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::output;
use crate::clock::Clock;
use crate::control::Sources;
use crate::control::feeds;
use crate::control::lists::{self, Loaded, Made, Sizes};
use crate::document::Document;
use crate::model::counted;
use crate::policy::{self, Draft};
use crate::settings::Settings;

mod difference;
mod fetched;
mod held;
mod import;
mod imported;
mod overblocking;

/// What is not for keeping needs no secret: an import ends with its index.
const KEY: [u8; 16] = [0; 16];

/// What to do with the lists.
#[derive(Subcommand)]
pub(super) enum Lists {
    /// Take a list in: a single file in any format, or a tree of categories (a folder or an archive).
    Import(import::Import),
    /// Read every list and say what is wrong, as a reload would.
    Build(Build),
    /// Look at the sources of the settings now, and take what is new.
    Fetch(fetched::Fetch),
    /// Say what lists are held, how large and how old, and what is wrong with them.
    Status(Show),
    /// Say which lists cover a host or URL, and from which line; statutory lists are not asked.
    Lookup(Lookup),
    /// Say which popular sites, and which learning sites, the policy would block, for whom.
    Overblocking(overblocking::Overblocking),
    /// Say what a version of a list adds and removes.
    Diff(difference::Diff),
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

impl Lists {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let sources = &super::sources(settings);
        match self {
            Lists::Import(import) => import.run(settings, sources),
            Lists::Build(build) => build.run(sources),
            Lists::Fetch(fetch) => fetch.run(settings),
            Lists::Status(show) => show.run(sources),
            Lists::Lookup(lookup) => lookup.run(sources),
            Lists::Overblocking(overblocking) => overblocking.run(sources),
            Lists::Diff(diff) => diff.run(sources),
        }
    }
}

impl Build {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let accepted: BTreeSet<String> = self.accept_shrink.iter().cloned().collect();
        let mut sizes = lists::sizes_in_force(&sources.store_file)?;
        // A list that is gone must not be missed; a shorter one is held against nothing.
        sizes.retain(|id, _| !accepted.contains(id));
        let shorter = accepted.iter().filter(|id| lists::is_in_slot(&sources.places, id));
        sizes.extend(shorter.map(|id| (id.clone(), 0)));
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
        out!(
            "No faults: {} with {}; {}.",
            counted(held, "list"),
            counted(entries, "entry"),
            loaded.held.sentence()
        );
        out!("{made}.");
        for id in &accepted {
            out!("The size of {id} is accepted; the next reload takes it.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let loaded = load(sources, &lists::statutory_sizes(&sources.store_file)?)?;
        let now = Clock::system().now();
        let view = feeds::view(sources, &loaded.standing, now);
        let rows = lists::status(&loaded, &sources.places, &view, now);
        if self.json {
            out!("{}", held::json(&loaded, &view, &rows));
        } else {
            held::print(&loaded, &view, &rows, now);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Lookup {
    fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let loaded = load(sources, &lists::statutory_sizes(&sources.store_file)?)?;
        let draft = draft(sources);
        let category = |list: &str| draft.as_ref().and_then(|draft| category_of(draft, list));
        let answer = lists::lookup(&loaded, &self.query, &category)?;
        if self.json {
            out!("{}", serde_json::to_string(&answer)?);
            return Ok(ExitCode::SUCCESS);
        }
        if answer.matches.is_empty() {
            out!("No list covers {}; statutory lists are not asked.", self.query);
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = output::table();
        table.set_header(["category", "list", "version", "file", "line", "entry"]);
        for found in &answer.matches {
            table.add_row([
                found.category.clone().unwrap_or_else(|| "–".to_owned()),
                found.list.clone(),
                found.version.clone(),
                found.file.clone(),
                found.line.to_string(),
                found.entry.clone(),
            ]);
        }
        out!("{table}");
        Ok(ExitCode::SUCCESS)
    }
}

fn load(sources: &Sources, sizes: &Sizes) -> anyhow::Result<Loaded> {
    let keys = lists::keys_in_force(&sources.store_file)?;
    let bar = bar();
    let loaded = lists::load(&sources.places, &keys, sizes, &|id, done, all| step(&bar, id, done, all));
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
        Made::LastGood => "Compiled before, of lists as they were".to_owned(),
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
