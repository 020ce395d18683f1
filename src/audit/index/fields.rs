//! What of a line is indexed.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// An event, as far as it is indexed.
#[derive(Debug, Deserialize)]
pub(super) struct Fields {
    #[serde(rename = "@timestamp")]
    pub(super) time: String,
    event: Event,
    #[serde(default)]
    source: Option<Address>,
    #[serde(default)]
    host: Option<Named>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    destination: Option<Address>,
    #[serde(default)]
    url: Option<Url>,
    #[serde(default)]
    rule: Option<Rule>,
    schoolgate: Own,
}

#[derive(Debug, Deserialize)]
struct Event {
    dataset: String,
    action: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Address {
    ip: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    name: Option<String>,
    #[serde(default)]
    group: Option<Named>,
}

#[derive(Debug, Deserialize)]
struct Url {
    domain: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    category: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Own {
    rung: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
    unblock_id: Option<Uuid>,
    search: Option<String>,
    suggestion: Option<String>,
    access: Option<u64>,
    details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    unblock_id: Option<Value>,
}

/// Who it was, as far as known: user, device, address.
pub(super) type Who = [Option<String>; 3];
/// What was asked for: host with its labels reversed, address.
pub(super) type Target = [Option<String>; 2];
/// What kind of event it is: dataset, action, rung, group.
pub(super) type Aspect = [Option<String>; 4];

impl Fields {
    /// `None` for what is no event.
    pub(super) fn read(line: &str) -> Option<Fields> {
        serde_json::from_str(line).ok()
    }

    /// Which access the line ends, if it ends one.
    pub(super) fn ends(&self) -> Option<u64> {
        self.schoolgate.access.filter(|_| self.event.dataset == "schoolgate.close")
    }

    pub(super) fn aspect(&self) -> Aspect {
        let group =
            self.user.as_ref().and_then(|user| user.group.as_ref()).and_then(|group| group.name.clone());
        [Some(self.event.dataset.clone()), self.event.action.clone(), self.schoolgate.rung.clone(), group]
    }

    pub(super) fn who(&self) -> Who {
        let user = self.user.as_ref().and_then(|user| user.name.clone());
        let device = self.host.as_ref().and_then(|host| host.name.clone());
        [user, device, self.source.as_ref().and_then(|source| source.ip.clone())]
    }

    pub(super) fn target(&self) -> Target {
        let host = self.url.as_ref().and_then(|url| url.domain.as_deref()).map(reversed);
        [host, self.destination.as_ref().and_then(|destination| destination.ip.clone())]
    }

    pub(super) fn categories(&self) -> impl Iterator<Item = &str> {
        let decided = self.rule.as_ref().and_then(|rule| rule.category.as_deref());
        decided.into_iter().chain(self.schoolgate.categories.iter().map(String::as_str))
    }

    /// The words of a search, and those of one that was still being typed.
    pub(super) fn terms(&self) -> impl Iterator<Item = String> {
        let terms = [&self.schoolgate.search, &self.schoolgate.suggestion];
        terms.into_iter().flatten().map(|words| words.to_lowercase())
    }

    pub(super) fn unblocks(&self) -> impl Iterator<Item = Uuid> {
        let details = self.schoolgate.details.as_ref().and_then(|details| details.unblock_id.as_ref());
        let step = details.and_then(Value::as_str).and_then(|id| id.parse().ok());
        self.schoolgate.unblock_id.into_iter().chain(step)
    }
}

/// `uk.sch.county.school.` for `school.county.sch.uk`.
pub(super) fn reversed(host: &str) -> String {
    let mut reversed = String::with_capacity(host.len() + 1);
    for label in host.rsplit('.') {
        reversed.push_str(label);
        reversed.push('.');
    }
    reversed
}
