//! Pages inside the address of another: the same ladder, asked for each as if the same subject
//! had asked for it.
//!
//! **Invariant:** a page inside can close what carries it and never open it. Statutory entries are
//! not asked here: their rung asks for the pages inside itself, whatever else is decided.

use crate::lists::Asked as Wanted;
use crate::model::Url;
use crate::model::embedded::{Beyond, Carriage, Target, Targets, targets};
use crate::policy::ladder::{Asked, Case, Shown};
use crate::policy::verdict::{Action, Destination, Reason, Rule, Rung};
use crate::policy::{Content, rungs};

/// The pages inside all that was asked for.
pub(super) fn inside(asked: &Asked<'_>) -> Targets {
    let destination = asked.destination;
    let mut found = match &destination.host {
        Some(host) => targets(host, destination.url.as_ref()),
        None => Targets::default(),
    };
    if let Shown::TlsOtherName(host) | Shown::RequestElsewhere(host) = &asked.shown {
        found.append(targets(host, None));
    }
    found
}

/// What an address carries inside it.
pub(super) fn targets_of(url: &Url) -> Targets {
    targets(url.host(), Some(url))
}

/// The decision on a request with all that it carries, from the ladder's own on the request.
pub(super) fn judged(case: &Case<'_>, own: (Action, Reason)) -> (Action, Reason) {
    let raises = own.1.rung >= Rung::Category;
    let mut decision = own;
    for (carriage, action, reason) in answers(case, decision.0, decision.1.rung) {
        // A page that is pointed out is pointed out through a translator too; where an unblock or
        // the school's own list opened the translator, the record keeps that as the reason.
        let stricter = action > decision.0
            && (action == Action::Block || (raises && carriage == Some(Carriage::Carried)));
        if stricter {
            decision = (action, reason);
        }
        if decision.0 == Action::Block {
            break;
        }
    }
    decision
}

/// What the ladder says of each page inside, in the order in which they stand, where they are
/// asked for at all: not behind a refusal, and not behind a help line's page.
pub(super) fn answers(
    case: &Case<'_>,
    own: Action,
    by: Rung,
) -> impl Iterator<Item = (Option<Carriage>, Action, Reason)> {
    let asked = if own == Action::Block || by == Rung::Lifeline { &[][..] } else { &case.inside.found[..] };
    let unread = (own != Action::Block && case.inside.beyond == Beyond::Unread).then(unread);
    asked
        .iter()
        .map(|target| {
            let (action, reason) = answer(case, target);
            (Some(target.carriage), action, Reason { text: told(&reason.text, target.carriage), ..reason })
        })
        .chain(unread)
}

/// A page inside as a case of its own.
fn answer(case: &Case<'_>, target: &Target) -> (Action, Reason) {
    let destination = Destination {
        host: Some(target.host.clone()),
        port: target.url.as_ref().map_or(443, crate::model::Url::port),
        url: target.url.clone(),
    };
    let shown = if target.url.is_some() { Shown::Request } else { Shown::TlsName };
    let content = Content::unseen();
    let asked = Asked { subject: case.asked.subject, destination: &destination, shown, content };
    let page = Case {
        policy: case.policy,
        asked: &asked,
        group: case.group,
        now: case.now,
        running: case.running.clone(),
        inside: Targets::default(),
        carriage: Some(target.carriage),
    };
    page.first_answer()
}

/// A page inside as the lists are asked about it.
pub(super) fn wanted(target: &Target) -> Wanted<'_> {
    Wanted { host: &target.host, url: target.url.as_ref() }
}

fn told(text: &str, carriage: Carriage) -> String {
    match carriage {
        Carriage::Carried => format!("{text} (the page is carried inside another site's address)"),
        Carriage::Named | Carriage::NamedOwn => {
            format!("{text} (the page is named inside another site's address)")
        }
    }
}

/// What can't be judged is refused: nobody but one who hides something wraps so many or so deep.
fn unread() -> (Option<Carriage>, Action, Reason) {
    let rule =
        Rule { id: "protocol:embedded".into(), name: "Too many addresses inside".into(), category: None };
    let text = "its address holds more other addresses than can be judged".into();
    (None, Action::Block, rungs::reason(Rung::Protocol, rule, text))
}
