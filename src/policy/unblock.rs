//! A temporary unblock: what, for whom, when, and its life from request to end. Pure: what time it
//! is comes as an argument.

use uuid::Uuid;

use crate::lists::{Entry, Scope, UrlEntry};
use crate::model::{
    DeviceName, GroupName, Host, Justification, Role, StaffName, Subject, Timestamp, Url, UserName, Window,
};
use crate::policy::draft::GroupDraft;

mod rules;

pub use rules::{
    DECIDERS, Kind, LessonName, Needs, NotAllowed, Pupils, RuleGroups, UnblockRule, UnblockRules, Wish,
};

/// What is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A page and what lies below it.
    Url(Url),
    /// A host and its subdomains.
    Host(Host),
    /// A category, by id.
    Category(String),
}

/// For whom. Never nobody; never everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Groups, and those that inherit from them.
    pub groups: Vec<GroupName>,
    /// Single people.
    pub users: Vec<UserName>,
    /// Single devices.
    pub devices: Vec<DeviceName>,
}

/// Where an unblock is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for; somebody else must approve.
    Pending,
    /// Approved; its start is yet to come.
    Scheduled,
    /// In force.
    Active,
    /// It is over; [`Ending`] says how that came.
    Ended,
    /// Somebody said no.
    Refused,
}

/// How an unblock came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its time was over.
    Expired,
    /// Somebody took it back before.
    Revoked,
    /// Nobody answered in time.
    Lapsed,
}

/// What people have decided; with the time it gives the [`State`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Nothing yet.
    Awaited,
    /// Approved, by somebody or because no approval is needed.
    Approved,
    /// Refused.
    Refused,
    /// Taken back, by the one who asked or by one who decides.
    Revoked,
}

/// A temporary unblock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unblock {
    /// Its id, on every event that it opens.
    pub id: Uuid,
    /// What.
    pub target: Target,
    /// What else: what a page of it needs from other hosts.
    pub also: Vec<Target>,
    /// For whom.
    pub audience: Audience,
    /// When.
    pub window: Window,
    /// Why.
    pub justification: Justification,
    /// The lesson, if given.
    pub lesson: Option<String>,
    /// Who asked.
    pub requester: StaffName,
    /// Who may approve, any one of them; empty where nobody needs to.
    pub approvers: Vec<Role>,
    /// When a request that nobody has answered lapses.
    pub answer_by: Timestamp,
    /// What was decided.
    pub decided: Decided,
}

/// A step that the unblock's state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the unblock is {}, so that can't be done", .0.as_str())]
pub struct WrongState(pub State);

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [State; 5] =
        [State::Pending, State::Scheduled, State::Active, State::Ended, State::Refused];

    /// As written in the API and the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Scheduled => "scheduled",
            State::Active => "active",
            State::Ended => "ended",
            State::Refused => "refused",
        }
    }
}

impl Ending {
    /// As written in the API and the audit event.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Ending::Expired => "expired",
            Ending::Revoked => "revoked",
            Ending::Lapsed => "lapsed",
        }
    }
}

impl Decided {
    /// As kept in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Decided::Awaited => "awaited",
            Decided::Approved => "approved",
            Decided::Refused => "refused",
            Decided::Revoked => "revoked",
        }
    }
}

impl Unblock {
    /// All that it opens.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        std::iter::once(&self.target).chain(&self.also)
    }

    /// Where it stands at `now`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> State {
        match self.decided {
            Decided::Refused => State::Refused,
            Decided::Revoked => State::Ended,
            Decided::Awaited if now >= self.answer_by.min(self.window.ends_at()) => State::Ended,
            Decided::Awaited => State::Pending,
            Decided::Approved if now >= self.window.ends_at() => State::Ended,
            Decided::Approved if now < self.window.starts_at() => State::Scheduled,
            Decided::Approved => State::Active,
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> Option<Ending> {
        if self.state(now) != State::Ended {
            return None;
        }
        match self.decided {
            Decided::Awaited => Some(Ending::Lapsed),
            Decided::Approved => Some(Ending::Expired),
            Decided::Revoked => Some(Ending::Revoked),
            Decided::Refused => None,
        }
    }

    /// The same unblock, approved.
    ///
    /// # Errors
    /// [`WrongState`] unless it is pending.
    pub fn approved(self, now: Timestamp) -> Result<Unblock, WrongState> {
        self.moved(now, &[State::Pending], Decided::Approved)
    }

    /// The same unblock, refused.
    ///
    /// # Errors
    /// [`WrongState`] unless it is pending.
    pub fn refused(self, now: Timestamp) -> Result<Unblock, WrongState> {
        self.moved(now, &[State::Pending], Decided::Refused)
    }

    /// The same unblock, taken back.
    ///
    /// # Errors
    /// [`WrongState`] unless it is pending, scheduled or active.
    pub fn revoked(self, now: Timestamp) -> Result<Unblock, WrongState> {
        self.moved(now, &[State::Pending, State::Scheduled, State::Active], Decided::Revoked)
    }

    fn moved(self, now: Timestamp, from: &[State], to: Decided) -> Result<Unblock, WrongState> {
        let state = self.state(now);
        if !from.contains(&state) {
            return Err(WrongState(state));
        }
        Ok(Unblock { decided: to, ..self })
    }
}

impl Audience {
    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.users.is_empty() && self.devices.is_empty()
    }

    pub(super) fn covers(&self, subject: &Subject, group: &GroupDraft) -> bool {
        self.groups.iter().any(|name| group.is_within(name))
            || subject.user.as_ref().is_some_and(|user| self.users.contains(user))
            || subject.device.as_ref().is_some_and(|device| self.devices.contains(device))
    }
}

impl Target {
    /// Reads `category:NAME`, a URL with its scheme, or a host.
    ///
    /// # Errors
    /// A sentence for the person who wrote it.
    pub fn parse(text: &str) -> Result<Target, String> {
        let text = text.trim();
        if let Some(category) = text.strip_prefix("category:") {
            return Ok(Target::Category(category.trim().to_owned()));
        }
        if text.contains("://") || text.contains('/') {
            let url = Url::parse_typed(text).map_err(|fault| format!("“{text}” is no URL: {fault}"))?;
            // As lists read it: `https://site.example/?` is the whole host, not a page that no entry fits.
            let whole_host = UrlEntry::of(&url).is_none();
            return Ok(if whole_host { Target::Host(url.host().clone()) } else { Target::Url(url) });
        }
        Host::parse(text).map(Target::Host).map_err(|fault| format!("“{text}” is no host: {fault}"))
    }

    /// The host that is opened, if it is not a category.
    #[must_use]
    pub fn host(&self) -> Option<&Host> {
        match self {
            Target::Url(url) => Some(url.host()),
            Target::Host(host) => Some(host),
            Target::Category(_) => None,
        }
    }

    /// The list entry that stands for it; a category has none.
    pub(super) fn entry(&self) -> Option<Entry> {
        match self {
            Target::Url(url) => UrlEntry::of(url).map(Entry::Url),
            Target::Host(Host::Name(name)) => Some(Entry::Host { host: name.clone(), scope: Scope::Subtree }),
            Target::Host(Host::Address(address)) => Some(Entry::Network((*address).into())),
            Target::Category(_) => None,
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Url(url) => url.fmt(f),
            Target::Host(host) => host.fmt(f),
            Target::Category(category) => write!(f, "category:{category}"),
        }
    }
}
