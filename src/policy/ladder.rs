//! The ladder: one constant array of rungs, asked in order; the first that answers decides.
//!
//! **Invariant:** the statutory rung is first, and no setting, change, role or argument names
//! it. `explain` walks this array too, so it can't say anything else than `decide`.

use crate::lists::Asked as Wanted;
use crate::model::embedded::{Carriage, Targets};
use crate::model::{Host, Subject, Timestamp};
use crate::policy::draft::GroupDraft;
use crate::policy::timetable::Running;
use crate::policy::verdict::{Action, Destination, Reason, Rung};
use crate::policy::{Content, Policy, carried, rungs};

/// How the client has shown where it wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// An HTTP request whose URL is known.
    Request,
    /// An HTTP request inside a TLS connection that named another host: this one.
    RequestElsewhere(Host),
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
    /// What is in it, as far as that can be seen.
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
    /// The bands of the group's timetable that run now.
    pub(super) running: Running<'a>,
    /// The pages inside the address that is asked for.
    pub(super) inside: Targets,
    /// How this page is inside another's address itself; `None` for what was asked for.
    pub(super) carriage: Option<Carriage>,
}

/// Whether a rung judges what is inside. Its alert alone lets nothing pass: the rungs below it are
/// asked all the same.
fn is_of_content(rung: Rung) -> bool {
    matches!(rung, Rung::FileKind | Rung::SearchTerm)
}

/// A rung's question.
pub(super) type Ask = fn(&Case<'_>) -> Step;

/// Every rung in order.
pub(super) const LADDER: [(Rung, Ask); 13] = [
    (Rung::Statutory, rungs::statutory),
    (Rung::Lifeline, rungs::lifeline),
    (Rung::Suspended, rungs::suspended),
    (Rung::EmergencyBlock, rungs::emergency_block),
    (Rung::Unblock, rungs::unblock),
    (Rung::SchoolLists, rungs::school_lists),
    (Rung::Timetable, rungs::timetable),
    (Rung::WalledGarden, rungs::walled_garden),
    (Rung::Protocol, rungs::protocol),
    (Rung::FileKind, rungs::file_kind),
    (Rung::SearchTerm, rungs::search_term),
    (Rung::Category, rungs::category),
    (Rung::Default, rungs::default),
];

impl Case<'_> {
    /// The ladder's answer, for what is asked and for the pages inside its address.
    pub(super) fn decide(&self) -> (Action, Reason) {
        carried::judged(self, self.first_answer())
    }

    /// The first answer. The last rung always has one; were it not so, the answer is no.
    pub(super) fn first_answer(&self) -> (Action, Reason) {
        let mut answers = LADDER.iter().filter_map(|(rung, ask)| match ask(self) {
            Step::Answer(Action::Alert, _) if is_of_content(*rung) => None,
            Step::Answer(action, reason) => Some((action, *reason)),
            Step::Pass(_) => None,
        });
        let (action, reason) = answers.next().unwrap_or_else(rungs::fallen_through);
        self.pointed_out(action, reason)
    }

    /// What is inside points out what passes, whichever rung let it pass: the safeguarding lead must
    /// hear of a search for self-harm on a site that the school itself opened. Help lines are apart.
    fn pointed_out(&self, action: Action, reason: Reason) -> (Action, Reason) {
        if action == Action::Block || reason.rung == Rung::Lifeline {
            return (action, reason);
        }
        let inside = LADDER.iter().filter(|(rung, _)| is_of_content(*rung));
        let pointed = inside.map(|(_, ask)| ask(self)).find_map(|step| match step {
            Step::Answer(Action::Alert, pointed) => Some(*pointed),
            Step::Answer(Action::Allow | Action::Block, _) | Step::Pass(_) => None,
        });
        match pointed {
            Some(pointed) => (Action::Alert, Reason { unblock: reason.unblock, ..pointed }),
            None => (action, reason),
        }
    }

    /// What every rung says, also those after the one that decides; behind them the answer for
    /// each page inside the address, by the rung that gave it.
    pub(super) fn walk(&self) -> Vec<(Rung, Step)> {
        let own = LADDER.into_iter().map(|(rung, ask)| (rung, ask(self)));
        let (action, reason) = self.first_answer();
        let inside = carried::answers(self, action, reason.rung)
            .map(|(_, action, reason)| (reason.rung, Step::Answer(action, Box::new(reason))));
        own.chain(inside).collect()
    }

    /// The one host that all the client said agrees on, for web traffic; rungs that open
    /// something need it, so that no allow entry carries another protocol or a second name.
    pub(super) fn agreed(&self) -> Option<Wanted<'_>> {
        match self.asked.shown {
            Shown::RequestElsewhere(_) | Shown::TlsOtherName(_) | Shown::OtherProtocol(_) => None,
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
            Shown::TlsOtherName(host) | Shown::RequestElsewhere(host) => Some(Wanted { host, url: None }),
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
