//! One entry of a list, in its one normal form.
//!
//! **Invariant:** a [`UrlEntry`] has a path below `/` or a query; without either it would be a
//! host entry.

use crate::lists::{Pattern, Reading, keys};
use crate::model::{Host, Name, Url};

/// What one line of a file says: an entry, and what it does in its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// From 1.
    pub line: u32,
    /// What it covers.
    pub entry: Entry,
    /// What it does with what it covers.
    pub effect: Effect,
}

/// What an entry does in its own list. Of all entries of one list that cover a question the one
/// of the highest rank decides whether the list covers it, among equals the most specific; an
/// exception wins a tie. Other lists are not touched.
///
/// The ranks are those of the Adblock syntax (`@@…$important` above `$important` above `@@`);
/// every other format has the lowest one alone, so that the most specific line decides, as in
/// dnsmasq, unbound and response policy zones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It is on the list.
    #[default]
    Lists,
    /// It is not on the list, whatever a less specific line says.
    Excepts,
    /// It is not on the list, whatever a line without rank says: `@@`.
    ExceptsAll,
    /// It is on the list, whatever `@@` says: `$important`.
    ListsImportant,
    /// It is not on the list, whatever any line says: `@@…$important`.
    ExceptsImportant,
}

/// What one line of a list covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// A name, and as much of the tree below it as `scope` says.
    Host {
        /// The listed name.
        host: Name,
        /// The part of its tree.
        scope: Scope,
    },
    /// A network, or one address as a network of full length.
    Network(ipnet::IpNet),
    /// Pages of one host.
    Url(UrlEntry),
    /// Whatever a pattern matches.
    Pattern(Pattern),
}

/// The part of a name's tree that an entry covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The name alone.
    Exact,
    /// The name and everything below it.
    Subtree,
    /// Everything below the name, not the name.
    Children,
}

/// Pages of one host (and its `www` twin when blocking): the listed path and everything below it
/// by whole segments, with all listed query parameters present.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlEntry(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Parts {
    host: Host,
    path: Box<str>,
    parameters: Box<[Box<str>]>,
}

impl std::fmt::Display for Entry {
    /// As it could stand in a list: `games.example`, `=www.games.example` (this host only),
    /// `*.games.example` (below it only), `192.0.2.0/24`, `192.0.2.1`, `site.example/a?k=v`,
    /// `/pattern/`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Entry::Host { host, scope: Scope::Exact } => write!(f, "={host}"),
            Entry::Host { host, scope: Scope::Subtree } => write!(f, "{host}"),
            Entry::Host { host, scope: Scope::Children } => write!(f, "*.{host}"),
            Entry::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                write!(f, "{}", network.addr())
            }
            Entry::Network(network) => write!(f, "{network}"),
            Entry::Url(page) => write!(f, "{page}"),
            Entry::Pattern(pattern) => write!(f, "{pattern}"),
        }
    }
}

impl Item {
    /// An entry that is on the list.
    #[must_use]
    pub fn listed(line: u32, entry: Entry) -> Item {
        Item { line, entry, effect: Effect::Lists }
    }
}

impl Effect {
    /// The effect with this number; an unknown one is on the list.
    pub(super) fn of(number: u8) -> Effect {
        match number {
            1 => Effect::Excepts,
            2 => Effect::ExceptsAll,
            3 => Effect::ListsImportant,
            4 => Effect::ExceptsImportant,
            _ => Effect::Lists,
        }
    }

    /// What it is weighed by before all else.
    pub(super) fn rank(self) -> u8 {
        match self {
            Effect::Lists | Effect::Excepts => 0,
            Effect::ExceptsAll => 1,
            Effect::ListsImportant => 2,
            Effect::ExceptsImportant => 3,
        }
    }

    /// How an entry is compared where its list is read like this: what opens is read strictly,
    /// and an exception opens what its list would block.
    pub(super) fn reading(self, list: Reading) -> Reading {
        match (list, self.excepts()) {
            (list, false) => list,
            (Reading::Block, true) => Reading::Allow,
            (Reading::Allow, true) => Reading::Block,
        }
    }

    /// Whether it takes off the list what it covers.
    #[must_use]
    pub fn excepts(self) -> bool {
        match self {
            Effect::Excepts | Effect::ExceptsAll | Effect::ExceptsImportant => true,
            Effect::Lists | Effect::ListsImportant => false,
        }
    }
}

impl UrlEntry {
    /// The entry for a URL and what lies below it; `None` for the root of a host without a query.
    /// Scheme and port are not part of it.
    #[must_use]
    pub fn of(url: &Url) -> Option<UrlEntry> {
        let path = keys::strict_path(url.path());
        let mut parameters: Vec<Box<str>> =
            keys::parameters(url.query()).map(|text| keys::unreserved(text).into()).collect();
        parameters.sort_unstable();
        parameters.dedup();
        if path.is_empty() && parameters.is_empty() {
            return None;
        }
        let parts = Parts { host: url.host().clone(), path: path.into(), parameters: parameters.into() };
        Some(UrlEntry(Box::new(parts)))
    }

    /// The host as listed.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// The path: empty for the root, else `/a/b` without a trailing slash; case as listed.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The query parameters that must all be present, sorted, as listed (`k=v`).
    #[must_use]
    pub fn parameters(&self) -> &[Box<str>] {
        &self.0.parameters
    }
}

impl std::fmt::Display for UrlEntry {
    /// As it could stand in a list: `site.example/a/b?k=v`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.host(), self.path())?;
        if self.path().ends_with("/*") && self.parameters().is_empty() {
            // A star at the end is read as all of the folder; as a folder of its own it stays one.
            f.write_str("/")?;
        }
        for (at, parameter) in self.parameters().iter().enumerate() {
            write!(f, "{}{parameter}", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}
