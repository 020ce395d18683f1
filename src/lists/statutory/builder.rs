//! Takes the lines of statutory lists and forgets them.
//!
//! **Invariant:** nothing of a line outlives [`StatutoryBuilder::add_line`] but keyed hashes.

use std::collections::HashSet;

use crate::lists::keys::{self, HostText};
use crate::lists::parse::{self, RejectReason};
use crate::lists::statutory::hashes::{Expression, Hash, Hasher, Quick};
use crate::lists::statutory::{Hidden, Statutory, StatutoryList};
use crate::lists::{Entry, ListNo, PatternFault, Reading, Scope, UrlEntry};
use crate::model::Host;

/// Takes lines, gives a [`Statutory`].
pub struct StatutoryBuilder {
    hasher: Hasher,
    lists: Vec<StatutoryList>,
    entries: Vec<Hidden>,
    parameters: Vec<Hash>,
    paged: Vec<Hash>,
    quick: Vec<Quick>,
    deepest: usize,
}

impl StatutoryBuilder {
    /// Nothing held yet; `key` is random, the gateway's own, and kept from run to run so that
    /// entries keep their names in the record.
    #[must_use]
    pub fn new(key: [u8; 32]) -> StatutoryBuilder {
        StatutoryBuilder {
            hasher: Hasher::new(key),
            lists: Vec::new(),
            entries: Vec::new(),
            parameters: Vec::new(),
            paged: Vec::new(),
            quick: Vec::new(),
            deepest: 0,
        }
    }

    /// Names a list, so that its lines can be added.
    ///
    /// # Panics
    /// At the 65,537th list.
    pub fn add_list(&mut self, name: &str, version: &str) -> ListNo {
        let number = u16::try_from(self.lists.len()).expect("at most 65,536 statutory lists");
        self.lists.push(StatutoryList {
            name: name.into(),
            version: version.into(),
            entries: 0,
            rejected: 0,
        });
        ListNo(number)
    }

    /// Reads one line: a host, an address or a URL with or without scheme; blank lines and `#`
    /// comments are passed over.
    ///
    /// # Errors
    /// Why the line was not taken, without its text. It is counted as rejected.
    pub fn add_line(&mut self, list: ListNo, line: &str) -> Result<(), RejectReason> {
        let mut read = Vec::new();
        let taken = parse::one_line(Reading::Block, line, &mut |entry| read.push(entry));
        let taken = taken.and_then(|()| read.iter().try_for_each(single));
        if let Err(reason) = taken {
            self.lists[list.index()].rejected += 1;
            return Err(reason);
        }
        // A name and its `www` twin are one entry with one id: that of the name as listed.
        let listed = read.last().map(|entry| self.id(entry)).unwrap_or_default();
        for entry in &read {
            self.add(list, listed, entry);
        }
        Ok(())
    }

    /// Sorts everything; an entry that a list has twice counts once.
    #[must_use]
    pub fn build(mut self) -> Statutory {
        let key = |held: &Hidden| (held.hash, held.list, held.id);
        self.entries.sort_unstable_by_key(key);
        self.entries.dedup_by_key(|held| key(held));
        self.paged.sort_unstable();
        self.paged.dedup();
        let distinct: HashSet<(u16, u64)> = self.entries.iter().map(|held| (held.list, held.id)).collect();
        for (list, _) in distinct {
            self.lists[usize::from(list)].entries += 1;
        }
        Statutory {
            front: self.hasher.front(&self.quick),
            hasher: self.hasher,
            lists: self.lists.into(),
            entries: self.entries.into(),
            parameters: self.parameters.into(),
            paged: self.paged.into(),
            deepest: self.deepest,
        }
    }

    fn add(&mut self, list: ListNo, id: u64, entry: &Entry) {
        match entry {
            Entry::Host { host, scope: Scope::Exact } => {
                self.hold(list, id, &Expression::exact(host.as_str()), &[]);
            }
            Entry::Host { host, scope: Scope::Subtree | Scope::Children } => {
                self.hold(list, id, &Expression::subtree(host.as_str()), &[]);
            }
            Entry::Network(network) => {
                let host = Host::from(network.addr());
                self.hold(list, id, &Expression::exact(HostText::of(&host).as_str()), &[]);
            }
            // `single` lets no pattern through.
            Entry::Pattern(_) => {}
            Entry::Url(url) => {
                let host = HostText::of(url.host());
                let path = keys::liberal_path(url.path());
                let page = Expression::page(host.without_www(), &path);
                self.deepest = self.deepest.max(1 + path.matches(['/', ';']).count());
                self.hold(list, id, &page, &parameters(url));
                let paged = Expression::paged(host.without_www());
                self.paged.push(self.hasher.hash(&paged));
                self.quick.push(self.hasher.quick(&paged));
            }
        }
    }

    fn hold(&mut self, list: ListNo, id: u64, expression: &Expression<'_>, parameters: &[String]) {
        let start = u32::try_from(self.parameters.len()).expect("at most 4 Gi parameters");
        let count = u16::try_from(parameters.len()).expect("a URL of 16 KiB has fewer parameters");
        let hasher = &self.hasher;
        self.parameters.extend(parameters.iter().map(|text| hasher.hash(&expression.with(text))));
        self.quick.push(hasher.quick(expression));
        let hash = hasher.hash(expression);
        self.entries.push(Hidden { hash, id, list: list.0, parameters: (start, count) });
    }

    fn id(&self, entry: &Entry) -> u64 {
        let hash = |expression: &Expression<'_>| self.hasher.hash(expression).id();
        match entry {
            Entry::Host { host, scope: Scope::Exact } => hash(&Expression::exact(host.as_str())),
            Entry::Host { host, scope: Scope::Subtree | Scope::Children } => {
                hash(&Expression::subtree(host.as_str()))
            }
            Entry::Network(network) => {
                hash(&Expression::exact(HostText::of(&Host::from(network.addr())).as_str()))
            }
            Entry::Pattern(_) => 0,
            Entry::Url(url) => {
                let (host, path) = (HostText::of(url.host()), keys::liberal_path(url.path()));
                hash(&Expression::page(host.without_www(), &path).with(&parameters(url).join("&")))
            }
        }
    }
}

impl std::fmt::Debug for StatutoryBuilder {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatutoryBuilder").field("lists", &self.lists.len()).finish_non_exhaustive()
    }
}

/// Neither a network nor a pattern can be hashed as one expression.
fn single(entry: &Entry) -> Result<(), RejectReason> {
    match entry {
        Entry::Network(network) if network.prefix_len() != network.max_prefix_len() => {
            Err(RejectReason::Network)
        }
        Entry::Pattern(_) => Err(RejectReason::Pattern(PatternFault::Syntax)),
        Entry::Network(_) | Entry::Host { .. } | Entry::Url(_) => Ok(()),
    }
}

fn parameters(url: &UrlEntry) -> Vec<String> {
    url.parameters().iter().map(|text| keys::parameter(text, Reading::Block)).collect()
}
