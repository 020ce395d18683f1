//! Which lists cover this host or page, and from which line?
//!
//! **Invariant:** statutory lists are not asked: an answer that nobody records would tell what they hold.
//! `explain` says what a decision is, and its tries at statutory entries are recorded.

use serde::Serialize;

use crate::control::lists::Loaded;
use crate::lists::{Asked, Catalogue, Reading};
use crate::model::{Url, UrlError};

/// What was asked and what covers it; `lists lookup --json` and the API answer so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lookup {
    /// What was asked, as it was typed.
    pub query: String,
    /// What covers it: the most specific first within each kind of list.
    pub matches: Vec<Covered>,
}

/// An entry that covers what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Covered {
    /// The category that the list feeds; `None` where no category uses it.
    pub category: Option<String>,
    /// The list: `ut1/games`.
    pub list: String,
    /// The list's version.
    pub version: String,
    /// The file in it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The entry in its normal form.
    pub entry: String,
}

/// Looks a host or URL up in all lists but the statutory ones; `category` says which category a list feeds.
///
/// # Errors
/// [`UrlError`] when the text is neither a host nor a URL.
pub fn lookup(
    loaded: &Loaded,
    text: &str,
    category: &dyn Fn(&str) -> Option<String>,
) -> Result<Lookup, UrlError> {
    let url = Url::parse_typed(text)?;
    let asked = Asked { host: url.host(), url: Some(&url) };
    let lifelines = loaded.lifeline.find(&asked, Reading::Allow);
    let mut matches: Vec<Covered> = Vec::new();
    matches.extend(lifelines.iter().map(|found| {
        let origin = loaded.lifeline.origin(found.origin);
        Covered {
            category: None,
            list: origin.list.to_string(),
            version: origin.version.to_string(),
            file: origin.file.to_string(),
            line: loaded.lifeline.line(found),
            entry: loaded.lifeline.entry_text(found),
        }
    }));
    for catalogue in [&loaded.school_block, &loaded.school_allow, &loaded.catalogue] {
        matches.extend(in_catalogue(catalogue, &asked, category));
    }
    Ok(Lookup { query: text.to_owned(), matches })
}

/// Every match, each read as its list is meant.
fn in_catalogue(
    catalogue: &Catalogue,
    asked: &Asked<'_>,
    category: &dyn Fn(&str) -> Option<String>,
) -> Vec<Covered> {
    let index = catalogue.index();
    let read = |reading: Reading| {
        let found = index.find(asked, reading).into_iter();
        found.filter(move |found| catalogue.list_of(found.origin).reading == reading)
    };
    let mut found: Vec<_> = read(Reading::Block).chain(read(Reading::Allow)).collect();
    found.sort_by_key(|found| (std::cmp::Reverse(found.specificity), found.origin));
    let covered = |found: &crate::lists::Match| {
        let origin = index.origin(found.origin);
        Covered {
            category: category(&origin.list),
            list: origin.list.to_string(),
            version: origin.version.to_string(),
            file: origin.file.to_string(),
            line: index.line(found),
            entry: index.entry_text(found),
        }
    };
    found.iter().map(covered).collect()
}
