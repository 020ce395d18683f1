//! `schoolgate lists overblocking`: which popular and which learning sites the policy would block.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::output;
use crate::clock::Clock;
use crate::control::lists::{BlockedSite, Listing, MustOpen, Overblocked, RankedSite, Sites};
use crate::control::lists::{matrix, must_open, overblocking, ranked, unknown_groups};
use crate::control::{Sources, compile_once};
use crate::document::Faults;
use crate::model::{GroupName, Timestamp, counted};
use crate::policy::{GroupDraft, Policy};

/// Options of `overblocking`.
#[derive(Args)]
pub(in crate::cli) struct Overblocking {
    /// Popular sites: one a line, or CSV with `rank,host`, or with a header.
    #[arg(long, value_name = "FILE", required_unless_present = "education")]
    ranked: Option<PathBuf>,
    /// Sites that must stay open: a header names `host`, and, if it likes, `must_allow` and
    /// `groups` or `key_stage`.
    #[arg(long, value_name = "FILE")]
    education: Option<PathBuf>,
    /// How many sites are shown for each group, besides those that must stay open; the counts are
    /// always whole.
    #[arg(long, default_value_t = 50)]
    top: usize,
    /// For this group alone.
    #[arg(long)]
    group: Option<GroupName>,
    /// At this moment (RFC 3339).
    #[arg(long)]
    at: Option<Timestamp>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Overblocking {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let popular = self.ranked.as_ref().map(|path| ranked(path).map_err(input)).transpose()?;
        let learning = self.education.as_ref().map(|path| must_open(path).map_err(input)).transpose()?;
        let popular: Vec<RankedSite> = popular.map(told).unwrap_or_default();
        let learning: Vec<MustOpen> = learning.map(told).unwrap_or_default();
        let bar = super::bar();
        let policy = compile_once(sources, &|id, done, all| super::step(&bar, id, done, all))?;
        let groups = self.groups(&policy)?;
        let unknown = unknown_groups(&learning, &policy);
        if !unknown.is_empty() {
            eprintln!(
                "No group of the policy is meant by {}: those sites are not asked for it.",
                unknown.join(", ")
            );
        }
        let at = self.at.unwrap_or_else(|| Clock::system().now());
        let sites = Sites { ranked: &popular, must_open: &learning };
        let blocked =
            overblocking(&policy, sites, &groups, at, &|done, all| super::step(&bar, "sites", done, all));
        bar.finish_and_clear();
        if self.json {
            out!("{}", self.answer(&blocked, (popular.len(), learning.len()), at));
        } else {
            self.print(&blocked);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The group that is asked about, or all that somebody can be in.
    fn groups<'p>(&self, policy: &'p Policy) -> anyhow::Result<Vec<&'p GroupDraft>> {
        let all = &policy.draft().groups;
        let found: Vec<&GroupDraft> = match &self.group {
            Some(name) => all.iter().filter(|group| group.id == *name).collect(),
            None => all.iter().filter(|group| !group.subnets.is_empty()).collect(),
        };
        match &self.group {
            Some(name) if found.is_empty() => anyhow::bail!("there is no group “{name}”"),
            None if found.is_empty() => Ok(all.iter().collect()),
            Some(_) | None => Ok(found),
        }
    }

    /// The most popular, and every one that must stay open.
    fn shown<'b>(&self, group: &'b Overblocked) -> Vec<&'b BlockedSite> {
        let sites = group.sites.iter().enumerate();
        sites.filter(|(at, site)| *at < self.top || site.must_open).map(|(_, site)| site).collect()
    }

    fn answer(&self, blocked: &[Overblocked], (popular, learning): (usize, usize), at: Timestamp) -> Value {
        let group = |group: &Overblocked| {
            json!({
                "group": group.group, "name": group.name, "blocked": group.sites.len(),
                "must_open": closed(&group.sites), "sites": self.shown(group),
            })
        };
        json!({
            "at": at, "ranked": popular, "education": learning,
            "groups": blocked.iter().map(group).collect::<Vec<_>>(), "matrix": matrix(blocked),
        })
    }

    fn print(&self, blocked: &[Overblocked]) {
        for group in blocked {
            let (all, closed) = (group.sites.len(), closed(&group.sites));
            let blocked = counted(all, "site");
            out!("{} ({}): {blocked} blocked, {closed} of them must stay open", group.name, group.group);
            if all == 0 {
                continue;
            }
            let mut table = output::table();
            table.set_header(["rank", "site", "must stay open", "category", "list", "line"]);
            let shown = self.shown(group);
            for site in &shown {
                table.add_row(cells(site));
            }
            out!("{table}");
            if all > shown.len() {
                out!("… and {} more: --top {all} shows all", all - shown.len());
            }
            out!("");
        }
        print_matrix(blocked);
    }
}

/// The items of a file; the lines that name no site are told.
fn told<T>(listing: Listing<T>) -> Vec<T> {
    if listing.skipped > 0 {
        eprintln!("{}{} lines name no site and are passed over.", listing.faults, listing.skipped);
    }
    listing.items
}

/// A file that is handed in is no configuration: what is wrong with it is a failure like another.
fn input(faults: Faults) -> anyhow::Error {
    anyhow::anyhow!("{faults}")
}

fn closed(sites: &[BlockedSite]) -> usize {
    sites.iter().filter(|site| site.must_open).count()
}

fn cells(site: &BlockedSite) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let line = match (&site.file, site.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        _ => "–".to_owned(),
    };
    [
        or_dash(site.rank.map(|rank| rank.to_string())),
        site.site.clone(),
        if site.must_open { "yes".to_owned() } else { String::new() },
        site.category.clone(),
        or_dash(site.list.clone()),
        line,
    ]
}

fn print_matrix(blocked: &[Overblocked]) {
    let counts = matrix(blocked);
    if counts.is_empty() {
        return;
    }
    let mut table = output::table();
    let groups = blocked.iter().map(|group| group.group.to_string());
    table.set_header(std::iter::once("category".to_owned()).chain(groups));
    for (category, by_group) in &counts {
        let count = |group: &Overblocked| by_group.get(&group.group).copied().unwrap_or_default().to_string();
        table.add_row(std::iter::once(category.clone()).chain(blocked.iter().map(count)));
    }
    out!("{table}");
}
