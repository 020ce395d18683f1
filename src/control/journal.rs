//! The policy of record: what is in force, what was, and how a new one comes to be.
//!
//! **Invariant:** a policy is built whole before it is published; one with a fault is never
//! published, and the last good one stays. Every policy that was in force is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Clock;
use crate::control::changes::{Change, ChangeState, PolicyProposal, Proposal, School};
use crate::control::lists::{self, Keys, Loaded, Progress, Standing};
use crate::control::store::{Store, StoreError};
use crate::control::{ControlError, Shared};
use crate::identity::{Directory, Subnets};
use crate::model::Timestamp;
use crate::policy::{Draft, Live, Parts, Policy, Publisher, State, put_in_force};
use crate::settings::Loosening;
use crate::telemetry::Metrics;

mod history;
mod keep;
mod laid;
mod mutation;
mod reading;
mod record;
mod sources;
mod statutory;
mod version;

pub use history::{PolicyDifference, PolicyOfRecord};
pub(super) use keep::lost;
use laid::Laid;
pub(super) use mutation::{Mutation, Put, Table};
pub(super) use reading::ReadLists;
pub use reading::waiting;
use reading::{first, look, prepare};
pub use record::PolicyVersion;
pub use sources::{Sources, StartError, Unlicensed};
pub(super) use version::Said;
use version::Version;

/// A policy, read and sound, not yet in force.
pub(super) struct Prepared {
    draft: Arc<Draft>,
    loaded: Loaded,
    policy: PolicyProposal,
    changes: Vec<String>,
    proposal: Proposal,
}

/// The policy in force and what it was made of.
pub(super) struct Journal {
    pub(super) store: Store,
    sources: Arc<Sources>,
    publisher: Publisher,
    parts: Parts,
    /// The school's files as they were last read.
    school: School,
    keys: Keys,
    /// How each statutory list stands.
    standing: Vec<Standing>,
    /// What is as it last was in force, because what there is now is faulty.
    stood_in: Vec<String>,
    /// When each other list was taken, or its file last changed.
    taken: BTreeMap<String, Timestamp>,
    /// How many times lists have come in force.
    taken_times: u64,
    pub(super) directory: Directory,
    metrics: Metrics,
}

impl Prepared {
    /// Groups, categories and caps.
    pub(super) fn draft(&self) -> &Draft {
        &self.draft
    }

    /// What is other than before, a sentence each.
    pub(super) fn changes(&self) -> &[String] {
        &self.changes
    }

    /// What a person should know of the lists.
    pub(super) fn told(&self) -> Vec<String> {
        [&*self.loaded.told, &*self.loaded.stood_in].concat()
    }

    /// All that waits for somebody's leave.
    pub(super) fn held(&self) -> Vec<Change> {
        let of_policy = self.policy.new.iter().filter(|change| change.state == ChangeState::Pending);
        of_policy.chain(self.proposal.held()).cloned().collect()
    }

    /// What is held, withdrawn or in force, and was not before.
    pub(super) fn decided(&self) -> impl Iterator<Item = &Change> {
        self.policy.new.iter().chain(&self.policy.withdrawn).chain(self.proposal.decided())
    }
}

/// Reads policy and lists and says what is wrong with them, for `schoolgate check`.
///
/// # Errors
/// Every fault found.
pub fn check(sources: &Sources, progress: &Progress<'_>) -> Result<(Draft, Loaded), StartError> {
    let keys = lists::keys_in_force(&sources.store_file)?;
    let sizes = lists::statutory_sizes(&sources.store_file)?;
    look(sources, &keys, &sizes, progress).map_err(StartError::Faults)
}

/// Compiles a policy outside the gateway, with what staff have laid over it where there is a store,
/// and without what waits for approval.
///
/// # Errors
/// Every fault found, or what the store says.
pub fn compile_once(sources: &Sources, progress: &Progress<'_>) -> Result<Policy, StartError> {
    if !sources.store_file.exists() {
        let (draft, loaded) = check(sources, progress)?;
        let parts = Laid::default().over(Arc::new(draft), &loaded, sources);
        return Policy::compile(parts, 0).map_err(|_| ControlError::Policy.into());
    }
    let store = Store::open(&sources.store_file)?;
    let (keys, now) = (Keys::of(&store)?, Clock::system().now());
    let prepared = prepare(&store, sources, &keys, (&Actor::Local, now, None), None, progress)?;
    let parts = Laid::of(&store)?.over(prepared.draft, &prepared.loaded, sources);
    Policy::compile(parts, 0).map_err(|_| ControlError::Policy.into())
}

/// The subnets of a policy's groups.
#[must_use]
pub fn subnets(draft: &Draft) -> Subnets {
    let groups = draft.groups.iter();
    Subnets::new(groups.flat_map(|group| group.subnets.iter().map(|net| (*net, group.id.clone()))))
}

impl Journal {
    /// The first policy, published to nobody yet: record it, then [`Journal::begin`].
    pub(super) fn start(
        sources: Sources,
        shared: &Shared,
        progress: &Progress<'_>,
    ) -> Result<(Journal, Live, Prepared), StartError> {
        let store = Store::open(&sources.store_file)?;
        keep::close(&store, &shared.recorder)?;
        let keys = Keys::of(&store)?;
        let now = shared.clock.now();
        let prepared = first(&store, &sources, &keys, now, progress)?;
        let laid = Laid::of(&store)?;
        let parts = laid.over(Arc::clone(&prepared.draft), &prepared.loaded, &sources);
        let generation = store.next_generation()?;
        let first = Policy::compile(parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        let (publisher, live) = put_in_force(first);
        let (directory, metrics) = (shared.directory.clone(), shared.metrics.clone());
        let school = School::of(&prepared.loaded);
        let (standing, stood_in, taken) = (Vec::new(), Vec::new(), BTreeMap::new());
        let journal = Journal {
            store,
            sources: Arc::new(sources),
            publisher,
            parts,
            school,
            keys,
            standing,
            stood_in,
            taken,
            taken_times: 0,
            directory,
            metrics,
        };
        Ok((journal, live, prepared))
    }

    /// What the journal keeps of a prepared policy, as version `generation`.
    pub(super) fn entered(
        &self,
        prepared: &Prepared,
        generation: u64,
        said: Said<'_>,
    ) -> Result<Mutation, StoreError> {
        let version = Version {
            generation,
            changes: &prepared.changes,
            policy: &prepared.policy.text,
            file: &prepared.policy.file,
            files: &prepared.proposal.files_in_force(),
            added: prepared.proposal.added(),
        };
        let version = version.put(&self.store, said)?;
        let puts = [version].into_iter().chain(prepared.policy.puts()).chain(prepared.proposal.puts());
        Ok(Mutation::new(said.0, puts.collect()))
    }

    /// Begins with the first policy, once it is kept.
    pub(super) fn begin(&mut self, prepared: &Prepared, now: Timestamp) -> Result<(), StartError> {
        self.school = School::of(&prepared.loaded);
        Ok(self.settle(&prepared.loaded, now)?)
    }

    /// Puts a prepared policy in force, once it is kept.
    pub(super) fn put_in_force(
        &mut self,
        prepared: &Prepared,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let laid = Laid::of(&self.store)?;
        self.parts = laid.over(Arc::clone(&prepared.draft), &prepared.loaded, &self.sources);
        // Who is who comes first: what is open is asked again as soon as the policy is published.
        self.directory.publish(subnets(&self.parts.draft));
        self.publish(generation)?;
        self.begin(prepared, now)
    }

    /// What becomes of what opens something, in the school's lists and in the policy.
    pub(super) fn rules(&self) -> (Loosening, Loosening) {
        (self.sources.loosening, self.sources.policy_loosening)
    }

    /// What becomes of an edit of the school's lists that opens something.
    pub(super) fn loosening(&self) -> Loosening {
        self.sources.loosening
    }

    /// Compiles what the policy is made of and publishes it as version `generation`.
    fn publish(&self, generation: u64) -> Result<(), ControlError> {
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        Ok(())
    }

    /// What is as it last was in force, because what there is now is faulty.
    pub(super) fn stood_in(&self) -> &[String] {
        &self.stood_in
    }

    /// How many unblocks are in force.
    pub(super) fn active(&self, now: Timestamp) -> usize {
        self.parts.unblocks.iter().filter(|unblock| unblock.state(now) == State::Active).count()
    }

    /// Lets the rest of the gateway know what has come in force.
    fn settle(&mut self, loaded: &Loaded, now: Timestamp) -> Result<(), StoreError> {
        self.directory.publish(subnets(&self.parts.draft));
        self.taken_times += 1;
        self.standing =
            lists::keep(&self.sources.places, &self.keys, (&loaded.standing, &loaded.retired), now);
        self.stood_in.clone_from(&loaded.stood_in);
        self.taken = lists::taken(loaded, &self.sources.places);
        self.metrics.forget_lists();
        let sizes = loaded.sizes();
        for (id, entries) in &sizes {
            self.metrics.list_entries(id, *entries);
        }
        self.store.keep_list_sizes(&sizes)
    }
}

#[cfg(test)]
mod tests;
