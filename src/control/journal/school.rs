//! The school's lists in force: weighed, entered, published, without reading anything else anew.

use crate::audit::Actor;
use crate::control::ControlError;
use crate::control::changes::{Proposal, SchoolList, Word};
use crate::control::journal::Journal;
use crate::control::store::StoreError;
use crate::model::Timestamp;
use crate::policy::Policy;

impl Journal {
    /// Weighs the school's files, as they were last read, against what is in force.
    pub(in crate::control) fn weigh_school(
        &self,
        word: &Word<'_>,
        now: Timestamp,
    ) -> Result<Proposal, StoreError> {
        Proposal::weigh(&self.store, &self.school, word, now)
    }

    /// Keeps what was weighed, in one transaction, and puts it in force.
    pub(in crate::control) fn put_school_in_force(
        &mut self,
        proposal: &Proposal,
        entered: (Timestamp, &Actor, &str),
    ) -> Result<(), ControlError> {
        let (allow, block) = (SchoolList::Allow, SchoolList::Block);
        let generation = self.store.next_generation()?;
        let transaction = self.store.connection.unchecked_transaction().map_err(StoreError::from)?;
        proposal.keep(&self.store)?;
        let texts = (&*proposal.in_force(allow), &*proposal.in_force(block));
        self.store.enter_school(generation, entered, &proposal.changes(), texts)?;
        transaction.commit().map_err(StoreError::from)?;
        self.parts.school_allow = proposal.catalogue(allow, self.keys.index);
        self.parts.school_block = proposal.catalogue(block, self.keys.index);
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        Ok(())
    }
}
