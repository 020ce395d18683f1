//! One statutory list, hashed as it is read.
//!
//! **Invariant:** nothing of a line outlives [`ListHasher::add_line`] but keyed hashes.

use crate::lists::keys::{self, HostText};
use crate::lists::parse::{self, RejectReason};
use crate::lists::statutory::StatutoryList;
use crate::lists::statutory::hashes::{Expression, Hash, Hasher, KeyId, Quick};
use crate::lists::{Entry, PatternFault, Reading, Scope, UrlEntry};
use crate::model::Host;

/// One list under one key: what can be put in force, and sealed to be kept.
#[derive(Clone)]
pub struct HashedList {
    pub(super) key: KeyId,
    pub(super) about: StatutoryList,
    /// Sorted, each once.
    pub(super) entries: Vec<HashedEntry>,
    /// The hosts with page entries, sorted, each once.
    pub(super) hosts: Vec<HashedHost>,
    /// Most prefixes that the path of an entry has.
    pub(super) deepest: usize,
}

/// Takes the lines of one list, gives a [`HashedList`].
pub struct ListHasher {
    hasher: Hasher,
    list: HashedList,
}

/// An entry: the hash that finds it, the one for the filter, its name, what else must be there.
#[derive(Clone)]
pub(super) struct HashedEntry {
    pub(super) hash: Hash,
    pub(super) quick: Quick,
    pub(super) id: u64,
    pub(super) level: Level,
    pub(super) parameters: Box<[Hash]>,
}

/// A host with page entries.
#[derive(Clone, Copy)]
pub(super) struct HashedHost {
    pub(super) hash: Hash,
    pub(super) quick: Quick,
}

/// What an entry covers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Host,
    Page,
}

impl HashedList {
    /// Name, version and size.
    #[must_use]
    pub fn about(&self) -> &StatutoryList {
        &self.about
    }

    pub(super) fn empty(key: KeyId, name: &str, version: &str) -> HashedList {
        let about =
            StatutoryList { name: name.into(), version: version.into(), entries: 0, pages: 0, rejected: 0 };
        HashedList { key, about, entries: Vec::new(), hosts: Vec::new(), deepest: 0 }
    }

    pub(super) fn add_line(&mut self, hasher: &Hasher, line: &str) -> Result<(), RejectReason> {
        let mut read = Vec::new();
        let taken = parse::one_line(Reading::Block, line, &mut |entry| read.push(entry));
        let taken = taken.and_then(|()| read.iter().try_for_each(single));
        if let Err(reason) = taken {
            self.about.rejected += 1;
            return Err(reason);
        }
        // A name and its `www` twin are one entry with one id: that of the name as listed.
        let listed = read.last().map(|entry| id(hasher, entry)).unwrap_or_default();
        for entry in &read {
            self.add(hasher, listed, entry);
        }
        Ok(())
    }

    /// Sorts; an entry that is there twice counts once.
    pub(super) fn finish(&mut self) {
        let key = |entry: &HashedEntry| (entry.hash, entry.id);
        self.entries.sort_unstable_by_key(key);
        self.entries.dedup_by_key(|entry| key(entry));
        self.hosts.sort_unstable_by_key(|host| host.hash);
        self.hosts.dedup_by_key(|host| host.hash);
        let distinct = |wanted: &dyn Fn(&HashedEntry) -> bool| {
            let ids = self.entries.iter().filter(|entry| wanted(entry)).map(|entry| entry.id);
            ids.collect::<std::collections::HashSet<u64>>().len()
        };
        let (all, pages) = (distinct(&|_| true), distinct(&|entry| entry.level == Level::Page));
        (self.about.entries, self.about.pages) = (all, pages);
    }

    fn add(&mut self, hasher: &Hasher, id: u64, entry: &Entry) {
        match entry {
            Entry::Host { host, scope: Scope::Exact } => {
                self.hold(hasher, id, Level::Host, &Expression::exact(host.as_str()), &[]);
            }
            Entry::Host { host, scope: Scope::Subtree | Scope::Children } => {
                self.hold(hasher, id, Level::Host, &Expression::subtree(host.as_str()), &[]);
            }
            Entry::Network(network) => {
                let host = Host::from(network.addr());
                let expression = HostText::of(&host);
                self.hold(hasher, id, Level::Host, &Expression::exact(expression.as_str()), &[]);
            }
            // `single` lets no pattern through.
            Entry::Pattern(_) => {}
            Entry::Url(url) => {
                let host = HostText::of(url.host());
                for path in keys::path_forms(url.path()) {
                    let page = Expression::page(host.without_www(), &path);
                    self.deepest = self.deepest.max(1 + path.matches(['/', ';']).count());
                    self.hold(hasher, id, Level::Page, &page, &parameters(url));
                }
                let paged = Expression::paged(host.without_www());
                self.hosts.push(HashedHost { hash: hasher.hash(&paged), quick: hasher.quick(&paged) });
            }
        }
    }

    fn hold(
        &mut self,
        hasher: &Hasher,
        id: u64,
        level: Level,
        expression: &Expression<'_>,
        parameters: &[String],
    ) {
        let parameters = parameters.iter().map(|text| hasher.hash(&expression.with(text))).collect();
        let (hash, quick) = (hasher.hash(expression), hasher.quick(expression));
        self.entries.push(HashedEntry { hash, quick, id, level, parameters });
    }
}

impl ListHasher {
    /// No line yet; `key` is that of [`StatutoryBuilder::new`](super::StatutoryBuilder::new).
    #[must_use]
    pub fn new(key: [u8; 32], name: &str, version: &str) -> ListHasher {
        let hasher = Hasher::new(key);
        let list = HashedList::empty(hasher.id(), name, version);
        ListHasher { hasher, list }
    }

    /// Reads one line: a host, an address or a URL with or without scheme; blank lines and `#`
    /// comments are passed over.
    ///
    /// # Errors
    /// Why the line was not taken, without its text. It is counted as rejected.
    pub fn add_line(&mut self, line: &str) -> Result<(), RejectReason> {
        self.list.add_line(&self.hasher, line)
    }

    /// The list, sorted, an entry that was there twice once.
    #[must_use]
    pub fn finish(mut self) -> HashedList {
        self.list.finish();
        self.list
    }
}

impl std::fmt::Debug for HashedList {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashedList").field("about", &self.about).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ListHasher {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListHasher").field("list", &self.list).finish_non_exhaustive()
    }
}

fn id(hasher: &Hasher, entry: &Entry) -> u64 {
    let hash = |expression: &Expression<'_>| hasher.hash(expression).id();
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
