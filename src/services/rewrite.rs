//! How a request is changed so that what a group has enforced holds.
//!
//! **Invariant:** changing a changed request changes nothing more; host and path stay.

use super::facts::{FACTS, SafeRow};
use super::parameter::with_fields;
use super::path::segments;
use super::{Enforce, SafeSearch};
use crate::model::Url;

/// What to change of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewrite {
    /// The URL to send instead.
    pub url: Option<Url>,
    /// Names of header fields to take out, in lower case; those that are set are among them.
    pub remove: Vec<&'static str>,
    /// Header fields to set once the others are out: name in lower case, value.
    pub set: Vec<(&'static str, String)>,
    /// Cookies, by name and value: replaced in the `Cookie` field, or added to it.
    pub cookies: Vec<(&'static str, &'static str)>,
}

impl Rewrite {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Rewrite::default()
    }
}

impl Enforce {
    /// How a request is changed: the visitor's own values are taken out, ours put in.
    #[must_use]
    pub fn rewrite(&self, url: &Url) -> Rewrite {
        let mut rewrite = Rewrite::default();
        for row in self.header_rows(url.host()) {
            rewrite.remove.extend(row.names.iter().map(String::as_str));
            let values = self.header_values(row.service);
            rewrite.set.extend(row.names.iter().map(String::as_str).zip(values));
        }
        if self.safe_search == SafeSearch::Enforce {
            make_safe(&mut rewrite, url);
        }
        rewrite
    }
}

fn make_safe(rewrite: &mut Rewrite, url: &Url) {
    let path = segments(url.path());
    let covers = |row: &&SafeRow| row.paths.iter().any(|pattern| pattern.covers(&path).is_some());
    let rows: Vec<&'static SafeRow> = FACTS.safe.of(url.host()).filter(covers).collect();
    for row in &rows {
        rewrite.cookies.extend(row.cookies.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    let set: Vec<&str> = rows.iter().flat_map(|row| &row.set).map(String::as_str).collect();
    let strip: Vec<&str> = rows.iter().flat_map(|row| &row.strip).map(String::as_str).collect();
    if strip.is_empty() {
        return;
    }
    let query = with_fields(url.query(), &strip, &set);
    if url.query() != Some(&query) {
        rewrite.url = Some(url.with_query(&query));
    }
}
