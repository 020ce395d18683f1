//! Events as a table, for people.

use comfy_table::Table;
use serde_json::Value;

use crate::cli::output;

/// The widest that a column of what was asked for may be, in characters.
const COLUMN: usize = 60;

/// Events for people: one line each, what matters first; of a page view, how much more belongs to it.
pub(in crate::cli) fn table<'a>(events: impl IntoIterator<Item = &'a Value>) -> Table {
    let mut table = output::table();
    table.set_header(["#", "time (UTC)", "action", "group", "who", "what", "why"]);
    for event in events {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let first = |paths: &[&str]| paths.iter().map(|path| text(path)).find(|text| !text.is_empty());
        table.add_row([
            event["event"]["sequence"].to_string(),
            text("/@timestamp").replace('T', " ").trim_end_matches('Z').to_owned(),
            action(event),
            text("/user/group/name"),
            first(&["/user/name", "/host/name", "/source/ip"]).unwrap_or_default(),
            what(event, first(&["/url/full", "/destination/domain", "/schoolgate/details/target"])),
            text("/event/reason"),
        ]);
    }
    table
}

/// What was asked for, and how much more belongs to it.
fn what(event: &Value, target: Option<String>) -> String {
    let target = short(&target.unwrap_or_default());
    match event.pointer("/page/events").and_then(Value::as_u64) {
        None | Some(0 | 1) => target,
        Some(events) => format!("{target} (+{})", events - 1),
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
