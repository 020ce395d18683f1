//! Why an act of staff was not done, each case with a stable code for scripts.

use std::io::ErrorKind;

use crate::audit::{QueryError, RecordError};
use crate::control::changes::{ChangeState, NotApproved};
use crate::control::store::StoreError;
use crate::document::Faults;
use crate::policy::{State, WrongState};

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A field is not what it must be: which, and what to do.
    #[error("{1}")]
    Invalid(&'static str, String),
    /// The role is not enough.
    #[error("{0}")]
    Forbidden(&'static str),
    /// Nobody decides on their own request.
    #[error("somebody else must decide: the asker, or an account that counts as theirs, can't")]
    FourEyes,
    /// The target's category is locked.
    #[error("no temporary unblock can lift this category")]
    Locked,
    /// The target is on a statutory list.
    #[error("a statutory list holds this; nobody can open it")]
    Statutory,
    /// An emergency block shuts the target for everybody.
    #[error("the school has shut this for everybody: lift the emergency block first")]
    EmergencyBlock,
    /// The start lies in no lesson, so no lesson ends it.
    #[error("no lesson is on at the start: say when it ends, with `ends_at` or `minutes`")]
    NoLesson,
    /// There is no such thing, or it is not yours to see.
    #[error("there is no such thing")]
    NotFound,
    /// The name is in use.
    #[error("there is somebody of that name already")]
    Taken,
    /// The unblock is past that.
    #[error(transparent)]
    WrongState(#[from] WrongState),
    /// Something else stands in the way: the stable code, and what it is.
    #[error("{1}")]
    Conflict(&'static str, String),
    /// The pupil's ask waits no more.
    #[error("somebody answered this already, or nobody did in time")]
    Answered,
    /// The change was decided before, or taken back.
    #[error("this change is {} already", .0.as_str())]
    Decided(ChangeState),
    /// There is nothing in force of the change that could be looked at again.
    #[error("this change is not in force")]
    NotInForce,
    /// The policy of record is another version than the change was written for.
    #[error("the policy is version {0} by now: look at what was changed, and propose it anew")]
    Changed(u64),
    /// What a change was to replace is not what stands there.
    #[error("{0} is not what it was when this was proposed: refuse it, and propose it anew")]
    Stale(String),
    /// What would come of it has faults.
    #[error("{0}")]
    Faulty(Faults),
    /// An `Idempotency-Key` that came with another request before.
    #[error("this Idempotency-Key came with another request before")]
    KeyReused,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The trail can't be read, or reading it was broken off.
    #[error(transparent)]
    Trail(#[from] QueryError),
    /// The act can't be recorded, so it is not done.
    #[error("the act can't be recorded, so it is not done")]
    Record(#[from] RecordError),
    /// A statutory list of which nothing is held could not be fetched.
    #[error("the list {0} was never taken, and can't be now: {1}")]
    NotFetched(String, String),
    /// The policy can't be compiled.
    #[error("the policy names no group")]
    Policy,
}

impl ControlError {
    /// Whether it failed because the disk is full.
    #[must_use]
    pub fn is_for_want_of_room(&self) -> bool {
        if let ControlError::Record(RecordError::Unwritten(fault)) = self {
            return matches!(fault.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        }
        matches!(self, ControlError::Store(fault) if fault.is_for_want_of_room())
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ControlError::Invalid("reason", _) => "invalid_reason",
            ControlError::Invalid(..) => "invalid",
            ControlError::Forbidden(_) => "forbidden",
            ControlError::FourEyes => "four_eyes",
            ControlError::Locked => "locked",
            ControlError::Statutory => "statutory",
            ControlError::EmergencyBlock => "emergency_block",
            ControlError::NoLesson => "no_lesson",
            ControlError::NotFound => "not_found",
            ControlError::Taken => "taken",
            ControlError::WrongState(WrongState(State::Ended | State::Refused)) => "over",
            ControlError::WrongState(_) => "wrong_state",
            ControlError::Conflict(code, _) => code,
            ControlError::Decided(_) | ControlError::Answered => "over",
            ControlError::NotInForce => "not_in_force",
            ControlError::Changed(_) => "precondition_failed",
            ControlError::Stale(_) => "stale",
            ControlError::Faulty(_) => "faulty",
            ControlError::KeyReused => "idempotency_key_reused",
            ControlError::Store(_) => "store",
            ControlError::Trail(_) => "audit",
            ControlError::Record(_) => "not_recorded",
            ControlError::NotFetched(..) => "not_fetched",
            ControlError::Policy => "policy",
        }
    }
}

impl From<NotApproved> for ControlError {
    fn from(why: NotApproved) -> ControlError {
        match why {
            NotApproved::Stale(key) => ControlError::Stale(key),
            NotApproved::Faulty(faults) => ControlError::Faulty(faults),
        }
    }
}
