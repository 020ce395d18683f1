//! The end of an access.

use std::time::Duration;

use serde::Serialize;

use crate::audit::event::EventPart;
use crate::audit::json::Json;

/// Who ended an access; `schoolgate.closed_by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClosedBy {
    /// The client closed.
    Client,
    /// The origin closed.
    Origin,
    /// The gateway closed: a limit, a timeout, its own end.
    Gateway,
    /// Policy changed, or time did, and the access was no longer allowed.
    Policy,
    /// A fault on either side.
    Error,
}

/// The end of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Bytes from the client to the origin.
    pub bytes_up: u64,
    /// Bytes from the origin to the client.
    pub bytes_down: u64,
    /// From the decision to the end.
    pub duration: Duration,
    /// Who ended it.
    pub closed_by: ClosedBy,
}

#[derive(Serialize)]
struct Rest {
    schoolgate: Own,
}

#[derive(Serialize)]
struct Own {
    access: u64,
    bytes_up: u64,
    bytes_down: u64,
    closed_by: &'static str,
}

/// The line that ends the access of this sequence.
pub(in crate::audit) fn closed(access: u64, closing: Closing) -> Result<(Json, Json), serde_json::Error> {
    let event = EventPart {
        kind: "event",
        dataset: "schoolgate.close",
        category: &["web", "network"],
        r#type: &["connection", "end"],
        action: "close",
        outcome: if closing.closed_by == ClosedBy::Error { "failure" } else { "success" },
        reason: None,
        duration: Some(nanos(closing.duration)),
    };
    let Closing { bytes_up, bytes_down, duration: _, closed_by } = closing;
    let own = Own { access, bytes_up, bytes_down, closed_by: closed_by.as_str() };
    Ok((Json::object(&event)?, Json::object(&Rest { schoolgate: own })?))
}

/// Nanoseconds, as ECS counts durations.
pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

impl ClosedBy {
    /// All.
    pub const ALL: [ClosedBy; 5] =
        [ClosedBy::Client, ClosedBy::Origin, ClosedBy::Gateway, ClosedBy::Policy, ClosedBy::Error];

    /// As written in the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ClosedBy::Client => "client",
            ClosedBy::Origin => "origin",
            ClosedBy::Gateway => "gateway",
            ClosedBy::Policy => "policy",
            ClosedBy::Error => "error",
        }
    }
}
