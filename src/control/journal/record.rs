//! The policy of record: its versions, and what staff change of it without anything being read anew.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row};

use crate::audit::Actor;
use crate::control::ControlError;
use crate::control::changes::{PolicyProposal, Proposal, Record, Scales, School, SchoolList, Word};
use crate::control::journal::{Journal, Mutation, Put, Said, Version, subnets};
use crate::control::store::{Store, StoreError};
use crate::document::{Document, Faults};
use crate::lists::Asked as Wanted;
use crate::model::{Host, Timestamp, Url};
use crate::policy::{self, Draft, Edit, Written};
use crate::settings::Loosening;

/// One version of the policy of record, as the history shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its number; the numbers have gaps.
    pub version: u64,
    /// When it came in force.
    pub at: Timestamp,
    /// Who had it come in force: a name, `local` or `system`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// What was other than before, a sentence each.
    pub changes: Vec<String>,
}

impl Journal {
    /// Weighs the school's files, as they were last read, against what is in force.
    pub(in crate::control) fn weigh_school(
        &self,
        word: &Word<'_>,
        now: Timestamp,
    ) -> Result<Proposal, StoreError> {
        Proposal::weigh(&self.store, &self.school, word, now)
    }

    /// What the journal keeps of what was weighed, as version `generation`.
    pub(in crate::control) fn entered_school(
        &self,
        proposal: &Proposal,
        generation: u64,
        said: Said<'_>,
    ) -> Result<Mutation, StoreError> {
        let record = self.record()?;
        let version = Version {
            generation,
            changes: &proposal.changes(),
            policy: &record.policy,
            file: &record.file,
            files: &proposal.files_in_force(),
            added: proposal.added(),
        };
        let puts = [version.put(&self.store, said)?].into_iter().chain(proposal.puts());
        Ok(Mutation::new(said.0, puts.collect()))
    }

    /// Puts what was weighed in force, once it is kept.
    pub(in crate::control) fn put_school_in_force(
        &mut self,
        proposal: &Proposal,
        generation: u64,
    ) -> Result<(), ControlError> {
        self.parts.school_allow = proposal.catalogue(SchoolList::Allow, self.keys.index);
        self.parts.school_block = proposal.catalogue(SchoolList::Block, self.keys.index);
        self.publish(generation)
    }

    /// The version that is in force once another policy text, or other entries of staff, are.
    pub(in crate::control) fn version(
        &self,
        generation: u64,
        said: Said<'_>,
        changes: &[String],
        (policy, added): (Option<&PolicyProposal>, Option<&School>),
    ) -> Result<Put, StoreError> {
        let (record, files) = (self.record()?, self.store.school_in_force()?.unwrap_or_default());
        let was = self.store.school_added()?;
        let version = Version {
            generation,
            changes,
            policy: policy.map_or(&record.policy, |policy| &policy.text),
            file: &record.file,
            files: &files,
            added: added.unwrap_or(&was),
        };
        version.put(&self.store, said)
    }

    /// Puts another policy text, or other entries of staff, in force, once they are kept.
    pub(in crate::control) fn put_changed_in_force(
        &mut self,
        policy: Option<PolicyProposal>,
        added: Option<School>,
        generation: u64,
    ) -> Result<(), ControlError> {
        if let Some(policy) = policy {
            self.parts.draft = Arc::new(policy.draft);
            self.directory.publish(subnets(&self.parts.draft));
        }
        if let Some(added) = added {
            let word = Word::Read { loosening: Loosening::Held, proposer: &Actor::System };
            let proposal = Proposal::weigh(&self.store, &self.school, &word, Timestamp::from_millis(0))?;
            return self.put_school_in_force(&proposal.with_added(added), generation);
        }
        self.publish(generation)
    }

    /// Puts in force what the store has: after an act that was cut off was applied.
    pub(in crate::control) fn renew(&mut self) -> Result<(), ControlError> {
        let nothing = Document::new("", String::new());
        let policy = PolicyProposal::standing(&self.record()?, &nothing, &|id: &str| self.holds(id));
        self.parts.draft = Arc::new(policy.map_err(ControlError::Faulty)?.draft);
        self.directory.publish(subnets(&self.parts.draft));
        let word = Word::Read { loosening: Loosening::Held, proposer: &Actor::System };
        let school = Proposal::weigh(&self.store, &self.school, &word, Timestamp::from_millis(0))?;
        self.parts.school_allow = school.catalogue(SchoolList::Allow, self.keys.index);
        self.parts.school_block = school.catalogue(SchoolList::Block, self.keys.index);
        self.publish_unblocks()
    }

    /// The number of the version in force.
    pub(in crate::control) fn record_version(&self) -> Result<u64, StoreError> {
        Ok(self.record()?.version)
    }

    /// The policy of record, and its text in the normal form.
    pub(in crate::control) fn policy_of_record(&self) -> Result<(Record, Written), ControlError> {
        let record = self.record()?;
        let document = Document::new("policy of record", record.policy.clone());
        Ok((record, Written::read(&document).map_err(ControlError::Faulty)?))
    }

    /// What of a proposed text may be in force.
    pub(in crate::control) fn weigh_policy(
        &self,
        proposed: &Written,
        said: (&Actor, Timestamp, Option<&str>),
    ) -> Result<PolicyProposal, ControlError> {
        let held = |id: &str| self.holds(id);
        let scales = Scales {
            held: &held,
            standing: self.laid(),
            loosening: self.sources.policy_loosening,
            pending: self.store.pending_changes()?,
            said,
        };
        PolicyProposal::of_text(&self.record()?, proposed, &scales).map_err(ControlError::Faulty)
    }

    /// Whether a policy text reads without a fault, with the lists that there are.
    pub(in crate::control) fn read_policy(&self, text: &Document) -> Result<Draft, Faults> {
        policy::read_text(text, &|id: &str| self.holds(id))
    }

    /// The policy with edits that somebody approved.
    pub(in crate::control) fn approved(&self, edits: &[Edit]) -> Result<PolicyProposal, ControlError> {
        Ok(PolicyProposal::approved(&self.record()?, edits, &|id: &str| self.holds(id))?)
    }

    /// The school's files as they were last read, and what staff put on the lists besides.
    pub(in crate::control) fn school(&self) -> Result<(&School, School), StoreError> {
        Ok((&self.school, self.store.school_added()?))
    }

    /// Whether a statutory list holds a host or page.
    pub(in crate::control) fn is_statutory(&self, host: &Host, url: Option<&Url>) -> bool {
        self.parts.statutory.find(&Wanted { host, url }).is_some()
    }

    fn record(&self) -> Result<Record, StoreError> {
        self.store.record()?.ok_or(StoreError::Unreadable("policy"))
    }

    fn holds(&self, id: &str) -> bool {
        match id.strip_prefix("terms/") {
            Some(name) => self.parts.terms.holds(name),
            None => self.parts.catalogue.list(id).is_some(),
        }
    }
}

impl Store {
    /// The policy text that was in force as version `version`.
    pub(in crate::control) fn policy_text(&self, version: u64) -> Result<Option<String>, StoreError> {
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        let query = "SELECT policy FROM versions WHERE version = ?1";
        Ok(self.connection.query_row(query, [version], |row| row.get(0)).optional()?)
    }

    /// The versions before `before`, the newest first; `most` of them.
    pub(in crate::control) fn policy_versions(
        &self,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<PolicyVersion>, StoreError> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut query = self.connection.prepare_cached(
            "SELECT version, at, actor, reason, changes FROM policies WHERE version < ?1
             ORDER BY version DESC LIMIT ?2",
        )?;
        let rows = query.query_map([before, most], |row| Ok(version(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn version(row: &Row<'_>) -> Result<PolicyVersion, StoreError> {
    let changes: String = row.get(4)?;
    Ok(PolicyVersion {
        version: u64::try_from(row.get::<_, i64>(0)?).map_err(|_| StoreError::Unreadable("counter"))?,
        at: row.get::<_, String>(1)?.parse().map_err(|_| StoreError::Unreadable("time"))?,
        actor: row.get(2)?,
        reason: row.get(3)?,
        changes: serde_json::from_str(&changes).map_err(|_| StoreError::Unreadable("changes"))?,
    })
}
