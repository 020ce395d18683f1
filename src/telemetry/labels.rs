//! The words that numbers are labelled with.

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From client to origin.
    Up,
    /// From origin to client.
    Down,
}

/// Why a connection or a request was turned away, other than by policy; `why`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnedAway {
    /// There are too many of them, in all or of this client.
    TooMany,
    /// The system could not accept it.
    NotAccepted,
    /// Its head can't be read.
    BadRequest,
    /// It could not be recorded.
    NotRecorded,
}

impl TurnedAway {
    /// All.
    pub const ALL: [TurnedAway; 4] =
        [TurnedAway::TooMany, TurnedAway::NotAccepted, TurnedAway::BadRequest, TurnedAway::NotRecorded];

    /// As in the metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TurnedAway::TooMany => "too_many",
            TurnedAway::NotAccepted => "accept",
            TurnedAway::BadRequest => "bad_request",
            TurnedAway::NotRecorded => "not_recorded",
        }
    }
}
