//! Changes of the school's own lists: what tightens is in force at once, what opens something
//! waits for a second person.
//!
//! **Invariant:** a held change is not in force, at no start and no reload, until it was approved
//! and that was recorded; or until the settings say that loosening is in force at once, which is
//! recorded too.

use std::fmt;

use uuid::Uuid;

use crate::audit::Actor;
use crate::lists::Reading;
use crate::model::{StaffName, Timestamp};

mod acts;
mod difference;
mod kept;
mod proposal;
mod record;
mod weigh;

pub use acts::{CHANGE_READERS, ChangeDecision, Reloaded};
pub(super) use difference::{changes_since, sizes_changed};
pub use proposal::waiting;
pub(super) use proposal::{Proposal, School, Word};
pub(super) use record::{acts, held_or_at_once};

/// One of the school's own lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchoolList {
    /// `school/allow.txt`
    Allow,
    /// `school/block.txt`
    Block,
}

/// What a change does to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// An entry is new.
    Add,
    /// An entry is gone.
    Remove,
}

/// Where a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeState {
    /// Nobody has decided.
    Pending,
    /// It is in force.
    Approved,
    /// It is not to be.
    Refused,
    /// Whoever proposed it took it back: the file is as before.
    Withdrawn,
}

/// An edit of one entry that would open something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// UUIDv7.
    pub id: Uuid,
    /// The list.
    pub list: SchoolList,
    /// What it does.
    pub op: Op,
    /// The entry in its normal form.
    pub entry: String,
    /// The line that it stood on when it was proposed; of a removed one, where it had stood.
    pub line: u32,
    /// What the line says behind the `#`.
    pub remark: Option<String>,
    /// When the gateway first saw it.
    pub proposed_at: Timestamp,
    /// Who had the lists read.
    pub proposer: Actor,
    /// Where it stands.
    pub state: ChangeState,
    /// Whether the file still says so while the lists in force do not.
    pub(super) stands: bool,
    /// Who decided, once somebody has; nobody where the settings did.
    pub decided_by: Option<StaffName>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub comment: Option<String>,
}

impl SchoolList {
    /// Both.
    pub const ALL: [SchoolList; 2] = [SchoolList::Allow, SchoolList::Block];

    /// The list's id: `school/allow`.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            SchoolList::Allow => "school/allow",
            SchoolList::Block => "school/block",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            SchoolList::Allow => "school allow list",
            SchoolList::Block => "school block list",
        }
    }

    pub(super) fn reading(self) -> Reading {
        match self {
            SchoolList::Allow => Reading::Allow,
            SchoolList::Block => Reading::Block,
        }
    }
}

impl Op {
    /// `add` or `remove`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Op::Add => "add",
            Op::Remove => "remove",
        }
    }
}

impl ChangeState {
    /// Every state.
    pub const ALL: [ChangeState; 4] =
        [ChangeState::Pending, ChangeState::Approved, ChangeState::Refused, ChangeState::Withdrawn];

    /// As written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeState::Pending => "pending",
            ChangeState::Approved => "approved",
            ChangeState::Refused => "refused",
            ChangeState::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Change {
    /// `school allow list: add chess.example (line 7)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {} (line {})", self.list.title(), self.op.as_str(), self.entry, self.line)
    }
}

#[cfg(test)]
mod tests;
