//! Tables of `schoolgate policy`.

use comfy_table::Table;
use serde_json::Value;

use crate::cli::decisions::joined;
use crate::cli::gateway::text;
use crate::cli::output;

/// What came, or would come, of a proposal: what is in force, what waits for whom, and why.
pub(super) fn print_proposed(answer: &Value, dry_run: bool) {
    let mut table = output::table();
    table.set_header(["becomes", "what", "effect", "why it counts as opening something", "waits for"]);
    for change in items(&answer["changes"]) {
        let mut needs = joined(&change["needs"], " or ").replace('_', " ");
        if change["needs_risk"] == true {
            needs.push_str(", with a risk assessment");
        }
        table.add_row([
            becomes(change).to_owned(),
            text(change, "sentence"),
            text(change, "effect"),
            text(change, "why_it_loosens"),
            needs,
        ]);
    }
    out!("{table}");
    if dry_run {
        out!("Nothing was changed: version {} is in force.", answer["version"]);
    } else if items(&answer["changes"]).all(|change| change["state"] == "pending") {
        let (version, record) = (&answer["version"], &answer["audit_seq"]);
        out!("Nothing of it is in force yet: version {version} stays (record {record}).");
    } else {
        out!("Version {} is in force (record {}).", answer["version"], answer["audit_seq"]);
    }
    let waits = items(&answer["changes"]).filter(|change| change["state"] == "pending");
    for change in waits.filter(|_| !dry_run) {
        out!("{} waits: schoolgate changes approve {0} --comment …", text(change, "id"));
    }
}

/// What lies between two versions.
pub(super) fn print_difference(answer: &Value) {
    let effect = answer["effect"].as_str().unwrap_or("can’t be told");
    out!("From version {} to {}: {effect}.", answer["from"], answer["to"]);
    let mut table = output::table();
    table.set_header(["what", "effect", "key", "was", "is"]);
    for edit in items(&answer["edits"]) {
        let effect = edit["effect"].as_str().unwrap_or("together with others").to_owned();
        let (was, is) = (edit["before"].to_string(), edit["after"].to_string());
        table.add_row([text(edit, "sentence"), effect, text(edit, "key"), was, is]);
    }
    for entry in items(&answer["entries"]) {
        let op = if entry["op"] == "add" { "came on" } else { "went off" };
        let sentence = format!("{} {op} {}", text(entry, "entry"), text(entry, "list"));
        table.add_row([sentence, text(entry, "effect"), String::new(), String::new(), String::new()]);
    }
    if table.row_count() > 0 {
        out!("{table}");
    }
}

/// Whether something was other in this version than in the one before.
pub(super) fn is_change(version: &Value) -> bool {
    version["changes"].as_array().is_some_and(|changes| !changes.is_empty())
}

/// The versions.
pub(super) fn history(versions: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["version", "in force from", "by", "why", "what was other"]);
    for version in versions {
        table.add_row([
            version["version"].to_string(),
            text(version, "at"),
            text(version, "actor"),
            text(version, "reason"),
            joined(&version["changes"], "\n"),
        ]);
    }
    table
}

/// What is to be looked at again.
pub(super) fn reviews(reviews: &[Value]) -> Table {
    let mut table = output::table();
    table.set_header(["due", "on", "what", "owner", "since", "change"]);
    for review in reviews {
        let column = |field: &str| text(review, field);
        let due = column("due").replace('_', " ");
        table.add_row([
            due,
            column("review_on"),
            column("sentence"),
            column("owner"),
            column("since"),
            column("change"),
        ]);
    }
    table
}

fn becomes(change: &Value) -> &'static str {
    match change["state"].as_str() {
        Some("at_once") => "in force at once",
        Some("approved") => "in force: the settings let it through",
        Some("pending") => "waits",
        Some(_) | None => "",
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
