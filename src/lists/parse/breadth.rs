//! Whether a pattern would cover far too much.
//!
//! A pattern can't be held against every address there is. It is held against a few that no list
//! means: if it matches all of them, or all of those below one well-known suffix, it is taken for
//! a slip of the pen.

use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

use crate::lists::parse::{RejectReason, Suffixes};
use crate::lists::{Pattern, PatternFault, PatternSubject, PatternSyntax};

/// Names of several shapes that nobody registers to be listed.
const LABELS: [&str; 3] = ["j", "qzx-vkw-27", "xkcjqvwzpyfhgmnbtrds"];
const SUFFIXES: [&str; 7] = ["com", "net", "org", "uk", "co.uk", "sch.uk", "gov.uk"];
/// The shortest keyword: two letters stand in every other name.
const SHORTEST: usize = 3;
/// What may stand after a host: a pattern is too wide if it matches with either everywhere.
const TAILS: [&str; 2] = ["/", "/a/b.html?c=d"];

static HOSTS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
    let below = |suffix: &str| LABELS.iter().map(|label| format!("{label}.{suffix}")).collect();
    SUFFIXES.iter().map(|suffix| below(suffix)).collect()
});

/// Refuses a pattern that covers everything, or a whole suffix that is not taken.
pub(super) fn check(pattern: &Pattern, suffixes: Suffixes) -> Result<(), RejectReason> {
    if pattern.syntax() == PatternSyntax::Keyword && pattern.text().len() < SHORTEST {
        return Err(PatternFault::MatchesAll.into());
    }
    let regex = regex_of(pattern)?;
    let covers = |hosts: &[String]| match pattern.subject() {
        PatternSubject::Host => hosts.iter().all(|host| regex.is_match(host.as_bytes())),
        PatternSubject::Url => TAILS.iter().any(|tail| hosts.iter().all(|host| on_url(&regex, host, tail))),
    };
    if HOSTS.iter().all(|below| covers(below)) {
        return Err(PatternFault::MatchesAll.into());
    }
    if suffixes == Suffixes::Refused && HOSTS.iter().any(|below| covers(below)) {
        return Err(RejectReason::PublicSuffix);
    }
    Ok(())
}

/// Whether it matches the address with or without its scheme.
fn on_url(regex: &Regex, host: &str, tail: &str) -> bool {
    let url = format!("http://{host}{tail}");
    regex.is_match(url.as_bytes()) || regex.is_match(&url.as_bytes()["http://".len()..])
}

fn regex_of(pattern: &Pattern) -> Result<Regex, RejectReason> {
    let escaped;
    let text = match pattern.syntax() {
        PatternSyntax::Regex => pattern.text(),
        PatternSyntax::Keyword => {
            escaped = regex::escape(pattern.text());
            &escaped
        }
    };
    let mut builder = RegexBuilder::new(text);
    let built = builder.unicode(false).case_insensitive(true).build();
    built.map_err(|_| PatternFault::Syntax.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(subject: PatternSubject, text: &str) -> Result<(), RejectReason> {
        check(&Pattern::regex(subject, text).unwrap(), Suffixes::Refused)
    }

    #[test]
    fn what_covers_too_much_is_refused() {
        use PatternSubject::{Host, Url};
        let all = Err(PatternFault::MatchesAll.into());
        let cases = [
            (Host, r"\.", all),
            (Host, "^[a-z0-9.-]+$", all),
            (Host, r"\.com$", Err(RejectReason::PublicSuffix)),
            (Host, r"^[^.]+\.(com|net)$", Err(RejectReason::PublicSuffix)),
            (Host, r"^[a-z]{10}\.com$", Ok(())),
            (Host, r"(^|\.)proxy[0-9]*\.com$", Ok(())),
            (Url, "^http://", all),
            (Url, "/", all),
            (Url, r"\?", all),
            (Url, r"\.co\.uk/", Err(RejectReason::PublicSuffix)),
            (Url, r"\.(exe|msi)(\?|$)", Ok(())),
        ];
        for (subject, text, expected) in cases {
            assert_eq!(checked(subject, text), expected, "{text}");
        }
        let suffix = Pattern::regex(Host, r"\.com$").unwrap();
        assert_eq!(check(&suffix, Suffixes::Taken), Ok(()));
    }
}
