//! The school's lists in force: weighed, entered, published, without reading anything else anew.

use crate::control::ControlError;
use crate::control::changes::{Proposal, SchoolList, Word};
use crate::control::journal::{Journal, Mutation, Said, Version};
use crate::control::store::StoreError;
use crate::model::Timestamp;

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
        let (policy, _) = self.store.last_in_force()?.ok_or(StoreError::Unreadable("policy"))?;
        let version = Version {
            generation,
            changes: &proposal.changes(),
            policy: &policy,
            allow: &proposal.in_force(SchoolList::Allow),
            block: &proposal.in_force(SchoolList::Block),
        };
        let puts = [version.put(said)].into_iter().chain(proposal.puts());
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
}
