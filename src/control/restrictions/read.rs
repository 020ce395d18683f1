//! What is asked to be shut, read: sound, or what is wrong with it in words for whoever asked.

use std::time::Duration;

use uuid::Uuid;

use crate::control::ControlError;
use crate::control::journal::Journal;
use crate::control::restrictions::{BlockRequest, SuspensionRequest, reason};
use crate::control::staff::Staff;
use crate::model::{Timestamp, Url, Window};
use crate::policy::{EmergencyBlock, Policy, Suspension, Target};

/// The longest suspension: 40 school days.
const LONGEST: Duration = Duration::from_secs(60 * 24 * 3600);
/// How far ahead one may be imposed.
const AHEAD: Duration = Duration::from_secs(90 * 24 * 3600);
/// How late a start may be named: clocks differ, and people type.
const GRACE: Duration = Duration::from_secs(120);
/// The most exceptions of a suspension.
const MOST: usize = 100;

/// The lists and the policy in force.
type Known<'a> = (&'a Journal, &'a Policy);

/// An emergency block. What a statutory list holds is taken as anything else is: were it refused,
/// the answer would tell what that list holds.
pub(super) fn block(
    request: &BlockRequest,
    staff: &Staff,
    (journal, policy): Known<'_>,
    now: Timestamp,
) -> Result<EmergencyBlock, ControlError> {
    let invalid = |text: &str| ControlError::Invalid("target", text.to_owned());
    let target = target("target", &request.target, policy)?;
    if let Some(host) = target.host() {
        if journal.is_help_line(host, page(&target)) {
            return Err(invalid("this is a help line: it stays open for everybody, whatever is shut"));
        }
        if journal.is_this_gateway(host) {
            let text = "this is the gateway itself: staff must reach it, and no block keeps them from it";
            return Err(invalid(text));
        }
    }
    let reason = reason(&request.reason)?;
    Ok(EmergencyBlock { id: Uuid::now_v7(), target, reason, by: staff.name.clone(), at: now })
}

/// A suspension.
pub(super) fn suspension(
    request: &SuspensionRequest,
    staff: &Staff,
    (journal, policy): Known<'_>,
    now: Timestamp,
) -> Result<Suspension, ControlError> {
    let reason = reason(&request.reason)?;
    if request.exceptions.len() > MOST {
        let text = format!("a suspension has {MOST} exceptions at most");
        return Err(ControlError::Invalid("exceptions", text));
    }
    let exceptions = request.exceptions.iter().map(|text| target("exceptions", text, policy));
    let exceptions = exceptions.collect::<Result<Vec<Target>, _>>()?;
    let held = |target: &Target| target.host().is_some_and(|host| journal.is_statutory(host, page(target)));
    if exceptions.iter().any(held) {
        return Err(ControlError::Statutory);
    }
    let suspension = Suspension {
        id: Uuid::now_v7(),
        users: names("users", &request.users)?,
        devices: names("devices", &request.devices)?,
        to: request.to,
        exceptions,
        window: window(request, now)?,
        reason,
        by: staff.name.clone(),
        lifted: None,
    };
    suspension.of_somebody().map_err(|fault| ControlError::Invalid("users", fault.to_string()))
}

fn target(field: &'static str, text: &str, policy: &Policy) -> Result<Target, ControlError> {
    let target = Target::parse(text).map_err(|fault| ControlError::Invalid(field, fault))?;
    if let Target::Category(id) = &target
        && !policy.draft().categories.iter().any(|category| category.id == *id)
    {
        return Err(ControlError::Invalid(field, format!("there is no category “{id}”")));
    }
    Ok(target)
}

fn page(target: &Target) -> Option<&Url> {
    match target {
        Target::Url(url) => Some(url),
        Target::Host(_) | Target::Category(_) => None,
    }
}

fn names<T>(field: &'static str, names: &[String]) -> Result<Vec<T>, ControlError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let read = |name: &String| {
        name.parse().map_err(|fault: T::Err| ControlError::Invalid(field, format!("“{name}”: {fault}")))
    };
    names.iter().map(read).collect()
}

fn window(request: &SuspensionRequest, now: Timestamp) -> Result<Window, ControlError> {
    let invalid = |field: &'static str, text: &str| ControlError::Invalid(field, text.to_owned());
    let starts_at = request.starts_at.unwrap_or(now);
    let ends_at = match (request.ends_at, request.minutes) {
        (Some(ends_at), None) => ends_at,
        (None, Some(minutes)) => starts_at.plus(Duration::from_secs(u64::from(minutes) * 60)),
        (Some(_), Some(_)) => return Err(invalid("minutes", "give `ends_at` or `minutes`, not both")),
        (None, None) => return Err(invalid("ends_at", "an end is needed: give `ends_at` or `minutes`")),
    };
    if now.since(starts_at) > GRACE {
        return Err(invalid("starts_at", "the start lies in the past"));
    }
    if starts_at.since(now) > AHEAD {
        return Err(invalid("starts_at", "the start is more than 90 days ahead"));
    }
    if ends_at <= now {
        return Err(invalid("ends_at", "the end lies in the past"));
    }
    let window = Window::new(starts_at, ends_at).map_err(|fault| invalid("ends_at", &fault.to_string()))?;
    if window.length() > LONGEST {
        return Err(invalid("ends_at", "a suspension lasts 60 days (40 school days) at most"));
    }
    Ok(window)
}
