//! Change control: what tightens is in force at once, what opens something waits for a second
//! person, whether it came as text, as an edit of a list or through the API.
//!
//! **Invariant:** a held change is not in force, at no start and no reload, until it was approved
//! and that was recorded; or until the settings say that loosening is in force at once, which is
//! recorded too.

use std::fmt;

use uuid::Uuid;

use crate::audit::Actor;
use crate::control::requests::DECIDERS;
use crate::lists::Reading;
use crate::model::{Role, StaffName, Timestamp};
use crate::policy::{Edit, Effect};

mod acts;
mod difference;
mod kept;
mod lift;
mod plain;
mod policy;
mod proposal;
mod propose;
mod record;
mod review;
mod risk;
mod weigh;

pub use acts::{CHANGE_READERS, ChangeDecision, Reloaded, Verdict};
pub(super) use difference::{changes_since, sizes_changed};
pub use plain::in_words;
pub(super) use policy::{NotApproved, PolicyProposal, Record, Scales};
pub(super) use proposal::{Proposal, School, Word};
pub use propose::{ChangeRequest, Proposed, What as Wanted};
pub(super) use record::{acts, held_or_at_once};
pub use review::{Due, Renewal, Review};
pub use risk::Risk;
pub(super) use weigh::entries as entries_of;

/// One of the school's own lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum SchoolList {
    /// `school/allow.txt`
    #[serde(rename = "school/allow")]
    Allow,
    /// `school/block.txt`
    #[serde(rename = "school/block")]
    Block,
}

/// What a change does to its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
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
    /// Whoever proposed it took it back, or wrote something else in its place.
    Withdrawn,
    /// It opened nothing, so that it came in force without anybody's leave.
    AtOnce,
}

/// An entry of one of the school's lists, put on it or taken off.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EntryChange {
    /// The list.
    pub list: SchoolList,
    /// What it does.
    pub op: Op,
    /// The entry in its normal form.
    pub entry: String,
    /// The line of the file that it stood on when it was proposed; of a removed one, where it had
    /// stood. None when it never stood in the file.
    pub line: Option<u32>,
    /// What the line says behind the `#`.
    pub remark: Option<String>,
}

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// An entry of one of the school's lists.
    Entry(EntryChange),
    /// Edits of the policy that only make sense together.
    Policy {
        /// The edits; one at least.
        edits: Vec<Edit>,
    },
    /// An emergency block that is to be no more.
    LiftBlock {
        /// Its id.
        block: Uuid,
        /// What it shuts.
        target: String,
    },
}

/// One change under change control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// UUIDv7.
    pub id: Uuid,
    /// What it is about.
    pub what: What,
    /// What it does.
    pub effect: Effect,
    /// Why, in the proposer's words.
    pub reason: Option<String>,
    /// What was thought through, where a category is opened.
    pub risk: Option<Risk>,
    /// Who answers for it once it is in force.
    pub owner: Option<StaffName>,
    /// The day on which somebody looks at it again: `2027-07-01`.
    pub review_on: Option<String>,
    /// When the gateway first saw it.
    pub proposed_at: Timestamp,
    /// Who proposed it, or had the files read.
    pub proposer: Actor,
    /// Where it stands.
    pub state: ChangeState,
    /// Whether a file still says so while what is in force does not.
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
    pub const ALL: [ChangeState; 5] = [
        ChangeState::Pending,
        ChangeState::Approved,
        ChangeState::Refused,
        ChangeState::Withdrawn,
        ChangeState::AtOnce,
    ];

    /// As written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeState::Pending => "pending",
            ChangeState::Approved => "approved",
            ChangeState::Refused => "refused",
            ChangeState::Withdrawn => "withdrawn",
            ChangeState::AtOnce => "at_once",
        }
    }
}

impl Change {
    /// A change that nobody has decided on, proposed by `proposer` at `now`.
    pub(super) fn proposed(what: What, effect: Effect, proposer: &Actor, now: Timestamp) -> Change {
        Change {
            id: Uuid::now_v7(),
            what,
            effect,
            reason: None,
            risk: None,
            owner: None,
            review_on: None,
            proposed_at: now,
            proposer: proposer.clone(),
            state: ChangeState::Pending,
            stands: true,
            decided_by: None,
            decided_at: None,
            comment: None,
        }
    }

    /// The roles of which one must approve it; none once it is decided.
    #[must_use]
    pub fn needs(&self) -> &'static [Role] {
        match self.state {
            ChangeState::Pending => &DECIDERS,
            ChangeState::Approved | ChangeState::Refused | ChangeState::Withdrawn | ChangeState::AtOnce => {
                &[]
            }
        }
    }

    /// The entry that it is about, if it is about one.
    #[must_use]
    pub fn entry(&self) -> Option<&EntryChange> {
        match &self.what {
            What::Entry(entry) => Some(entry),
            What::Policy { .. } | What::LiftBlock { .. } => None,
        }
    }

    /// The emergency block that it lifts, if it is about one.
    #[must_use]
    pub fn block(&self) -> Option<Uuid> {
        match &self.what {
            What::LiftBlock { block, .. } => Some(*block),
            What::Entry(_) | What::Policy { .. } => None,
        }
    }

    /// The edits of the policy that it makes.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        match &self.what {
            What::Policy { edits } => edits,
            What::Entry(_) | What::LiftBlock { .. } => &[],
        }
    }
}

impl What {
    /// Every kind.
    pub const KINDS: [&str; 3] = ["entry", "policy", "lift_block"];

    /// As written in the API.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            What::Entry(_) => "entry",
            What::Policy { .. } => "policy",
            What::LiftBlock { .. } => "lift_block",
        }
    }
}

impl EntryChange {
    /// What it does.
    #[must_use]
    pub fn effect(&self) -> Effect {
        if self.list.held_op() == self.op { Effect::Loosens } else { Effect::Tightens }
    }
}

impl fmt::Display for What {
    /// `school allow list: add chess.example (line 7)`, the edits of the policy, or
    /// `emergency block: lift chess.example`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Entry(entry) => entry.fmt(f),
            What::Policy { edits } => {
                let edits: Vec<String> = edits.iter().map(ToString::to_string).collect();
                f.write_str(&edits.join("; "))
            }
            What::LiftBlock { target, .. } => write!(f, "emergency block: lift {target}"),
        }
    }
}

impl fmt::Display for EntryChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.list.title(), self.op.as_str(), self.entry)?;
        self.line.map_or(Ok(()), |line| write!(f, " (line {line})"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)
    }
}

#[cfg(test)]
mod tests;
