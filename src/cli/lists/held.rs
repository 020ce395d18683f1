//! What lists are held, for people and for programs.

use serde_json::{Value, json};

use crate::cli::output;
use crate::control::feeds::{SourceStatus, View, inspection_sentence};
use crate::control::lists::{Kind, Loaded, Status};
use crate::model::{Timestamp, counted};

/// As a program reads it.
pub(super) fn json(loaded: &Loaded, view: &View, rows: &[Status]) -> Value {
    json!({
        "lists": rows, "statutory": loaded.held.sentence(), "sources": view.sources, "alarms": view.alarms,
        "inspection": {
            "hosts": loaded.statutory.paged_hosts(), "sentence": inspection_sentence(&loaded.statutory, None),
        },
    })
}

/// As people read it.
pub(super) fn print(loaded: &Loaded, view: &View, rows: &[Status], now: Timestamp) {
    let mut table = output::table();
    table.set_header(["list", "title", "version", "entries", "not taken", "looked at", "licence", "kind"]);
    for row in rows {
        table.add_row(cells(row, now));
    }
    out!("{table}");
    if !view.sources.is_empty() {
        let mut table = output::table();
        table.set_header(["source", "place", "looked at", "last new", "next look", "licence", "by"]);
        for source in &view.sources {
            table.add_row(source_cells(source, now));
        }
        out!("{table}");
    }
    out!("Statutory: {}.", loaded.held.sentence());
    if let Some(sentence) = inspection_sentence(&loaded.statutory, None) {
        out!("Not enforced: {sentence}.");
    }
    for alarm in &view.alarms {
        out!("ALARM {}: {} (since {})", alarm.list, alarm.problem, alarm.since);
    }
}

/// How long ago that is: `5 min ago`, `3 h ago`, `12 days ago`.
pub(crate) fn ago(then: Option<Timestamp>, now: Timestamp) -> String {
    match then.map(|then| now.since(then).as_secs()) {
        None => "–".to_owned(),
        Some(seconds @ 0..120) => format!("{seconds} s ago"),
        Some(seconds @ 120..7200) => format!("{} min ago", seconds / 60),
        Some(seconds @ 7200..172_800) => format!("{} h ago", seconds / 3600),
        Some(seconds) => format!("{} ago", counted(seconds / 86_400, "day")),
    }
}

fn cells(row: &Status, now: Timestamp) -> [String; 8] {
    let kind = match row.kind {
        Kind::Category => "category",
        Kind::School => "school",
        Kind::Terms => "search terms",
        Kind::Statutory => "statutory",
        Kind::Synthetic => "synthetic: does not count",
    };
    [
        row.id.clone(),
        row.title.clone(),
        row.version.clone(),
        row.entries.to_string(),
        row.rejected.to_string(),
        ago(row.looked, now),
        row.licence.clone(),
        kind.to_owned(),
    ]
}

fn source_cells(source: &SourceStatus, now: Timestamp) -> [String; 7] {
    let next = match source.next_look.filter(|next| *next > now).map(|next| next.since(now).as_secs()) {
        None => "now".to_owned(),
        Some(seconds) => format!("in {} min", seconds.div_ceil(60)),
    };
    [
        source.source.clone(),
        source.place.clone(),
        ago(source.looked, now),
        ago(source.changed, now),
        next,
        source.licence.clone(),
        source.attribution.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn ages_are_told_in_words_of_their_size() {
        let start = Timestamp::from_millis(0);
        let cases = [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7199, "119 min ago"),
            (7200, "2 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
        ];
        for (seconds, told) in cases {
            assert_eq!(ago(Some(start), start.plus(Duration::from_secs(seconds))), told);
        }
        assert_eq!(ago(None, start), "–");
    }
}
