//! What one policy text says other than another, in sentences for the record.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::content::FileKind;
use crate::policy::draft::{CategoryAction, Draft, GroupDraft};

impl Draft {
    /// What this draft says other than `before`, a sentence each; empty when nothing.
    #[must_use]
    pub fn changes_since(&self, before: &Draft) -> Vec<String> {
        let mut changes = Vec::new();
        for group in &self.groups {
            match before.groups.iter().find(|old| old.id == group.id) {
                Some(old) => group_changes(group, old, &mut changes),
                None => changes.push(format!("group {}: added", group.id)),
            }
        }
        for old in before.groups.iter().filter(|old| !self.groups.iter().any(|group| group.id == old.id)) {
            changes.push(format!("group {}: removed", old.id));
        }
        for category in &self.categories {
            match before.categories.iter().find(|old| old.id == category.id) {
                Some(old) if old == category => {}
                Some(_) => changes.push(format!("category {}: changed", category.id)),
                None => changes.push(format!("category {}: added", category.id)),
            }
        }
        for old in before.categories.iter().filter(|old| !self.categories.iter().any(|new| new.id == old.id))
        {
            changes.push(format!("category {}: removed", old.id));
        }
        if self.caps != before.caps {
            changes.push("unblock caps: changed".to_owned());
        }
        changes
    }
}

fn group_changes(group: &GroupDraft, old: &GroupDraft, changes: &mut Vec<String>) {
    let id = &group.id;
    let mut told = |what: &str, before: &dyn Debug, after: &dyn Debug| {
        let (before, after) = (format!("{before:?}"), format!("{after:?}"));
        if before != after {
            changes.push(format!("group {id}: {what} was {before}, is {after}"));
        }
    };
    told("default", &old.default, &group.default);
    told("uncategorised", &old.uncategorised, &group.uncategorised);
    told("unclassified", &old.unclassified, &group.unclassified);
    told("ports", &old.ports, &group.ports);
    told("subnets", &old.subnets, &group.subnets);
    told("inherits", &old.ancestors, &group.ancestors);
    told("safe_search", &old.enforce.safe_search, &group.enforce.safe_search);
    told("youtube", &old.enforce.youtube, &group.enforce.youtube);
    let (was, is) = (&old.enforce.tenants, &group.enforce.tenants);
    told("tenants.google", &was.google, &is.google);
    told("tenants.microsoft", &was.microsoft, &is.microsoft);
    told("tenants.microsoft_consumer", &was.microsoft_consumer, &is.microsoft_consumer);
    told("tenants.slack", &was.slack, &is.slack);
    told("tenants.dropbox", &was.dropbox, &is.dropbox);
    for kind in FileKind::ALL {
        let what = format!("file_kinds.{}", kind.as_str());
        told(&what, &old.file_kinds.get(&kind), &group.file_kinds.get(&kind));
    }
    for list in keys(&old.search_terms, &group.search_terms) {
        let what = format!("search_terms.{list}");
        told(&what, &old.search_terms.get(list), &group.search_terms.get(list));
    }
    for category in keys(&old.categories, &group.categories) {
        told(category, &old.categories.get(category), &group.categories.get(category));
    }
}

fn keys<'m>(
    old: &'m BTreeMap<String, CategoryAction>,
    new: &'m BTreeMap<String, CategoryAction>,
) -> BTreeSet<&'m String> {
    old.keys().chain(new.keys()).collect()
}
