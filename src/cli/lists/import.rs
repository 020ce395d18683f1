//! `schoolgate lists import`: a list of any origin, taken in whole or not at all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;

use crate::audit::Entry;
use crate::cli::gateway::Gateway;
use crate::cli::lists::{KEY, bar, draft, imported, step, used};
use crate::clock::Clock;
use crate::control::Sources;
use crate::control::lists::{
    self, Effect, ImportError, ImportOptions, Imported, MAX_REJECTED_PERCENT, Report, Sizes,
};
use crate::lists::{ListFormat, Reading, Scoping, Suffixes};
use crate::settings::Settings;

/// Options of `import`.
#[derive(Args)]
pub(in crate::cli) struct Import {
    /// A folder, an archive or a list.
    path: PathBuf,
    /// What a single file lists; it becomes the list local/CATEGORY. A CSV or JSON file whose rows
    /// name categories needs none: it becomes a list of each.
    #[arg(long)]
    category: Option<String>,
    /// How it is written, where that should not be guessed: ut1 or e2guardian for a folder of lists, or
    /// domains, urls, hosts, wildcard, dnsmasq, unbound, rpz, adblock, squid, pihole-regex,
    /// expressions, v2fly, csv, json, networks, suffixes, e2-sites, e2-site-ips, e2-urls,
    /// e2-regex-urls.
    #[arg(long)]
    format: Option<ListFormat>,
    /// The file lists what is to be allowed, not blocked.
    #[arg(long)]
    allow: bool,
    /// Every name covers what lies below it, also where the format lists single hosts.
    #[arg(long, conflicts_with = "exact")]
    subtree: bool,
    /// Every name covers itself alone.
    #[arg(long)]
    exact: bool,
    /// Take public suffixes and top-level domains (zip, co.uk): each covers every site below it.
    #[arg(long)]
    allow_suffix: bool,
    /// What the source is called (ut1 for a UT1 tree, local for a file).
    #[arg(long)]
    name: Option<String>,
    /// Licence and attribution of a single file.
    #[arg(long, default_value = "")]
    licence: String,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// A list that may shrink as it likes; may be given several times.
    #[arg(long, value_name = "ID")]
    accept_shrink: Vec<String>,
    /// A protected name that a new version may block all the same; may be given several times.
    #[arg(long, value_name = "NAME")]
    accept_protected: Vec<String>,
    /// How many of a file's lines may be no entries, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = MAX_REJECTED_PERCENT)]
    #[arg(value_parser = clap::value_parser!(u8).range(0..=100))]
    max_rejected: u8,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(&self, settings: &Settings, sources: &Sources) -> anyhow::Result<ExitCode> {
        let options = self.options(sources);
        let bar = bar();
        let report = lists::import(&self.path, &options, &sources.places, KEY, &|id, done, all| {
            step(&bar, id, done, all);
        });
        bar.finish_and_clear();
        if !self.dry_run {
            self.record(settings, &report)?;
        }
        let report = report?;
        if report.written_to.is_some() {
            let mut now = Sizes::new();
            for row in &report.files {
                *now.entry(row.list.clone()).or_default() += row.kept;
            }
            let own = format!("{}/", report.source);
            let accepted = options.accept_shrink.into_iter().filter(|id| id.starts_with(&own)).collect();
            lists::accept_sizes(&sources.store_file, &accepted, &now)?;
        }
        if self.json {
            out!("{}", imported::json(&report));
        } else {
            imported::print(&report);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Has it recorded: by the gateway, or by itself where none runs. Before the first start there is no
    /// record to keep it in.
    fn record(&self, settings: &Settings, outcome: &Result<Report, ImportError>) -> anyhow::Result<()> {
        let told = Imported::of(&self.path, outcome);
        let told = match (told, outcome) {
            (Ok(told), _) => told,
            // What can't be read was refused for that: the refusal is what is to be said.
            (Err(_), Err(_)) => return Ok(()),
            (Err(fault), Ok(_)) => return Err(fault).context("the list is taken, and can't be recorded"),
        };
        let body = serde_json::to_value(&told)?;
        let is_told = Gateway::of(settings, None).post_if_running("/local/lists/imported", body)?;
        if is_told.is_none() && crate::app::audit_dir(settings).is_dir() {
            let recorded = crate::app::record_by_itself(settings, Entry::System(told.act()));
            crate::cli::runtime()?.block_on(recorded)?;
        }
        Ok(())
    }

    fn options(&self, sources: &Sources) -> ImportOptions {
        let accept_shrink: BTreeSet<String> = self.accept_shrink.iter().cloned().collect();
        ImportOptions {
            category: self.category.clone(),
            format: self.format,
            reading: if self.allow { Reading::Allow } else { Reading::Block },
            scoping: match (self.subtree, self.exact) {
                (true, _) => Scoping::Subtree,
                (false, true) => Scoping::Exact,
                (false, false) => Scoping::ByFormat,
            },
            suffixes: if self.allow_suffix { Suffixes::Taken } else { Suffixes::Refused },
            name: self.name.clone(),
            licence: self.licence.clone(),
            effect: if self.dry_run { Effect::DryRun } else { Effect::Write },
            accept_shrink,
            accept_protected: self.accept_protected.iter().cloned().collect(),
            max_rejected_percent: self.max_rejected,
            used: draft(sources).map(|draft| used(&draft)),
            now: Clock::system().now(),
        }
    }
}
