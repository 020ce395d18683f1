//! What is listed: list text in, immutable indexes out.
//!
//! **Invariant:** pure. Nothing here opens a file or a socket, reads a clock or logs; bytes come
//! in as arguments, and an index never changes once built. A fingerprint alone never decides:
//! the text of an entry is compared before a match counts (statutory entries, which have no text,
//! are compared by a 128-bit keyed hash).
//!
//! Reading goes [`archive`] → [`ut1`] or [`e2guardian`] → [`parse`] → [`Entry`]; deciding goes [`Asked`] →
//! [`Index::find`] → [`Match`]. [`catalogue`] keeps both together with what is known about each
//! list; [`statutory`] is its own type, because none of its entries may ever be shown.

pub mod archive;
pub mod catalogue;
mod column;
mod domains;
pub mod e2guardian;
mod entry;
mod index;
mod keys;
mod networks;
mod origin;
pub mod parse;
mod patterns;
mod sections;
mod site;
pub mod statutory;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod urls;
pub mod ut1;

pub use catalogue::{Catalogue, CatalogueBuilder, FileReport, ListHead, ListInfo};
pub use entry::{Effect, Entry, Item, Scope, UrlEntry};
pub use index::{Index, IndexBuilder};
pub use origin::{ListNo, Match, Origin, OriginId, Specificity};
pub use parse::{
    Form, Format, ListFormat, NotAList, Parsed, ReadOptions, RejectReason, Rejected, Scoping, Suffixes,
};
pub use patterns::{MAX_PATTERN, Pattern, PatternFault, PatternSubject, PatternSyntax};
pub use sections::{Compiled, NotCompiled};
pub use site::site;
pub use statutory::{
    EntryId, HashedList, ListHasher, Sealed, Statutory, StatutoryBuilder, StatutoryList, StatutoryMatch,
};

use serde::{Deserialize, Serialize};

use crate::model;

/// What a list is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The host, from the URL, the `CONNECT` target or the TLS server name.
    pub host: &'a model::Host,
    /// The whole URL; `None` where only the host is known.
    pub url: Option<&'a model::Url>,
}

/// How an entry's text is compared: liberal when blocking, strict when allowing.
///
/// Whatever some server may take for the listed page is blocked; only what every server takes
/// for it is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reading {
    /// ASCII case, `www` twins, encoded slashes, path parameters and parameter order are folded.
    Block,
    /// Case counts, the host is as written, and only escapes that RFC 3986 calls equal are folded.
    Allow,
}
