//! What a request holds besides its URL, and what its answer turned out to be.

use crate::content::FileKind;
use crate::model::Url;
use crate::services::{self, Search};

/// What a request holds, as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The search that it is.
    pub search: Option<Search>,
    /// The kinds of file that its answer is of; empty before there is one.
    pub file: Vec<FileKind>,
    /// What is carried in it.
    pub carries: Carries,
}

/// What is carried in a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carries {
    /// The web.
    #[default]
    Web,
    /// Questions to a name server (RFC 8484): with their answers a browser goes round the school's.
    Dns,
}

impl Content {
    /// What a URL itself says of a request for it, were it typed into a browser.
    #[must_use]
    pub fn of_url(url: &Url) -> Content {
        let carries = if services::is_doh(url, None, None) { Carries::Dns } else { Carries::Web };
        Content { search: services::search("GET", url, None, None), file: Vec::new(), carries }
    }

    /// Of what is not seen into.
    #[must_use]
    pub fn unseen() -> &'static Content {
        static UNSEEN: Content = Content { search: None, file: Vec::new(), carries: Carries::Web };
        &UNSEEN
    }
}
