//! What the policy in force is made of: its text, the lists, and what staff have laid over them.
//!
//! **Invariant:** what staff have laid over the policy comes from the store alone, so that a start
//! after a sudden end puts the same in force.

use std::sync::Arc;

use crate::control::ControlError;
use crate::control::journal::{Journal, Sources};
use crate::control::lists::Loaded;
use crate::control::store::{Store, StoreError};
use crate::lists::{Asked as Wanted, Reading};
use crate::model::{Host, Url};
use crate::policy::{Draft, EmergencyBlock, OutOfReach, Parts, Standing, Suspension, Unblock};

/// What staff have laid over the policy, and is not over.
#[derive(Default)]
pub(super) struct Laid {
    unblocks: Arc<[Unblock]>,
    suspensions: Arc<[Suspension]>,
    blocks: Arc<[EmergencyBlock]>,
}

impl Laid {
    /// As the store has it.
    pub(super) fn of(store: &Store) -> Result<Laid, StoreError> {
        Ok(Laid {
            unblocks: open_unblocks(store)?,
            suspensions: store.open_suspensions()?.into_iter().map(|kept| kept.suspension).collect(),
            blocks: store.blocks_in_force()?.into_iter().map(|kept| kept.block).collect(),
        })
    }

    /// The same, for whoever weighs a change.
    pub(super) fn standing(&self) -> Standing<'_> {
        Standing { unblocks: &self.unblocks, suspensions: &self.suspensions, blocks: &self.blocks }
    }

    /// All that a policy is made of.
    pub(super) fn over(self, draft: Arc<Draft>, loaded: &Loaded, sources: &Sources) -> Parts {
        Parts {
            draft,
            catalogue: Arc::clone(&loaded.catalogue),
            school_allow: Arc::clone(&loaded.school_allow),
            school_block: Arc::clone(&loaded.school_block),
            statutory: Arc::clone(&loaded.statutory),
            lifeline: Arc::clone(&loaded.lifeline),
            no_inspect: Arc::clone(&loaded.no_inspect),
            terms: Arc::clone(&loaded.terms),
            reach: Arc::clone(&sources.reach),
            unblocks: self.unblocks,
            suspensions: self.suspensions,
            blocks: self.blocks,
            zone: sources.zone.clone(),
        }
    }
}

/// The unblocks that are not over, as far as the audit trail knows.
pub(super) fn open_unblocks(store: &Store) -> Result<Arc<[Unblock]>, StoreError> {
    Ok(store.open_unblocks()?.into_iter().map(|kept| kept.unblock).collect())
}

impl Journal {
    /// What staff have laid over the policy in force.
    pub(super) fn laid(&self) -> Standing<'_> {
        let Parts { unblocks, suspensions, blocks, .. } = &self.parts;
        Standing { unblocks, suspensions, blocks }
    }

    /// The same, for whoever weighs something without the journal.
    pub(super) fn laid_apart(&self) -> Laid {
        let Parts { unblocks, suspensions, blocks, .. } = self.parts.clone();
        Laid { unblocks, suspensions, blocks }
    }

    /// Publishes the policy in force with the unblocks as the store now has them.
    pub(in crate::control) fn publish_unblocks(&mut self) -> Result<(), ControlError> {
        // What is recorded comes in force, also when the disk has no room for another number.
        let generation = match self.store.next_generation() {
            Ok(generation) => generation,
            Err(fault) => {
                tracing::error!(%fault, "the policy in force keeps its number");
                self.publisher.live().snapshot().generation()
            }
        };
        self.publish_laid(generation)
    }

    /// Publishes the policy in force with all that staff have laid over it, as version `generation`.
    pub(in crate::control) fn publish_laid(&mut self, generation: u64) -> Result<(), ControlError> {
        let Laid { unblocks, suspensions, blocks } = Laid::of(&self.store)?;
        self.parts = Parts { unblocks, suspensions, blocks, ..self.parts.clone() };
        self.publish(generation)
    }

    /// Whether a host or page is a help line's.
    pub(in crate::control) fn is_help_line(&self, host: &Host, url: Option<&Url>) -> bool {
        !self.parts.lifeline.find(&Wanted { host, url }, Reading::Allow).is_empty()
    }

    /// Whether a host is this gateway itself: by an address of its own, or as `localhost`.
    pub(in crate::control) fn is_this_gateway(&self, host: &Host) -> bool {
        let address = match host {
            Host::Name(name) => return matches!(name.as_str().rsplit('.').next(), Some("localhost")),
            Host::Address(address) => *address,
        };
        let reach = &self.parts.reach;
        let own =
            |port| matches!(reach.refuses(address, port), Some(OutOfReach::OwnPort | OutOfReach::ThisHost));
        own(443) || reach.own.iter().any(|door| own(door.port()))
    }
}
