//! An emergency block: a page, a host or a category shut for everybody in one step, until it is
//! lifted.
//!
//! **Invariant:** it covers every group, and no unblock and no list of the school stands before it.

use uuid::Uuid;

use crate::model::{Justification, StaffName, Timestamp};
use crate::policy::unblock::Target;

/// An emergency block that is in force; one that is lifted is in no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmergencyBlock {
    /// Its id, on every event that it refuses.
    pub id: Uuid,
    /// What is shut.
    pub target: Target,
    /// Why.
    pub reason: Justification,
    /// Who did it.
    pub by: StaffName,
    /// When.
    pub at: Timestamp,
}
