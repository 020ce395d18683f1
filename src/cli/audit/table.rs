//! Events as a table, for people.

use serde_json::Value;

use crate::cli::output::{Cell, Column, Table};

/// The longest that what was asked for may be, in characters.
const COLUMN: usize = 60;
/// Where a page was asked for.
const TARGETS: [&str; 2] = ["/url/full", "/destination/domain"];
/// Of an act, what says best what it was about; the first that is there.
const ABOUT: [&str; 9] = ["staff", "target", "entry", "key", "sentence", "site", "value", "list", "source"];

const COLUMNS: &[Column] = &[
    ("#", Cell::Made(|event| event["event"]["sequence"].to_string())),
    ("time (UTC)", Cell::Made(time)),
    ("action", Cell::Made(action)),
    ("group", Cell::Made(|event| text(event, "/user/group/name"))),
    ("who", Cell::Made(who)),
    ("what", Cell::Made(what)),
    ("why", Cell::Made(|event| text(event, "/event/reason"))),
];

/// Events for people: one line each, what matters first; of a page view, how much more belongs to it.
pub(in crate::cli) fn table<'a>(events: impl IntoIterator<Item = &'a Value>) -> Table {
    Table::of(COLUMNS, events)
}

/// To the second: in the log, what came first matters.
fn time(event: &Value) -> String {
    let time = text(event, "/@timestamp").replace('T', " ");
    time.split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned()
}

/// Whoever asked; of an act, whoever did it, and were it the machine.
fn who(event: &Value) -> String {
    first(event, &["/user/name", "/host/name", "/source/ip", "/schoolgate/actor"]).unwrap_or_default()
}

/// What was asked for, or what an act was about, and how much more belongs to it.
fn what(event: &Value) -> String {
    let details = &event["schoolgate"]["details"];
    let many = ["changes", "edits", "faults"].into_iter().find_map(|field| details[field].as_array());
    let (target, all) = match (first(event, &TARGETS), about(details), many) {
        (Some(target), _, _) => (target, event.pointer("/page/events").and_then(Value::as_u64).unwrap_or(1)),
        (None, Some(about), _) => (about, 1),
        (None, None, Some(many)) => {
            (many.first().and_then(of_one).unwrap_or_default(), u64::try_from(many.len()).unwrap_or(u64::MAX))
        }
        (None, None, None) => (String::new(), 1),
    };
    if all > 1 { format!("{} (+{})", short(&target), all - 1) } else { short(&target) }
}

/// What an act, or one of its changes, is about.
fn about(details: &Value) -> Option<String> {
    ABOUT.into_iter().find_map(|field| details[field].as_str()).map(ToOwned::to_owned)
}

/// One of what an act tells: a sentence, a change, an edit or a fault.
fn of_one(one: &Value) -> Option<String> {
    let edit = || one["edits"].get(0).and_then(about);
    let of_fault = || one["problem"].as_str().map(ToOwned::to_owned);
    one.as_str().map(ToOwned::to_owned).or_else(|| about(one)).or_else(edit).or_else(of_fault)
}

fn text(event: &Value, path: &str) -> String {
    event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn first(event: &Value, paths: &[&str]) -> Option<String> {
    paths.iter().map(|path| text(event, path)).find(|text| !text.is_empty())
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
    let action = text(event, "/event/action");
    match event.pointer("/event/outcome").and_then(Value::as_str) {
        Some("failure") => format!("{action} (failed)"),
        _ => action,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_act_says_who_and_what() {
        let of =
            |actor: &str, details: Value| json!({ "schoolgate": { "actor": actor, "details": details } });
        let cases = [
            (of("local", json!({ "staff": "m.jones" })), "local", "m.jones"),
            (
                of("system", json!({ "faults": ["policy.toml:3: no such group", "b"] })),
                "system",
                "policy.toml:3: no such group (+1)",
            ),
            (
                of("staff", json!({ "changes": [{ "entry": "games.example", "list": "allow" }] })),
                "staff",
                "games.example",
            ),
            (
                of("staff", json!({ "changes": [{ "edits": [{ "key": "groups.ks2.default" }] }] })),
                "staff",
                "groups.ks2.default",
            ),
            (
                json!({ "user": { "name": "y5.042" }, "url": { "full": "http://a.example/" }, "page": { "events": 3 } }),
                "y5.042",
                "http://a.example/ (+2)",
            ),
            (json!({ "source": { "ip": "10.0.0.1" }, "schoolgate": { "actor": "staff" } }), "10.0.0.1", ""),
        ];
        for (event, by, about) in cases {
            assert_eq!((who(&event).as_str(), what(&event).as_str()), (by, about), "{event}");
        }
    }
}
