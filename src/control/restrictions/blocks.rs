//! Emergency blocks: one person shuts something for everybody in one step.
//!
//! **Invariant:** what is asked for is in force when it is answered; lifting it is a change under
//! change control, and not done here.

use std::net::IpAddr;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::journal::Mutation;
use crate::control::restrictions::{Lifted, read};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, DECIDERS, Recorded};
use crate::model::Role;
use crate::policy::EmergencyBlock;

/// Who shuts something for everybody, and who asks for that to be lifted.
pub const BLOCKERS: [Role; 3] = DECIDERS;

/// An emergency block as it is asked for.
#[derive(Clone, Debug, Default)]
pub struct BlockRequest {
    /// A page, a host, or `category:NAME`.
    pub target: String,
    /// Why.
    pub reason: String,
}

/// An emergency block, in force or lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBlock {
    /// What policy reads.
    pub block: EmergencyBlock,
    /// How it was lifted, if it was.
    pub lifted: Option<Lifted>,
}

impl KeptBlock {
    /// The same, lifted.
    ///
    /// # Errors
    /// [`ControlError::Conflict`] when it was before.
    pub(in crate::control) fn lifted(self, how: Lifted) -> Result<KeptBlock, ControlError> {
        if self.lifted.is_some() {
            return Err(ControlError::Conflict("over", "this block was lifted before".to_owned()));
        }
        Ok(KeptBlock { lifted: Some(how), ..self })
    }
}

impl Control {
    /// Shuts something for everybody, at once.
    ///
    /// # Errors
    /// When `staff` may not, or it is nonsense: a help line, the gateway itself, no such category.
    pub async fn place_block(
        &self,
        staff: &Staff,
        request: &BlockRequest,
        client: Option<IpAddr>,
    ) -> Result<Recorded<KeptBlock>, ControlError> {
        self.must_be(staff, &BLOCKERS, "block.placed", client).await?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let block = read::block(request, staff, (&journal, &self.live.snapshot()), now)?;
        let act = Act::new(Actor::Staff(staff.name.clone()), "block.placed")
            .with("block_id", block.id.to_string())
            .with("target", block.target.to_string());
        let act = Act { reason: Some(block.reason.to_string()), client, ..act };
        let kept = KeptBlock { block, lifted: None };
        let generation = journal.store.next_generation()?;
        let mutation = Mutation::new(now, vec![kept.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        journal.publish_laid(generation)?;
        Ok(Recorded { value: kept, audit_seq })
    }

    /// Every emergency block, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn blocks(&self) -> Result<Vec<KeptBlock>, ControlError> {
        Ok(self.journal.lock().await.store.blocks()?)
    }

    /// One emergency block.
    ///
    /// # Errors
    /// [`ControlError::NotFound`]
    pub async fn block(&self, id: Uuid) -> Result<KeptBlock, ControlError> {
        self.journal.lock().await.store.block(id)?.ok_or(ControlError::NotFound)
    }
}
