//! Where a match comes from and how narrowly it fits.

use serde::{Deserialize, Serialize};

use crate::lists::Effect;

/// One file of one version of one list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The list, e.g. `ut1/games`.
    pub list: Box<str>,
    /// The version as its publisher names it, e.g. `2026-08-17`.
    pub version: Box<str>,
    /// The file inside the list, e.g. `games/domains`.
    pub file: Box<str>,
}

/// The number of an [`Origin`] inside one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginId(pub(super) u16);

/// The number of a list while a catalogue or a statutory set is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ListNo(pub(super) u16);

/// An entry that covers what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The file that holds the entry.
    pub origin: OriginId,
    /// What the entry does in its list.
    pub(super) effect: Effect,
    /// How narrowly the entry fits.
    pub specificity: Specificity,
    pub(super) place: Place,
}

/// How narrow an entry is: a longer host is greater, then more path segments, then more query
/// parameters, then an entry for exactly this host.
///
/// Only comparable among matches for one [`Asked`](super::Asked).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Specificity {
    /// Labels of the listed name, or bits of the listed network.
    pub(super) host: u16,
    pub(super) segments: u16,
    pub(super) parameters: u16,
    pub(super) exact: bool,
}

/// Where an index keeps a matched entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Name { row: u32, member: u32 },
    Network(u32),
    Url(u32),
    Pattern(u32),
}

impl OriginId {
    /// The number as an index into a table of origins.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl ListNo {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl Specificity {
    pub(super) fn of_host(host: usize, exact: bool) -> Specificity {
        Specificity { host: clamped(host), segments: 0, parameters: 0, exact }
    }

    /// A pattern is wider than anything that names a host.
    pub(super) fn of_pattern() -> Specificity {
        Specificity { host: 0, segments: 0, parameters: 0, exact: false }
    }

    pub(super) fn of_url(host: usize, segments: usize, parameters: usize) -> Specificity {
        Specificity {
            host: clamped(host),
            segments: clamped(segments),
            parameters: clamped(parameters),
            exact: true,
        }
    }
}

fn clamped(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
