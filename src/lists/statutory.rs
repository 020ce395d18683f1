//! Statutory lists (IWF, CTIRU form): what must be refused, held so that nobody can read it.
//!
//! **Invariant:** the text of an entry is hashed as it is read and kept nowhere. Only keyed
//! BLAKE3 hashes of canonical host and host-with-path expressions are held (the scheme of
//! Google's Safe Browsing), under a key that is the gateway's own; neither the hashes nor the
//! key can be displayed or debugged, and hashes are serialised as [`Sealed`] lists alone. The
//! Bloom filter in front never decides alone.
//!
//! An entry for a host covers its subtree; one for a page covers that page and what lies below
//! it by whole segments, never a sibling: the Internet Watch Foundation's members block pages,
//! not sites (December 2008: one encyclopaedia article listed, and much of the country could no
//! longer edit). Keys are the liberal ones of [`Reading::Block`](crate::lists::Reading).

mod builder;
mod hashed;
mod hashes;
mod sealed;

use std::fmt;
use std::net::IpAddr;

use crate::lists::keys::{self, HostText};
use crate::lists::{Asked, Reading};
use crate::model::{Host, Url};

pub use builder::StatutoryBuilder;
pub use hashed::{HashedList, ListHasher};
use hashes::{Expression, Front, Hash, Hasher};
pub use sealed::{Content, SealFault, Sealed, TakenFrom};

/// What must be refused, readable by nobody.
pub struct Statutory {
    hasher: Hasher,
    front: Front,
    lists: Box<[StatutoryList]>,
    /// Sorted by hash.
    entries: Box<[Hidden]>,
    /// The parameter hashes that entries point into.
    parameters: Box<[Hash]>,
    /// Hosts with page entries, sorted.
    paged: Box<[Hash]>,
    /// Most prefixes that the path of an entry has.
    deepest: usize,
}

/// What may be known about a statutory list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatutoryList {
    /// The list's name, e.g. `iwf`.
    pub name: Box<str>,
    /// Its version as the publisher names it.
    pub version: Box<str>,
    /// How many entries were taken.
    pub entries: usize,
    /// How many of them are pages; the others are whole hosts and addresses.
    pub pages: usize,
    /// How many lines were not.
    pub rejected: usize,
}

/// A statutory entry that covers what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatutoryMatch<'a> {
    /// The list's name.
    pub list: &'a str,
    /// The list's version.
    pub version: &'a str,
    /// Which entry, for those who hold the list and the key.
    pub entry: EntryId,
}

/// An entry's name in the record: 64 bits of its keyed hash. It says nothing about the entry to
/// anybody without the key, and it is the same at each load under one key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryId(u64);

/// An entry as it is held.
#[derive(Clone, Copy)]
struct Hidden {
    hash: Hash,
    id: u64,
    list: u16,
    /// Where its parameter hashes start and how many there are.
    parameters: (u32, u16),
}

impl Statutory {
    /// The entry that covers what is asked; hosts first.
    #[must_use]
    pub fn find(&self, asked: &Asked<'_>) -> Option<StatutoryMatch<'_>> {
        self.host(asked.host).or_else(|| {
            let url = asked.url?;
            let other = (url.host() != asked.host).then(|| self.host(url.host())).flatten();
            other.or_else(|| self.page(url))
        })
    }

    /// The entry for an address, wherever the address comes from (a name's resolution, an
    /// IP literal).
    #[must_use]
    pub fn find_address(&self, address: IpAddr) -> Option<StatutoryMatch<'_>> {
        self.host(&Host::from(address))
    }

    /// Whether some pages of this host are listed, so that the host alone can't decide.
    #[must_use]
    pub fn has_url_entries(&self, host: &Host) -> bool {
        let text = HostText::of(host);
        let expression = Expression::paged(text.without_www());
        self.front.may_hold(self.hasher.quick(&expression))
            && self.paged.binary_search(&self.hasher.hash(&expression)).is_ok()
    }

    /// Of how many hosts some pages are listed: over https, only a gateway that decrypts them can
    /// tell those pages from the host's others.
    #[must_use]
    pub fn paged_hosts(&self) -> usize {
        self.paged.len()
    }

    /// Names, versions and sizes.
    #[must_use]
    pub fn lists(&self) -> &[StatutoryList] {
        &self.lists
    }

    /// How many entries are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lists.iter().map(|list| list.entries).sum()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn host(&self, host: &Host) -> Option<StatutoryMatch<'_>> {
        let text = HostText::of(host);
        let exact = || self.entry(&Expression::exact(text.as_str()), None);
        match host {
            Host::Name(name) => name
                .suffixes()
                .find_map(|suffix| self.entry(&Expression::subtree(suffix), None))
                .or_else(exact),
            Host::Address(_) => exact(),
        }
    }

    fn page(&self, url: &Url) -> Option<StatutoryMatch<'_>> {
        if !self.has_url_entries(url.host()) {
            return None;
        }
        let text = HostText::of(url.host());
        keys::path_forms(url.path()).iter().find_map(|path| {
            std::iter::successors(Some(0), |&end| keys::prefix_end(path, end))
                .take(self.deepest)
                .find_map(|end| self.entry(&Expression::page(text.without_www(), &path[..end]), Some(url)))
        })
    }

    /// The first entry under this expression whose parameters are all there.
    fn entry(&self, expression: &Expression<'_>, url: Option<&Url>) -> Option<StatutoryMatch<'_>> {
        if !self.front.may_hold(self.hasher.quick(expression)) {
            return None;
        }
        let hash = self.hasher.hash(expression);
        let first = self.entries.partition_point(|held| held.hash < hash);
        let mut under = self.entries[first..].iter().take_while(|held| held.hash == hash).peekable();
        under.peek()?;
        let asked: Vec<Hash> = keys::any_parameters(url.and_then(Url::query))
            .map(|text| keys::parameter(text, Reading::Block))
            .map(|text| self.hasher.hash(&expression.with(&text)))
            .collect();
        let found = under.find(|held| self.wanted(held).iter().all(|hash| asked.contains(hash)))?;
        let list = &self.lists[usize::from(found.list)];
        Some(StatutoryMatch { list: &list.name, version: &list.version, entry: EntryId(found.id) })
    }

    /// The parameters that an entry asks for.
    fn wanted(&self, held: &Hidden) -> &[Hash] {
        let (start, count) = held.parameters;
        &self.parameters[start as usize..start as usize + usize::from(count)]
    }
}

impl fmt::Debug for Statutory {
    /// Sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statutory").field("lists", &self.lists).finish_non_exhaustive()
    }
}

impl fmt::Display for EntryId {
    /// 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
