//! What a request would open, and what stands against that. Pure.
//!
//! **Invariant:** of what a statutory list holds nothing is said but that one holds it, whatever
//! else is wrong with the request.

use std::net::IpAddr;

use crate::control::ControlError;
use crate::control::requests::{MAX_ALSO, UnblockRequest};
use crate::model::{Attribution, GroupName, Subject, Timestamp, Url, Window};
use crate::policy::{
    Asked, CategoryDraft, Content, Destination, Policy, Rung, Shown, Target, Unblock, Unblockable,
};

/// How a target stands for a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::control) enum Standing {
    /// A statutory list holds it.
    Statutory,
    /// An emergency block shuts it.
    Shut,
    /// A category that no unblock can lift blocks it.
    Locked,
    /// These categories block it, by id and name; none, if none does.
    Open(Vec<(String, String)>),
}

/// Reads what else is to be opened: hosts and pages, each once.
pub(super) fn also(texts: &[String], target: &Target) -> Result<Vec<Target>, ControlError> {
    if texts.len() > MAX_ALSO {
        return Err(ControlError::Invalid("also", format!("`also` may name {MAX_ALSO} hosts at most")));
    }
    let mut also = Vec::new();
    for text in texts {
        let read = Target::parse(text).map_err(|fault| ControlError::Invalid("also", fault))?;
        if matches!(read, Target::Category(_)) {
            let text = "`also` names hosts and pages; ask for a category by itself".to_owned();
            return Err(ControlError::Invalid("also", text));
        }
        if read != *target && !also.contains(&read) {
            also.push(read);
        }
    }
    Ok(also)
}

/// The categories that block any target at any moment of the window, by id. What no one may unblock
/// is a fault: on a statutory list, in a locked category, or shut for everybody.
pub(super) fn blocking(
    unblock: &Unblock,
    policy: &Policy,
    now: Timestamp,
) -> Result<Vec<String>, ControlError> {
    let groups = subjects(unblock, policy);
    let mut found = Vec::new();
    for target in unblock.targets() {
        found.extend(groups.iter().map(|group| standing(target, group, unblock.window, policy, now)));
        if let Target::Category(id) = target
            && !policy.draft().categories.iter().any(|category| category.id == *id)
        {
            return Err(ControlError::Invalid("target", format!("there is no category “{id}”")));
        }
    }
    // Whatever else is wrong, a statutory entry is told first: the record of any other fault names
    // the targets.
    for (standing, fault) in [
        (Standing::Statutory, ControlError::Statutory),
        (Standing::Shut, ControlError::EmergencyBlock),
        (Standing::Locked, ControlError::Locked),
    ] {
        if found.contains(&standing) {
            return Err(fault);
        }
    }
    let mut categories: Vec<String> = found
        .into_iter()
        .flat_map(|standing| match standing {
            Standing::Open(categories) => categories,
            Standing::Statutory | Standing::Shut | Standing::Locked => Vec::new(),
        })
        .map(|(id, _)| id)
        .collect();
    categories.sort_unstable();
    categories.dedup();
    Ok(categories)
}

/// How a target stands for a group during a window.
pub(in crate::control) fn standing(
    target: &Target,
    group: &GroupName,
    window: Window,
    policy: &Policy,
    now: Timestamp,
) -> Standing {
    let url = match target {
        Target::Url(url) => Some(url.clone()),
        Target::Host(_) => None,
        Target::Category(id) => return of_category(id, policy),
    };
    let port = url.as_ref().map_or(443, Url::port);
    let destination = Destination { host: target.host().cloned(), port, url };
    let subject = Subject {
        group: Some(group.clone()),
        attribution: Attribution::Subnet,
        ..Subject::unknown(IpAddr::from([0, 0, 0, 0]))
    };
    let content = Content::unseen();
    let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content };
    match policy.explain(&asked, now).verdict.reason.rung {
        Rung::Statutory => return Standing::Statutory,
        Rung::EmergencyBlock => return Standing::Shut,
        Rung::Lifeline
        | Rung::Suspended
        | Rung::Unblock
        | Rung::SchoolLists
        | Rung::Timetable
        | Rung::WalledGarden
        | Rung::Protocol
        | Rung::FileKind
        | Rung::SearchTerm
        | Rung::Category
        | Rung::Default => {}
    }
    of(&policy.blocked_during(&asked, window))
}

/// Whether a statutory list holds any target that a request names: then none of it may be recorded.
/// What can't be read may be anything.
pub(in crate::control) fn is_unspeakable(request: &UnblockRequest, policy: &Policy, now: Timestamp) -> bool {
    let Some(group) = policy.draft().groups.first() else { return true };
    let Ok(window) = Window::new(now, now.plus(std::time::Duration::from_secs(60))) else { return true };
    std::iter::once(&request.target).chain(&request.also).any(|text| match Target::parse(text) {
        Ok(target) => standing(&target, &group.id, window, policy, now) == Standing::Statutory,
        Err(_) => true,
    })
}

fn of_category(id: &str, policy: &Policy) -> Standing {
    let shut = |target: &Target| *target == Target::Category(id.to_owned());
    if policy.emergency_blocks().iter().any(|block| shut(&block.target)) {
        return Standing::Shut;
    }
    let found: Vec<&CategoryDraft> =
        policy.draft().categories.iter().filter(|category| category.id == id).collect();
    of(&found)
}

fn of(blocking: &[&CategoryDraft]) -> Standing {
    if blocking.iter().any(|category| category.unblockable == Unblockable::Locked) {
        return Standing::Locked;
    }
    Standing::Open(blocking.iter().map(|category| (category.id.clone(), category.name.clone())).collect())
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
