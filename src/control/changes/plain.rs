//! A change in plain English, for governors and whoever decides: what it does, and why what opens
//! something counts as that.

use std::collections::BTreeSet;

use crate::control::changes::{Change, EntryChange, Op, SchoolList, What};
use crate::document::{Plain, dotted};
use crate::policy::{Edit, Effect};

impl Change {
    /// What it does, in sentences that a governor can read.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.what {
            What::Entry(entry) => of_entry(entry),
            What::Policy { edits } => edits.iter().map(in_words).collect::<Vec<_>>().join(" "),
            What::LiftBlock { target, .. } => format!("The emergency block of {target} is lifted."),
        }
    }

    /// Why it counts as opening something; none when it does not.
    #[must_use]
    pub fn why_it_loosens(&self) -> Option<String> {
        if self.effect != Effect::Loosens {
            return None;
        }
        let mut reasons: Vec<&str> = match &self.what {
            What::Entry(entry) => vec![entry_opens(entry)],
            What::Policy { edits } => edits.iter().map(opens).collect(),
            What::LiftBlock { .. } => vec!["what was shut for everybody may pass"],
        };
        let mut told = BTreeSet::new();
        reasons.retain(|reason| told.insert(*reason));
        Some(reasons.join("; "))
    }
}

/// An edit of the policy as one sentence: `Group ks2: the category games goes from blocked to allowed.`
#[must_use]
pub fn in_words(edit: &Edit) -> String {
    let path = dotted(&edit.key).unwrap_or_default();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let goes = from_to(edit);
    match path[..] {
        ["groups"] => "The order of the groups is another.".to_owned(),
        ["categories"] => "The order of the categories is another.".to_owned(),
        ["groups", group] => came_or_went("group", group, edit),
        ["categories", category] => came_or_went("category", category, edit),
        ["groups", group, "categories", category] => {
            format!("Group {group}: the category {category} {goes}.")
        }
        ["groups", group, "default"] => format!("Group {group}: what no rule names {goes}."),
        ["groups", group, "uncategorised"] => format!("Group {group}: a site of no category {goes}."),
        ["groups", group, "unclassified"] => {
            format!("Group {group}: a connection that shows no name {goes}.")
        }
        ["groups", group, "search_terms", list] => {
            format!("Group {group}: a search for terms of the list {list} {goes}.")
        }
        ["groups", group, "file_kinds", kind] => format!("Group {group}: files of the kind {kind} {goes}."),
        ["groups", group, key] => format!("Group {group}: {} {goes}.", spaced(key)),
        ["groups", group, "timetable", ref band @ ..] => {
            format!("Group {group}: the timetable’s {} {goes}.", band.join(" "))
        }
        ["categories", category, "unblockable"] => {
            format!("Category {category}: whether a temporary unblock may open it {goes}.")
        }
        ["categories", category, key] => format!("Category {category}: {} {goes}.", spaced(key)),
        ["unblock", "caps", role, ..] => format!("Temporary unblocks by a {}: {goes}.", spaced(role)),
        ["unblock", ..] => format!("Temporary unblocks: {} {goes}.", path[1..].join(" ")),
        ["calendar", ..] => format!("The calendar: {} {goes}.", path[1..].join(" ")),
        [..] => format!("{edit}."),
    }
}

/// Why an edit that opens something does.
fn opens(edit: &Edit) -> &'static str {
    let path = dotted(&edit.key).unwrap_or_default();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["groups", _, "categories" | "search_terms" | "file_kinds", _]
        | ["groups", _, "default" | "uncategorised" | "unclassified"] => {
            match (text(edit.before.as_ref()), text(edit.after.as_ref())) {
                (Some("block"), _) => "what was refused may pass",
                (Some("alert"), _) => "what was pointed out may no longer be",
                _ => "what another rule refuses may pass, or may no longer be pointed out",
            }
        }
        ["groups", _, "subnets"] | ["groups"] | ["groups", _, "inherits"] => {
            "some devices may come under looser rules"
        }
        ["groups", _, "inspect" | "inspect_hosts"] => "less may be seen of what passes",
        ["groups", _, "ports"] => "more ports may be reached",
        ["groups", _, "timetable", ..] | ["calendar", ..] => "something may be open at more times",
        ["groups", _] => "devices may come under looser rules than before",
        ["categories"] | ["categories", _] => "a site may be judged by a looser category",
        ["categories", _, "unblockable"] => "a temporary unblock may open it",
        ["categories", _, "sources" | "optional_sources"] => {
            "sites may no longer count to a category that is refused, or count to one that is open"
        }
        ["unblock", ..] => "staff may open more, for longer, or with fewer people’s yes",
        [..] => "some decision may be more open than before",
    }
}

fn of_entry(entry: &EntryChange) -> String {
    match entry.op {
        Op::Add => format!("{} is put on the {}.", entry.entry, entry.list.title()),
        Op::Remove => format!("{} is taken off the {}.", entry.entry, entry.list.title()),
    }
}

fn entry_opens(entry: &EntryChange) -> &'static str {
    match entry.list {
        SchoolList::Allow => "it opens what lists and categories may refuse",
        SchoolList::Block => "what the school refused may pass",
    }
}

fn came_or_went(what: &str, name: &str, edit: &Edit) -> String {
    match edit.after {
        Some(_) => format!("A new {what}: {name}."),
        None => format!("The {what} {name} is taken away."),
    }
}

/// `goes from blocked to allowed`; of lists, what came and what went.
fn from_to(edit: &Edit) -> String {
    let none = Vec::new();
    let (was, is) = match (&edit.before, &edit.after) {
        (Some(Plain::List(was)), Some(Plain::List(is))) => (was, is),
        (Some(Plain::List(was)), None) => (was, &none),
        (None, Some(Plain::List(is))) => (&none, is),
        (was, is) => return format!("goes from {} to {}", word(was.as_ref()), word(is.as_ref())),
    };
    let only = |these: &[Plain], those: &[Plain]| -> Vec<String> {
        let only = these.iter().filter(|item| !those.contains(item));
        only.map(|item| word(Some(item))).collect()
    };
    let (came, went) = (only(is, was), only(was, is));
    match (came.is_empty(), went.is_empty()) {
        (true, true) => "are in another order".to_owned(),
        (false, true) => format!("gain {}", came.join(", ")),
        (true, false) => format!("lose {}", went.join(", ")),
        (false, false) => format!("gain {} and lose {}", came.join(", "), went.join(", ")),
    }
}

fn word(value: Option<&Plain>) -> String {
    match value {
        None => "not set".to_owned(),
        Some(Plain::Boolean(true)) => "yes".to_owned(),
        Some(Plain::Boolean(false)) => "no".to_owned(),
        Some(Plain::Text(text)) => match text.as_str() {
            "block" => "blocked".to_owned(),
            "alert" => "allowed and pointed out".to_owned(),
            "allow" => "allowed".to_owned(),
            other => spaced(other),
        },
        Some(value @ (Plain::Integer(_) | Plain::List(_) | Plain::Table(_))) => value.to_string(),
    }
}

fn text(value: Option<&Plain>) -> Option<&str> {
    match value {
        Some(Plain::Text(text)) => Some(text),
        Some(Plain::Boolean(_) | Plain::Integer(_) | Plain::List(_) | Plain::Table(_)) | None => None,
    }
}

fn spaced(key: &str) -> String {
    key.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(key: &str, before: Option<&str>, after: Option<&str>) -> Edit {
        let value = |text: Option<&str>| text.map(|text| Plain::Text(text.to_owned()));
        Edit { key: key.to_owned(), before: value(before), after: value(after) }
    }

    #[test]
    fn an_edit_reads_as_a_sentence() {
        let list = |names: &[&str]| {
            Some(Plain::List(names.iter().map(|name| Plain::Text((*name).to_owned())).collect()))
        };
        let sources = Edit {
            key: "categories.games.sources".to_owned(),
            before: list(&["seed/games"]),
            after: list(&["ut1/games"]),
        };
        let rows = [
            (
                edit("groups.ks2.categories.games", Some("block"), Some("allow")),
                "Group ks2: the category games goes from blocked to allowed.",
                "what was refused may pass",
            ),
            (
                edit("groups.ks2.categories.news", Some("alert"), None),
                "Group ks2: the category news goes from allowed and pointed out to not set.",
                "what was pointed out may no longer be",
            ),
            (
                edit("groups.\"year 5\".default", None, Some("allow")),
                "Group year 5: what no rule names goes from not set to allowed.",
                "what another rule refuses may pass, or may no longer be pointed out",
            ),
            (
                sources,
                "Category games: sources gain ut1/games and lose seed/games.",
                "sites may no longer count to a category that is refused, or count to one that is open",
            ),
            (
                edit("categories.games", Some("x"), None),
                "The category games is taken away.",
                "a site may be judged by a looser category",
            ),
            (
                edit("surprise", None, Some("x")),
                "surprise: was not set, is \"x\".",
                "some decision may be more open than before",
            ),
        ];
        for (edit, sentence, why) in rows {
            assert_eq!((in_words(&edit).as_str(), opens(&edit)), (sentence, why));
        }
    }
}
