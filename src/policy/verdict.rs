//! What the decision answers: pass or refuse, and why.
//!
//! **Invariant:** a [`Permit`] is made in this module's parent alone, so that no byte leaves
//! unasked; and there is no verdict without a [`Reason`].

use uuid::Uuid;

use crate::model::{GroupName, Host, Timestamp, Url};
use crate::policy::inspection::Seal;

/// How the rules begin that say what an origin did wrong in TLS.
const ORIGIN_FAULT: &str = "protocol:origin_";
/// The rule under which it is recorded that a client did not take a leaf.
pub const REJECTED_BY_CLIENT: &str = "protocol:authority_not_trusted";

/// A step of the ladder; the order of [`super::ladder::LADDER`] is the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// IWF or CTIRU form lists: refuse, always (DfE: can't be disabled at any level).
    Statutory,
    /// Help lines: never blocked.
    Lifeline,
    /// Internet removed from this person or device for a period.
    Suspended,
    /// Shut for everybody in one step, until somebody lifts it.
    EmergencyBlock,
    /// A temporary unblock that is in force.
    Unblock,
    /// The school's own allow and block lists.
    SchoolLists,
    /// A band of the group's timetable in which it is shut.
    Timetable,
    /// A group that may only see approved sites.
    WalledGarden,
    /// What can't be classified, odd ports, addresses no client may reach.
    Protocol,
    /// The kind of file that an answer is.
    FileKind,
    /// A term of a list, in a search.
    SearchTerm,
    /// The group's action for each category that matches.
    Category,
    /// The group's default.
    Default,
}

/// What an access came to; `event.action` of the audit event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Passed.
    Allow,
    /// Passed and pointed out to the safeguarding lead.
    Alert,
    /// Refused.
    Block,
}

/// Which rule answered: an id that scripts hold on to and a name for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `category:games`, `school:block`, `protocol:no_sni`, `statutory:NAME`, …
    pub id: String,
    /// In people's words.
    pub name: String,
    /// The category, where the rule is one.
    pub category: Option<String>,
}

/// The list entry that a rule rests on. A statutory match has an entry id and no line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// `ut1/games`
    pub list: String,
    /// `2026-08-17`
    pub version: String,
    /// `games/domains`; empty for a statutory list.
    pub file: String,
    /// The line, from 1; 0 for a statutory list.
    pub line: u32,
    /// The keyed id of a statutory entry.
    pub entry: Option<String>,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rung that answered.
    pub rung: Rung,
    /// Its rule.
    pub rule: Rule,
    /// One sentence for people; never names a host.
    pub text: String,
    /// The list entry, where there is one.
    pub evidence: Option<Evidence>,
    /// The temporary unblock that opened it.
    pub unblock: Option<Uuid>,
    /// Further categories that matched, by id; the one that decided is in the rule.
    pub categories: Vec<String>,
}

/// Leave to send bytes to one host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// The answer for a connection that shows no more than a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnConnect {
    /// Refuse it; where it may be read, with a page that says why.
    Block(Seal),
    /// Decrypt it, and have every request inside judged.
    Inspect(Permit),
    /// Pass it on untouched.
    Splice(Permit),
}

/// The answer for a request whose URL is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnRequest {
    /// Refuse it.
    Block,
    /// Send it on.
    Forward(Permit),
}

/// The answer with all that must be recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<A> {
    /// What to do.
    pub answer: A,
    /// What it is called in the record.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The group that the client was judged as.
    pub group: GroupName,
    /// The version of the policy that decided.
    pub generation: u64,
    /// The next moment at which time alone may change the answer.
    pub until: Option<Timestamp>,
}

/// What the decision was asked about, as far as the client has shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The host, when one could be told.
    pub host: Option<Host>,
    /// The port.
    pub port: u16,
    /// The URL, when it can be seen.
    pub url: Option<Url>,
}

impl Reason {
    /// That an origin could not prove in TLS that it is the site; `id` names how, `text` says it.
    #[must_use]
    pub fn fault_of_origin(id: &str, text: &str) -> Reason {
        Reason::of_tls(format!("{ORIGIN_FAULT}{id}"), "Site’s certificate", text)
    }

    /// That a client did not take a certificate of the school's authority.
    #[must_use]
    pub fn rejected_by_client() -> Reason {
        let text = "the device or the app does not trust the school's authority";
        Reason::of_tls(REJECTED_BY_CLIENT.into(), "Authority not trusted", text)
    }

    /// Whether it is the origin that is at fault.
    #[must_use]
    pub fn is_fault_of_origin(&self) -> bool {
        self.rule.id.starts_with(ORIGIN_FAULT)
    }

    fn of_tls(id: String, name: &str, text: &str) -> Reason {
        Reason {
            rung: Rung::Protocol,
            rule: Rule { id, name: name.into(), category: None },
            text: text.into(),
            evidence: None,
            unblock: None,
            categories: Vec::new(),
        }
    }
}

impl Permit {
    /// Where bytes may go.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// At which port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Rung {
    /// Every rung, in the order in which they are asked.
    pub const ALL: [Rung; 13] = [
        Rung::Statutory,
        Rung::Lifeline,
        Rung::Suspended,
        Rung::EmergencyBlock,
        Rung::Unblock,
        Rung::SchoolLists,
        Rung::Timetable,
        Rung::WalledGarden,
        Rung::Protocol,
        Rung::FileKind,
        Rung::SearchTerm,
        Rung::Category,
        Rung::Default,
    ];

    /// As written in the audit event, in metrics and by `explain`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rung::Statutory => "statutory",
            Rung::Lifeline => "lifeline",
            Rung::Suspended => "suspended",
            Rung::EmergencyBlock => "emergency_block",
            Rung::Unblock => "unblock",
            Rung::SchoolLists => "school_lists",
            Rung::Timetable => "timetable",
            Rung::WalledGarden => "walled_garden",
            Rung::Protocol => "protocol",
            Rung::FileKind => "file_kind",
            Rung::SearchTerm => "search_term",
            Rung::Category => "category",
            Rung::Default => "default",
        }
    }
}

impl Action {
    /// As written in the audit event and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Alert => "alert",
            Action::Block => "block",
        }
    }
}

impl Evidence {
    /// List and version as one: `ut1/games@2026-08-17`.
    #[must_use]
    pub fn ruleset(&self) -> String {
        format!("{}@{}", self.list, self.version)
    }
}

impl<A> Verdict<A> {
    /// The same verdict with another kind of answer.
    pub fn map<B>(self, answer: impl FnOnce(A) -> B) -> Verdict<B> {
        Verdict {
            answer: answer(self.answer),
            action: self.action,
            reason: self.reason,
            group: self.group,
            generation: self.generation,
            until: self.until,
        }
    }
}
