//! What staff may ask and decide: the rules of a temporary unblock. Pure; the store and the
//! record are `control`'s.

use std::time::Duration;

use uuid::Uuid;

use crate::control::ControlError;
use crate::control::staff::Staff;
use crate::model::{
    Attribution, DeviceName, GroupName, Justification, Role, StaffName, Subject, Timestamp, UserName, Window,
};
use crate::policy::{
    Approval, Asked, Audience, Cap, Content, Decided, Destination, GroupDraft, Policy, Rung, Shown, Target,
    Unblock, Unblockable,
};

/// Who may approve, refuse or revoke: the roles that answer for filtering.
pub const DECIDERS: [Role; 3] = [Role::FilteringManager, Role::Dsl, Role::Headteacher];
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

/// Whether the asker's own word is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// It is.
    Nobody,
    /// One of [`DECIDERS`] must approve, and not the asker.
    Decider,
}

/// Reads a request against the policy in force and the asker's cap.
pub(super) fn read(
    request: &UnblockRequest,
    staff: &Staff,
    policy: &Policy,
    now: Timestamp,
) -> Result<(Unblock, Needs), ControlError> {
    let justification = Justification::parse(&request.reason)
        .map_err(|fault| ControlError::Invalid("reason", fault.to_string()))?;
    let target = Target::parse(&request.target).map_err(|fault| ControlError::Invalid("target", fault))?;
    let audience = audience(request, policy)?;
    let cap = cap(staff, policy)?;
    let window = window(request, cap.longest, now)?;
    let unblock = Unblock {
        id: Uuid::now_v7(),
        target,
        audience,
        window,
        justification,
        lesson: lesson(request.lesson.as_deref())?,
        requester: staff.name.clone(),
        decided: Decided::Awaited,
    };
    check_target(&unblock, policy, now)?;
    let needs = match cap.approval {
        Approval::NotNeeded => Needs::Nobody,
        Approval::Needed => Needs::Decider,
    };
    Ok((unblock, needs))
}

/// Whether `staff` may decide on an unblock at all, and on this one.
pub(super) fn may_decide(staff: &Staff, requester: &StaffName) -> Result<(), ControlError> {
    if !staff.is_any(&DECIDERS) {
        return Err(ControlError::Forbidden(
            "deciding on an unblock takes a filtering manager, DSL or headteacher",
        ));
    }
    if staff.name == *requester {
        return Err(ControlError::FourEyes);
    }
    Ok(())
}

/// Whether `staff` may end an unblock early.
pub(super) fn may_revoke(staff: &Staff, requester: &StaffName) -> Result<(), ControlError> {
    if staff.is_any(&DECIDERS) || staff.name == *requester {
        return Ok(());
    }
    Err(ControlError::Forbidden("revoking takes the one who asked, a filtering manager, DSL or headteacher"))
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

/// The widest cap of any role held.
fn cap(staff: &Staff, policy: &Policy) -> Result<Cap, ControlError> {
    let caps = &policy.draft().caps;
    let held = staff.roles.iter().filter_map(|role| caps.get(role));
    held.max_by_key(|cap| (cap.longest, std::cmp::Reverse(cap.approval)))
        .copied()
        .ok_or(ControlError::Forbidden("your role may not ask for an unblock"))
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
        let hours = longest.as_secs() / 3600;
        return Err(ControlError::Invalid("ends_at", format!("your role may ask for {hours} hours at most")));
    }
    Ok(window)
}

fn lesson(text: Option<&str>) -> Result<Option<String>, ControlError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_LESSON || text.chars().any(char::is_control) {
        return Err(ControlError::Invalid(
            "lesson",
            "the lesson's name is too long or holds control characters".into(),
        ));
    }
    Ok(Some(text.to_owned()))
}

/// A target that no one may unblock: on a statutory list, or in a locked category.
fn check_target(unblock: &Unblock, policy: &Policy, now: Timestamp) -> Result<(), ControlError> {
    if let Target::Category(id) = &unblock.target {
        return match policy.draft().categories.iter().find(|category| category.id == *id) {
            None => Err(ControlError::Invalid("target", format!("there is no category “{id}”"))),
            Some(category) if category.unblockable == Unblockable::Locked => Err(ControlError::Locked),
            Some(_) => Ok(()),
        };
    }
    let url = match &unblock.target {
        Target::Url(url) => Some(url.clone()),
        Target::Host(_) | Target::Category(_) => None,
    };
    let port = url.as_ref().map_or(443, crate::model::Url::port);
    let destination = Destination { host: unblock.target.host().cloned(), port, url };
    for group in subjects(unblock, policy) {
        let subject = Subject {
            group: Some(group),
            attribution: Attribution::Subnet,
            ..Subject::unknown(std::net::IpAddr::from([0, 0, 0, 0]))
        };
        let asked = Asked {
            subject: &subject,
            destination: &destination,
            shown: Shown::Request,
            content: Content::NONE,
        };
        if policy.explain(&asked, now).verdict.reason.rung == Rung::Statutory {
            return Err(ControlError::Statutory);
        }
        if policy.blocked_by(&asked, now).iter().any(|category| category.unblockable == Unblockable::Locked) {
            return Err(ControlError::Locked);
        }
    }
    Ok(())
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
