//! What a request or an answer holds, as far as the gateway has looked into it.

use crate::content::FileKind;
use crate::model::Url;
use crate::services::{self, Search};

/// What a request or an answer holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What is searched for.
    pub search: Option<Search>,
    /// The kinds of file that the answer is.
    pub file: Vec<FileKind>,
    /// What it is that is carried.
    pub carries: Carries,
}

/// What is carried inside HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carries {
    /// Pages and what belongs to them.
    Web,
    /// Questions for addresses (DNS over HTTPS), which would hide what is asked for next.
    Dns,
}

impl Content {
    /// Nothing that a rule asks for, or nothing that could be looked into.
    pub const NONE: &'static Content = &Content { search: None, file: Vec::new(), carries: Carries::Web };

    /// What the address alone tells of a request.
    #[must_use]
    pub fn of_url(url: &Url) -> Content {
        let carries = if services::is_doh(url, None, None) { Carries::Dns } else { Carries::Web };
        Content { search: services::search("GET", url, None, None), file: Vec::new(), carries }
    }
}
