//! What is recorded: accesses, their ends, and the acts of staff and of the gateway itself.
//!
//! **Invariant:** there is no field for cookies, credentials or bodies, and a statutory match
//! names no host, address, URL or path: [`Access::new`] is the one place that sees to both.

mod access;
mod act;
mod close;

use serde::Serialize;

use crate::audit::json::Json;
use crate::policy::Action;

pub use access::{Access, Fetch, Handling, Seen, Visibility};
pub use act::{Act, Actor, Outcome};
pub use close::{ClosedBy, Closing};

pub(super) use close::closed;

/// One thing to record.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A client asked for something (`schoolgate.access`).
    Access(Access),
    /// Staff changed what is filtered, or asked to (`schoolgate.change`).
    Change(Act),
    /// A step of a temporary unblock (`schoolgate.unblock`).
    Unblock(Act),
    /// A safeguarding alert was raised, or somebody did something about one (`schoolgate.alert`).
    Alert(Act),
    /// Somebody looked at somebody's log (`schoolgate.read`).
    Read(Act),
    /// Somebody signed in or out, or failed to (`schoolgate.auth`).
    Auth(Act),
    /// The gateway tried itself (`schoolgate.selftest`).
    Selftest(Act),
    /// The gateway started, stopped, loaded a list or met a fault (`schoolgate.system`).
    System(Act),
}

/// When an event counts as recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// In the page cache: survives the death of the process.
    Accepted,
    /// On disk: survives loss of power. With the disk full, in the room kept for it.
    Durable,
    /// On disk, and in the last of the kept room: what staff do, and the gateway itself.
    Vital,
}

/// `event` behind `sequence`.
#[derive(Clone, Debug, Serialize)]
struct EventPart {
    kind: &'static str,
    dataset: &'static str,
    category: &'static [&'static str],
    r#type: &'static [&'static str],
    action: &'static str,
    outcome: &'static str,
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u64>,
}

impl Entry {
    pub(super) fn grade(&self) -> Grade {
        match self {
            Entry::Access(access) => access.grade(),
            Entry::Change(_)
            | Entry::Unblock(_)
            | Entry::Alert(_)
            | Entry::Read(_)
            | Entry::Auth(_)
            | Entry::Selftest(_)
            | Entry::System(_) => Grade::Vital,
        }
    }

    /// Whether it is an access that passes, and so has an end.
    pub(super) fn passes(&self) -> bool {
        match self {
            Entry::Access(access) => access.event.action != Action::Block.as_str(),
            Entry::Change(_)
            | Entry::Unblock(_)
            | Entry::Alert(_)
            | Entry::Read(_)
            | Entry::Auth(_)
            | Entry::Selftest(_)
            | Entry::System(_) => false,
        }
    }

    /// What kind of event it is, for counting: `access`, `change`, …
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Entry::Access(_) => "access",
            Entry::Change(_) => "change",
            Entry::Unblock(_) => "unblock",
            // One kind of both: next to the alerts on pupils that were told, a number of alerts alone says how
            // much there is on staff, and whoever reads metrics may not know that there is any.
            Entry::Alert(_) | Entry::Read(_) => "safeguarding",
            Entry::Auth(_) => "auth",
            Entry::Selftest(_) => "selftest",
            Entry::System(_) => "system",
        }
    }

    /// The rest of `event`, and what stands behind `observer`.
    pub(super) fn render(self) -> Result<(Json, Json), serde_json::Error> {
        match self {
            Entry::Access(access) => access.render(),
            Entry::Change(act) => act.render("schoolgate.change", &["configuration"], &["change"]),
            Entry::Unblock(act) => act.render("schoolgate.unblock", &["configuration"], &["change"]),
            Entry::Alert(act) => act.render("schoolgate.alert", &["threat"], &["info"]),
            Entry::Read(act) => act.render("schoolgate.read", &["database"], &["access"]),
            Entry::Auth(act) => act.render("schoolgate.auth", &["authentication"], &["info"]),
            Entry::Selftest(act) => act.render("schoolgate.selftest", &["host"], &["info"]),
            Entry::System(act) => act.render("schoolgate.system", &["host"], &["info"]),
        }
    }
}
