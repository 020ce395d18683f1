//! A suspension: internet removed from named people or devices, or kept to approved sites, for a
//! stated period and a written reason. It ends by itself.
//!
//! **Invariant:** help lines stand before it on the ladder, so nobody is ever cut off from them;
//! and what it leaves open is still judged by every rung below.

use uuid::Uuid;

use crate::model::{DeviceName, Justification, StaffName, Subject, Timestamp, UserName, Window};
use crate::policy::unblock::Target;

/// What is left to the one who is suspended, besides the exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reduced {
    /// The sites of categories that their group allows by name.
    Approved,
    /// Nothing: internet is removed.
    Nothing,
}

/// A suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// Its id, on every event that it refuses.
    pub id: Uuid,
    /// Whose internet it is.
    pub users: Vec<UserName>,
    /// Which devices'.
    pub devices: Vec<DeviceName>,
    /// What is left.
    pub to: Reduced,
    /// What stays open besides: the exam site, the homework.
    pub exceptions: Vec<Target>,
    /// When.
    pub window: Window,
    /// Why.
    pub reason: Justification,
    /// Who decided it.
    pub by: StaffName,
    /// When it was lifted before its end, if it was.
    pub lifted: Option<Timestamp>,
}

/// Where a suspension is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuspensionState {
    /// Its start is yet to come.
    Scheduled,
    /// In force.
    Active,
    /// Its end has come.
    Ended,
    /// Somebody has lifted it before its end.
    Lifted,
}

/// Why a suspension can't be, or can't be lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuspensionError {
    /// It names neither a person nor a device.
    #[error("say who is suspended: name users or devices")]
    Nobody,
    /// There is nothing left to lift.
    #[error("the suspension is {}, so it can't be lifted", .0.as_str())]
    Over(SuspensionState),
}

impl Reduced {
    /// Both.
    pub const ALL: [Reduced; 2] = [Reduced::Approved, Reduced::Nothing];

    /// As written in the API, the store and the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reduced::Nothing => "nothing",
            Reduced::Approved => "approved",
        }
    }
}

impl std::str::FromStr for Reduced {
    type Err = String;

    fn from_str(text: &str) -> Result<Reduced, String> {
        match text {
            "nothing" => Ok(Reduced::Nothing),
            "approved" => Ok(Reduced::Approved),
            _ => Err(format!("“{text}” is not what a suspension leaves: write “nothing” or “approved”")),
        }
    }
}

impl SuspensionState {
    /// Every state, in the order of a life.
    pub const ALL: [SuspensionState; 4] = [
        SuspensionState::Scheduled,
        SuspensionState::Active,
        SuspensionState::Ended,
        SuspensionState::Lifted,
    ];

    /// As written in the API and the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SuspensionState::Scheduled => "scheduled",
            SuspensionState::Active => "active",
            SuspensionState::Ended => "ended",
            SuspensionState::Lifted => "lifted",
        }
    }
}

impl Suspension {
    /// The same suspension, once it is sure that it is somebody's.
    ///
    /// # Errors
    /// [`SuspensionError::Nobody`] when it names neither a person nor a device.
    pub fn of_somebody(self) -> Result<Suspension, SuspensionError> {
        if self.users.is_empty() && self.devices.is_empty() { Err(SuspensionError::Nobody) } else { Ok(self) }
    }

    /// Where it stands at `now`. Lifted is lifted: no clock that is set back brings it in force again.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SuspensionState {
        match self.lifted {
            Some(_) => SuspensionState::Lifted,
            None if now >= self.window.ends_at() => SuspensionState::Ended,
            None if now < self.window.starts_at() => SuspensionState::Scheduled,
            None => SuspensionState::Active,
        }
    }

    /// The same suspension, lifted at `now`.
    ///
    /// # Errors
    /// [`SuspensionError::Over`] unless it is scheduled or active.
    pub fn lifted(self, now: Timestamp) -> Result<Suspension, SuspensionError> {
        match self.state(now) {
            SuspensionState::Scheduled | SuspensionState::Active => {
                Ok(Suspension { lifted: Some(now), ..self })
            }
            state @ (SuspensionState::Ended | SuspensionState::Lifted) => Err(SuspensionError::Over(state)),
        }
    }

    pub(super) fn covers(&self, subject: &Subject) -> bool {
        subject.user.as_ref().is_some_and(|user| self.users.contains(user))
            || subject.device.as_ref().is_some_and(|device| self.devices.contains(device))
    }

    /// The next moment after `now` at which time alone begins or ends it.
    pub(super) fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        if self.lifted.is_some() { None } else { self.window.next_change(now) }
    }
}
