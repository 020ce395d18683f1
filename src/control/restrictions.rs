//! What shuts, above the policy: emergency blocks for everybody, suspensions of single people and
//! devices.
//!
//! **Invariant:** shutting takes one person and is in force at once; a step is recorded on disk
//! before it is kept and in force; and nothing here shuts a help line.

use std::net::IpAddr;

use crate::audit::{Act, Actor, Entry};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError};
use crate::model::{Justification, Role, StaffName, Timestamp};

mod blocks;
mod kept;
mod read;
mod suspensions;

pub use blocks::{BLOCKERS, BlockRequest, KeptBlock};
pub use suspensions::{KeptSuspension, SUSPENDERS, SuspensionRequest};

/// How something that was shut came to be open again before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// Who let it be: of an emergency block the second person, where two are asked for.
    pub by: StaffName,
    /// When.
    pub at: Timestamp,
    /// Why, in the words of whoever asked for it.
    pub reason: String,
}

impl Lifted {
    /// By whom, when and why, each apart.
    #[must_use]
    pub fn apart(lifted: Option<Lifted>) -> (Option<StaffName>, Option<Timestamp>, Option<String>) {
        match lifted {
            Some(Lifted { by, at, reason }) => (Some(by), Some(at), Some(reason)),
            None => (None, None, None),
        }
    }
}

impl Control {
    /// Goes on only for one of `roles`; a refusal is recorded.
    pub(super) async fn must_be(
        &self,
        staff: &Staff,
        roles: &[Role],
        action: &'static str,
        client: Option<IpAddr>,
    ) -> Result<(), ControlError> {
        if staff.is_any(roles) {
            return Ok(());
        }
        let act = Act { client, ..Act::new(Actor::Staff(staff.name.clone()), action) };
        let why = ControlError::Forbidden("your role may not do this");
        Err(self.refused(act, Entry::Change, why).await)
    }
}

/// A reason that says something.
pub(super) fn reason(text: &str) -> Result<Justification, ControlError> {
    Justification::parse(text).map_err(|fault| ControlError::Invalid("reason", fault.to_string()))
}
