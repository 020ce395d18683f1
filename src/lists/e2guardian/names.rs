//! What the names of the files say.

use crate::lists::parse::Format;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A list of sites or pages.
    Lists(Format),
    /// Something else.
    NotUsable(NotUsable),
}

/// What e2guardian does with what a list covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Blocks it.
    Banned,
    /// Lets it pass, unlooked at.
    Exception,
    /// Lets the host pass; listed pages of it stay blocked.
    SemiException,
    /// Lets the address pass, and looks at the content.
    Grey,
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
    /// Headers and user agents.
    #[error("it looks at parts of requests other than the address")]
    Requests,
    /// Hours.
    #[error("it lists hours: use a timetable")]
    Hours,
    /// Sites for which something else than passing or blocking changes.
    #[error("it changes how sites are checked or logged, not whether they may be seen")]
    Checks,
}

/// What a file of this name, whatever its ending, is; `None` for a name that e2guardian does not
/// give to lists of what is blocked or let pass.
#[must_use]
pub fn kind(leaf: &str) -> Option<Kind> {
    // Included files carry an ending of their own: `bannedsitelist.included`.
    let stem = leaf.split('.').next().unwrap_or_default();
    let (_, subject) = rule(stem)?;
    known(subject)
}

/// What a list that e2guardian itself opens is.
pub(super) fn listed(leaf: &str) -> Option<(Kind, Rule)> {
    let others =
        ["nomitm", "nolog", "log", "nocheckcert", "refererexception", "embededreferer", "authexception"];
    let other = Kind::NotUsable(NotUsable::Checks);
    match rule(leaf) {
        Some((rule, subject)) => Some((known(subject).unwrap_or(other), rule)),
        None => {
            let is_other = leaf.ends_with("list") && others.iter().any(|start| leaf.starts_with(start));
            is_other.then_some((other, Rule::Banned))
        }
    }
}

/// The two halves of a name: `banned` and `site` of `localbannedsitelist`.
fn rule(stem: &str) -> Option<(Rule, &str)> {
    let own = stem.strip_prefix("local").unwrap_or(stem);
    let rules = [
        ("banned", Rule::Banned),
        ("weighted", Rule::Banned),
        ("semiexception", Rule::SemiException),
        ("exception", Rule::Exception),
        ("grey", Rule::Grey),
    ];
    let (rest, rule) = rules.iter().find_map(|(start, rule)| Some((own.strip_prefix(start)?, *rule)))?;
    Some((rule, rest.strip_suffix("list").filter(|subject| !subject.is_empty())?))
}

fn known(subject: &str) -> Option<Kind> {
    Some(match subject {
        "site" | "sslsite" => Kind::Lists(Format::E2Sites),
        "siteip" | "sslsiteip" => Kind::Lists(Format::E2SiteIps),
        "url" => Kind::Lists(Format::E2Urls),
        "regexpurl" => Kind::Lists(Format::E2RegexUrls),
        "phrase" => Kind::NotUsable(NotUsable::Phrases),
        "search" | "searchoveride" | "searchterm" => Kind::NotUsable(NotUsable::Searches),
        "extension" | "mimetype" => Kind::NotUsable(NotUsable::FileKinds),
        "ip" | "client" | "user" => Kind::NotUsable(NotUsable::Clients),
        "regexpheader" | "regexpuseragent" => Kind::NotUsable(NotUsable::Requests),
        "time" => Kind::NotUsable(NotUsable::Hours),
        "filesite" | "filesiteip" | "fileurl" => Kind::NotUsable(NotUsable::Checks),
        _ => return None,
    })
}
