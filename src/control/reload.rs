//! Policy and lists, read again while the gateway serves.
//!
//! **Invariant:** what people and the clock do meanwhile waits for no reading: lists are read without
//! the journal. What was read comes in force only where no other lists have since.

use tokio::sync::MutexGuard;

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::changes::Reloaded;
use crate::control::journal::{Journal, ReadLists};
use crate::control::lists::Progress;
use crate::control::{Control, Recorded, StartError, warned};

/// How often lists are read anew because others came in force meanwhile; then nobody else gets a turn.
const TRIES: usize = 3;

impl Control {
    /// Reads policy and lists again. What is faulty changes nothing, and is recorded.
    ///
    /// # Errors
    /// [`StartError`] with every fault; the policy in force stays.
    pub async fn reload(
        &self,
        actor: Actor,
        reason: Option<&str>,
        progress: &Progress<'_>,
    ) -> Result<Recorded<Reloaded>, StartError> {
        let _turn = self.reading.lock().await;
        let waiting = self.feeds.waiting();
        let (mut journal, read) = self.read_apart(progress).await?;
        let now = self.clock.now();
        let prepared = match journal.prepare(read, (&actor, now, reason)) {
            Ok(prepared) => prepared,
            Err(fault) => {
                let act = Act::new(actor, "policy.reload_failed").with("faults", fault.summary());
                self.record(Entry::System(Act { outcome: Outcome::Failure, ..act })).await?;
                return Err(fault);
            }
        };
        let act = Act::new(actor.clone(), "policy.reloaded");
        let act = Act { reason: reason.map(ToOwned::to_owned), ..act };
        let generation = journal.store.next_generation()?;
        let said = (now, &actor, reason.unwrap_or_default());
        let mutation = journal.entered(&prepared, generation, said)?;
        let audit_seq = self.keep_prepared(act, &mut journal, &prepared, mutation).await?;
        journal.put_in_force(&prepared, generation, now)?;
        self.tell_decided(&actor, &prepared).await?;
        drop(journal);
        self.feeds.note_waiting(&waiting, false);
        self.watch().await?;
        let (changes, held) = (prepared.changes().to_vec(), prepared.held());
        Ok(Recorded { value: Reloaded { changes, held }, audit_seq })
    }

    /// Every list, read without the journal, and the journal in which nothing has come in force since
    /// that it was not read with.
    async fn read_apart(
        &self,
        progress: &Progress<'_>,
    ) -> Result<(MutexGuard<'_, Journal>, ReadLists), StartError> {
        for _ in 0..TRIES {
            let to_read = self.journal.lock().await.to_read()?;
            let read = to_read.read(progress);
            let journal = self.journal.lock().await;
            if journal.is_as_it_was(&read)? {
                return Ok((journal, read));
            }
        }
        let journal = self.journal.lock().await;
        let read = journal.to_read()?.read(progress);
        Ok((journal, read))
    }

    /// Reads the statutory lists alone again, and puts them in force.
    pub(crate) async fn refresh_statutory(&self, reason: &str) -> Result<(), StartError> {
        let mut journal = self.journal.lock().await;
        let prepared = journal.prepare_statutory()?;
        let act = Act::new(Actor::System, "policy.reloaded").with("changes", prepared.changes.clone());
        let act = act.with("last_good", warned(&prepared.read.told));
        self.record(Entry::Change(Act { reason: Some(reason.to_owned()), ..act })).await?;
        Ok(journal.put_statutory_in_force(prepared, self.clock.now())?)
    }
}
