//! What a line of the trail says that an alert could come of.

use serde_json::Value;

use crate::audit::Written;
use crate::model::Timestamp;

/// Where a line says that it is an access, in its fixed beginning.
const ACCESS: &str = "\"dataset\":\"schoolgate.access\"";

/// Whom an alert is about, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Person {
    /// Somebody who signed in.
    User(String),
    /// Whoever had the device.
    Device(String),
    /// Whoever had the address.
    Client(String),
}

/// An access, as far as alerts go by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sighting {
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) person: Person,
    pub(super) group: Option<String>,
    /// Nothing, of a statutory match.
    pub(super) host: Option<String>,
    /// Where the whole address was seen.
    pub(super) url: Option<String>,
    pub(super) blocked: bool,
    pub(super) rung: String,
    pub(super) rule: String,
    /// The category that decided, then those that matched besides.
    pub(super) categories: Vec<String>,
    pub(super) search: Option<String>,
    pub(super) suggestion: Option<String>,
    /// The person asked for it; it is no picture of a page.
    pub(super) asked_for: bool,
    /// The requests inside have records of their own.
    pub(super) inspected: bool,
}

impl Person {
    /// As kept: the kind and the name.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}:{}", self.kind(), self.name())
    }

    /// Read from what is kept.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Person> {
        let (kind, name) = key.split_once(':')?;
        let name = name.to_owned();
        match kind {
            "user" => Some(Person::User(name)),
            "device" => Some(Person::Device(name)),
            "client" => Some(Person::Client(name)),
            _ => None,
        }
    }

    /// `user`, `device` or `client`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Person::User(_) => "user",
            Person::Device(_) => "device",
            Person::Client(_) => "client",
        }
    }

    /// The name or address.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Person::User(name) | Person::Device(name) | Person::Client(name) => name,
        }
    }
}

impl Sighting {
    /// What was searched for, or was being typed.
    pub(super) fn words(&self) -> Option<&str> {
        self.search.as_deref().or(self.suggestion.as_deref())
    }

    /// Reads a line, if it is an access by somebody.
    pub(super) fn read(written: &Written) -> Option<Sighting> {
        // Cheaper than reading it as JSON: most lines of a busy trail end accesses.
        let start = written.line.get(..256).unwrap_or(&written.line);
        if !start.contains(ACCESS) {
            return None;
        }
        Sighting::of(&serde_json::from_str(&written.line).ok()?, written.sequence)
    }

    /// Reads an event.
    pub(super) fn of(event: &Value, sequence: u64) -> Option<Sighting> {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str).map(ToOwned::to_owned);
        let user = text("/user/name").map(Person::User);
        let device = || text("/host/name").map(Person::Device);
        let client = || text("/source/ip").map(Person::Client);
        let further = event["schoolgate"]["categories"].as_array();
        let further = further.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned);
        let rung = text("/schoolgate/rung").unwrap_or_default();
        Some(Sighting {
            sequence,
            at: text("/@timestamp")?.parse().ok()?,
            person: user.or_else(device).or_else(client)?,
            group: text("/user/group/name"),
            host: text("/url/domain").filter(|_| rung != "statutory"),
            url: text("/url/full").filter(|_| rung != "statutory"),
            blocked: event["event"]["action"] == "block",
            rung,
            rule: text("/rule/id").unwrap_or_default(),
            categories: text("/rule/category").into_iter().chain(further).collect(),
            search: text("/schoolgate/search"),
            suggestion: text("/schoolgate/suggestion"),
            asked_for: text("/schoolgate/fetch/dest").is_none_or(|dest| dest == "document"),
            inspected: event["schoolgate"]["mode"] == "inspect",
        })
    }

    /// The user's name, where one is known.
    pub(super) fn user(&self) -> Option<&str> {
        match &self.person {
            Person::User(user) => Some(user),
            Person::Device(_) | Person::Client(_) => None,
        }
    }
}
