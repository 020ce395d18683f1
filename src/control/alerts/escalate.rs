//! A danger that nobody looks at is told to more people, and again later.
//!
//! **Invariant:** an escalation is recorded, and never widens who may see an alert on staff.

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::alerts::kept::AlertStep;
use crate::control::alerts::{About, KeptAlert};
use crate::control::journal::Mutation;
use crate::control::{Control, ControlError};

impl Control {
    /// Escalates what has gone unseen for too long.
    ///
    /// # Errors
    /// What the store or the trail says; it is tried again.
    pub async fn sweep_alerts(&self) -> Result<(), ControlError> {
        const ACTION: &str = "alert.escalated";
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let after = self.alerting.settings.escalate;
        for alert in journal.store.new_alerts()? {
            if alert.escalates_at(after).is_none_or(|at| now < at) {
                continue;
            }
            let alert = KeptAlert { escalated: alert.escalated + 1, ..alert };
            let step = AlertStep {
                id: Uuid::now_v7(),
                alert: alert.id,
                action: ACTION.to_owned(),
                by: None,
                at: now,
                words: None,
            };
            let mut puts = vec![alert.put(), step.put()];
            puts.extend(self.alerting.notices(&alert, ACTION, now));
            let act = alert.described(Act::new(Actor::System, ACTION)).with("times", alert.escalated);
            self.keep(&mut journal, Entry::Alert, act, Mutation::new(now, puts)).await?;
            // Who reads the diagnostics may not know how many there are on staff.
            if alert.about == About::Pupil {
                tracing::warn!(times = alert.escalated, "a danger alert is unanswered: more people are told");
            }
            self.alerting.wake();
        }
        Ok(())
    }
}
