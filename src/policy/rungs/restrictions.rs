//! The rungs that only close: suspensions, emergency blocks, the timetable.
//!
//! **Invariant:** none of them lets anything pass; what they leave alone is judged by the rungs
//! below. A reason names no host.

use crate::lists::{Asked as Wanted, Reading};
use crate::model::Scheme;
use crate::model::embedded::Carriage;
use crate::policy::draft::CategoryAction;
use crate::policy::emergency::EmergencyBlock;
use crate::policy::inspection::{self, Seal};
use crate::policy::ladder::{Case, Step};
use crate::policy::rungs::{categories, evidence, is_approved, reason};
use crate::policy::suspension::{Reduced, Suspension, SuspensionState};
use crate::policy::targets;
use crate::policy::timetable::Internet;
use crate::policy::unblock::Target;
use crate::policy::verdict::{Action, Reason, Rule, Rung};

/// 2. Internet removed from this person or device for a period; help lines stand before it.
pub(in crate::policy) fn suspended(case: &Case<'_>) -> Step {
    let all = case.policy.suspensions.iter().enumerate();
    let mut mine = all
        .filter(|(_, suspension)| suspension.state(case.now) == SuspensionState::Active)
        .filter(|(_, suspension)| suspension.covers(case.asked.subject))
        .peekable();
    if mine.peek().is_none() {
        return Step::Pass("nobody has suspended this client");
    }
    if case.carriage == Some(Carriage::NamedOwn) {
        return Step::Pass("a page of the site that is asked");
    }
    let approved = is_approved(case);
    let leaves = |place: usize, suspension: &Suspension| {
        (suspension.to == Reduced::Approved && approved) || is_excepted(case, place, suspension)
    };
    // Each of several is asked for itself: the exception of one is none of another.
    let refusing = mine.filter(|(place, suspension)| !leaves(*place, suspension));
    match refusing.map(|(_, suspension)| suspension).max_by_key(|suspension| suspension.to) {
        None => Step::Pass("what the suspension leaves open"),
        Some(suspension) => suspended_by(suspension),
    }
}

/// 3. What the school has shut for everybody in one step.
pub(in crate::policy) fn emergency_block(case: &Case<'_>) -> Step {
    if case.policy.blocks.is_empty() {
        return Step::Pass("no emergency block is in force");
    }
    let mut asked = case.wanted().into_iter().chain(case.other());
    match asked.find_map(|wanted| shut_by(case, &wanted)) {
        None => Step::Pass("no emergency block covers it"),
        Some(block) => {
            let rule = Rule {
                id: format!("emergency_block:{}", block.id),
                name: "Emergency block".into(),
                category: None,
            };
            let text = "the school has shut it for everybody until further notice".into();
            Step::Answer(Action::Block, Box::new(reason(Rung::EmergencyBlock, rule, text)))
        }
    }
}

/// 6. A band of the group's timetable that shuts all internet, or a category that is open else.
///
/// A band that is looser answers nothing here, for the rungs between must be asked: the category
/// rung takes its action.
pub(in crate::policy) fn timetable(case: &Case<'_>) -> Step {
    let bands = &case.running.bands;
    if bands.is_empty() {
        return Step::Pass("no band of the group's timetable is running");
    }
    let off = bands.iter().find(|band| band.internet == Internet::Blocked);
    if let Some(band) = off.filter(|_| case.carriage != Some(Carriage::NamedOwn)) {
        let rule = Rule { id: format!("timetable:{}", band.id), name: "Timetable".into(), category: None };
        let text = format!("the internet is off for {} at this time", case.group.name);
        return Step::Answer(Action::Block, Box::new(reason(Rung::Timetable, rule, text)));
    }
    let Some(wanted) = case.wanted() else { return Step::Pass("no host is known") };
    for (category, found) in categories(case, &wanted, Reading::Block) {
        let Some((CategoryAction::Block, Some(band))) = case.action_of(&category.id) else { continue };
        let rule = Rule {
            id: format!("timetable:{}", band.id),
            name: category.name.clone(),
            category: Some(category.id.clone()),
        };
        let text = format!("{} is blocked for {} at this time", category.name, case.group.name);
        let evidence = evidence(case.policy.catalogue.index(), &found);
        let reason = Reason { evidence, ..reason(Rung::Timetable, rule, text) };
        return Step::Answer(Action::Block, Box::new(reason));
    }
    Step::Pass("no running band shuts it")
}

fn suspended_by(suspension: &Suspension) -> Step {
    let rule =
        Rule { id: format!("suspension:{}", suspension.id), name: "Suspension".into(), category: None };
    let end = suspension.window.ends_at();
    let text = match suspension.to {
        Reduced::Nothing => format!("internet access is suspended until {end}"),
        Reduced::Approved => format!("internet access is kept to approved sites until {end}"),
    };
    Step::Answer(Action::Block, Box::new(reason(Rung::Suspended, rule, text)))
}

/// Whether a suspension leaves this site open by name. Where only the host of an https page can be
/// seen, the page stands for its host, as with unblocks: an exam must open on every device.
fn is_excepted(case: &Case<'_>, place: usize, suspension: &Suspension) -> bool {
    let Some(wanted) = case.agreed().filter(|_| case.port_is_open()) else { return false };
    let listed = || {
        let found = case.policy.excepted.find(&wanted, Reading::Allow);
        found.iter().any(|found| found.origin.index() == place)
    };
    let named = |target: &Target| match target {
        Target::Category(id) => {
            categories(case, &wanted, Reading::Allow).iter().any(|(category, _)| category.id == *id)
        }
        Target::Url(url) => {
            url.scheme() == Scheme::Https && wanted.url.is_none() && wanted.host == url.host()
        }
        Target::Host(_) => false,
    };
    suspension.exceptions.iter().any(named) || listed()
}

fn shut_by<'a>(case: &Case<'a>, wanted: &Wanted<'_>) -> Option<&'a EmergencyBlock> {
    let policy = case.policy;
    let listed = policy.shut.find(wanted, Reading::Block);
    if let Some(found) = listed.first() {
        return policy.blocks.get(found.origin.index());
    }
    by_category(case, wanted).or_else(|| by_unseen_page(case, wanted))
}

fn by_category<'a>(case: &Case<'a>, wanted: &Wanted<'_>) -> Option<&'a EmergencyBlock> {
    let of = |block: &&EmergencyBlock| matches!(block.target, Target::Category(_));
    if !case.policy.blocks.iter().any(|block| of(&block)) {
        return None;
    }
    let matching = categories(case, wanted, Reading::Block);
    case.policy.blocks.iter().find(|block| match &block.target {
        Target::Category(id) => matching.iter().any(|(category, _)| category.id == *id),
        Target::Url(_) | Target::Host(_) => false,
    })
}

/// A page of which only the host can be seen shuts its whole host, unless the connection is
/// decrypted: then each request is judged by its URL.
fn by_unseen_page<'a>(case: &Case<'a>, wanted: &Wanted<'_>) -> Option<&'a EmergencyBlock> {
    if wanted.url.is_some() || !case.policy.shut.has_url_entries(wanted.host) {
        return None;
    }
    if case.carriage.is_none() && inspection::of_passed(case) == Seal::Opened {
        return None;
    }
    case.policy.blocks.iter().find(|block| targets::has_pages_of(&block.target, wanted.host))
}
