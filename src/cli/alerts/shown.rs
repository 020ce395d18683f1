//! Alerts, suppressions and precision, for people.

use serde_json::Value;

use crate::cli::gateway::text;
use crate::cli::output::{Cell, Column, Table, moment};
use crate::model::counted;

/// What a list says of each alert.
pub(super) const ALERTS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("theme", Cell::Of("theme")),
    ("severity", Cell::Of("severity")),
    ("about", Cell::Of("about")),
    ("state", Cell::Made(state)),
    ("group", Cell::Of("group")),
    ("events", Cell::Of("count")),
    ("since", Cell::At("first_at")),
    ("last", Cell::At("last_at")),
];

/// What a list says of each suppression.
pub(super) const SUPPRESSIONS: &[Column] = &[
    ("id", Cell::Of("id")),
    ("theme", Cell::Of("theme")),
    ("about", Cell::Of("about")),
    ("by", Cell::Of("by")),
    ("value", Cell::Of("value")),
    ("group", Cell::Of("group")),
    ("until", Cell::At("ends_at")),
    ("state", Cell::Made(standing)),
    ("suppressed", Cell::Of("hits")),
    ("made by", Cell::Of("made_by")),
    ("reason", Cell::Of("reason")),
];

/// What is said of each theme.
pub(super) const PRECISION: &[Column] = &[
    ("theme", Cell::Of("theme")),
    ("right", Cell::Of("right")),
    ("nothing to it", Cell::Of("wrong")),
    ("open", Cell::Of("open")),
    ("share that was right", Cell::Made(share)),
];

const STEPS: &[Column] = &[
    ("at", Cell::At("at")),
    ("what", Cell::Of("action")),
    ("by", Cell::Of("by")),
    ("words", Cell::Of("words")),
];

/// An alert on a page: whom it is about, what was done, its events.
pub(super) fn page(alert: &Value) {
    let field = |field: &str| text(alert, field);
    let at = |field: &str| moment(&text(alert, field));
    let person = &alert["person"];
    out!("{}: {} ({})", field("severity").to_uppercase(), field("theme"), state(alert));
    out!("{} {}, group {}", text(person, "kind"), text(person, "name"), field("group"));
    let count = counted(alert["count"].as_u64().unwrap_or_default(), "event");
    out!("{count} from {} to {} UTC; rule {}", at("first_at"), at("last_at"), field("rule"));
    let steps: Vec<&Value> = alert["steps"].as_array().into_iter().flatten().collect();
    if steps.is_empty() {
        out!("\nNobody has done anything about it yet.");
    } else {
        out!("\nWhat was done\n{}", Table::of(STEPS, steps));
    }
    let events: Vec<&Value> = alert["events"].as_array().into_iter().flatten().collect();
    if events.is_empty() {
        out!("\nThe trail holds none of its events any more.");
    } else {
        out!("\nIts events, the newest first\n{}", crate::cli::audit::table(events));
    }
    let next = next(&field("state")).map(|act| format!(" Next: schoolgate alerts {act} {}", field("id")));
    out!("This look is record {}.{}", alert["audit_seq"], next.unwrap_or_default());
}

/// What to do about an alert that stands so; nothing where it is closed.
fn next(state: &str) -> Option<&'static str> {
    match state {
        "new" => Some("seen"),
        "seen" => Some("action"),
        "action" => Some("outcome"),
        "outcome" => Some("close"),
        _ => None,
    }
}

/// Where an alert stands; `closed (false positive)` where there was nothing to it.
pub(super) fn state(alert: &Value) -> String {
    let found = if alert["false_positive"] == true { " (false positive)" } else { "" };
    format!("{}{found}", text(alert, "state"))
}

fn standing(suppression: &Value) -> String {
    match (suppression["in_force"] == true, suppression["ended_by"].as_str()) {
        (true, _) => "in force".to_owned(),
        (false, Some(by)) => format!("ended by {by}"),
        (false, None) => "over".to_owned(),
    }
}

fn share(theme: &Value) -> String {
    theme["precision"]
        .as_f64()
        .map_or_else(|| "none closed".to_owned(), |share| format!("{:.0} %", share * 100.0))
}
