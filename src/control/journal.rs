//! The policy of record: what is in force, what was, and how a new one comes to be.
//!
//! **Invariant:** a policy is built whole before it is published; one with a fault is never
//! published, and the last good one stays. Every policy that was in force is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::params;

use crate::audit::Actor;
use crate::control::changes::{self, Proposal, School, SchoolList};
use crate::control::lists::{self, Keys, Loaded, Places, Progress, Standing};
use crate::control::store::{Store, StoreError};
use crate::control::{ControlError, Shared};
use crate::document::Faults;
use crate::identity::{Directory, Subnets};
use crate::model::Timestamp;
use crate::policy::{Draft, Live, Parts, Policy, Publisher, Reach, State, Unblock, put_in_force};
use crate::settings::{Loosening, Source};
use crate::telemetry::Metrics;

mod reading;
mod school;
mod statutory;

use reading::{first, prepare, read};

/// Where policy and lists come from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The policy text.
    pub policy_file: PathBuf,
    /// The store.
    pub store_file: PathBuf,
    /// The folders of the lists.
    pub places: Places,
    /// What becomes of an edit of the school's lists that opens something.
    pub loosening: Loosening,
    /// Whether this box may run without a licensed statutory list.
    pub unlicensed: Unlicensed,
    /// The addresses within reach.
    pub reach: Arc<Reach>,
    /// Where lists are fetched from.
    pub feeds: Vec<Source>,
    /// Further authorities that their servers may be signed by.
    pub extra_roots: Vec<PathBuf>,
}

impl Sources {
    /// The same, for the gateway itself: what it compiles is kept.
    #[must_use]
    pub fn keeping(mut self) -> Sources {
        self.places.compiled = self.places.compiled.written();
        self
    }
}

/// Whether a box may run without a statutory list under licence; audited and shown everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlicensed {
    /// It may: a demonstration.
    Accepted,
    /// It may not.
    Refused,
}

/// Why policy and lists can't be put in force.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every fault of the policy text and the lists.
    #[error("{0}")]
    Faults(Faults),
    /// What the store or the trail says.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A policy, read and sound, not yet in force.
pub(super) struct Prepared {
    draft: Arc<Draft>,
    loaded: Loaded,
    policy_text: String,
    changes: Vec<String>,
    proposal: Proposal,
}

/// The policy in force and what it was made of.
pub(super) struct Journal {
    pub(super) store: Store,
    sources: Sources,
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
    pub(super) directory: Directory,
    metrics: Metrics,
}

impl StartError {
    /// The faults on one line each, without the text around them: for the record.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        match self {
            StartError::Faults(faults) => faults
                .iter()
                .take(20)
                .map(|fault| format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.problem))
                .collect(),
            StartError::Control(fault) => vec![fault.to_string()],
        }
    }
}

impl From<StoreError> for StartError {
    fn from(fault: StoreError) -> StartError {
        StartError::Control(fault.into())
    }
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

    /// What of the school's lists is in force, and what is held.
    pub(super) fn proposal(&self) -> &Proposal {
        &self.proposal
    }
}

/// Reads policy and lists and says what is wrong with them, for `schoolgate check`.
///
/// # Errors
/// Every fault found.
pub fn check(sources: &Sources, progress: &Progress<'_>) -> Result<(Draft, Loaded), StartError> {
    let keys = lists::keys_in_force(&sources.store_file)?;
    let sizes = lists::statutory_sizes(&sources.store_file)?;
    let (draft, loaded, _) = read(sources, &keys, &sizes, None, progress).map_err(StartError::Faults)?;
    Ok((draft, loaded))
}

/// Compiles a policy outside the gateway, with the store's unblocks where there is a store, and
/// without what waits for approval.
///
/// # Errors
/// Every fault found, or what the store says.
pub fn compile_once(sources: &Sources, progress: &Progress<'_>) -> Result<Policy, StartError> {
    let (draft, mut loaded) = check(sources, progress)?;
    changes::waiting(sources, &mut loaded)?;
    let unblocks = match sources.store_file.exists() {
        true => open_unblocks(&Store::open(&sources.store_file)?)?,
        false => Arc::default(),
    };
    let parts = parts(Arc::new(draft), &loaded, &sources.reach, unblocks);
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
        let keys = Keys::of(&store)?;
        let now = shared.clock.now();
        let prepared = first(&store, &sources, &keys, now, progress)?;
        let unblocks = open_unblocks(&store)?;
        let parts = parts(Arc::clone(&prepared.draft), &prepared.loaded, &sources.reach, unblocks);
        let generation = store.next_generation()?;
        let first = Policy::compile(parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        let (publisher, live) = put_in_force(first);
        let (directory, metrics) = (shared.directory.clone(), shared.metrics.clone());
        let school = School::of(&prepared.loaded);
        let (standing, stood_in, taken) = (Vec::new(), Vec::new(), BTreeMap::new());
        let journal = Journal {
            store,
            sources,
            publisher,
            parts,
            school,
            keys,
            standing,
            stood_in,
            taken,
            directory,
            metrics,
        };
        Ok((journal, live, prepared))
    }

    /// Keeps the first policy, once it is recorded.
    pub(super) fn begin(
        &mut self,
        prepared: &Prepared,
        generation: u64,
        now: Timestamp,
    ) -> Result<(), StartError> {
        self.enter(generation, prepared, (now, &Actor::System, "start"))?;
        Ok(self.settle(&prepared.loaded, now)?)
    }

    /// Reads everything anew, in the name of `actor`; nothing is changed yet.
    pub(super) fn prepare(
        &self,
        actor: &Actor,
        now: Timestamp,
        progress: &Progress<'_>,
    ) -> Result<Prepared, StartError> {
        prepare(&self.store, &self.sources, &self.keys, (actor, now), None, progress)
    }

    /// Puts a prepared policy in force and keeps it.
    pub(super) fn put_in_force(
        &mut self,
        prepared: &Prepared,
        actor: &Actor,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let generation = self.store.next_generation()?;
        self.enter(generation, prepared, (now, actor, reason))?;
        let unblocks = open_unblocks(&self.store)?;
        self.parts = parts(Arc::clone(&prepared.draft), &prepared.loaded, &self.sources.reach, unblocks);
        self.settle(&prepared.loaded, now)?;
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        Ok(())
    }

    /// What becomes of an edit of the school's lists that opens something.
    pub(super) fn loosening(&self) -> Loosening {
        self.sources.loosening
    }

    /// Publishes the policy in force with the unblocks as the store now has them.
    pub(super) fn publish_unblocks(&mut self) -> Result<(), ControlError> {
        self.parts.unblocks = open_unblocks(&self.store)?;
        let generation = self.store.next_generation()?;
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

    /// Keeps a policy and the changes of the school's lists, in one transaction.
    fn enter(
        &mut self,
        generation: u64,
        prepared: &Prepared,
        (at, actor, reason): (Timestamp, &Actor, &str),
    ) -> Result<(), StoreError> {
        let changes = serde_json::Value::from(prepared.changes.clone()).to_string();
        let transaction = self.store.connection.unchecked_transaction()?;
        transaction.execute(
            "INSERT INTO journal (version, at, actor, reason, changes, policy, allow_list, block_list)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                i64::try_from(generation).map_err(|_| StoreError::Unreadable("counter"))?,
                at.to_string(),
                actor.name().unwrap_or(actor.as_str()),
                reason,
                changes,
                prepared.policy_text,
                prepared.proposal.in_force(SchoolList::Allow),
                prepared.proposal.in_force(SchoolList::Block),
            ],
        )?;
        prepared.proposal.keep(&self.store)?;
        transaction.commit()?;
        self.school = School::of(&prepared.loaded);
        Ok(())
    }
}

fn parts(draft: Arc<Draft>, loaded: &Loaded, reach: &Arc<Reach>, unblocks: Arc<[Unblock]>) -> Parts {
    Parts {
        draft,
        catalogue: Arc::clone(&loaded.catalogue),
        school_allow: Arc::clone(&loaded.school_allow),
        school_block: Arc::clone(&loaded.school_block),
        statutory: Arc::clone(&loaded.statutory),
        lifeline: Arc::clone(&loaded.lifeline),
        no_inspect: Arc::clone(&loaded.no_inspect),
        terms: Arc::clone(&loaded.terms),
        reach: Arc::clone(reach),
        unblocks,
        suspensions: Arc::default(),
        blocks: Arc::default(),
        zone: jiff::tz::TimeZone::UTC,
    }
}

fn open_unblocks(store: &Store) -> Result<Arc<[Unblock]>, StoreError> {
    Ok(store.open_unblocks()?.into_iter().map(|kept| kept.unblock).collect())
}
