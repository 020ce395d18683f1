//! Names: is this host, or a parent of it, listed?
//!
//! **Invariant:** one walk over the labels from the right, at most one probe a suffix, no
//! allocation unless something matches. A block needs the fingerprint alone; before a name is
//! allowed or taken off a list, its text is compared, so that nobody can craft a name that opens.

use std::collections::HashMap;
use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::lists::column::{Column, small};
use crate::lists::origin::Place;
use crate::lists::sections::{Compiled, Section};
use crate::lists::table::{self, Draft, Table};
use crate::lists::{Effect, Match, OriginId, Reading, Scope, Specificity};
use crate::model::Name;

const SECTIONS: table::Sections = table::Sections {
    filter: Section::NameFilter,
    buckets: Section::NameBuckets,
    fingerprints: Section::NameFingerprints,
    payloads: Section::NamePayloads,
    starts: Section::NameStarts,
    texts: Section::NameTexts,
};
/// Bytes of a line number behind a name's text.
const LINE: usize = size_of::<u32>();

/// Where a name is listed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    origin: OriginId,
    scope: Scope,
    effect: Effect,
    line: u32,
}

/// A file that lists a name, and how; a group of these is shared by all names that have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Member {
    origin: U16,
    scope: u8,
    effect: u8,
}

/// Names to be indexed.
pub(super) struct DomainsDraft {
    hasher: SipHasher13,
    rows: Draft<Posting>,
    lengths: Lengths,
}

/// Listed names, immutable.
pub(super) struct Domains {
    hasher: SipHasher13,
    table: Table,
    members: Column<Member>,
    group_starts: Column<U32>,
    lengths: Lengths,
}

/// How many labels listed names have: a suffix of another length needs no probe. Bit N is for N
/// labels, bit 63 for all beyond.
#[derive(Clone, Copy, Default)]
pub(super) struct Lengths(pub(super) u64);

impl DomainsDraft {
    pub(super) fn new(key: &[u8; 16]) -> DomainsDraft {
        let hasher = SipHasher13::new_with_key(key);
        DomainsDraft { hasher, rows: Draft::new(), lengths: Lengths::default() }
    }

    pub(super) fn add(&mut self, origin: OriginId, line: u32, name: &Name, scope: Scope, effect: Effect) {
        let Some((labels, (hasher, text))) = (1..).zip(suffixes(self.hasher, name.as_str())).last() else {
            return;
        };
        self.lengths.add(labels);
        self.rows.add(hasher.finish(), text, Some(Posting { origin, scope, effect, line }));
    }

    /// Gives how many entries each origin has, duplicates counted once, and the lengths.
    pub(super) fn build(self, compiled: &mut Compiled, counts: &mut [usize]) -> Lengths {
        let (mut groups, mut known) = (Groups::default(), HashMap::new());
        self.rows.build(compiled, SECTIONS, |postings, cold| {
            let same =
                |a: &Posting, b: &Posting| (a.origin, a.scope, a.effect) == (b.origin, b.scope, b.effect);
            postings.dedup_by(|later, first| same(later, first));
            for posting in &*postings {
                counts[posting.origin.index()] += 1;
                cold.extend_from_slice(&posting.line.to_le_bytes());
            }
            let members: Vec<Member> = postings.iter().map(Member::of).collect();
            *known.entry(members).or_insert_with_key(|members| groups.add(members))
        });
        groups.put(compiled);
        self.lengths
    }
}

/// The groups being gathered.
#[derive(Default)]
struct Groups {
    members: Vec<Member>,
    starts: Vec<U32>,
}

impl Groups {
    fn add(&mut self, members: &[Member]) -> u32 {
        let number = small(self.starts.len());
        self.starts.push(U32::new(small(self.members.len())));
        self.members.extend_from_slice(members);
        number
    }

    fn put(mut self, compiled: &mut Compiled) {
        self.starts.push(U32::new(small(self.members.len())));
        compiled.put(Section::Groups, Column::bytes_of(&self.members));
        compiled.put(Section::GroupStarts, Column::bytes_of(&self.starts));
    }
}

impl Domains {
    pub(super) fn open(key: &[u8; 16], lengths: Lengths, compiled: &Compiled) -> Domains {
        Domains {
            hasher: SipHasher13::new_with_key(key),
            table: Table::open(compiled, SECTIONS),
            members: Column::of(compiled.section(Section::Groups)),
            group_starts: Column::of(compiled.section(Section::GroupStarts)),
            lengths,
        }
    }

    /// Appends a match for every entry that covers `name`.
    pub(super) fn find(&self, name: &Name, reading: Reading, matches: &mut Vec<Match>) {
        let name = name.as_str();
        for (labels, (hasher, suffix)) in (1..).zip(suffixes(self.hasher, name)) {
            if !self.lengths.hold(labels) {
                continue;
            }
            let rows = self.table.rows(hasher.finish());
            let shared = rows.len() > 1;
            for row in rows {
                let members = self.members(row);
                let must_be_sure =
                    shared || reading == Reading::Allow || members.iter().any(|one| one.effect().excepts());
                if must_be_sure && self.name(row) != suffix.as_bytes() {
                    continue;
                }
                let whole = suffix.len() == name.len();
                for (at, member) in (0..).zip(members) {
                    if covers(member.scope(), whole) {
                        matches.push(member.found(labels, Place::Name { row, member: at }));
                    }
                }
            }
        }
    }

    /// The entry as it could stand in a list.
    pub(super) fn text(&self, row: u32, member: u32) -> String {
        let name = String::from_utf8_lossy(self.name(row)).into_owned();
        match self.members(row)[member as usize].scope() {
            Scope::Exact => format!("={name}"),
            Scope::Subtree => name,
            Scope::Children => format!("*.{name}"),
        }
    }

    /// The line of the entry.
    pub(super) fn line(&self, row: u32, member: u32) -> u32 {
        let lines = &self.table.cold(row)[self.name(row).len()..];
        let line = lines.chunks_exact(LINE).nth(member as usize).and_then(|line| line.try_into().ok());
        line.map_or(0, u32::from_le_bytes)
    }

    fn members(&self, row: u32) -> &[Member] {
        let (starts, group) = (self.group_starts.cells(), self.table.payload(row).start as usize);
        &self.members.cells()[starts[group].get() as usize..starts[group + 1].get() as usize]
    }

    fn name(&self, row: u32) -> &[u8] {
        let cold = self.table.cold(row);
        &cold[..cold.len() - self.members(row).len() * LINE]
    }
}

impl Member {
    fn of(posting: &Posting) -> Member {
        Member {
            origin: U16::new(posting.origin.0),
            scope: posting.scope as u8,
            effect: posting.effect as u8,
        }
    }

    fn scope(self) -> Scope {
        match self.scope {
            0 => Scope::Exact,
            1 => Scope::Subtree,
            _ => Scope::Children,
        }
    }

    fn effect(self) -> Effect {
        Effect::of(self.effect)
    }

    fn found(self, labels: usize, place: Place) -> Match {
        Match {
            origin: OriginId(self.origin.get()),
            effect: self.effect(),
            specificity: Specificity::of_host(labels, self.scope() == Scope::Exact),
            place,
        }
    }
}

impl Lengths {
    fn add(&mut self, labels: usize) {
        self.0 |= 1 << labels.min(63);
    }

    fn hold(self, labels: usize) -> bool {
        self.0 >> labels.min(63) & 1 == 1
    }
}

fn covers(scope: Scope, whole: bool) -> bool {
    match scope {
        Scope::Exact => whole,
        Scope::Subtree => true,
        Scope::Children => !whole,
    }
}

/// The suffixes of a name by whole labels, shortest first, each with its hash: the hash runs from
/// the right, a label with the dot behind it at a time, so each suffix continues the one before.
fn suffixes(mut hasher: SipHasher13, name: &str) -> impl Iterator<Item = (SipHasher13, &str)> {
    let mut end = Some(name.len());
    std::iter::from_fn(move || {
        let until = end?;
        let start = name[..until].rfind('.').map_or(0, |dot| dot + 1);
        let dotted = (until + 1).min(name.len());
        hasher.write(&name.as_bytes()[start..dotted]);
        end = start.checked_sub(1);
        Some((hasher, &name[start..]))
    })
}
