//! What staff, or the gateway itself, did.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::audit::event::EventPart;
use crate::audit::json::{Json, capped, redacted};
use crate::model::StaffName;

/// The longest written reason, in characters (as of a justification).
const MAX_REASON: usize = 1000;

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A named member of staff.
    Staff(StaffName),
    /// Whoever may write to the gateway's local socket or files.
    Local,
    /// The gateway.
    System,
}

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused or failed.
    Failure,
}

/// An act: who did what, why, and how it went.
#[derive(Clone, Debug)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// What, as noun and verb: `unblock.requested`, `policy.reloaded`.
    pub action: &'static str,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// Whatever else says it: before and after, target, window, approver.
    pub details: Map<String, Value>,
    /// How it went.
    pub outcome: Outcome,
    /// From which address, when over the network.
    pub client: Option<IpAddr>,
}

#[derive(Serialize)]
struct Rest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    user: User<'a>,
    schoolgate: Own,
}

#[derive(Serialize)]
struct Source {
    ip: IpAddr,
}

#[derive(Serialize)]
struct User<'a> {
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Own {
    actor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    break_glass: Option<bool>,
    details: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    truncated: Option<bool>,
}

impl Act {
    /// A success of which no more is to be said; fill in the rest by field.
    #[must_use]
    pub fn new(actor: Actor, action: &'static str) -> Act {
        Act { actor, action, reason: None, details: Map::new(), outcome: Outcome::Success, client: None }
    }

    /// The same act with one more detail. Values named like a secret are not kept.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Act {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn render(
        self,
        dataset: &'static str,
        category: &'static [&'static str],
        r#type: &'static [&'static str],
    ) -> Result<(Json, Json), serde_json::Error> {
        let mut cut = false;
        let event = EventPart {
            kind: "event",
            dataset,
            category,
            r#type,
            action: self.action,
            outcome: self.outcome.as_str(),
            reason: self.reason.map(|reason| capped(&reason, MAX_REASON, &mut cut)),
            duration: None,
        };
        let rest = Rest {
            source: self.client.map(|ip| Source { ip: ip.to_canonical() }),
            user: User { name: self.actor.name() },
            schoolgate: Own {
                actor: self.actor.as_str(),
                break_glass: self.actor.is_break_glass().then_some(true),
                details: redacted(self.details),
                truncated: cut.then_some(true),
            },
        };
        Ok((Json::object(&event)?, Json::object(&rest)?))
    }
}

impl Actor {
    /// The kind of actor, as written: `staff`, `local`, `system`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Actor::Staff(_) => "staff",
            Actor::Local => "local",
            Actor::System => "system",
        }
    }

    /// Whether it was whoever opened the sealed code.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        match self {
            Actor::Staff(name) => name.is_break_glass(),
            Actor::Local | Actor::System => false,
        }
    }

    /// The member of staff, if it was one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Actor::Staff(name) => Some(name.as_str()),
            Actor::Local | Actor::System => None,
        }
    }
}

impl Outcome {
    /// `success` or `failure`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
        }
    }
}
