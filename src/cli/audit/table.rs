//! Events as a table, for people.

use comfy_table::Table;
use serde_json::Value;

use crate::audit::Record;
use crate::cli::output;

/// The widest that a column of what was asked for may be, in characters.
const COLUMN: usize = 60;

/// Events for people: one line each, what matters first.
pub(in crate::cli) fn table(records: &[Record]) -> Table {
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
