//! What a list is read for, and what its lines may say.

use serde::{Deserialize, Serialize};

use crate::lists::Reading;

/// How a list is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// What the list is meant for. An allow list may hold public suffixes of two labels or more
    /// (they are reported as dangerous), and its names get no `www` twin.
    pub reading: Reading,
    /// What names cover that their lines mark in no way.
    pub scoping: Scoping,
    /// Whether public suffixes and top-level domains are taken.
    pub suffixes: Suffixes,
    /// Only the rows of this category, as [`categories`](crate::lists::parse::categories) names
    /// it; other rows are not read at all. For CSV and JSON.
    pub category: Option<Box<str>>,
}

/// What a name covers that its line marks in no way (`=name`, `*.name`, `||name^` are marks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoping {
    /// What the format says.
    #[default]
    ByFormat,
    /// The name and everything below it. An exception stays as narrow as the format has it.
    Subtree,
    /// The name alone.
    Exact,
}

/// Whether public suffixes are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suffixes {
    /// They are slips of the pen.
    #[default]
    Refused,
    /// They are meant.
    Taken,
}

impl ReadOptions {
    /// For this use, all else as usual.
    #[must_use]
    pub const fn of(reading: Reading) -> ReadOptions {
        ReadOptions { reading, scoping: Scoping::ByFormat, suffixes: Suffixes::Refused, category: None }
    }
}
