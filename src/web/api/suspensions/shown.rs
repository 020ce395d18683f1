//! A suspension as it is asked for and as it is shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::control::{KeptSuspension, Lifted, Recorded, SuspensionRequest};
use crate::model::{DeviceName, Justification, StaffName, Timestamp, UserName};
use crate::web::openapi::words::{Moment, ReducedWord, SuspensionStateWord};
use crate::web::problem::Problem;

/// The most users or devices of one suspension.
const MAX_NAMES: usize = 500;

/// A suspension that is asked for: `minutes` or `ends_at`, and at least one of `users` and `devices`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "users": ["y9.117"], "to": "nothing", "exceptions": ["exams.county.sch.uk"], "minutes": 1440,
    "reason": "Behaviour policy stage 4, agreed with the family",
})))]
pub(in crate::web) struct SuspensionWish {
    /// Whose internet it is.
    #[serde(default)]
    #[schema(max_items = 500)]
    users: Vec<String>,
    /// Which devices'.
    #[serde(default)]
    #[schema(max_items = 500)]
    devices: Vec<String>,
    /// What is left: nothing, or the sites of categories that their group allows by name.
    #[schema(value_type = ReducedWord)]
    to: String,
    /// What stays open besides, if nothing else shuts it: URLs, hosts, `category:NAME`.
    #[serde(default)]
    #[schema(max_items = 100)]
    exceptions: Vec<String>,
    /// When it starts; now, when absent. At most 90 days ahead.
    #[schema(value_type = Option<Moment>)]
    starts_at: Option<Timestamp>,
    /// When it ends.
    #[schema(value_type = Option<Moment>)]
    ends_at: Option<Timestamp>,
    /// How long it lasts, in minutes.
    #[schema(minimum = 1)]
    minutes: Option<u32>,
    /// Why.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
}

/// A suspension.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Suspension {
    /// UUIDv7; on every event that it refuses.
    id: Uuid,
    /// Where it stands.
    #[schema(value_type = SuspensionStateWord)]
    state: &'static str,
    /// Whose internet it is.
    #[schema(value_type = Vec<String>)]
    users: Vec<UserName>,
    /// Which devices'.
    #[schema(value_type = Vec<String>)]
    devices: Vec<DeviceName>,
    /// What is left.
    #[schema(value_type = ReducedWord)]
    to: &'static str,
    /// What stays open besides.
    exceptions: Vec<String>,
    /// When it starts.
    #[schema(value_type = Moment)]
    starts_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Moment)]
    ends_at: Timestamp,
    /// Why.
    #[schema(value_type = String)]
    reason: Justification,
    /// Who imposed it.
    #[schema(value_type = String)]
    imposed_by: StaffName,
    /// Who approved it: a headteacher or DSL imposes alone, and answers for it.
    #[schema(value_type = String)]
    approved_by: StaffName,
    /// When it was imposed.
    #[schema(value_type = Moment)]
    imposed_at: Timestamp,
    /// Who lifted it, if somebody has.
    #[schema(value_type = Option<String>)]
    lifted_by: Option<StaffName>,
    /// When.
    #[schema(value_type = Option<Moment>)]
    lifted_at: Option<Timestamp>,
    /// Why.
    lifted_why: Option<String>,
    /// The record of it, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

impl SuspensionWish {
    /// The request, unless it names more than can be meant.
    pub(super) fn request(self) -> Result<SuspensionRequest, Problem> {
        for (field, names) in [("users", &self.users), ("devices", &self.devices)] {
            if names.len() > MAX_NAMES {
                return Err(Problem::invalid(field, format!("`{field}` may name {MAX_NAMES} at most")));
            }
        }
        Ok(SuspensionRequest {
            users: self.users,
            devices: self.devices,
            to: self.to.parse().map_err(|fault: String| Problem::invalid("to", fault))?,
            exceptions: self.exceptions,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            minutes: self.minutes,
            reason: self.reason,
        })
    }
}

impl Suspension {
    /// A suspension as it stands at `now`.
    pub(super) fn new(kept: KeptSuspension, now: Timestamp) -> Suspension {
        let (suspension, state) = (kept.suspension.clone(), kept.suspension.state(now));
        let (lifted_by, lifted_at, lifted_why) = Lifted::apart(kept.lifted);
        Suspension {
            id: suspension.id,
            state: state.as_str(),
            users: suspension.users,
            devices: suspension.devices,
            to: suspension.to.as_str(),
            exceptions: suspension.exceptions.iter().map(ToString::to_string).collect(),
            starts_at: suspension.window.starts_at(),
            ends_at: suspension.window.ends_at(),
            reason: suspension.reason,
            imposed_by: suspension.by.clone(),
            approved_by: suspension.by,
            imposed_at: kept.imposed_at,
            lifted_by,
            lifted_at,
            lifted_why,
            audit_seq: None,
        }
    }

    /// The same, with the record of what was done.
    pub(super) fn recorded(done: Recorded<KeptSuspension>, now: Timestamp) -> Suspension {
        Suspension { audit_seq: Some(done.audit_seq), ..Suspension::new(done.value, now) }
    }
}
