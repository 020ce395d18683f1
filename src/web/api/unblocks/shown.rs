//! A temporary unblock as it is asked for and as it is shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::control::{Kept, Pseudonyms, UnblockRequest, Until};
use crate::model::{GroupName, Justification, Role, Scheme, StaffName, Timestamp};
use crate::policy::{Ending, State, Target};
use crate::web::openapi::words::{EndingWord, Moment, ReachWord, RoleWord, UnblockState, UntilWord};
use crate::web::problem::Problem;

/// The most groups, users or devices that one unblock may be for.
const MAX_NAMES: usize = 500;

/// A request for a temporary unblock: one of `minutes`, `ends_at` and `until`, and at least one of `groups`, `users`
/// and `devices`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "target": "https://www.example.org/history/", "groups": ["ks2"], "minutes": 60,
    "reason": "Year 5 topic on the Tudors, sources for the timeline task", "lesson": "Y5 history",
})))]
pub(in crate::web) struct UnblockWish {
    /// A URL and what lies below it, a host and its subdomains, or `category:NAME`.
    #[schema(min_length = 1, max_length = 16384)]
    target: String,
    /// Hosts and pages that the target needs, each allowed by name: see `/unblocks/dependencies`.
    #[serde(default)]
    #[schema(max_items = 30)]
    also: Vec<String>,
    /// Groups that it is for.
    #[serde(default)]
    #[schema(max_items = 500)]
    groups: Vec<String>,
    /// People that it is for.
    #[serde(default)]
    #[schema(max_items = 500)]
    users: Vec<String>,
    /// Devices that it is for.
    #[serde(default)]
    #[schema(max_items = 500)]
    devices: Vec<String>,
    /// When it starts; now, when absent. At most 90 days ahead.
    #[schema(value_type = Option<Moment>)]
    starts_at: Option<Timestamp>,
    /// When it ends.
    #[schema(value_type = Option<Moment>)]
    ends_at: Option<Timestamp>,
    /// How long it lasts, in minutes.
    #[schema(minimum = 1)]
    minutes: Option<u32>,
    /// `lesson`: it ends with the lesson that its start lies in.
    #[schema(value_type = Option<UntilWord>)]
    until: Option<Until>,
    /// Why: what the class will use the site for.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
    /// The lesson.
    #[schema(max_length = 100)]
    lesson: Option<String>,
}

/// A temporary unblock.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Unblock {
    /// UUIDv7; on every event that it opens.
    id: Uuid,
    /// Where it stands.
    #[schema(value_type = UnblockState)]
    state: &'static str,
    /// How it ended; null before.
    #[schema(value_type = Option<EndingWord>)]
    ending: Option<&'static str>,
    /// The roles of which one must approve it.
    #[schema(value_type = Vec<RoleWord>)]
    needs: Vec<Role>,
    /// When a request that nobody has answered lapses.
    #[schema(value_type = Moment)]
    answer_by: Timestamp,
    /// What it opens.
    target: String,
    /// What it opens besides.
    also: Vec<String>,
    /// How much that is in truth: over https the gateway sees the host and no more.
    #[schema(value_type = ReachWord)]
    applies_to: &'static str,
    /// What that means, where it is more than was asked for.
    note: Option<&'static str>,
    /// Groups that it is for.
    #[schema(value_type = Vec<String>)]
    groups: Vec<GroupName>,
    /// People that it is for; pseudonyms, for whoever neither asked for it nor decides on it.
    users: Vec<String>,
    /// Devices that it is for; likewise.
    devices: Vec<String>,
    /// When it starts.
    #[schema(value_type = Moment)]
    starts_at: Timestamp,
    /// When it ends.
    #[schema(value_type = Moment)]
    ends_at: Timestamp,
    /// When it was over, by its time or because somebody revoked it; null while it is not, and of one that
    /// never was in force.
    #[schema(value_type = Option<Moment>)]
    ended_at: Option<Timestamp>,
    /// Why; null, as all that staff wrote in their own words, where names are pseudonyms.
    #[schema(value_type = Option<String>)]
    reason: Option<Justification>,
    /// Whether the same person gave the same reason for something else in the 30 days before.
    repeated_reason: bool,
    /// The lesson.
    lesson: Option<String>,
    /// Who asked.
    #[schema(value_type = String)]
    requester: StaffName,
    /// Who decided, once somebody has.
    #[schema(value_type = Option<String>)]
    decided_by: Option<StaffName>,
    /// What they said.
    comment: Option<String>,
    /// When it was asked for.
    #[schema(value_type = Moment)]
    asked_at: Timestamp,
    /// The record of the change, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

impl UnblockWish {
    /// The request, unless it names more than can be meant.
    pub(super) fn request(self) -> Result<UnblockRequest, Problem> {
        for (field, names) in [("groups", &self.groups), ("users", &self.users), ("devices", &self.devices)] {
            if names.len() > MAX_NAMES {
                return Err(Problem::invalid(field, format!("`{field}` may name {MAX_NAMES} at most")));
            }
        }
        Ok(UnblockRequest {
            target: self.target,
            also: self.also,
            groups: self.groups,
            users: self.users,
            devices: self.devices,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            minutes: self.minutes,
            until: self.until,
            reason: self.reason,
            lesson: self.lesson,
        })
    }
}

impl Unblock {
    /// An unblock as it stands at `now`.
    pub(super) fn new(kept: &Kept, now: Timestamp) -> Unblock {
        let unblock = kept.unblock.clone();
        let state = unblock.state(now);
        let needs = if state == State::Pending { unblock.approvers.clone() } else { Vec::new() };
        let (applies_to, note) = reach(&unblock.target);
        let ending = unblock.ending(now);
        let expired = (ending == Some(Ending::Expired)).then(|| unblock.window.ends_at());
        Unblock {
            id: unblock.id,
            state: state.as_str(),
            ending: ending.map(Ending::as_str),
            needs,
            answer_by: unblock.answer_by,
            target: unblock.target.to_string(),
            also: unblock.also.iter().map(ToString::to_string).collect(),
            applies_to,
            note,
            groups: unblock.audience.groups,
            users: unblock.audience.users.iter().map(ToString::to_string).collect(),
            devices: unblock.audience.devices.iter().map(ToString::to_string).collect(),
            starts_at: unblock.window.starts_at(),
            ends_at: unblock.window.ends_at(),
            ended_at: kept.ended_at.or(expired),
            reason: Some(unblock.justification),
            repeated_reason: kept.repeated_reason,
            lesson: unblock.lesson,
            requester: unblock.requester,
            decided_by: kept.decided_by.clone(),
            comment: kept.comment.clone(),
            asked_at: kept.asked_at,
            audit_seq: None,
        }
    }

    /// The same for whoever sees pseudonyms: those of the log, and nothing that may name a child.
    pub(super) fn masked(self, pseudonyms: &Pseudonyms) -> Unblock {
        let of = |kind: &'static str| move |name: String| pseudonyms.of(kind, &name);
        Unblock {
            users: self.users.into_iter().map(of("user")).collect(),
            devices: self.devices.into_iter().map(of("device")).collect(),
            reason: None,
            lesson: None,
            comment: None,
            ..self
        }
    }

    /// The same, with the record of its change.
    pub(super) fn recorded(self, audit_seq: u64) -> Unblock {
        Unblock { audit_seq: Some(audit_seq), ..self }
    }
}

/// How much an unblock opens in truth: in TLS the gateway sees the host and no more.
fn reach(target: &Target) -> (&'static str, Option<&'static str>) {
    match target {
        Target::Url(url) => match url.scheme() {
            Scheme::Https => {
                ("host", Some("over https the gateway can't see the page, so this opens the whole host"))
            }
            Scheme::Http => {
                ("url", Some("over https, where the page can't be seen, this opens the whole host"))
            }
        },
        Target::Host(_) => ("host", None),
        Target::Category(_) => ("category", None),
    }
}
