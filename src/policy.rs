//! The decision: who asks for what, how it was shown, and what time it is go in; a verdict with
//! its reason comes out.
//!
//! **Invariant:** pure. A [`Policy`] is an immutable snapshot; to change a rule, build another
//! and publish it through [`live`]. A [`Permit`] is made here and nowhere else.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::content::Terms;
use crate::lists::{Catalogue, Index, Match, Statutory};
use crate::model::{Host, Subject, Timestamp, Window};

mod address;
mod calendar;
mod carried;
mod content;
mod draft;
mod effect;
mod emergency;
mod holds;
mod inspection;
mod ladder;
mod live;
mod lookup;
mod rungs;
mod suspension;
mod targets;
mod text;
mod timetable;
mod unblock;
mod verdict;
mod weigh;
mod written;

pub use address::{OutOfReach, Reach};
pub use calendar::{Calendar, ClockTime, Day, Days, Hours, Lesson, Period};
pub use content::{Carries, Content};
pub use draft::{
    Approval, Cap, CategoryAction, CategoryDraft, Draft, GroupDraft, Inspect, Programs, Treatment,
    Unblockable,
};
pub use effect::{Effect, Standing, effect};
pub use emergency::EmergencyBlock;
pub use inspection::Seal;
pub use ladder::{Asked, Shown, Step};
pub use live::{Live, Publisher, Renewed, put_in_force};
pub use lookup::{Listed, categories_of, lookup};
pub use suspension::{Reduced, Suspension, SuspensionError, SuspensionState};
pub use text::read as read_text;
pub use timetable::{Band, Internet, When};
pub use unblock::{
    Audience, DECIDERS, Decided, Ending, Kind, LessonName, Needs, NotAllowed, Pupils, RuleGroups, State,
    Target, Unblock, UnblockRule, UnblockRules, Wish, WrongState,
};
pub use verdict::{
    Action, Destination, Evidence, OnConnect, OnRequest, Permit, REJECTED_BY_CLIENT, Reason, Rule, Rung,
    Verdict,
};
pub use weigh::{Held, NotWeighed, Weighed, weigh};
pub use written::{Edit, Stale, Written};

use ladder::Case;
use timetable::Clockwork;

/// The policy in force at one moment. Cheap to clone in part: its lists are shared.
pub struct Policy {
    generation: u64,
    draft: Arc<Draft>,
    catalogue: Arc<Catalogue>,
    school_allow: Arc<Catalogue>,
    school_block: Arc<Catalogue>,
    statutory: Arc<Statutory>,
    lifeline: Arc<Index>,
    no_inspect: Arc<Index>,
    terms: Arc<Terms>,
    reach: Arc<Reach>,
    unblocks: Arc<[Unblock]>,
    suspensions: Arc<[Suspension]>,
    blocks: Arc<[EmergencyBlock]>,
    clockwork: Clockwork,
    categories: HashMap<Box<str>, usize>,
    /// The targets of the unblocks; origin N is the unblock at place N.
    opened: Index,
    /// The exceptions of the suspensions, likewise.
    excepted: Index,
    /// The targets of the emergency blocks, likewise.
    shut: Index,
    strictest: usize,
}

/// What a [`Policy`] is made of.
#[derive(Clone)]
pub struct Parts {
    /// Groups, categories and caps.
    pub draft: Arc<Draft>,
    /// The category lists in force.
    pub catalogue: Arc<Catalogue>,
    /// The school's allow list.
    pub school_allow: Arc<Catalogue>,
    /// The school's block list.
    pub school_block: Arc<Catalogue>,
    /// The statutory lists.
    pub statutory: Arc<Statutory>,
    /// The help lines.
    pub lifeline: Arc<Index>,
    /// The hosts that are not decrypted.
    pub no_inspect: Arc<Index>,
    /// The terms that searches are looked through for.
    pub terms: Arc<Terms>,
    /// The addresses within reach.
    pub reach: Arc<Reach>,
    /// Every unblock that is not over.
    pub unblocks: Arc<[Unblock]>,
    /// Every suspension that is not over.
    pub suspensions: Arc<[Suspension]>,
    /// Every emergency block that is not lifted.
    pub blocks: Arc<[EmergencyBlock]>,
    /// The zone of the clock on the school's wall.
    pub zone: TimeZone,
}

/// The draft holds no group, so nobody could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy names no group")]
pub struct NoGroup;

/// A verdict and what every rung said on the way.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The verdict, as the decision gives it.
    pub verdict: Verdict<OnConnect>,
    /// Every rung in order with what it says, also after the one that decided; then the answer
    /// for each page inside the address (carried or named there), by the rung that gave it.
    pub rungs: Vec<(Rung, Step)>,
}

impl Policy {
    /// The zone of the clock on the school's wall.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        self.clockwork.zone()
    }

    /// Compiles a policy. `generation` numbers it in every verdict.
    ///
    /// # Errors
    /// [`NoGroup`] when the draft names none.
    pub fn compile(parts: Parts, generation: u64) -> Result<Policy, NoGroup> {
        let strictest = parts.draft.strictest().ok_or(NoGroup)?.id.clone();
        let strictest = parts.draft.groups.iter().position(|group| group.id == strictest).ok_or(NoGroup)?;
        Ok(Policy {
            generation,
            categories: categories_by_list(&parts.draft),
            opened: targets::index("unblock", parts.unblocks.iter().map(|one| (one.id, one.targets()))),
            excepted: targets::index(
                "exception",
                parts.suspensions.iter().map(|one| (one.id, &one.exceptions)),
            ),
            shut: targets::index("emergency_block", parts.blocks.iter().map(|one| (one.id, [&one.target]))),
            strictest,
            clockwork: Clockwork::new(&parts.draft.calendar, parts.zone),
            draft: parts.draft,
            catalogue: parts.catalogue,
            school_allow: parts.school_allow,
            school_block: parts.school_block,
            statutory: parts.statutory,
            lifeline: parts.lifeline,
            no_inspect: parts.no_inspect,
            terms: parts.terms,
            reach: parts.reach,
            unblocks: parts.unblocks,
            suspensions: parts.suspensions,
            blocks: parts.blocks,
        })
    }

    /// Decides on a connection that shows no more than a name.
    #[must_use]
    pub fn on_connect(&self, asked: &Asked<'_>, now: Timestamp) -> Verdict<OnConnect> {
        let case = self.case(asked, now);
        self.decide(&case).map(|permit| match permit {
            None => OnConnect::Block(inspection::of_refused(&case)),
            Some(permit) => match inspection::of_passed(&case) {
                Seal::Opened => OnConnect::Inspect(permit),
                Seal::Kept => OnConnect::Splice(permit),
            },
        })
    }

    /// Decides on a request whose URL is known.
    #[must_use]
    pub fn on_request(&self, asked: &Asked<'_>, now: Timestamp) -> Verdict<OnRequest> {
        let verdict = self.decide(&self.case(asked, now));
        verdict.map(|permit| permit.map_or(OnRequest::Block, OnRequest::Forward))
    }

    /// Judges the addresses that a permitted host came to: those within reach, or the reason
    /// why none is.
    ///
    /// # Errors
    /// The reason of the first refusal when no address is left.
    pub fn confine(&self, permit: &Permit, addresses: &[IpAddr]) -> Result<Vec<IpAddr>, Box<Reason>> {
        let mut refusal = None;
        let mut within = Vec::new();
        for address in addresses {
            match self.refuses_address(*address, permit.port) {
                None => within.push(*address),
                Some(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        match refusal {
            Some(reason) if within.is_empty() || reason.rung == Rung::Statutory => Err(Box::new(reason)),
            Some(_) | None => Ok(within),
        }
    }

    /// The verdict and what every rung says, for people.
    #[must_use]
    pub fn explain(&self, asked: &Asked<'_>, now: Timestamp) -> Explanation {
        Explanation { verdict: self.on_connect(asked, now), rungs: self.case(asked, now).walk() }
    }

    /// The categories that block this, or a page inside its address, for the asker's group: what
    /// an unblock must lift.
    #[must_use]
    pub fn blocked_by<'a>(&'a self, asked: &'a Asked<'a>, now: Timestamp) -> Vec<&'a CategoryDraft> {
        let case = self.case(asked, now);
        let pages = case.wanted().into_iter().chain(case.inside.found.iter().map(carried::wanted));
        pages.flat_map(|wanted| rungs::blocking_categories(&case, &wanted)).collect()
    }

    /// The same for a whole window: the categories that block at any moment of it, whatever the
    /// timetable says at its start.
    #[must_use]
    pub fn blocked_during<'a>(&'a self, asked: &'a Asked<'a>, window: Window) -> Vec<&'a CategoryDraft> {
        let mut blocking: Vec<&CategoryDraft> = Vec::new();
        let mut next = Some(window.starts_at());
        while let Some(moment) = next.filter(|moment| *moment < window.ends_at()) {
            for category in self.blocked_by(asked, moment) {
                if !blocking.iter().any(|known| known.id == category.id) {
                    blocking.push(category);
                }
            }
            next = self.clockwork.running(self.group(asked.subject), moment).until;
        }
        blocking
    }

    fn decide(&self, case: &Case<'_>) -> Verdict<Option<Permit>> {
        let (mut action, mut reason) = case.decide();
        let mut permit = None;
        if action != Action::Block {
            match self.permit(case.asked) {
                Ok(leave) => permit = Some(leave),
                Err(refusal) => (action, reason) = (Action::Block, *refusal),
            }
        }
        Verdict {
            answer: permit,
            action,
            reason,
            group: case.group.id.clone(),
            generation: self.generation,
            until: self.next_change(case),
        }
    }

    /// The next moment at which time alone may change what this asker is told.
    fn next_change(&self, case: &Case<'_>) -> Option<Timestamp> {
        let unblocks = self.unblocks.iter().filter_map(|unblock| unblock.window.next_change(case.now));
        let suspensions = self.suspensions.iter().filter_map(|suspension| suspension.next_change(case.now));
        unblocks.chain(suspensions).chain(case.running.until).min()
    }

    /// The one place where a permit is made: after the ladder said yes. An address literal is
    /// judged as an address at once; a name once it is resolved, by [`Policy::confine`].
    fn permit(&self, asked: &Asked<'_>) -> Result<Permit, Box<Reason>> {
        let Some(host) = asked.destination.host.clone() else {
            return Err(Box::new(rungs::fallen_through().1));
        };
        let port = asked.destination.port;
        if let Host::Address(address) = host
            && let Some(reason) = self.refuses_address(address, port)
        {
            return Err(Box::new(reason));
        }
        Ok(Permit { host, port })
    }

    fn refuses_address(&self, address: IpAddr, port: u16) -> Option<Reason> {
        if let Some(found) = self.statutory.find_address(address) {
            return Some(rungs::statutory_reason(&found));
        }
        let why = self.reach.refuses(address, port)?;
        let rule = Rule { id: format!("protocol:{}", why.as_str()), name: "Address".into(), category: None };
        Some(rungs::reason(Rung::Protocol, rule, why.sentence().into()))
    }

    fn case<'a>(&'a self, asked: &'a Asked<'a>, now: Timestamp) -> Case<'a> {
        let (group, inside) = (self.group(asked.subject), carried::inside(asked));
        let running = self.clockwork.running(group, now);
        Case { policy: self, asked, group, now, running, inside, carriage: None }
    }

    fn group(&self, subject: &Subject) -> &GroupDraft {
        let named = subject.group.as_ref();
        let known = named.and_then(|name| self.draft.groups.iter().find(|group| group.id == *name));
        known.unwrap_or(&self.draft.groups[self.strictest])
    }

    fn category_of(&self, found: &Match) -> Option<usize> {
        self.categories.get(&self.catalogue.list_of(found.origin).id).copied()
    }
}

fn categories_by_list(draft: &Draft) -> HashMap<Box<str>, usize> {
    let mut by_list = HashMap::new();
    for (number, category) in draft.categories.iter().enumerate() {
        for source in category.sources.iter().chain(&category.optional_sources) {
            by_list.insert(source.as_str().into(), number);
        }
    }
    by_list
}

#[cfg(test)]
mod tests;
