//! Names: is this host, or a parent of it, listed?
//!
//! **Invariant:** one walk over the labels from the right, one probe a suffix, no allocation
//! unless something matches. Over a million names a hit costs about 1.6 misses, and six labels
//! more about five (`benches/lists.rs`).

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::lists::origin::Place;
use crate::lists::table::{Draft, Table};
use crate::lists::{Match, OriginId, Scope, Specificity};
use crate::model::Name;

/// Where a name is listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    origin: OriginId,
    scope: Scope,
    line: u32,
}

/// Names to be indexed.
pub(super) struct DomainsDraft {
    hasher: SipHasher13,
    rows: Draft<Posting>,
}

/// Listed names, immutable.
pub(super) struct Domains {
    hasher: SipHasher13,
    table: Table<Posting>,
}

impl DomainsDraft {
    pub(super) fn new(key: &[u8; 16]) -> DomainsDraft {
        DomainsDraft { hasher: SipHasher13::new_with_key(key), rows: Draft::new() }
    }

    pub(super) fn add(&mut self, origin: OriginId, line: u32, name: &Name, scope: Scope) {
        let whole = suffixes(self.hasher, name.as_str()).last();
        if let Some((fingerprint, text)) = whole {
            self.rows.add(fingerprint, text, Some(Posting { origin, scope, line }));
        }
    }

    pub(super) fn build(self) -> Domains {
        let same = |a: &Posting, b: &Posting| (a.origin, a.scope) == (b.origin, b.scope);
        Domains { hasher: self.hasher, table: self.rows.build(same) }
    }
}

impl Domains {
    /// Appends a match for every entry that covers `name`.
    pub(super) fn find(&self, name: &Name, matches: &mut Vec<Match>) {
        let name = name.as_str();
        for (labels, (fingerprint, suffix)) in (1..).zip(suffixes(self.hasher, name)) {
            let Some(row) = self.table.row(fingerprint, |text| text == suffix) else { continue };
            let whole = suffix.len() == name.len();
            for posting in self.table.postings(row).iter().filter(|posting| covers(posting.scope, whole)) {
                matches.push(Match {
                    origin: posting.origin,
                    line: posting.line,
                    specificity: Specificity::of_host(labels, posting.scope == Scope::Exact),
                    place: Place::Name(row, posting.scope),
                });
            }
        }
    }

    /// The entry as it could stand in a list.
    pub(super) fn text(&self, row: u32, scope: Scope) -> String {
        let name = self.table.text(row);
        match scope {
            Scope::Exact => format!("={name}"),
            Scope::Subtree => name.to_owned(),
            Scope::Children => format!("*.{name}"),
        }
    }

    pub(super) fn origins(&self) -> impl Iterator<Item = OriginId> {
        self.table.all_postings().iter().map(|posting| posting.origin)
    }
}

fn covers(scope: Scope, whole: bool) -> bool {
    match scope {
        Scope::Exact => whole,
        Scope::Subtree => true,
        Scope::Children => !whole,
    }
}

/// The suffixes of a name by whole labels, shortest first, each with its fingerprint: the hash
/// runs from the right, so each suffix continues the one before.
fn suffixes(mut hasher: SipHasher13, name: &str) -> impl Iterator<Item = (u64, &str)> {
    let mut end = Some(name.len());
    std::iter::from_fn(move || {
        let until = end?;
        let start = name[..until].rfind('.').map_or(0, |dot| dot + 1);
        hasher.write(&name.as_bytes()[start..until]);
        hasher.write(b".");
        end = start.checked_sub(1);
        Some((hasher.finish(), &name[start..]))
    })
}
