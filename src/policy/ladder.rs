//! The ladder: one constant array of rungs, asked in order; the first that answers decides.
//!
//! **Invariant:** the statutory rung is first, and no setting, change, role or argument names
//! it. `explain` walks this array too, so it can't say anything else than `decide`.

use crate::lists::Asked as Wanted;
use crate::model::embedded::{Carriage, Targets};
use crate::model::{Host, Subject, Timestamp};
use crate::policy::draft::GroupDraft;
use crate::policy::verdict::{Action, Destination, Reason, Rung};
use crate::policy::{Content, Policy, carried, held, rungs};

/// How the client has shown where it wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An HTTP request whose URL is known.
    Request,
    /// A CONNECT target, before anything was sent inside.
    ConnectTarget,
    /// A ClientHello whose name agrees with all else that was said.
    TlsName,
    /// A ClientHello that names another host than CONNECT did; this one.
    TlsOtherName(Host),
    /// A ClientHello without a name.
    TlsNoName,
    /// Something else than the protocol that belongs there, by its name.
    OtherProtocol(&'static str),
}

/// What is to be decided.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Who asks.
    pub subject: &'a Subject,
    /// For what.
    pub destination: &'a Destination,
    /// How that is known.
    pub shown: Shown,
    /// What it holds, as far as has been looked into.
    pub content: &'a Content,
}

/// What one rung says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It decides.
    Answer(Action, Box<Reason>),
    /// It has nothing to say, and why.
    Pass(&'static str),
}

/// One question in all its parts, as the rungs read it.
pub(super) struct Case<'a> {
    pub(super) policy: &'a Policy,
    pub(super) asked: &'a Asked<'a>,
    pub(super) group: &'a GroupDraft,
    pub(super) now: Timestamp,
    /// The pages inside the address that is asked for.
    pub(super) inside: Targets,
    /// How this page is inside another's address itself; `None` for what was asked for.
    pub(super) carriage: Option<Carriage>,
}

/// A rung's question.
pub(super) type Ask = fn(&Case<'_>) -> Step;

/// Every rung in order.
pub(super) const LADDER: [(Rung, Ask); 10] = [
    (Rung::Statutory, rungs::statutory),
    (Rung::Lifeline, rungs::lifeline),
    (Rung::Unblock, rungs::unblock),
    (Rung::SchoolLists, rungs::school_lists),
    (Rung::WalledGarden, rungs::walled_garden),
    (Rung::Protocol, rungs::protocol),
    (Rung::FileKind, held::file_kind),
    (Rung::SearchTerm, held::search_term),
    (Rung::Category, rungs::category),
    (Rung::Default, rungs::default),
];

impl Case<'_> {
    /// The ladder's answer, for what is asked and for the pages inside its address.
    pub(super) fn decide(&self) -> (Action, Reason) {
        carried::judged(self, held::pointed_out(self, self.first_answer()))
    }

    /// The first answer. The last rung always has one; were it not so, the answer is no.
    pub(super) fn first_answer(&self) -> (Action, Reason) {
        for (_, ask) in LADDER {
            if let Step::Answer(action, reason) = ask(self) {
                return (action, *reason);
            }
        }
        rungs::fallen_through()
    }

    /// What every rung says, also those after the one that decides; behind them the answer for
    /// each page inside the address, by the rung that gave it.
    pub(super) fn walk(&self) -> Vec<(Rung, Step)> {
        let own = LADDER.into_iter().map(|(rung, ask)| (rung, ask(self)));
        let first = self.first_answer();
        let by = first.1.rung;
        let (action, reason) = held::pointed_out(self, first);
        let raised = (reason.rung == Rung::SearchTerm && by != Rung::SearchTerm)
            .then(|| (Rung::SearchTerm, Step::Answer(action, Box::new(reason))));
        let inside = carried::answers(self, action, by)
            .map(|(_, action, reason)| (reason.rung, Step::Answer(action, Box::new(reason))));
        own.chain(raised).chain(inside).collect()
    }

    /// The one host that all the client said agrees on, for web traffic; rungs that open
    /// something need it, so that no allow entry carries another protocol or a second name.
    pub(super) fn agreed(&self) -> Option<Wanted<'_>> {
        match self.asked.shown {
            Shown::TlsOtherName(_) | Shown::OtherProtocol(_) => None,
            Shown::Request | Shown::ConnectTarget | Shown::TlsName | Shown::TlsNoName => self.wanted(),
        }
    }

    /// The host first named, with the URL where it can be seen.
    pub(super) fn wanted(&self) -> Option<Wanted<'_>> {
        let destination = self.asked.destination;
        destination.host.as_ref().map(|host| Wanted { host, url: destination.url.as_ref() })
    }

    /// The second host, where ClientHello and CONNECT disagree.
    pub(super) fn other(&self) -> Option<Wanted<'_>> {
        match &self.asked.shown {
            Shown::TlsOtherName(host) => Some(Wanted { host, url: None }),
            Shown::Request
            | Shown::ConnectTarget
            | Shown::TlsName
            | Shown::TlsNoName
            | Shown::OtherProtocol(_) => None,
        }
    }

    /// Whether the page is only named in another's address, so that nobody connects there.
    pub(super) fn is_named_only(&self) -> bool {
        matches!(self.carriage, Some(Carriage::Named | Carriage::NamedOwn))
    }

    /// Whether the port is one that this group may name.
    pub(super) fn port_is_open(&self) -> bool {
        self.is_named_only() || self.group.ports.contains(&self.asked.destination.port)
    }
}
