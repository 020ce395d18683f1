//! The rungs of the ladder, in its order: one small function each.

use crate::lists::{Asked as Wanted, Match, Reading};
use crate::model::Scheme;
use crate::model::embedded::Carriage;
use crate::policy::draft::{CategoryAction, CategoryDraft, Treatment, Unblockable};
use crate::policy::ladder::{Case, Shown, Step};
use crate::policy::unblock::{State, Target, Unblock};
use crate::policy::verdict::{Action, Evidence, Reason, Rule, Rung};
use crate::policy::{Carries, Policy, carried};

mod content;
mod restrictions;

pub(super) use content::{file_kind, search_term};
pub(super) use restrictions::{emergency_block, suspended, timetable};

/// A protocol of the web that would carry requests unseen: refused for every group.
const HTTP2_IN_THE_CLEAR: &str = "http2-preface";

/// 0. IWF and CTIRU form lists: refused for everybody, always, inside another address too.
pub(super) fn statutory(case: &Case<'_>) -> Step {
    let inside = case.inside.found.iter().map(carried::wanted);
    let mut asked = case.wanted().into_iter().chain(case.other()).chain(inside);
    match asked.find_map(|wanted| case.policy.statutory.find(&wanted)) {
        Some(found) => Step::Answer(Action::Block, Box::new(statutory_reason(&found))),
        None => Step::Pass("no statutory entry matches"),
    }
}

/// 1. Help lines: never blocked, also where all else is.
pub(super) fn lifeline(case: &Case<'_>) -> Step {
    let Some(wanted) = case.agreed().filter(|_| case.port_is_open()) else {
        return Step::Pass("no single host on an open port");
    };
    if case.policy.lifeline.find(&wanted, Reading::Allow).is_empty() {
        return Step::Pass("not a help line");
    }
    let rule = Rule { id: "lifeline".into(), name: "Help lines".into(), category: None };
    Step::Answer(
        Action::Allow,
        Box::new(reason(Rung::Lifeline, rule, "a help line is open to everybody".into())),
    )
}

/// 4. A live grant whose scope matches; only where every category that blocks can be lifted.
pub(super) fn unblock(case: &Case<'_>) -> Step {
    let Some(wanted) = case.agreed().filter(|_| case.port_is_open()) else {
        return Step::Pass("no single host on an open port");
    };
    let all = case.policy.unblocks.iter().enumerate();
    let mut mine = all
        .filter(|(_, unblock)| unblock.state(case.now) == State::Active)
        .filter(|(_, unblock)| unblock.audience.covers(case.asked.subject, case.group))
        .peekable();
    if mine.peek().is_none() {
        return Step::Pass("no temporary unblock is in force for this client");
    }
    let blocking = blocking_categories(case, &wanted);
    if blocking.iter().any(|category| category.unblockable == Unblockable::Locked) {
        return Step::Pass("a locked category matches, which no unblock can lift");
    }
    let covering = case.policy.opened.find(&wanted, Reading::Allow);
    let covers = |place: usize| covering.iter().any(|found| found.origin.index() == place);
    match mine.find(|(place, unblock)| covers(*place) || opens(unblock, &wanted, &blocking)) {
        Some((_, unblock)) => Step::Answer(Action::Allow, Box::new(unblock_reason(unblock))),
        None => Step::Pass("no temporary unblock covers this site"),
    }
}

/// 5. The school's own lists: the most specific entry wins, block wins a tie.
pub(super) fn school_lists(case: &Case<'_>) -> Step {
    let blocked = case
        .wanted()
        .into_iter()
        .chain(case.other())
        .flat_map(|wanted| case.policy.school_block.index().find(&wanted, Reading::Block))
        .max_by_key(|found| found.specificity);
    let allowed = case
        .agreed()
        .filter(|_| case.port_is_open())
        .and_then(|wanted| most_specific(case.policy.school_allow.index().find(&wanted, Reading::Allow)));
    match (blocked, allowed) {
        (Some(block), allow) if allow.as_ref().is_none_or(|allow| allow.specificity <= block.specificity) => {
            let rule = Rule { id: "school:block".into(), name: "School block list".into(), category: None };
            let evidence = evidence(case.policy.school_block.index(), &block);
            let text = "the school's own list blocks it".into();
            Step::Answer(
                Action::Block,
                Box::new(Reason { evidence, ..reason(Rung::SchoolLists, rule, text) }),
            )
        }
        (_, Some(allow)) => {
            let rule = Rule { id: "school:allow".into(), name: "School allow list".into(), category: None };
            let evidence = evidence(case.policy.school_allow.index(), &allow);
            let text = "the school's own list allows it".into();
            Step::Answer(
                Action::Allow,
                Box::new(Reason { evidence, ..reason(Rung::SchoolLists, rule, text) }),
            )
        }
        (_, None) => Step::Pass("no entry of the school's own lists matches"),
    }
}

/// 7. A group that may only see approved sites: those of a category it allows by name.
pub(super) fn walled_garden(case: &Case<'_>) -> Step {
    if case.group.default == Treatment::Allow {
        return Step::Pass("this group is not kept to approved sites");
    }
    if case.carriage == Some(Carriage::NamedOwn) {
        return Step::Pass("a page of the site that is asked");
    }
    if is_approved(case) {
        return Step::Pass("an approved site");
    }
    let rule = Rule { id: "walled_garden".into(), name: "Approved sites only".into(), category: None };
    let text = format!("{} may only visit approved sites", case.group.name);
    Step::Answer(Action::Block, Box::new(reason(Rung::WalledGarden, rule, text)))
}

/// 8. What can't be classified, names that disagree, odd ports.
pub(super) fn protocol(case: &Case<'_>) -> Step {
    if case.is_named_only() {
        return Step::Pass("only named in another address, not connected to");
    }
    if !case.port_is_open() {
        let text = format!("port {} is not open to {}", case.asked.destination.port, case.group.name);
        return protocol_block("port", "Port", text);
    }
    if case.asked.content.carries == Carries::Dns && case.group.unclassified == Treatment::Block {
        let text = "DNS inside HTTPS would hide which sites are asked for".into();
        return protocol_block("doh", "DNS over HTTPS", text);
    }
    if matches!(case.asked.shown, Shown::RequestElsewhere(_)) {
        let text = "the request names another site than the connection that it came by".into();
        return protocol_block("misdirected", "Names that disagree", text);
    }
    if matches!(case.asked.shown, Shown::TlsOtherName(_)) {
        let text = "the connection names one site outside and another inside".into();
        return protocol_block("name_mismatch", "Names that disagree", text);
    }
    if case.asked.shown == Shown::OtherProtocol(HTTP2_IN_THE_CLEAR) {
        let text = "HTTP/2 in the clear would hide which pages are asked for".into();
        return protocol_block("http2", "HTTP/2 in the clear", text);
    }
    let fault = match case.asked.shown {
        Shown::OtherProtocol(name) => {
            Some(("not_web", "Not web traffic", format!("{name} is not web traffic")))
        }
        Shown::TlsNoName => {
            Some(("no_sni", "No site name", "the connection hides which site it is for".into()))
        }
        Shown::Request
        | Shown::RequestElsewhere(_)
        | Shown::ConnectTarget
        | Shown::TlsName
        | Shown::TlsOtherName(_) => None,
    };
    let literal = case.asked.destination.host.as_ref().is_none_or(|host| host.name().is_none());
    let fault = fault.or_else(|| {
        literal.then(|| {
            ("ip_literal", "Bare address", "the site is given as a bare address, without a name".into())
        })
    });
    match fault {
        None => Step::Pass("an ordinary web connection"),
        Some(_) if case.group.unclassified == Treatment::Allow => {
            Step::Pass("can't be classified, which this group may")
        }
        Some((id, name, text)) => protocol_block(id, name, text),
    }
}

/// 10. The group's action for every category that matches: block, then alert, then allow.
pub(super) fn category(case: &Case<'_>) -> Step {
    let Some(wanted) = case.wanted() else { return Step::Pass("no host is known") };
    let matching = categories(case, &wanted, Reading::Block);
    let acted = matching.iter().filter_map(|(category, found)| {
        case.action_of(&category.id).map(|(action, band)| (action, band, *category, found))
    });
    // The first of equals wins: categories stand in the order of the policy text.
    let strictest = acted.reduce(|best, next| if next.0 > best.0 { next } else { best });
    let Some((action, band, category, found)) = strictest else {
        return Step::Pass(if matching.is_empty() {
            "no category lists it"
        } else {
            "its categories have no action for this group"
        });
    };
    let (action, does) = match action {
        CategoryAction::Allow => (Action::Allow, "is allowed"),
        CategoryAction::Alert => (Action::Alert, "is allowed and pointed out"),
        CategoryAction::Block => (Action::Block, "is blocked"),
    };
    let (id, at) = match band {
        None => (format!("category:{}", category.id), ""),
        Some(band) => (format!("timetable:{}", band.id), " at this time"),
    };
    let rule = Rule { id, name: category.name.clone(), category: Some(category.id.clone()) };
    let text = format!("{} {does} for {}{at}", category.name, case.group.name);
    let others = matching.iter().map(|(other, _)| &other.id).filter(|id| **id != category.id);
    Step::Answer(
        action,
        Box::new(Reason {
            evidence: evidence(case.policy.catalogue.index(), found),
            categories: others.cloned().collect(),
            ..reason(Rung::Category, rule, text)
        }),
    )
}

/// 11. The group's default, also for hosts that no category knows.
pub(super) fn default(case: &Case<'_>) -> Step {
    let known = case.carriage == Some(Carriage::NamedOwn)
        || case.wanted().is_some_and(|wanted| !categories(case, &wanted, Reading::Block).is_empty());
    let (action, id, name) = match case.group.uncategorised {
        CategoryAction::Block if !known => (Action::Block, "uncategorised", "Uncategorised site"),
        CategoryAction::Alert if !known => (Action::Alert, "uncategorised", "Uncategorised site"),
        CategoryAction::Allow | CategoryAction::Alert | CategoryAction::Block => {
            (Action::Allow, "default", "Default")
        }
    };
    let rule = Rule { id: format!("default:{id}"), name: name.into(), category: None };
    let text = match action {
        Action::Block => format!("sites that no category knows are blocked for {}", case.group.name),
        Action::Alert => format!("sites that no category knows are pointed out for {}", case.group.name),
        Action::Allow => format!("nothing blocks it for {}", case.group.name),
    };
    Step::Answer(action, Box::new(reason(Rung::Default, rule, text)))
}

/// The answer were the ladder ever to end without one.
pub(super) fn fallen_through() -> (Action, Reason) {
    let rule = Rule { id: "default:none".into(), name: "No rule".into(), category: None };
    (Action::Block, reason(Rung::Default, rule, "no rule answered, so the answer is no".into()))
}

/// The reason of a statutory match: list and entry id, and nothing that was asked for.
pub(super) fn statutory_reason(found: &crate::lists::StatutoryMatch<'_>) -> Reason {
    let rule =
        Rule { id: format!("statutory:{}", found.list), name: "Statutory list".into(), category: None };
    let evidence = Evidence {
        list: found.list.to_owned(),
        version: found.version.to_owned(),
        file: String::new(),
        line: 0,
        entry: Some(found.entry.to_string()),
    };
    let text = "a statutory list refuses it for everybody".into();
    Reason { evidence: Some(evidence), ..reason(Rung::Statutory, rule, text) }
}

/// A reason without evidence.
pub(super) fn reason(rung: Rung, rule: Rule, text: String) -> Reason {
    Reason { rung, rule, text, evidence: None, unblock: None, categories: Vec::new() }
}

/// The categories that match and block for this group.
pub(super) fn blocking_categories<'a>(case: &Case<'a>, wanted: &Wanted<'_>) -> Vec<&'a CategoryDraft> {
    categories(case, wanted, Reading::Block)
        .into_iter()
        .map(|(category, _)| category)
        .filter(|category| is(case, category, CategoryAction::Block))
        .collect()
}

/// Whether the group's action for a category is this one, at this moment.
fn is(case: &Case<'_>, category: &CategoryDraft, action: CategoryAction) -> bool {
    case.action_of(&category.id).is_some_and(|(own, _)| own == action)
}

/// Whether the site belongs to a category that the group allows by name.
fn is_approved(case: &Case<'_>) -> bool {
    case.agreed().is_some_and(|wanted| {
        categories(case, &wanted, Reading::Allow)
            .iter()
            .any(|(category, _)| is(case, category, CategoryAction::Allow))
    })
}

fn categories<'a>(case: &Case<'a>, wanted: &Wanted<'_>, reading: Reading) -> Vec<(&'a CategoryDraft, Match)> {
    let policy: &'a Policy = case.policy;
    let mut found: Vec<(usize, Match)> = policy
        .catalogue
        .index()
        .find(wanted, reading)
        .into_iter()
        .filter_map(|found| policy.category_of(&found).map(|category| (category, found)))
        .collect();
    found.sort_by_key(|(category, found)| (*category, std::cmp::Reverse(found.specificity)));
    found.dedup_by_key(|(category, _)| *category);
    found.into_iter().map(|(category, found)| (&policy.draft.categories[category], found)).collect()
}

/// What no index can tell: a category, and a page of which only the host can be seen. There a
/// page opens its host, since nothing finer can be told apart without decryption.
fn opens(unblock: &Unblock, wanted: &Wanted<'_>, blocking: &[&CategoryDraft]) -> bool {
    unblock.targets().any(|target| match target {
        Target::Category(id) => !blocking.is_empty() && blocking.iter().all(|category| category.id == *id),
        Target::Url(url) => {
            url.scheme() == Scheme::Https && wanted.url.is_none() && wanted.host == url.host()
        }
        Target::Host(_) => false,
    })
}

fn unblock_reason(unblock: &Unblock) -> Reason {
    let rule =
        Rule { id: format!("unblock:{}", unblock.id), name: "Temporary unblock".into(), category: None };
    let text = format!("a temporary unblock is in force until {}", unblock.window.ends_at());
    Reason { unblock: Some(unblock.id), ..reason(Rung::Unblock, rule, text) }
}

fn protocol_block(id: &str, name: &str, text: String) -> Step {
    let rule = Rule { id: format!("protocol:{id}"), name: name.into(), category: None };
    Step::Answer(Action::Block, Box::new(reason(Rung::Protocol, rule, text)))
}

fn most_specific(found: Vec<Match>) -> Option<Match> {
    found.into_iter().max_by_key(|found| found.specificity)
}

fn evidence(index: &crate::lists::Index, found: &Match) -> Option<Evidence> {
    let origin = index.origin(found.origin);
    Some(Evidence {
        list: origin.list.to_string(),
        version: origin.version.to_string(),
        file: origin.file.to_string(),
        line: index.line(found),
        entry: None,
    })
}
