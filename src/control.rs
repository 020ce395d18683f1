//! The administration half: staff, unblocks, lists and the policy of record.
//!
//! **Invariant:** what changes the policy is recorded on disk before it is in force; nothing
//! but [`Control`] publishes a policy; and there is one of it.

use std::net::IpAddr;

use tokio::sync::Mutex;
use uuid::Uuid;

use crate::audit::{Act, Actor, Entry, Outcome, Recorder};
use crate::clock::Clock;
use crate::identity::Directory;
use crate::model::{Role, StaffName, Timestamp};
use crate::policy::{Decided, Live, State};
use crate::telemetry::Metrics;

mod error;
mod idempotency;
mod journal;
pub mod lists;
mod requests;
mod staff;
mod store;
mod unblocks;

pub use error::ControlError;
pub use journal::{Sources, StartError, Unlicensed, check, compile_once};
pub use requests::{DECIDERS, UnblockRequest};
pub use staff::{Staff, Token};
pub use store::StoreError;
pub use unblocks::Kept;

use journal::Journal;
use requests::Needs;

/// The roles that see every unblock, not their own alone.
const OVERSEERS: [Role; 4] = [Role::FilteringManager, Role::Dsl, Role::Headteacher, Role::Technician];

/// The administration half. Share it behind an `Arc`.
pub struct Control {
    journal: Mutex<Journal>,
    recorder: Recorder,
    clock: Clock,
    metrics: Metrics,
    live: Live,
}

/// What control shares with the rest of the gateway.
#[derive(Clone)]
pub struct Shared {
    /// The audit trail.
    pub recorder: Recorder,
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

/// What somebody decides on an unblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be.
    Approve,
    /// It may not.
    Refuse,
    /// It may no longer be.
    Revoke,
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
        let (journal, live, changes) = Journal::start(sources, &shared, progress)?;
        let control = Control {
            journal: Mutex::new(journal),
            recorder: shared.recorder,
            clock: shared.clock,
            metrics: shared.metrics,
            live,
        };
        let act = Act::new(Actor::System, "policy.loaded").with("changes", changes);
        let policy = control.live.snapshot();
        control.record(Entry::Change(act.with("generation", policy.generation()))).await?;
        control.sweep().await?;
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

    /// Whose token this is, if it holds.
    ///
    /// # Errors
    /// What the store says.
    pub async fn bearer(&self, token: &str) -> Result<Option<Staff>, ControlError> {
        Ok(self.journal.lock().await.store.bearer(token, self.clock.now())?)
    }

    /// Asks for a temporary unblock.
    ///
    /// # Errors
    /// What keeps it from being asked for; refusals of locked and statutory targets are recorded.
    pub async fn request_unblock(
        &self,
        staff: &Staff,
        request: &UnblockRequest,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Kept>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let (mut unblock, needs) = match requests::read(request, staff, &self.live.snapshot(), now) {
            Ok(read) => read,
            Err(fault) => return Err(self.denied(staff, request, client, fault).await),
        };
        if needs == Needs::Nobody {
            unblock.decided = Decided::Approved;
        }
        let kept =
            Kept { announced: unblock.state(now), unblock, decided_by: None, comment: None, asked_at: now };
        let act = describe(&kept, Actor::Staff(staff.name.clone()), "unblock.requested", client);
        let act = Act { reason: Some(kept.unblock.justification.to_string()), ..act };
        let audit_seq = self.record(Entry::Unblock(act)).await?;
        journal.store.keep_unblock(&kept)?;
        journal.publish_unblocks()?;
        self.metrics.unblocks_active(journal.active(now));
        Ok(Recorded { value: kept, audit_seq })
    }

    /// Approves, refuses or revokes.
    ///
    /// # Errors
    /// When there is no such unblock, it is past that, or `staff` may not.
    pub async fn decide(
        &self,
        staff: &Staff,
        id: Uuid,
        decision: Decision,
        comment: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Kept>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let kept = journal.store.unblock(id)?.ok_or(ControlError::NotFound)?;
        let actor = Actor::Staff(staff.name.clone());
        if let Err(fault) = decision.allowed(staff, &kept.unblock.requester) {
            let act = describe(&kept, actor, decision.action(), client).with("refused", fault.code());
            self.record(Entry::Unblock(Act { outcome: Outcome::Failure, ..act })).await?;
            return Err(fault);
        }
        let comment = comment.map(str::trim).filter(|comment| !comment.is_empty()).map(ToOwned::to_owned);
        let unblock = match decision {
            Decision::Approve => kept.unblock.approved(now),
            Decision::Refuse => kept.unblock.refused(now),
            Decision::Revoke => kept.unblock.revoked(now),
        }?;
        let kept = Kept {
            announced: unblock.state(now),
            unblock,
            decided_by: Some(staff.name.clone()),
            comment: comment.clone(),
            asked_at: kept.asked_at,
        };
        let act = Act { reason: comment, ..describe(&kept, actor, decision.action(), client) };
        let audit_seq = self.record(Entry::Unblock(act)).await?;
        journal.store.keep_unblock(&kept)?;
        journal.publish_unblocks()?;
        self.metrics.unblocks_active(journal.active(now));
        Ok(Recorded { value: kept, audit_seq })
    }

    /// The unblocks that `staff` may see, newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn unblocks(&self, staff: &Staff, state: Option<State>) -> Result<Vec<Kept>, ControlError> {
        let now = self.clock.now();
        let all = self.journal.lock().await.store.unblocks()?;
        let seen = |kept: &Kept| staff.is_any(&OVERSEERS) || kept.unblock.requester == staff.name;
        let asked = |kept: &Kept| state.is_none_or(|state| kept.unblock.state(now) == state);
        Ok(all.into_iter().filter(|kept| seen(kept) && asked(kept)).collect())
    }

    /// One unblock, if `staff` may see it.
    ///
    /// # Errors
    /// [`ControlError::NotFound`], also for one that is not theirs to see.
    pub async fn unblock(&self, staff: &Staff, id: Uuid) -> Result<Kept, ControlError> {
        let mine = self.unblocks(staff, None).await?.into_iter().find(|kept| kept.unblock.id == id);
        mine.ok_or(ControlError::NotFound)
    }

    /// Tells the audit trail which unblocks began or ended by the clock, and takes those that
    /// are over out of the policy. The decision itself has gone by the clock all along.
    ///
    /// # Errors
    /// What the store or the trail says.
    pub async fn sweep(&self) -> Result<(), ControlError> {
        let journal = self.journal.lock().await;
        let now = self.clock.now();
        for mut kept in journal.store.open_unblocks()? {
            let state = kept.unblock.state(now);
            if state == kept.announced {
                continue;
            }
            let action = match state {
                State::Active => "unblock.started",
                State::Ended if kept.announced == State::Pending => "unblock.lapsed",
                State::Ended => "unblock.ended",
                State::Pending | State::Scheduled | State::Refused => "unblock.changed",
            };
            self.record(Entry::Unblock(describe(&kept, Actor::System, action, None))).await?;
            kept.announced = state;
            journal.store.keep_unblock(&kept)?;
        }
        self.metrics.unblocks_active(journal.active(now));
        Ok(())
    }

    /// Reads policy and lists again. What is faulty changes nothing, and is recorded.
    ///
    /// # Errors
    /// [`StartError`] with every fault; the policy in force stays.
    pub async fn reload(
        &self,
        actor: Actor,
        reason: Option<&str>,
        progress: &lists::Progress<'_>,
    ) -> Result<Recorded<Vec<String>>, StartError> {
        let mut journal = self.journal.lock().await;
        let prepared = match journal.prepare(progress) {
            Ok(prepared) => prepared,
            Err(fault) => {
                let act = Act::new(actor, "policy.reload_failed").with("faults", fault.summary());
                self.record(Entry::System(Act { outcome: Outcome::Failure, ..act })).await?;
                return Err(fault);
            }
        };
        let changes = prepared.changes().to_vec();
        let act = Act::new(actor.clone(), "policy.reloaded").with("changes", changes.clone());
        let act = Act { reason: reason.map(ToOwned::to_owned), ..act };
        let audit_seq = self.record(Entry::Change(act)).await?;
        journal.put_in_force(prepared, &actor, reason.unwrap_or_default(), self.clock.now())?;
        Ok(Recorded { value: changes, audit_seq })
    }

    /// Adds a member of staff. For whoever may write to the gateway's local socket.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn add_staff(&self, name: &StaffName, roles: &[Role]) -> Result<Recorded<()>, ControlError> {
        let journal = self.journal.lock().await;
        if roles.is_empty() {
            return Err(ControlError::Invalid("roles", "a member of staff needs a role".to_owned()));
        }
        if journal.store.staff_named(name)?.is_some() {
            return Err(ControlError::Taken);
        }
        let roles_text: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let act =
            Act::new(Actor::Local, "staff.added").with("staff", name.as_str()).with("roles", roles_text);
        let audit_seq = self.record(Entry::Change(act)).await?;
        journal.store.add_staff(name, roles, self.clock.now())?;
        Ok(Recorded { value: (), audit_seq })
    }

    /// Everybody who has an account.
    ///
    /// # Errors
    /// What the store says.
    pub async fn staff(&self) -> Result<Vec<Staff>, ControlError> {
        Ok(self.journal.lock().await.store.staff()?)
    }

    /// Ends an account at once, with its tokens.
    ///
    /// # Errors
    /// When there is no such account.
    pub async fn disable_staff(&self, name: &StaffName) -> Result<Recorded<()>, ControlError> {
        let mut journal = self.journal.lock().await;
        journal.store.staff_named(name)?.ok_or(ControlError::NotFound)?;
        let act = Act::new(Actor::Local, "staff.disabled").with("staff", name.as_str());
        let audit_seq = self.record(Entry::Change(act)).await?;
        journal.store.disable_staff(name)?;
        Ok(Recorded { value: (), audit_seq })
    }

    /// Makes a token for a member of staff.
    ///
    /// # Errors
    /// When there is no such account, or it is disabled.
    pub async fn make_token(&self, name: &StaffName) -> Result<Recorded<Token>, ControlError> {
        let journal = self.journal.lock().await;
        let staff = journal.store.staff_named(name)?.ok_or(ControlError::NotFound)?;
        if staff.disabled {
            return Err(ControlError::Forbidden("the account is disabled"));
        }
        let act = Act::new(Actor::Local, "token.made").with("staff", name.as_str());
        let audit_seq = self.record(Entry::Auth(act)).await?;
        let token = journal.store.make_token(name, self.clock.now())?;
        Ok(Recorded { value: token, audit_seq })
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

    /// Records a refused request: the target too, unless a statutory list holds it.
    async fn denied(
        &self,
        staff: &Staff,
        request: &UnblockRequest,
        client: Option<IpAddr>,
        fault: ControlError,
    ) -> ControlError {
        let actor = Actor::Staff(staff.name.clone());
        let act = match &fault {
            ControlError::Statutory => Act::new(actor, "unblock.requested"),
            ControlError::Locked | ControlError::Forbidden(_) => {
                Act::new(actor, "unblock.requested").with("target", request.target.as_str())
            }
            ControlError::Invalid(..)
            | ControlError::FourEyes
            | ControlError::NotFound
            | ControlError::Taken
            | ControlError::WrongState(_)
            | ControlError::KeyReused
            | ControlError::Store(_)
            | ControlError::Record(_)
            | ControlError::Policy => return fault,
        };
        let act = Act { outcome: Outcome::Failure, client, ..act.with("refused", fault.code()) };
        match self.record(Entry::Unblock(act)).await {
            Ok(_) => fault,
            Err(unrecorded) => unrecorded,
        }
    }
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Decision::Approve => "unblock.approved",
            Decision::Refuse => "unblock.refused",
            Decision::Revoke => "unblock.revoked",
        }
    }

    fn allowed(self, staff: &Staff, requester: &StaffName) -> Result<(), ControlError> {
        match self {
            Decision::Approve | Decision::Refuse => requests::may_decide(staff, requester),
            Decision::Revoke => requests::may_revoke(staff, requester),
        }
    }
}

fn describe(kept: &Kept, actor: Actor, action: &'static str, client: Option<IpAddr>) -> Act {
    let unblock = &kept.unblock;
    let act = Act::new(actor, action)
        .with("unblock_id", unblock.id.to_string())
        .with("target", unblock.target.to_string())
        .with("groups", unblock.audience.groups.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("users", unblock.audience.users.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("devices", unblock.audience.devices.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("starts_at", unblock.window.starts_at().to_string())
        .with("ends_at", unblock.window.ends_at().to_string())
        .with("justification", unblock.justification.as_str())
        .with("lesson", unblock.lesson.clone())
        .with("requester", unblock.requester.as_str());
    Act { client, ..act }
}
