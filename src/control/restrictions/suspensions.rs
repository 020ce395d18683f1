//! Suspensions: imposed for a stated time and a written reason, lifted, ended by the clock.
//!
//! **Invariant:** who imposes one is named as its approver; it ends at its end, whoever runs the
//! gateway; and no exception opens what a statutory list holds.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::journal::{Journal, Mutation};
use crate::control::restrictions::{Lifted, read, reason};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, Timestamp};
use crate::policy::{Reduced, Suspension, SuspensionState};

/// Who imposes and lifts a suspension, and who may see them: they name pupils.
pub const SUSPENDERS: [Role; 2] = [Role::Headteacher, Role::Dsl];

/// A suspension as it is asked for.
#[derive(Clone, Debug)]
pub struct SuspensionRequest {
    /// Whose internet it is.
    pub users: Vec<String>,
    /// Which devices'.
    pub devices: Vec<String>,
    /// What is left.
    pub to: Reduced,
    /// What stays open besides: pages, hosts, `category:NAME`.
    pub exceptions: Vec<String>,
    /// When it starts; now, when absent.
    pub starts_at: Option<Timestamp>,
    /// When it ends; or `minutes`.
    pub ends_at: Option<Timestamp>,
    /// How long it lasts, in minutes.
    pub minutes: Option<u32>,
    /// Why.
    pub reason: String,
}

/// A suspension with the history of it that policy does not need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSuspension {
    /// What policy reads.
    pub suspension: Suspension,
    /// When it was imposed.
    pub imposed_at: Timestamp,
    /// How it was lifted, if it was.
    pub lifted: Option<Lifted>,
    /// The last state that the audit trail was told.
    pub announced: SuspensionState,
}

impl Control {
    /// Suspends people or devices.
    ///
    /// # Errors
    /// When `staff` may not, or it is not what a suspension must be; an exception that a statutory
    /// list holds is recorded as refused.
    pub async fn suspend(
        &self,
        staff: &Staff,
        request: &SuspensionRequest,
        client: Option<IpAddr>,
    ) -> Result<Recorded<KeptSuspension>, ControlError> {
        const ACTION: &str = "suspension.imposed";
        self.must_be(staff, &SUSPENDERS, ACTION, client).await?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let read = read::suspension(request, staff, (&journal, &self.live.snapshot()), now);
        let suspension = match read {
            Ok(suspension) => suspension,
            Err(fault @ ControlError::Statutory) => {
                // Not whom or what it was about.
                let act = Act { client, ..Act::new(Actor::Staff(staff.name.clone()), ACTION) };
                return Err(self.refused(act, Entry::Change, fault).await);
            }
            Err(fault) => return Err(fault),
        };
        let announced = suspension.state(now);
        let kept = KeptSuspension { suspension, imposed_at: now, lifted: None, announced };
        let act = kept.described(Actor::Staff(staff.name.clone()), ACTION);
        let act = Act { reason: Some(kept.suspension.reason.to_string()), client, ..act };
        let audit_seq = self.keep_suspension(&mut journal, act, &kept, now).await?;
        Ok(Recorded { value: kept, audit_seq })
    }

    /// Lifts a suspension before its end.
    ///
    /// # Errors
    /// When there is no such suspension, it is over, or `staff` may not.
    pub async fn lift_suspension(
        &self,
        staff: &Staff,
        id: Uuid,
        why: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<KeptSuspension>, ControlError> {
        const ACTION: &str = "suspension.lifted";
        self.must_be(staff, &SUSPENDERS, ACTION, client).await?;
        let why = reason(why)?.to_string();
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let kept = journal.store.suspension(id)?.ok_or(ControlError::NotFound)?;
        let suspension = kept.suspension.lifted(now);
        let suspension = suspension.map_err(|over| ControlError::Conflict("over", over.to_string()))?;
        let lifted = Some(Lifted { by: staff.name.clone(), at: now, reason: why.clone() });
        let kept = KeptSuspension { announced: suspension.state(now), suspension, lifted, ..kept };
        let act = kept.described(Actor::Staff(staff.name.clone()), ACTION);
        let act = Act { reason: Some(why), client, ..act };
        let audit_seq = self.keep_suspension(&mut journal, act, &kept, now).await?;
        Ok(Recorded { value: kept, audit_seq })
    }

    /// Every suspension, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn suspensions(
        &self,
        state: Option<SuspensionState>,
    ) -> Result<Vec<KeptSuspension>, ControlError> {
        let now = self.clock.now();
        let mut all = self.journal.lock().await.store.suspensions()?;
        all.retain(|kept| state.is_none_or(|state| kept.suspension.state(now) == state));
        Ok(all)
    }

    /// One suspension.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]
    pub async fn suspension(&self, id: Uuid) -> Result<KeptSuspension, ControlError> {
        self.journal.lock().await.store.suspension(id)?.ok_or(ControlError::NotFound)
    }

    /// Tells the audit trail which suspensions began or ended by the clock, each once. The decision
    /// itself has gone by the clock all along.
    ///
    /// # Errors
    /// What the store or the trail says.
    pub async fn sweep_suspensions(&self) -> Result<(), ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        for kept in journal.store.open_suspensions()? {
            let state = kept.suspension.state(now);
            let action = match state {
                _ if state == kept.announced => continue,
                SuspensionState::Active => "suspension.started",
                SuspensionState::Ended => "suspension.ended",
                // The clock was set back.
                SuspensionState::Scheduled | SuspensionState::Lifted => continue,
            };
            let act = kept.described(Actor::System, action);
            let kept = KeptSuspension { announced: state, ..kept };
            self.keep_suspension(&mut journal, act, &kept, now).await?;
        }
        Ok(())
    }

    async fn keep_suspension(
        &self,
        journal: &mut Journal,
        act: Act,
        kept: &KeptSuspension,
        now: Timestamp,
    ) -> Result<u64, ControlError> {
        let generation = journal.store.next_generation()?;
        let mutation = Mutation::new(now, vec![kept.put()]);
        let audit_seq = self.keep(journal, Entry::Change, act, mutation).await?;
        journal.publish_laid(generation)?;
        Ok(audit_seq)
    }
}

impl KeptSuspension {
    fn described(&self, actor: Actor, action: &'static str) -> Act {
        let Suspension { id, users, devices, to, exceptions, window, reason, by, .. } = &self.suspension;
        Act::new(actor, action)
            .with("suspension_id", id.to_string())
            .with("users", texts(users))
            .with("devices", texts(devices))
            .with("to", to.as_str())
            .with("exceptions", texts(exceptions))
            .with("starts_at", window.starts_at().to_string())
            .with("ends_at", window.ends_at().to_string())
            .with("why", reason.as_str())
            .with("imposed_by", by.as_str())
            .with("approver", by.as_str())
    }
}

fn texts<T: ToString>(words: &[T]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
