//! The policy of record as people look at it: the version in force, earlier ones, and what lies
//! between two.
//!
//! **Invariant:** nothing here changes anything, and the journal is held for no longer than it is read.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, Row};

use crate::control::changes::{EntryChange, Op, School, SchoolList, entries_of};
use crate::control::journal::{Journal, Laid, PolicyVersion};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};
use crate::document::Document;
use crate::policy::{self, Draft, Edit, Effect, Written};

/// A version of the policy of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyOfRecord {
    /// Its number, when it came in force, by whom and why.
    pub version: PolicyVersion,
    /// The text, as TOML.
    pub text: String,
    /// How many changes wait for somebody, now.
    pub pending: usize,
    /// Whether the policy file, as it is now, says something else than this text.
    pub file_differs: bool,
}

/// What lies between two versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDifference {
    /// What it does to put the one text in the place of the other; none where one of them can't be
    /// read any more.
    pub effect: Option<Effect>,
    /// What the texts say otherwise, each with what it does by itself, where it makes sense so.
    pub edits: Vec<(Edit, Option<Effect>)>,
    /// The entries of the school's lists that came and went.
    pub entries: Vec<EntryChange>,
}

/// Two versions, apart from the journal.
struct Between {
    was: Kept,
    is: Kept,
    /// What staff have laid over the policy in force: by it, every effect is weighed.
    laid: Laid,
}

/// A version as the store has it.
struct Kept {
    text: Document,
    /// The school's files, and what staff had put on the lists besides.
    lists: [School; 2],
}

impl Control {
    /// The policy of record: a version of it, or the one in force.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]
    pub async fn policy(&self, version: Option<u64>) -> Result<PolicyOfRecord, ControlError> {
        let journal = self.journal.lock().await;
        let number = version.map_or_else(|| journal.record_version(), Ok)?;
        let store = &journal.store;
        let (version, text) = store.whole_version(number)?.ok_or(ControlError::NotFound)?;
        let pending = store.pending_changes()?.len();
        let file_differs = journal.file_differs(&text);
        Ok(PolicyOfRecord { version, text, pending, file_differs })
    }

    /// The versions before `before`, the newest first; `most` of them.
    ///
    /// # Errors
    /// What the store says.
    pub async fn policy_history(
        &self,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<PolicyVersion>, ControlError> {
        Ok(self.journal.lock().await.store.policy_versions(before, most)?)
    }

    /// What lies between two versions.
    ///
    /// # Errors
    /// [`ControlError::NotFound`] when one of them never was.
    pub async fn policy_difference(&self, from: u64, to: u64) -> Result<PolicyDifference, ControlError> {
        let between = self.journal.lock().await.between(from, to)?;
        // A policy may be long, and every edit of it is weighed by itself: nobody waits for that.
        let weighed = tokio::task::spawn_blocking(move || between.difference()).await;
        weighed.map_err(|fault| StoreError::System(fault.to_string()))?
    }
}

impl Between {
    fn difference(&self) -> Result<PolicyDifference, ControlError> {
        let (was, is) = (&self.was.text, &self.is.text);
        let (written, after) = (Written::read(was), Written::read(is));
        let (written, after) = (written.map_err(ControlError::Faulty)?, after.map_err(ControlError::Faulty)?);
        let before = draft(was);
        let effect =
            |after: Option<Draft>| Some(policy::effect(before.as_ref()?, &after?, self.laid.standing()));
        let of_edit = |edit: Edit| {
            let alone = written.with(&edit).ok();
            let alone = alone.and_then(|text| draft(&Document::new("policy", text.render())));
            let effect = effect(alone);
            (edit, effect)
        };
        let edits = written.edits_to(&after).into_iter().map(of_edit).collect();
        Ok(PolicyDifference { effect: effect(draft(is)), edits, entries: self.entries() })
    }

    fn entries(&self) -> Vec<EntryChange> {
        let mut changes = Vec::new();
        for list in SchoolList::ALL {
            let all = |schools: &[School; 2]| -> BTreeSet<String> {
                schools.iter().flat_map(|school| entries_of(school.text(list))).collect()
            };
            let (was, is) = (all(&self.was.lists), all(&self.is.lists));
            let mut tell = |op, entry: &String| {
                changes.push(EntryChange { list, op, entry: entry.clone(), line: None, remark: None });
            };
            is.difference(&was).for_each(|entry| tell(Op::Add, entry));
            was.difference(&is).for_each(|entry| tell(Op::Remove, entry));
        }
        changes
    }
}

impl Journal {
    /// All that it takes to weigh two versions against each other.
    fn between(&self, from: u64, to: u64) -> Result<Between, ControlError> {
        let kept = |version: u64| -> Result<Kept, ControlError> {
            let text = self.store.policy_text(version)?.ok_or(ControlError::NotFound)?;
            let lists = self.store.school_of(version)?.ok_or(ControlError::NotFound)?;
            Ok(Kept { text: Document::new(&format!("version {version}"), text), lists })
        };
        Ok(Between { was: kept(from)?, is: kept(to)?, laid: self.laid_apart() })
    }

    fn file_differs(&self, text: &str) -> bool {
        let Ok(file) = std::fs::read_to_string(&self.sources.policy_file) else { return true };
        let read = |text: &str| Written::read(&Document::new("policy", text.to_owned()));
        file != text
            && match (read(&file), read(text)) {
                (Ok(file), Ok(text)) => file != text,
                (Ok(_) | Err(_), _) => true,
            }
    }
}

impl Store {
    fn whole_version(&self, version: u64) -> Result<Option<(PolicyVersion, String)>, StoreError> {
        let Some(text) = self.policy_text(version)? else { return Ok(None) };
        let found = self.policy_versions(version.checked_add(1), 1)?.pop();
        Ok(found.filter(|found| found.version == version).map(|found| (found, text)))
    }

    /// What of the school's files was in force as version `version`, and what staff put on the
    /// lists besides.
    fn school_of(&self, version: u64) -> Result<Option<[School; 2]>, StoreError> {
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        let query =
            "SELECT allow_list, block_list, allow_added, block_added FROM versions WHERE version = ?1";
        let both = |row: &Row<'_>| Ok([school(row, 0)?, school(row, 2)?]);
        Ok(self.connection.query_row(query, [version], both).optional()?)
    }
}

fn school(row: &Row<'_>, at: usize) -> rusqlite::Result<School> {
    Ok(School { allow: row.get(at)?, block: row.get(at + 1)? })
}

/// What a text says, if it reads without a fault. Which lists there were then, nobody knows now.
fn draft(text: &Document) -> Option<Draft> {
    policy::read_text(text, &|_| true).ok()
}
