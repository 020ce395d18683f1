//! `schoolgate audit export` where no gateway runs: an archive from the trail itself, or from a copy.
//!
//! **Invariant:** of a gateway's own trail, the digest of what was written is recorded before anybody
//! has it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::app;
use crate::audit::{
    Act, Actor, Closes, Entry, Exported, Exporting, Filter, Format, Index, Names, Rows, export, query,
};
use crate::clock::Clock;
use crate::settings::Settings;

/// How much of the disk stays free for the trail beside it, in bytes.
const LEAST_FREE: u64 = 1 << 30;

/// Whose trail it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trail {
    /// The one of the gateway of these settings.
    Own,
    /// A copy of one, for which nothing can be recorded.
    Copy,
}

/// What is written.
pub(super) struct Archive<'a> {
    /// The folder of the trail, and whose it is.
    pub(super) from: (&'a Path, Trail),
    /// Which events.
    pub(super) filter: Filter,
    /// As what; all, where nothing is said.
    pub(super) formats: &'a [Format],
    /// What a row is.
    pub(super) rows: Rows,
    /// What was asked for, by its names in the API.
    pub(super) query: Map<String, Value>,
    /// What for.
    pub(super) reason: Option<&'a str>,
    /// A folder with room for it.
    pub(super) scratch: &'a Path,
}

impl Archive<'_> {
    /// Writes it to `out`.
    pub(super) fn write(self, mut out: &File, settings: &Settings) -> anyhow::Result<()> {
        let (dir, trail) = self.from;
        let formats: BTreeSet<Format> = match self.formats {
            [] => Format::ALL.into(),
            some => some.iter().copied().collect(),
        };
        let has_rows = formats.iter().any(|format| *format != Format::Jsonl);
        anyhow::ensure!(has_rows || self.rows == Rows::Events, "page views are rows of csv and xlsx");
        let about = self.about(dir, trail, settings)?;
        let exported = export(Exporting {
            index: &Index::of(dir),
            filter: self.filter,
            formats,
            rows: self.rows,
            names: Names::Own,
            show: &Some,
            explain: None,
            zone: settings.site.timezone.clone(),
            scratch: self.scratch,
            about,
            parts: Vec::new(),
            most: self.rows.most(),
            least_free: if trail == Trail::Own { LEAST_FREE } else { 0 },
        })?;
        if trail == Trail::Own {
            let act = told(&exported);
            crate::cli::runtime()?.block_on(app::record_by_itself(settings, Entry::Read(act)))?;
        }
        let mut archive = exported.file;
        std::io::copy(&mut archive, &mut out)?;
        Ok(())
    }

    /// The beginning of the manifest, with the end of the trail: of an own one, the record of this look.
    fn about(&self, dir: &Path, trail: Trail, settings: &Settings) -> anyhow::Result<Map<String, Value>> {
        let last = Filter { closes: Closes::Apart, limit: 1, ..Filter::default() };
        let last = query(dir, &last)?.records.pop().context("the trail has no record")?;
        let (sequence, hash) = (last.sequence, last.event["schoolgate"]["hash"].as_str().unwrap_or_default());
        let about = json!({
            "kind": "export", "school": settings.site.name, "asked_by": "local",
            "asked_at": Clock::system().now(), "reason": self.reason, "query": self.query,
            "of_a_copy": trail == Trail::Copy, "audit_seq": (trail == Trail::Own).then_some(sequence),
            "head": { "anchor": format!("{sequence}:{hash}"), "time": last.event["@timestamp"] },
            "product": concat!("schoolgate ", env!("CARGO_PKG_VERSION")),
        });
        Ok(about.as_object().cloned().unwrap_or_default())
    }
}

fn told(exported: &Exported) -> Act {
    Act::new(Actor::Local, "events.exported")
        .with("events", exported.events)
        .with("bytes", exported.length)
        .with("manifest", exported.manifest.as_str())
}
