//! `schoolgate lists diff`: what a version of a list adds and removes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::cli::output;
use crate::control::Sources;
use crate::control::lists::{ListDifference, Ranks, Showing, Side, between, ranked, since_previous};
use crate::model::counted;

/// Options of `diff`.
#[derive(Args)]
pub(in crate::cli) struct Diff {
    /// An imported source or a list of one (ut1, ut1/games), held against the import before it; or
    /// the older of two files.
    #[arg(value_name = "LIST|OLD-FILE")]
    old: String,
    /// The newer of two files.
    #[arg(value_name = "NEW-FILE")]
    new: Option<PathBuf>,
    /// Popular sites, to be shown first: as for `overblocking`.
    #[arg(long, value_name = "FILE")]
    ranked: Option<PathBuf>,
    /// How many entries are shown each way; the counts are always whole.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(super) fn run(&self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let ranks = match &self.ranked {
            Some(path) => Ranks::of(&ranked(path)?.items),
            None => Ranks::default(),
        };
        let showing = Showing { ranks, limit: self.limit };
        let places = &sources.places;
        let lists = match &self.new {
            Some(new) => vec![between(places, (Path::new(&self.old), new), &showing)?],
            None => since_previous(places, &self.old, &showing)?,
        };
        if self.json {
            out!("{}", json!({ "lists": lists }));
            return Ok(ExitCode::SUCCESS);
        }
        let changed: Vec<&ListDifference> =
            lists.iter().filter(|list| list.added.count + list.removed.count > 0).collect();
        for list in &changed {
            out!("{}: had {}, has {}", list.list, counted(list.before, "entry"), list.after);
            print_side("added", '+', &list.added);
            print_side("removed", '-', &list.removed);
        }
        let same = lists.len() - changed.len();
        if same > 0 {
            out!("{same} of {} lists say the same as before.", lists.len());
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_side(what: &str, sign: char, side: &Side) {
    if side.count == 0 {
        return;
    }
    let mut table = output::table();
    table.set_header([format!("{} {what}", side.count), "rank".to_owned()]);
    for differing in &side.entries {
        let rank = differing.rank.map(|rank| rank.to_string()).unwrap_or_default();
        table.add_row([format!("{sign} {}", differing.entry), rank]);
    }
    out!("{table}");
    let unsaid = side.count - side.entries.len();
    if unsaid > 0 {
        out!("… and {unsaid} more: --limit {} shows all", side.count);
    }
}
