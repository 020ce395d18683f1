//! What is other than in the last policy of the journal, in sentences for the record.

use crate::control::changes::proposal::Proposal;
use crate::control::changes::{PolicyProposal, SchoolList, weigh};
use crate::control::lists::{Loaded, Sizes};
use crate::control::store::{Store, StoreError};
use crate::model::counted;

/// The most entries of a list that are named one by one.
const NAMED: usize = 200;

/// What is other than in the last version, a sentence each.
pub(in crate::control) fn changes_since(
    store: &Store,
    policy: &PolicyProposal,
    loaded: &Loaded,
    lists: &Proposal,
) -> Result<Vec<String>, StoreError> {
    let mut changes = policy.sentences.clone();
    if store.record()?.is_some() {
        changes.extend(sizes_changed(&store.list_sizes()?, &loaded.sizes()));
        changes.extend(lists.changes());
    }
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
        None => Some(format!("list {list}: added, {}", counted(entries, "entry"))),
        Some(old) if old != entries => {
            Some(format!("list {list}: had {}, has {entries}", counted(old, "entry")))
        }
        Some(_) => None,
    });
    let went = before.keys().filter(|list| !after.contains_key(*list));
    came.chain(went.map(|list| format!("list {list}: gone"))).collect()
}
