//! How what a person hands over is written: one file in one format, or a tree.

use crate::lists::parse::{Format, UnknownFormat};

/// A format as commands and settings name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFormat {
    /// A single file.
    File(Format),
    /// `ut1`: a tree of categories as UT1, squidGuard and Shalla have it.
    Ut1,
    /// `e2guardian`: a folder of e2guardian's or DansGuardian's lists.
    E2guardian,
}

impl std::str::FromStr for ListFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<ListFormat, UnknownFormat> {
        match text {
            "ut1" => Ok(ListFormat::Ut1),
            "e2guardian" => Ok(ListFormat::E2guardian),
            _ => text.parse().map(ListFormat::File),
        }
    }
}
