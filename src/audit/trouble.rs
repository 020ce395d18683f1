//! What went wrong with the writing, as the trail will tell it once it can.

use crate::audit::event::{Act, Actor};
use crate::model::Timestamp;

/// What went wrong since the last good write.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Since when.
    pub(super) since: Timestamp,
    /// Why.
    pub(super) error: String,
    /// How many events were refused.
    pub(super) refused: u64,
    /// How many ends of accesses could not be written.
    pub(super) closes_lost: u64,
    /// How many events were refused after their lines had been written.
    pub(super) unforced: u64,
}

impl Trouble {
    /// Nothing is refused yet.
    pub(super) fn new(since: Timestamp, error: String) -> Trouble {
        Trouble { since, error, refused: 0, closes_lost: 0, unforced: 0 }
    }

    /// That it is over, and what it cost.
    pub(super) fn act(&self) -> Act {
        Act::new(Actor::System, "audit.resumed")
            .with("since", self.since.to_string())
            .with("error", self.error.as_str())
            .with("refused", self.refused)
            .with("refused_after_writing", self.unforced)
            .with("closes_lost", self.closes_lost)
    }
}
