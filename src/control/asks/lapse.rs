//! What the clock does with asks: those that nobody answered in time are over, and that is recorded.
//!
//! **Invariant:** an ask lapses once, in the record as on the page that the pupil sees.

use crate::audit::{Actor, Entry};
use crate::control::asks::{AskDecided, PupilAsk};
use crate::control::journal::{Journal, Mutation};
use crate::control::{Control, ControlError};
use crate::model::Timestamp;

/// Most asks that are recorded at one step of the clock: acts of people wait meanwhile.
const A_STEP: usize = 50;

impl Control {
    /// Records the asks that nobody answered in time. Their state has gone by the clock all along.
    pub(in crate::control) async fn lapse_asks(
        &self,
        journal: &mut Journal,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        let lapsed = journal.store.asks_past(now, A_STEP)?;
        for ask in &lapsed {
            let ask = PupilAsk { decided: AskDecided::Lapsed, ..ask.clone() };
            let mutation = Mutation::new(now, vec![ask.put()]);
            self.keep(journal, Entry::Unblock, ask.told(Actor::System, "ask.lapsed"), mutation).await?;
        }
        if !lapsed.is_empty() {
            self.asks.renew(&journal.store, now)?;
        }
        Ok(())
    }
}
