//! The lists of e2guardian and `DansGuardian`: one file a list, named for what it does.
//!
//! **Invariant:** an include never leaves the folder, and is read once a list.

use crate::lists::parse::Format;

/// What a file is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list of sites or pages.
    Lists(Format),
    /// Something else.
    NotUsable(NotUsable),
}

/// What a file holds that is no list of sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum NotUsable {
    /// Phrases in pages, weighted or not.
    #[error("it lists phrases in pages, which are not looked at here")]
    Phrases,
    /// Words of searches.
    #[error("it lists words of searches, which are not looked at here")]
    Searches,
    /// MIME types and file endings.
    #[error("it lists kinds of files, which a list of sites can't say")]
    FileKinds,
    /// Client addresses, host names and user names.
    #[error("it lists the school's own computers or people: set that in the policy")]
    Clients,
    /// Sites from which some things only may be had, or some checks are left out.
    #[error("it changes how some sites are checked, not whether they may be seen")]
    Checks,
    /// Replacements in addresses and headers, header and user agent patterns.
    #[error("it looks at or rewrites parts of requests, not addresses")]
    Rewrites,
    /// Hours.
    #[error("it lists hours: use a timetable")]
    Hours,
}

/// What a file of this name is; `None` for a name that e2guardian does not give.
#[must_use]
pub fn kind(leaf: &str) -> Option<Kind> {
    // Included files carry an ending of their own: `bannedsitelist.included`.
    let stem = leaf.split('.').next().unwrap_or_default();
    let rest = stem.strip_prefix("local").unwrap_or(stem);
    let meanings = ["banned", "semiexception", "exception", "grey"];
    let kind = meanings.iter().find_map(|meaning| rest.strip_prefix(meaning));
    let lists = |format| Some(Kind::Lists(format));
    match kind? {
        "sitelist" | "sslsitelist" => lists(Format::E2Sites),
        "siteiplist" | "sslsiteiplist" => lists(Format::E2SiteIps),
        "urllist" => lists(Format::E2Urls),
        "regexpurllist" => lists(Format::E2RegexUrls),
        _ => None,
    }
}
