//! What staff may ask and decide: the rules of a temporary unblock. Pure; the store and the
//! record are `control`'s.

use std::time::Duration;

use uuid::Uuid;

use crate::control::ControlError;
use crate::control::staff::Staff;
use crate::model::{DeviceName, GroupName, StaffName, Timestamp, UserName, Window};
use crate::policy::{Audience, Decided, GroupDraft, Needs, NotAllowed, Policy, Target, Unblock, Wish};

mod targets;
mod words;

pub use crate::policy::DECIDERS;
pub(super) use targets::{Standing, is_unspeakable, standing};
pub(super) use words::is_same_reason;

/// How far ahead an unblock may be scheduled.
const AHEAD: Duration = Duration::from_secs(90 * 24 * 3600);
/// How late a start may be named: clocks differ, and people type.
const GRACE: Duration = Duration::from_secs(120);
/// Most hosts and pages that one unblock may open besides its target.
const MAX_ALSO: usize = 30;

/// A request for a temporary unblock, as the API takes it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnblockRequest {
    /// A URL prefix, a host, or `category:NAME`.
    pub target: String,
    /// What else: hosts and pages that the target needs.
    #[serde(default)]
    pub also: Vec<String>,
    /// Groups that it is for.
    #[serde(default)]
    pub groups: Vec<String>,
    /// People that it is for.
    #[serde(default)]
    pub users: Vec<String>,
    /// Devices that it is for.
    #[serde(default)]
    pub devices: Vec<String>,
    /// When it starts; now, when absent.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// When it ends; or `minutes`, or `until`.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// What it ends with.
    #[serde(default)]
    pub until: Option<Until>,
    /// How long it lasts, in minutes.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Why.
    pub reason: String,
    /// The lesson.
    #[serde(default)]
    pub lesson: Option<String>,
}

/// What an unblock ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// The lesson that its start lies in.
    Lesson,
}

/// A request that may be made.
pub(super) struct Asked {
    pub(super) unblock: Unblock,
    /// The categories that block what it opens, by id.
    pub(super) categories: Vec<String>,
}

/// Reads a request against the policy in force, its caps and its rules. Where nobody needs to
/// approve, it is approved.
pub(super) fn read(
    request: &UnblockRequest,
    staff: &Staff,
    policy: &Policy,
    now: Timestamp,
) -> Result<Asked, ControlError> {
    let target = Target::parse(&request.target).map_err(|fault| ControlError::Invalid("target", fault))?;
    let also = targets::also(&request.also, &target)?;
    let lesson = words::lesson(request.lesson.as_deref(), policy)?;
    let justification = words::reason(&request.reason, &request.target, lesson.as_deref())?;
    let audience = audience(request, policy)?;
    let longest = policy.draft().longest(&staff.roles).map_err(not_allowed)?;
    let window = window(request, policy, longest, now)?;
    let unblock = Unblock {
        id: Uuid::now_v7(),
        target,
        also,
        audience,
        window,
        justification,
        lesson,
        requester: staff.name.clone(),
        approvers: Vec::new(),
        answer_by: now.plus(policy.draft().unblocks.unanswered).min(window.ends_at()),
        decided: Decided::Awaited,
    };
    let categories = targets::blocking(&unblock, policy, now)?;
    let wish = Wish {
        roles: &staff.roles,
        teaches: &staff.groups,
        categories: &categories,
        audience: &unblock.audience,
        length: window.length(),
    };
    let unblock = match policy.draft().needs(&wish).map_err(not_allowed)? {
        Needs::Nobody => Unblock { decided: Decided::Approved, ..unblock },
        Needs::Approval(approvers) => Unblock { approvers, ..unblock },
    };
    Ok(Asked { unblock, categories })
}

/// Whether `staff` may approve this unblock: one of the roles that it needs, and never the asker.
/// `hands` are those that the asker's account is in, and those of `staff`.
pub(super) fn may_approve(
    staff: &Staff,
    unblock: &Unblock,
    hands: &[StaffName; 2],
) -> Result<(), ControlError> {
    if !staff.is_any(&unblock.approvers) {
        return Err(ControlError::Forbidden("approving this takes one of the roles that it needs"));
    }
    are_two(hands)
}

/// Whether `staff` may refuse this unblock: those who may approve it, and all who answer for
/// filtering, since a refusal opens nothing.
pub(super) fn may_refuse(
    staff: &Staff,
    unblock: &Unblock,
    hands: &[StaffName; 2],
) -> Result<(), ControlError> {
    if !staff.is_any(&DECIDERS) && !staff.is_any(&unblock.approvers) {
        return Err(ControlError::Forbidden(
            "deciding on an unblock takes a filtering manager, DSL or headteacher",
        ));
    }
    are_two(hands)
}

/// Whether `staff` may end an unblock early.
pub(super) fn may_revoke(staff: &Staff, unblock: &Unblock) -> Result<(), ControlError> {
    let answers = staff.is_any(&DECIDERS) || staff.is_any(&unblock.approvers);
    if answers || staff.name == unblock.requester {
        return Ok(());
    }
    Err(ControlError::Forbidden("revoking takes the one who asked, a filtering manager, DSL or headteacher"))
}

fn are_two([asker, own]: &[StaffName; 2]) -> Result<(), ControlError> {
    if asker == own { Err(ControlError::FourEyes) } else { Ok(()) }
}

fn not_allowed(why: NotAllowed) -> ControlError {
    match why {
        NotAllowed::Role => ControlError::Forbidden("your role may not ask for an unblock"),
        NotAllowed::TooLong(_) => ControlError::Invalid("ends_at", why.to_string()),
        NotAllowed::Locked(_) => ControlError::Locked,
    }
}

fn audience(request: &UnblockRequest, policy: &Policy) -> Result<Audience, ControlError> {
    let audience = Audience {
        groups: names::<GroupName>("groups", &request.groups)?,
        users: names::<UserName>("users", &request.users)?,
        devices: names::<DeviceName>("devices", &request.devices)?,
    };
    if audience.is_empty() {
        let text = "say for whom: name groups, users or devices".to_owned();
        return Err(ControlError::Invalid("groups", text));
    }
    let groups = &policy.draft().groups;
    are_groups("groups", &audience.groups, policy)?;
    let covered = |group: &&GroupDraft| audience.groups.iter().any(|name| group.is_within(name));
    let peopled = || groups.iter().filter(|group| !group.subnets.is_empty());
    if peopled().count() > 1 && peopled().all(|group| covered(&group)) {
        let text = "that is everybody: a site for everybody belongs in the school's allow list".to_owned();
        return Err(ControlError::Invalid("groups", text));
    }
    Ok(audience)
}

/// Whether the policy has each of these groups: a name that it has not is one that was mistyped.
pub(super) fn are_groups<'n>(
    field: &'static str,
    names: impl IntoIterator<Item = &'n GroupName>,
    policy: &Policy,
) -> Result<(), ControlError> {
    let groups = &policy.draft().groups;
    match names.into_iter().find(|name| groups.iter().all(|group| group.id != **name)) {
        Some(name) => Err(ControlError::Invalid(field, format!("there is no group “{name}”"))),
        None => Ok(()),
    }
}

fn names<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &'static str,
    names: &[String],
) -> Result<Vec<T>, ControlError> {
    names
        .iter()
        .map(|name| {
            name.parse().map_err(|fault: T::Err| ControlError::Invalid(field, format!("“{name}”: {fault}")))
        })
        .collect()
}

fn window(
    request: &UnblockRequest,
    policy: &Policy,
    longest: Duration,
    now: Timestamp,
) -> Result<Window, ControlError> {
    let starts_at = request.starts_at.unwrap_or(now);
    let ends_at = match (request.ends_at, request.minutes, request.until) {
        (Some(ends_at), None, None) => ends_at,
        (None, Some(minutes), None) => starts_at.plus(Duration::from_secs(u64::from(minutes) * 60)),
        (None, None, Some(Until::Lesson)) => policy.lesson_end(starts_at).ok_or(ControlError::NoLesson)?.1,
        (None, None, None) => {
            let text = "an end is needed: give `ends_at`, `minutes` or `until`".to_owned();
            return Err(ControlError::Invalid("ends_at", text));
        }
        (_, Some(_), _) => {
            let text = "give `ends_at`, `minutes` or `until`, one of them".to_owned();
            return Err(ControlError::Invalid("minutes", text));
        }
        (Some(_), None, Some(_)) => {
            let text = "give `ends_at`, `minutes` or `until`, one of them".to_owned();
            return Err(ControlError::Invalid("until", text));
        }
    };
    if now.since(starts_at) > GRACE {
        return Err(ControlError::Invalid("starts_at", "the start lies in the past".to_owned()));
    }
    if starts_at.since(now) > AHEAD {
        return Err(ControlError::Invalid("starts_at", "the start is more than 90 days ahead".to_owned()));
    }
    if ends_at <= now {
        return Err(ControlError::Invalid("ends_at", "the end lies in the past".to_owned()));
    }
    let window = Window::new(starts_at, ends_at)
        .map_err(|fault| ControlError::Invalid("ends_at", fault.to_string()))?;
    if window.length() > longest {
        return Err(not_allowed(NotAllowed::TooLong(longest)));
    }
    Ok(window)
}
