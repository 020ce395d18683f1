//! The words that events may hold, so that a mistyped one is told from one that was never recorded.
//!
//! **Invariant:** a word that was ever recorded stays here: older trails are searched too.

use crate::audit::query::Filter;
use crate::policy::Rung;
use crate::settings::DATASETS;

/// What `event.action` may be: what an access came to, and what staff or the gateway did.
pub(super) const ACTIONS: [&str; 119] = [
    "allow",
    "alert",
    "block",
    "close",
    "alert.action",
    "alert.again",
    "alert.closed",
    "alert.escalated",
    "alert.false_positive",
    "alert.outcome",
    "alert.raised",
    "alert.read",
    "alert.reopened",
    "alert.risen",
    "alert.seen",
    "alert.suppressed",
    "alert.suppression_ended",
    "alerts.read",
    "ask.lapsed",
    "ask.made",
    "ask.refused",
    "ask.taken",
    "audit.disturbed",
    "audit.removed",
    "audit.repaired",
    "audit.reserve_opened",
    "audit.resumed",
    "audit.signing",
    "audit.verify",
    "authority.made",
    "block.placed",
    "blocks.read",
    "break_glass.opened",
    "break_glass.refused",
    "break_glass.sealed",
    "change.approved",
    "change.at_once",
    "change.held",
    "change.proposed",
    "change.refused",
    "change.reviewed",
    "change.withdrawn",
    "changes.read",
    "clock.agrees",
    "clock.behind",
    "credentials.changed",
    "credentials.set",
    "disk.enough",
    "disk.short",
    "events.around",
    "events.evidence",
    "events.explain",
    "events.export",
    "events.exported",
    "events.read",
    "events.stream",
    "events.stream_ended",
    "explain.statutory",
    "factor.enrolled",
    "gateway.start_failed",
    "gateway.started",
    "gateway.stopped",
    "hold.lifted",
    "hold.placed",
    "holds.read",
    "inspection.read",
    "list.alarm",
    "list.mended",
    "list.refreshed",
    "list.refused",
    "lists.lookup",
    "lists.read",
    "policy.changed",
    "policy.loaded",
    "policy.reload_failed",
    "policy.reloaded",
    "reads.read",
    "report.sent",
    "reports.read",
    "retention.resumed",
    "retention.stopped",
    "reviews.read",
    "session.begun",
    "session.ended",
    "session.refused",
    "staff.added",
    "staff.changed",
    "staff.confirmed",
    "staff.disabled",
    "staff.enabled",
    "staff.read",
    "staff.reset",
    "store.removed",
    "suggestion.dismissed",
    "suggestions.read",
    "supplier.let_in",
    "supplier.let_out",
    "suspension.ended",
    "suspension.imposed",
    "suspension.lifted",
    "suspension.started",
    "suspensions.read",
    "syslog.lost",
    "syslog.resumed",
    "token.made",
    "token.refused",
    "token.revoked",
    "unblock.approved",
    "unblock.changed",
    "unblock.dependencies_read",
    "unblock.ended",
    "unblock.lapsed",
    "unblock.refused",
    "unblock.report",
    "unblock.requested",
    "unblock.revoked",
    "unblock.started",
    "unblock.suggested_review",
    "unblock.usage_read",
];

/// A word of a filter that no event can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct Unknown {
    /// The filter's part.
    pub field: &'static str,
    /// What is wrong, and what to write.
    pub said: String,
}

impl Filter {
    /// What keeps this filter from finding anything, whatever the trail holds: a search that finds
    /// nothing for that reason must not be taken for one that looked.
    ///
    /// # Errors
    /// The first word that no event can hold, or a span that is none.
    pub fn check(&self) -> Result<(), Unknown> {
        let dataset = self.dataset.as_deref();
        let kind = dataset.map(|dataset| dataset.strip_prefix("schoolgate.").unwrap_or(dataset));
        known("dataset", kind, &DATASETS)?;
        known("rung", self.rung.as_deref(), &Rung::ALL.map(Rung::as_str))?;
        known("action", self.action.as_deref(), &ACTIONS)?;
        match (self.from, self.to) {
            (Some(from), Some(to)) if from >= to => {
                let said = "`from` is not before `to`: there is no time between them".to_owned();
                Err(Unknown { field: "to", said })
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}

fn known(field: &'static str, asked: Option<&str>, all: &[&str]) -> Result<(), Unknown> {
    let Some(word) = asked.filter(|word| !all.contains(word)) else { return Ok(()) };
    // Of what staff did there is too much to list: what begins alike.
    let family = word.split('.').next().unwrap_or_default();
    let alike = |known: &&&str| all.len() <= 20 || known.split('.').next() == Some(family);
    let mut some: Vec<&str> = all.iter().filter(alike).copied().collect();
    if some.is_empty() {
        some = all[..3].to_vec();
        some.push("or what was done, such as unblock.approved");
    }
    Err(Unknown {
        field, said: format!("no event has the {field} “{word}”; there are {}", some.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Reads the sources as text: whatever looks like an action of a known family is in the list.
    #[test]
    fn every_action_that_is_recorded_is_known() {
        let families: BTreeSet<&str> = ACTIONS.iter().filter_map(|word| word.split('.').next()).collect();
        let files =
            ["key", "pem", "html", "csv", "jsonl", "xlsx", "json", "txt", "toml", "zip", "db", "sum", "sql"];
        let mut found = BTreeSet::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        let missing: Vec<&String> = found
            .iter()
            .filter(|word| {
                let (family, rest) = word.split_once('.').unwrap();
                families.contains(family) && !files.contains(&rest) && !ACTIONS.contains(&word.as_str())
            })
            .collect();
        assert_eq!(missing, Vec::<&String>::new(), "add them to ACTIONS");
        assert!(
            found.len() > ACTIONS.len() / 2 && ACTIONS.iter().filter(|word| word.contains('.')).count() > 90
        );
    }

    fn read(path: &Path, found: &mut BTreeSet<String>) {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name == "tests") {
                return;
            }
            let mut entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            return entries.by_ref().for_each(|entry| read(&entry, found));
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || name == "tests.rs" {
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let shipped = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let is_word = |word: &&str| {
            let lower =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            word.split_once('.').is_some_and(|(family, rest)| lower(family) && lower(rest))
        };
        found.extend(shipped.split('"').filter(is_word).map(str::to_owned));
    }

    #[test]
    fn what_no_event_can_hold_is_said() {
        let said = |filter: Filter| filter.check().map_err(|unknown| (unknown.field, unknown.said));
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(said(Filter::default()), Ok(()));
        let good = Filter {
            action: word("unblock.approved"),
            rung: word("school_lists"),
            dataset: word("schoolgate.access"),
            ..Filter::default()
        };
        assert_eq!(said(good), Ok(()));
        for (filter, field, part) in [
            (Filter { action: word("bogus"), ..Filter::default() }, "action", "allow, alert, block"),
            (Filter { action: word("unblock.aproved"), ..Filter::default() }, "action", "unblock.approved"),
            (Filter { rung: word("nonsense"), ..Filter::default() }, "rung", "emergency_block"),
            (Filter { dataset: word("nonsense"), ..Filter::default() }, "dataset", "selftest"),
        ] {
            let (found, text) = said(filter).unwrap_err();
            assert!(found == field && text.contains(part), "{found}: {text}");
        }
        let at = |text: &str| Some(text.parse().unwrap());
        let (early, late) = (at("2026-11-24T09:00:00Z"), at("2026-11-25T09:00:00Z"));
        assert_eq!(said(Filter { from: late, to: early, ..Filter::default() }).unwrap_err().0, "to");
        assert_eq!(said(Filter { from: early, to: early, ..Filter::default() }).unwrap_err().0, "to");
        assert_eq!(said(Filter { from: early, to: late, ..Filter::default() }), Ok(()));
    }
}
