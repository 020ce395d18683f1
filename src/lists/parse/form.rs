//! How one file is read, as it was settled when it was taken in.

use serde::{Deserialize, Serialize};

use crate::lists::Reading;
use crate::lists::parse::{Format, ReadOptions, Scoping, Suffixes};

/// A format, and what of it was said to be otherwise. It is kept beside the file, so that a list
/// is read tomorrow as it was counted today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// How the file is written.
    pub format: Format,
    /// What names cover that their lines mark in no way.
    #[serde(default)]
    pub scoping: Scoping,
    /// Whether public suffixes are taken.
    #[serde(default)]
    pub suffixes: Suffixes,
    /// Only the rows of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Box<str>>,
}

impl Form {
    /// This format, as it comes.
    #[must_use]
    pub const fn of(format: Format) -> Form {
        Form { format, scoping: Scoping::ByFormat, suffixes: Suffixes::Refused, category: None }
    }

    /// For this use.
    #[must_use]
    pub fn options(&self, reading: Reading) -> ReadOptions {
        ReadOptions {
            reading,
            scoping: self.scoping,
            suffixes: self.suffixes,
            category: self.category.clone(),
        }
    }
}
