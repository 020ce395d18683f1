//! Tables of `schoolgate policy`.

use serde_json::Value;

use crate::cli::decisions::{joined, recorded};
use crate::cli::gateway::text;
use crate::cli::output::{self, Cell, Column, Table};

/// What a list says of each version.
pub(super) const HISTORY: &[Column] = &[
    ("version", Cell::Of("version")),
    ("in force from", Cell::At("at")),
    ("by", Cell::Of("actor")),
    ("why", Cell::Of("reason")),
    ("what was other", Cell::Made(|version| joined(&version["changes"], "\n"))),
];

/// What a list says of each that is to be looked at again.
pub(super) const REVIEWS: &[Column] = &[
    ("due", Cell::Made(|review| text(review, "due").replace('_', " "))),
    ("on", Cell::Of("review_on")),
    ("what", Cell::Of("sentence")),
    ("owner", Cell::Of("owner")),
    ("since", Cell::At("since")),
    ("change", Cell::Of("change")),
];

const PROPOSED: &[Column] = &[
    ("becomes", Cell::Made(|change| becomes(change).to_owned())),
    ("what", Cell::Of("sentence")),
    ("effect", Cell::Of("effect")),
    ("why it counts as opening something", Cell::Of("why_it_loosens")),
    ("waits for", Cell::Made(awaited)),
];

/// What came, or would come, of a proposal: what is in force, what waits for whom, and why.
pub(super) fn print_proposed(answer: &Value) {
    out!("{}", Table::of(PROPOSED, items(&answer["changes"])));
    for change in items(&answer["withdrawn"]) {
        out!("Taken back, as this stands in its place: {} {}", text(change, "id"), text(change, "sentence"));
    }
    // What is only weighed is not recorded.
    if answer["audit_seq"].is_null() {
        out!("Nothing was changed: version {} is in force.", answer["version"]);
        return;
    }
    let (version, record) = (&answer["version"], recorded(answer));
    if items(&answer["changes"]).all(|change| change["state"] == "pending") {
        out!("Nothing of it is in force yet: version {version} stays{record}.");
    } else {
        out!("Version {version} is in force{record}.");
    }
    for change in items(&answer["changes"]).filter(|change| change["state"] == "pending") {
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
    if !table.is_empty() {
        out!("{table}");
    }
}

/// Whether something was other in this version than in the one before.
pub(super) fn is_change(version: &Value) -> bool {
    version["changes"].as_array().is_some_and(|changes| !changes.is_empty())
}

/// Whose yes is needed, by the names that roles have elsewhere.
fn awaited(change: &Value) -> String {
    let mut needs = joined(&change["needs"], " or ");
    if change["needs_risk"] == true {
        needs.push_str(", with a risk assessment");
    }
    needs
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
