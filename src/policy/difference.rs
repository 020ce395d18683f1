//! What one policy text says other than another, in sentences for the record.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::policy::draft::{Draft, GroupDraft};

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
        if self.calendar != before.calendar {
            changes.push("calendar: changed".to_owned());
        }
        if self.caps != before.caps {
            changes.push("unblock caps: changed".to_owned());
        }
        if self.unblocks != before.unblocks {
            changes.push("unblock rules: changed".to_owned());
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
    told("inspect", &old.inspect, &group.inspect);
    told("inspect_hosts", &old.inspect_hosts, &group.inspect_hosts);
    told("safe_search", &old.enforce.safe_search, &group.enforce.safe_search);
    told("youtube", &old.enforce.youtube, &group.enforce.youtube);
    told("tenants", &old.enforce.tenants, &group.enforce.tenants);
    told("search_terms", &old.search_terms, &group.search_terms);
    told("file_kinds", &old.file_kinds, &group.file_kinds);
    told("ports", &old.ports, &group.ports);
    told("subnets", &old.subnets, &group.subnets);
    told("inherits", &old.ancestors, &group.ancestors);
    let bands = |group: &GroupDraft| -> BTreeMap<String, String> {
        group.timetable.iter().map(|band| (band.id.clone(), band.to_string())).collect()
    };
    let (was, is) = (bands(old), bands(group));
    let mut ids: Vec<&String> = was.keys().chain(is.keys()).collect();
    ids.sort_unstable();
    ids.dedup();
    for band in ids {
        told(&format!("timetable {band}"), &was.get(band), &is.get(band));
    }
    let mut categories: Vec<&String> = old.categories.keys().chain(group.categories.keys()).collect();
    categories.sort_unstable();
    categories.dedup();
    for category in categories {
        told(category, &old.categories.get(category), &group.categories.get(category));
    }
}
