//! Lifting an emergency block: it opens, so that it takes two.
//!
//! **Invariant:** while a second person is asked, the block is in force, at every start too.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::changes::policy::LET_THROUGH;
use crate::control::changes::record::proposed;
use crate::control::changes::{Change, ChangeState, What};
use crate::control::journal::{Journal, Mutation};
use crate::control::restrictions::{BLOCKERS, KeptBlock, Lifted, reason};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, Recorded};
use crate::model::Timestamp;
use crate::policy::Effect;
use crate::settings::Loosening;

impl Control {
    /// Asks for an emergency block to be lifted; where the settings say that what opens something is
    /// in force at once, it is lifted.
    ///
    /// # Errors
    /// When `staff` may not, there is no such block, it was lifted before, or somebody is asked already.
    pub async fn lift_block(
        &self,
        staff: &Staff,
        id: Uuid,
        why: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Change>, ControlError> {
        self.must_be(staff, &BLOCKERS, "change.proposed", client).await?;
        let why = reason(why)?.to_string();
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let kept = journal.store.block(id)?.ok_or(ControlError::NotFound)?;
        let (actor, target) = (Actor::Staff(staff.name.clone()), kept.block.target.to_string());
        let change = Change::proposed(What::LiftBlock { block: id, target }, Effect::Loosens, &actor, now);
        let owner = Some(staff.name.clone());
        let change = Change { stands: false, reason: Some(why.clone()), owner, ..change };
        let how = Lifted { by: staff.name.clone(), at: now, reason: why };
        let lifted = kept.lifted(how)?;
        let waits = journal.store.pending_changes()?.into_iter().find(|change| change.block() == Some(id));
        let (change, withdrawn, puts) = match (journal.rules().1, waits) {
            (Loosening::Held, Some(waits)) => {
                let text = format!("a second person is asked already: change {}", waits.id);
                return Err(ControlError::Conflict("wrong_state", text));
            }
            (Loosening::Held, None) => (change, None, Vec::new()),
            (Loosening::AtOnce, waits) => {
                let withdrawn = waits.map(|waits| waits.decided(ChangeState::Withdrawn, now));
                let change = change.decided(ChangeState::Approved, now);
                let change = Change { comment: Some(LET_THROUGH.to_owned()), ..change };
                let puts = withdrawn.iter().map(Change::put).chain([lifted.put()]).collect();
                (change, withdrawn, puts)
            }
        };
        let act = Act { client, ..proposed(&actor, std::slice::from_ref(&change), withdrawn.as_slice()) };
        let in_force = !puts.is_empty();
        let mutation = Mutation::new(now, [change.put()].into_iter().chain(puts).collect());
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        if in_force {
            let generation = journal.store.next_generation()?;
            journal.publish_laid(generation)?;
        }
        Ok(Recorded { value: change, audit_seq })
    }
}

impl Change {
    /// The same, with nobody's name to the decision.
    fn decided(self, state: ChangeState, now: Timestamp) -> Change {
        Change { state, decided_at: Some(now), ..self }
    }
}

/// The block that an approved change lifts, lifted.
pub(super) fn approved(
    journal: &Journal,
    change: &Change,
    id: Uuid,
    now: Timestamp,
) -> Result<KeptBlock, ControlError> {
    let kept = journal.store.block(id)?.ok_or(ControlError::NotFound)?;
    let by = change.decided_by.clone().ok_or(ControlError::NotFound)?;
    kept.lifted(Lifted { by, at: now, reason: change.reason.clone().unwrap_or_default() })
}
