//! What is other than in the last policy of the journal, in sentences for the record.

use rusqlite::OptionalExtension;

use crate::control::changes::proposal::Proposal;
use crate::control::changes::{SchoolList, weigh};
use crate::control::lists::{Loaded, Sizes};
use crate::control::store::{Store, StoreError};
use crate::document::Document;
use crate::policy::Written;

/// The most entries of a list that are named one by one.
const NAMED: usize = 200;

/// What is other than in the last policy of the journal.
pub(in crate::control) fn changes_since(
    store: &Store,
    text: &str,
    loaded: &Loaded,
    proposal: &Proposal,
) -> Result<Vec<String>, StoreError> {
    let last: Option<String> = store
        .connection
        .query_row("SELECT policy FROM journal ORDER BY version DESC LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let Some(policy_before) = last else { return Ok(vec!["the first policy".to_owned()]) };
    let mut changes = Vec::new();
    if policy_before != text {
        let read = |text: String| Written::read(&Document::new("policy.toml", text));
        match (read(policy_before), read(text.to_owned())) {
            (Ok(before), Ok(after)) => changes.extend(after.changes_since(&before)),
            (Err(_), _) | (_, Err(_)) => {
                changes.push("the policy text, from one that this version can't read".to_owned())
            }
        }
    }
    changes.extend(sizes_changed(&store.list_sizes()?, &loaded.sizes()));
    changes.extend(proposal.changes());
    Ok(changes)
}

/// Which entries of a school list came in force, and which are no longer.
pub(super) fn entries_changed(list: SchoolList, before: &str, after: &str) -> Vec<String> {
    let (before, after) = (weigh::entries(before), weigh::entries(after));
    let title = list.title();
    let mut told = Vec::new();
    let mut tell = |what: &str, entries: Vec<&String>| {
        told.extend(entries.iter().take(NAMED).map(|entry| format!("{title}: {what} {entry}")));
        if entries.len() > NAMED {
            told.push(format!("{title}: {what} {} more", entries.len() - NAMED));
        }
    };
    tell("added", after.difference(&before).collect());
    tell("removed", before.difference(&after).collect());
    told
}

/// Which lists came, went or are of another size.
pub(in crate::control) fn sizes_changed(before: &Sizes, after: &Sizes) -> Vec<String> {
    let came = after.iter().filter_map(|(list, entries)| match before.get(list) {
        None => Some(format!("list {list}: added, {entries} entries")),
        Some(old) if old != entries => Some(format!("list {list}: had {old} entries, has {entries}")),
        Some(_) => None,
    });
    let went = before.keys().filter(|list| !after.contains_key(*list));
    came.chain(went.map(|list| format!("list {list}: gone"))).collect()
}
