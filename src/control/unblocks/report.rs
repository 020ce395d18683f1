//! The report that closes an unblock.
//!
//! **Invariant:** every unblock that was open has one, made once, however often the gateway is
//! stopped in between.

use serde_json::{Value, json};

use crate::audit::{Act, Actor, Entry};
use crate::control::acts::describe;
use crate::control::journal::Mutation;
use crate::control::store::StoreError;
use crate::control::unblocks::{Kept, Report};
use crate::control::{Control, ControlError, Used};

/// Most reports of one call: the next one goes on.
const AT_ONCE: usize = 20;

impl Control {
    /// Whether an unblock is over whose report is to be made.
    ///
    /// # Errors
    /// What the store says.
    pub async fn has_report_due(&self) -> Result<bool, ControlError> {
        Ok(!self.journal.lock().await.store.unreported()?.is_empty())
    }

    /// Reports what unblocks that are over were used for; how many. Reads the trail: call it where
    /// that holds up nothing else. Nothing is locked meanwhile.
    ///
    /// # Errors
    /// What the store or the trail says; the report is made at the next call.
    pub async fn report_ended(&self) -> Result<usize, ControlError> {
        let due = self.journal.lock().await.store.unreported()?;
        let mut made = 0;
        for kept in due.into_iter().take(AT_ONCE) {
            let used = self.read_usage(&kept).await?;
            self.report(kept, &used).await?;
            made += 1;
        }
        Ok(made)
    }

    async fn read_usage(&self, kept: &Kept) -> Result<Used, ControlError> {
        let (index, kept, now) = (self.index.clone(), kept.clone(), self.clock.now());
        let read = tokio::task::spawn_blocking(move || Used::read(&index, &kept, now)).await;
        Ok(read.map_err(|fault| StoreError::System(fault.to_string()))??)
    }

    async fn report(&self, kept: Kept, used: &Used) -> Result<(), ControlError> {
        let mut journal = self.journal.lock().await;
        let still_due =
            journal.store.unblock(kept.unblock.id)?.is_some_and(|kept| kept.report == Report::Due);
        if !still_due {
            return Ok(());
        }
        let act = told(describe(&kept, Actor::System, "unblock.report", None), used);
        let mutation = Mutation::new(self.clock.now(), vec![kept.reported().put()]);
        self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
        Ok(())
    }
}

fn told(act: Act, used: &Used) -> Act {
    let [users, devices, clients] = used.distinct;
    let top: Vec<Value> = used
        .others
        .top
        .iter()
        .map(|(host, accesses)| json!({ "host": host, "accesses": accesses }))
        .collect();
    act.with("accesses", used.accesses)
        .with("distinct_users", users)
        .with("distinct_devices", devices)
        .with("distinct_clients", clients)
        .with("bytes", used.bytes)
        .with("other_hosts", used.others.hosts)
        .with("other_accesses", used.others.accesses)
        .with("other_top", top)
        .with("cut", used.others.cut)
}
