//! Which lists cover this host or page, and from which line?
//!
//! **Invariant:** of a statutory list the name and version are told, never an entry or a line.

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
    /// The file in it; `None` for a statutory list.
    pub file: Option<String>,
    /// The line, from 1; `None` for a statutory list.
    pub line: Option<u32>,
    /// The entry in its normal form; `None` for a statutory list.
    pub entry: Option<String>,
}

/// Looks a host or URL up in all lists; `category` says which category a list feeds.
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
    let mut matches: Vec<Covered> = loaded.statutory.find(&asked).into_iter().map(hidden).collect();
    matches.extend(loaded.lifeline.find(&asked, Reading::Allow).iter().map(|found| {
        let origin = loaded.lifeline.origin(found.origin);
        Covered {
            category: None,
            list: origin.list.to_string(),
            version: origin.version.to_string(),
            file: Some(origin.file.to_string()),
            line: Some(loaded.lifeline.line(found)),
            entry: Some(loaded.lifeline.entry_text(found)),
        }
    }));
    for catalogue in [&loaded.school_block, &loaded.school_allow, &loaded.catalogue] {
        matches.extend(in_catalogue(catalogue, &asked, category));
    }
    Ok(Lookup { query: text.to_owned(), matches })
}

fn hidden(found: crate::lists::StatutoryMatch<'_>) -> Covered {
    Covered {
        category: Some("statutory".to_owned()),
        list: format!("statutory/{}", found.list),
        version: found.version.to_owned(),
        file: None,
        line: None,
        entry: None,
    }
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
            file: Some(origin.file.to_string()),
            line: Some(index.line(found)),
            entry: Some(index.entry_text(found)),
        }
    };
    found.iter().map(covered).collect()
}
