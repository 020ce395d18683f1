//! What staff may ask and decide: the rules of a temporary unblock. Pure; the store and the
//! record are `control`'s.

use std::time::Duration;

use uuid::Uuid;

use crate::control::ControlError;
use crate::control::staff::Staff;
use crate::model::{
    Attribution, DeviceName, GroupName, Justification, StaffName, Subject, Timestamp, UserName, Window,
};
use crate::policy::{
    Asked, Audience, Content, Decided, Destination, GroupDraft, LessonName, Needs, NotAllowed, Policy, Rung,
    Shown, Target, Unblock, Unblockable, Wish,
};

pub use crate::policy::DECIDERS;

/// How far ahead an unblock may be scheduled.
const AHEAD: Duration = Duration::from_secs(90 * 24 * 3600);
/// How late a start may be named: clocks differ, and people type.
const GRACE: Duration = Duration::from_secs(120);
/// The longest lesson name, in characters.
const MAX_LESSON: usize = 100;

/// A request for a temporary unblock, as the API takes it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnblockRequest {
    /// A URL prefix, a host, or `category:NAME`.
    pub target: String,
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
    /// When it ends; or `minutes`.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// How long it lasts, in minutes.
    #[serde(default)]
    pub minutes: Option<u32>,
    /// Why.
    pub reason: String,
    /// The lesson.
    #[serde(default)]
    pub lesson: Option<String>,
}

/// Reads a request against the policy in force, its caps and its rules. Where nobody needs to
/// approve, it is approved.
pub(super) fn read(
    request: &UnblockRequest,
    staff: &Staff,
    policy: &Policy,
    now: Timestamp,
) -> Result<Unblock, ControlError> {
    let justification = Justification::parse(&request.reason)
        .map_err(|fault| ControlError::Invalid("reason", fault.to_string()))?;
    let target = Target::parse(&request.target).map_err(|fault| ControlError::Invalid("target", fault))?;
    let audience = audience(request, policy)?;
    let longest = policy.draft().longest(&staff.roles).map_err(not_allowed)?;
    let window = window(request, longest, now)?;
    let unblock = Unblock {
        id: Uuid::now_v7(),
        target,
        audience,
        window,
        justification,
        lesson: lesson(request.lesson.as_deref(), policy)?,
        requester: staff.name.clone(),
        approvers: Vec::new(),
        answer_by: now.plus(policy.draft().unblocks.unanswered).min(window.ends_at()),
        decided: Decided::Awaited,
    };
    let categories = blocking(&unblock, policy, now)?;
    let wish = Wish {
        roles: &staff.roles,
        teaches: &staff.groups,
        categories: &categories,
        audience: &unblock.audience,
        length: window.length(),
    };
    match policy.draft().needs(&wish).map_err(not_allowed)? {
        Needs::Nobody => Ok(Unblock { decided: Decided::Approved, ..unblock }),
        Needs::Approval(approvers) => Ok(Unblock { approvers, ..unblock }),
    }
}

/// Whether `staff` may approve this unblock: one of the roles that it needs, and never the asker.
pub(super) fn may_approve(staff: &Staff, unblock: &Unblock) -> Result<(), ControlError> {
    if !staff.is_any(&unblock.approvers) {
        return Err(ControlError::Forbidden("approving this takes one of the roles that it needs"));
    }
    is_another(staff, &unblock.requester)
}

/// Whether `staff` may refuse this unblock: those who may approve it, and all who answer for
/// filtering, since a refusal opens nothing.
pub(super) fn may_refuse(staff: &Staff, unblock: &Unblock) -> Result<(), ControlError> {
    if !staff.is_any(&DECIDERS) && !staff.is_any(&unblock.approvers) {
        return Err(ControlError::Forbidden(
            "deciding on an unblock takes a filtering manager, DSL or headteacher",
        ));
    }
    is_another(staff, &unblock.requester)
}

/// Whether `staff` may end an unblock early.
pub(super) fn may_revoke(staff: &Staff, unblock: &Unblock) -> Result<(), ControlError> {
    let answers = staff.is_any(&DECIDERS) || staff.is_any(&unblock.approvers);
    if answers || staff.name == unblock.requester {
        return Ok(());
    }
    Err(ControlError::Forbidden("revoking takes the one who asked, a filtering manager, DSL or headteacher"))
}

fn is_another(staff: &Staff, requester: &StaffName) -> Result<(), ControlError> {
    if staff.name == *requester { Err(ControlError::FourEyes) } else { Ok(()) }
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
    for name in &audience.groups {
        if !groups.iter().any(|group| group.id == *name) {
            return Err(ControlError::Invalid("groups", format!("there is no group “{name}”")));
        }
    }
    let covered = |group: &&GroupDraft| audience.groups.iter().any(|name| group.is_within(name));
    let peopled = || groups.iter().filter(|group| !group.subnets.is_empty());
    if peopled().count() > 1 && peopled().all(|group| covered(&group)) {
        let text = "that is everybody: a site for everybody belongs in the school's allow list".to_owned();
        return Err(ControlError::Invalid("groups", text));
    }
    Ok(audience)
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

fn window(request: &UnblockRequest, longest: Duration, now: Timestamp) -> Result<Window, ControlError> {
    let starts_at = request.starts_at.unwrap_or(now);
    let ends_at = match (request.ends_at, request.minutes) {
        (Some(ends_at), None) => ends_at,
        (None, Some(minutes)) => starts_at.plus(Duration::from_secs(u64::from(minutes) * 60)),
        (Some(_), Some(_)) => {
            return Err(ControlError::Invalid("minutes", "give `ends_at` or `minutes`, not both".to_owned()));
        }
        (None, None) => {
            return Err(ControlError::Invalid(
                "ends_at",
                "an end is needed: give `ends_at` or `minutes`".to_owned(),
            ));
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

fn lesson(text: Option<&str>, policy: &Policy) -> Result<Option<String>, ControlError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return match policy.draft().unblocks.lesson {
            LessonName::Optional => Ok(None),
            LessonName::Needed => {
                Err(ControlError::Invalid("lesson", "say which lesson it is for: this school asks".into()))
            }
        };
    };
    if text.chars().count() > MAX_LESSON || text.chars().any(char::is_control) {
        return Err(ControlError::Invalid(
            "lesson",
            "the lesson's name is too long or holds control characters".into(),
        ));
    }
    Ok(Some(text.to_owned()))
}

/// The categories that block the target at any moment of its window, by id. One that no one may
/// unblock is a fault: on a statutory list, or in a locked category.
fn blocking(unblock: &Unblock, policy: &Policy, now: Timestamp) -> Result<Vec<String>, ControlError> {
    if let Target::Category(id) = &unblock.target {
        return match policy.draft().categories.iter().find(|category| category.id == *id) {
            None => Err(ControlError::Invalid("target", format!("there is no category “{id}”"))),
            Some(category) if category.unblockable == Unblockable::Locked => Err(ControlError::Locked),
            Some(_) => Ok(vec![id.clone()]),
        };
    }
    let url = match &unblock.target {
        Target::Url(url) => Some(url.clone()),
        Target::Host(_) | Target::Category(_) => None,
    };
    let port = url.as_ref().map_or(443, crate::model::Url::port);
    let destination = Destination { host: unblock.target.host().cloned(), port, url };
    let mut categories = Vec::new();
    for group in subjects(unblock, policy) {
        let subject = Subject {
            group: Some(group),
            attribution: Attribution::Subnet,
            ..Subject::unknown(std::net::IpAddr::from([0, 0, 0, 0]))
        };
        let content = Content::unseen();
        let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content };
        if policy.explain(&asked, now).verdict.reason.rung == Rung::Statutory {
            return Err(ControlError::Statutory);
        }
        let blocking = policy.blocked_during(&asked, unblock.window);
        if blocking.iter().any(|category| category.unblockable == Unblockable::Locked) {
            return Err(ControlError::Locked);
        }
        categories.extend(blocking.into_iter().map(|category| category.id.clone()));
    }
    categories.sort_unstable();
    categories.dedup();
    Ok(categories)
}

/// The groups whose rules the target must be opened against; every group for single people and
/// devices, whose group is not known beforehand.
fn subjects(unblock: &Unblock, policy: &Policy) -> Vec<GroupName> {
    let all = policy.draft().groups.iter();
    let single = !unblock.audience.users.is_empty() || !unblock.audience.devices.is_empty();
    all.filter(|group| single || unblock.audience.groups.iter().any(|name| group.is_within(name)))
        .map(|group| group.id.clone())
        .collect()
}
