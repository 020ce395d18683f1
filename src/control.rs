//! The administration half: staff, unblocks, lists and the policy of record.
//!
//! **Invariant:** what changes the policy is recorded on disk before it is in force; nothing
//! but [`Control`] publishes a policy; and there is one of it.

use tokio::sync::Mutex;

use crate::audit::{Act, Actor, Entry, Index, Outcome, Recorder};
use crate::clock::Clock;
use crate::identity::Directory;
use crate::model::Timestamp;
use crate::policy::{Draft, Live};
use crate::telemetry::Metrics;

pub mod accounts;
mod acts;
pub mod alerts;
mod asks;
pub mod changes;
mod error;
pub mod feeds;
mod health;
pub mod holds;
mod idempotency;
mod journal;
pub mod lists;
mod mail;
mod people;
mod reload;
pub mod reports;
mod requests;
mod restrictions;
pub mod retention;
mod staff;
mod store;
mod unblocks;

pub use acts::Decision;
pub use asks::{AskDecided, AskState, NotAsked, PupilAsk, Refused, Ticket, TicketError};
pub use error::ControlError;
pub use idempotency::digest;
pub use journal::{
    PolicyDifference, PolicyOfRecord, PolicyVersion, Sources, StartError, Unlicensed, check, compile_once,
    subnets, waiting,
};
pub use mail::Channel;
pub use people::Pseudonyms;
pub use requests::{DECIDERS, UnblockRequest, Until};
pub use restrictions::{
    BLOCKERS, BlockRequest, KeptBlock, KeptSuspension, Lifted, SUSPENDERS, SuspensionRequest,
};
pub use staff::{Kind, Staff};
pub use store::StoreError;
pub use unblocks::{Dependency, Kept, Look, Others, REVIEWERS, Suggested, Suggestion, Used, User, Whom};

use accounts::{Accounts, Cost};
use feeds::Feeds;
use journal::{Journal, Mutation, Prepared};

/// The administration half. Share it behind an `Arc`.
pub struct Control {
    journal: Mutex<Journal>,
    recorder: Recorder,
    index: Index,
    clock: Clock,
    metrics: Metrics,
    live: Live,
    feeds: Feeds,
    accounts: Accounts,
    asks: asks::Asks,
    alerting: alerts::Alerting,
    health: health::Health,
    /// One reads everything at a time.
    reading: Mutex<()>,
}

/// What control shares with the rest of the gateway.
#[derive(Clone)]
pub struct Shared {
    /// The audit trail.
    pub recorder: Recorder,
    /// Its index; what breaks that off, breaks off what is read here.
    pub index: Index,
    /// What time it is.
    pub clock: Clock,
    /// The counters.
    pub metrics: Metrics,
    /// Who is where.
    pub directory: Directory,
}

/// A change that was made, with the number of its record.
#[derive(Clone, Debug)]
pub struct Recorded<T> {
    /// What came of it.
    pub value: T,
    /// `event.sequence`
    pub audit_seq: u64,
}

impl Control {
    /// Reads lists and policy, puts the first policy in force, and is ready for work.
    ///
    /// # Errors
    /// [`StartError`] names every fault of policy and lists, or what the store says.
    pub async fn start(
        sources: Sources,
        shared: Shared,
        progress: &lists::Progress<'_>,
    ) -> Result<Control, StartError> {
        let feeds = Feeds::open(&sources);
        let alerting = alerts::Alerting::new(&sources);
        feeds::fetch_first(&feeds, &sources, &shared).await?;
        let waiting = feeds.waiting();
        let (journal, live, prepared) = Journal::start(sources, &shared, progress)?;
        feeds.note_waiting(&waiting, false);
        if let Some(lost) = journal::lost(&journal.store, &shared.recorder)? {
            tracing::error!("the audit trail does not hold what was recorded last: it, or its end, is gone");
            shared.recorder.record(Entry::System(lost)).await.map_err(ControlError::from)?;
        }
        let asks = asks::Asks::open(&journal.store, shared.clock.now()).map_err(ControlError::from)?;
        let control = Control {
            journal: Mutex::new(journal),
            recorder: shared.recorder,
            index: shared.index,
            clock: shared.clock,
            metrics: shared.metrics,
            live,
            feeds,
            accounts: Accounts::new(Cost::OWASP),
            asks,
            alerting,
            health: health::Health::default(),
            reading: Mutex::new(()),
        };
        let policy = control.live.snapshot();
        let act = Act::new(Actor::System, "policy.loaded").with("generation", policy.generation());
        let mut journal = control.journal.lock().await;
        let now = control.clock.now();
        let mutation = journal.entered(&prepared, policy.generation(), (now, &Actor::System, "start"))?;
        control.keep_prepared(act, &mut journal, &prepared, mutation).await?;
        journal.begin(&prepared, now)?;
        control.tell_decided(&Actor::System, &prepared).await?;
        drop(journal);
        control.sweep().await?;
        control.sweep_suspensions().await?;
        control.begin_alerts().await?;
        control.watch().await?;
        Ok(control)
    }

    /// The policy in force.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Keeps and records what is about to come in force.
    async fn keep_prepared(
        &self,
        act: Act,
        journal: &mut Journal,
        prepared: &Prepared,
        mutation: Mutation,
    ) -> Result<u64, ControlError> {
        let act = act
            .with("changes", prepared.changes().to_vec())
            .with("last_good", warned(&prepared.told()))
            .with("never_inspected", never_inspected(prepared.draft()));
        let act = changes::held_or_at_once(act, prepared, journal.rules());
        self.keep(journal, Entry::Change, act, mutation).await
    }

    /// Records what of it is held, withdrawn or let through: once the rest is in force, so that no
    /// fault here keeps it out.
    async fn tell_decided(&self, actor: &Actor, prepared: &Prepared) -> Result<(), ControlError> {
        for act in changes::acts(actor, prepared.decided()) {
            self.record(Entry::Change(act)).await?;
        }
        Ok(())
    }

    /// The answer that was given to the same request before, if it was.
    ///
    /// # Errors
    /// [`ControlError::KeyReused`] when the key came with another request.
    pub async fn repeated(
        &self,
        staff: &Staff,
        key: &str,
        asked: &str,
    ) -> Result<Option<String>, ControlError> {
        self.journal.lock().await.store.repeated(&staff.name, key, asked)
    }

    /// Keeps an answer for a request that may be repeated.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remember(
        &self,
        staff: &Staff,
        key: &str,
        asked: &str,
        answer: &str,
    ) -> Result<(), ControlError> {
        Ok(self.journal.lock().await.store.remember(&staff.name, key, asked, answer, self.clock.now())?)
    }

    /// Records something that staff or the gateway did which changes nothing.
    ///
    /// # Errors
    /// When it can't be recorded: then it must not be done.
    pub async fn record(&self, entry: Entry) -> Result<u64, ControlError> {
        Ok(self.recorder.record(entry).await?.sequence)
    }

    /// Records, as `entry`, that an act was refused, and for which reason of [`ControlError::code`].
    ///
    /// # Errors
    /// When it can't be recorded.
    pub async fn record_refused(
        &self,
        act: Act,
        entry: fn(Act) -> Entry,
        code: &str,
    ) -> Result<u64, ControlError> {
        self.record(entry(Act { outcome: Outcome::Failure, ..act.with("refused", code) })).await
    }

    /// The same, and hands on why: what it was refused for, or that it can't be recorded.
    pub async fn refused(&self, act: Act, entry: fn(Act) -> Entry, why: ControlError) -> ControlError {
        self.record_refused(act, entry, why.code()).await.err().unwrap_or(why)
    }
}

/// What a person should know of what is as it last was in force; told and recorded.
fn warned(told: &[String]) -> Vec<String> {
    for problem in told {
        tracing::warn!(problem, "the last good list is in force");
    }
    told.to_vec()
}

/// The groups of whose https no more than hosts can be seen; recorded, so that nobody believes more.
fn never_inspected(draft: &Draft) -> Vec<String> {
    draft.never_inspected().map(ToString::to_string).collect()
}
