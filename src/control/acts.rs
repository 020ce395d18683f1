//! What staff do with temporary unblocks: ask, decide, look; and what the clock does with them.
//!
//! **Invariant:** a step is kept through the journal: recorded on disk before it is in force, and
//! judged by what the one who acts may do at that moment.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::journal::{Journal, Mutation, Put};
use crate::control::requests::{self, UnblockRequest};
use crate::control::staff::Staff;
use crate::control::store::Store;
use crate::control::unblocks::{Kept, Report};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, StaffName, Timestamp};
use crate::policy::{Decided, State, Unblock};

/// The roles that see every unblock, not their own alone.
const OVERSEERS: [Role; 4] = [Role::FilteringManager, Role::Dsl, Role::Headteacher, Role::Technician];

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
        self.ask_for(&mut journal, staff, (request, None), client, |_| Vec::new()).await
    }

    /// The same, under the journal's lock, with `more` rows that belong to it; `ask` is the
    /// pupil's ask that it comes from.
    pub(super) async fn ask_for(
        &self,
        journal: &mut Journal,
        staff: &Staff,
        (request, ask): (&UnblockRequest, Option<Uuid>),
        client: Option<IpAddr>,
        more: impl FnOnce(&Kept) -> Vec<Put>,
    ) -> Result<Recorded<Kept>, ControlError> {
        let now = self.clock.now();
        let staff = &journal.store.acting(staff, now)?;
        let requests::Asked { unblock, categories } =
            match requests::read(request, staff, &self.live.snapshot(), now) {
                Ok(read) => read,
                Err(fault) => return Err(self.denied(staff, request, client, fault, now).await),
            };
        let repeated_reason = journal.store.is_repeated(&unblock, now)?;
        let kept = Kept {
            announced: unblock.state(now),
            unblock,
            decided_by: None,
            comment: None,
            asked_at: now,
            ended_at: None,
            repeated_reason,
            report: Report::NotDue,
        };
        let act = describe(&kept, Actor::Staff(staff.name.clone()), "unblock.requested", client);
        let act = act.with("categories", categories);
        let act = match ask {
            Some(ask) => act.with("ask_id", ask.to_string()),
            None => act,
        };
        let act = Act { reason: Some(kept.unblock.justification.to_string()), ..act };
        let mutation = Mutation::new(now, [vec![kept.put()], more(&kept)].concat());
        let audit_seq = self.keep(journal, Entry::Unblock, act, mutation).await?;
        journal.publish_unblocks()?;
        self.metrics.unblocks_active(journal.active(now));
        if kept.unblock.decided == Decided::Approved {
            self.suggest(journal, &kept).await;
        }
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
        let staff = &journal.store.acting(staff, now)?;
        let kept = journal.store.unblock(id)?.ok_or(ControlError::NotFound)?;
        let actor = Actor::Staff(staff.name.clone());
        let hands = [journal.store.hands(&kept.unblock.requester)?, journal.store.hands(&staff.name)?];
        let allowed = decision.allowed(staff, &kept.unblock, &hands);
        if let Err(fault) =
            allowed.and_then(|()| decision.is_for_somebody(&kept.unblock, &journal.store, now))
        {
            let act = describe(&kept, actor, decision.action(), client);
            return Err(self.refused(act, Entry::Unblock, fault).await);
        }
        let comment = comment.map(str::trim).filter(|comment| !comment.is_empty()).map(ToOwned::to_owned);
        let unblock = kept.unblock.clone();
        let unblock = match decision {
            Decision::Approve => unblock.approved(now),
            Decision::Refuse => unblock.refused(now),
            Decision::Revoke => unblock.revoked(now),
        }?;
        let kept = Kept { decided_by: Some(staff.name.clone()), comment: comment.clone(), ..kept }
            .moved_to(unblock, now);
        let act = Act { reason: comment, ..describe(&kept, actor, decision.action(), client) };
        let mutation = Mutation::new(now, vec![kept.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
        journal.publish_unblocks()?;
        self.metrics.unblocks_active(journal.active(now));
        if decision == Decision::Approve {
            self.suggest(&mut journal, &kept).await;
        }
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

    /// Tells the audit trail which unblocks began or ended by the clock and which asks lapsed, and takes
    /// the unblocks that are over out of the policy. The decision itself has gone by the clock all along.
    ///
    /// # Errors
    /// What the store or the trail says.
    pub async fn sweep(&self) -> Result<(), ControlError> {
        let mut journal = self.journal.lock().await;
        let (now, mut moved) = (self.clock.now(), false);
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
            let act = describe(&kept, Actor::System, action, None);
            let unblock = kept.unblock.clone();
            kept = kept.moved_to(unblock, now);
            let mutation = Mutation::new(now, vec![kept.put()]);
            self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
            moved = true;
        }
        if moved {
            journal.publish_unblocks()?;
        }
        self.metrics.unblocks_active(journal.active(now));
        self.lapse_asks(&mut journal, now).await
    }

    /// Records a refused request: the target too, unless a statutory list holds it.
    async fn denied(
        &self,
        staff: &Staff,
        request: &UnblockRequest,
        client: Option<IpAddr>,
        fault: ControlError,
        now: Timestamp,
    ) -> ControlError {
        let act = Act::new(Actor::Staff(staff.name.clone()), "unblock.requested");
        let act = match &fault {
            ControlError::Statutory => act,
            ControlError::Locked | ControlError::EmergencyBlock | ControlError::Forbidden(_) => {
                match requests::is_unspeakable(request, &self.live.snapshot(), now) {
                    true => act,
                    false => act.with("target", request.target.as_str()).with("also", request.also.clone()),
                }
            }
            ControlError::Invalid(..)
            | ControlError::FourEyes
            | ControlError::NoLesson
            | ControlError::NotFound
            | ControlError::Taken
            | ControlError::WrongState(_)
            | ControlError::Conflict(..)
            | ControlError::Decided(_)
            | ControlError::NotInForce
            | ControlError::Answered
            | ControlError::Changed(_)
            | ControlError::Stale(_)
            | ControlError::Faulty(_)
            | ControlError::KeyReused
            | ControlError::Store(_)
            | ControlError::Trail(_)
            | ControlError::Record(_)
            | ControlError::NotFetched(..)
            | ControlError::Policy => return fault,
        };
        self.refused(Act { client, ..act }, Entry::Unblock, fault).await
    }
}

impl Decision {
    /// What somebody asked for who has left is not opened.
    fn is_for_somebody(self, unblock: &Unblock, store: &Store, now: Timestamp) -> Result<(), ControlError> {
        let asker = store.anybody_named(&unblock.requester)?;
        if self != Decision::Approve || asker.is_some_and(|asker| asker.is_active(now)) {
            return Ok(());
        }
        let text = "the account of whoever asked has ended: ask in your own name";
        Err(ControlError::Conflict("requester_gone", text.to_owned()))
    }

    fn action(self) -> &'static str {
        match self {
            Decision::Approve => "unblock.approved",
            Decision::Refuse => "unblock.refused",
            Decision::Revoke => "unblock.revoked",
        }
    }

    fn allowed(self, staff: &Staff, unblock: &Unblock, hands: &[StaffName; 2]) -> Result<(), ControlError> {
        match self {
            Decision::Approve => requests::may_approve(staff, unblock, hands),
            Decision::Refuse => requests::may_refuse(staff, unblock, hands),
            Decision::Revoke => requests::may_revoke(staff, unblock),
        }
    }
}

pub(super) fn describe(kept: &Kept, actor: Actor, action: &'static str, client: Option<IpAddr>) -> Act {
    let unblock = &kept.unblock;
    let act = Act::new(actor, action)
        .with("unblock_id", unblock.id.to_string())
        .with("target", unblock.target.to_string())
        .with("also", unblock.also.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("groups", unblock.audience.groups.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("users", unblock.audience.users.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("devices", unblock.audience.devices.iter().map(ToString::to_string).collect::<Vec<_>>())
        .with("starts_at", unblock.window.starts_at().to_string())
        .with("ends_at", unblock.window.ends_at().to_string())
        .with("justification", unblock.justification.as_str())
        .with("lesson", unblock.lesson.clone())
        .with("requester", unblock.requester.as_str())
        .with("repeated_reason", kept.repeated_reason);
    Act { client, ..act }
}
