//! Which pages of a service a row is about.
//!
//! **Invariant:** liberal: case, escapes, doubled slashes, `;parameters` and a slash at the end
//! change nothing, for no service is known to keep such addresses apart.

use super::parameter::decoded;

/// A path as a row writes it.
#[derive(Debug)]
pub(super) struct PathPattern {
    segments: Vec<Segment>,
    /// Whether anything may follow, and what the last segment then starts with.
    open: Option<String>,
}

#[derive(Debug)]
enum Segment {
    Word(String),
    Any,
    Query,
    Slug,
}

/// A path that a pattern covers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Covered {
    /// It holds no query of its own.
    Plain,
    /// It holds the query as a segment.
    Query(String),
}

impl PathPattern {
    pub(super) fn read(text: &str) -> PathPattern {
        let (text, open) = match text.strip_suffix('*').filter(|stem| !stem.is_empty()) {
            Some(stem) => {
                let (before, start) = stem.rsplit_once('/').unwrap_or(("", stem));
                (before, Some(start.to_owned()))
            }
            None => (text, None),
        };
        let segments = text.split('/').filter(|segment| !segment.is_empty()).map(|segment| match segment {
            "*" => Segment::Any,
            "{query}" => Segment::Query,
            "{slug}" => Segment::Slug,
            word => Segment::Word(word.to_owned()),
        });
        PathPattern { segments: segments.collect(), open }
    }

    /// Whether the pattern covers a path, read by [`segments`].
    pub(super) fn covers(&self, path: &[String]) -> Option<Covered> {
        let mut covered = Covered::Plain;
        let mut given = path.iter();
        for segment in &self.segments {
            let given = given.next()?;
            match segment {
                Segment::Any => {}
                Segment::Word(word) if given.to_lowercase() == *word => {}
                Segment::Word(_) => return None,
                Segment::Query => covered = Covered::Query(given.clone()),
                Segment::Slug => covered = Covered::Query(given.replace('-', " ")),
            }
        }
        let rest = given.next();
        let whole = match (&self.open, rest) {
            (Some(start), Some(rest)) => rest.to_lowercase().starts_with(start.as_str()),
            (Some(start), None) => start.is_empty(),
            (None, rest) => rest.is_none() || matches!(covered, Covered::Query(_)),
        };
        whole.then_some(covered)
    }
}

/// The segments of a path, decoded once.
pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .filter(|segment| !segment.is_empty())
        .map(|segment| decoded(segment.bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_covered_however_it_is_spelled() {
        let cases = [
            ("/search", "/search", true),
            ("/search", "/Search/", true),
            ("/search", "//search", true),
            ("/search", "/%73earch;x=1", true),
            ("/search", "/searching", false),
            ("/search", "/search/more", false),
            ("/search", "/", false),
            ("/search*", "/search", true),
            ("/search*", "/searching", true),
            ("/search*", "/search/more", true),
            ("/search*", "/research", false),
            ("/s/*", "/s", true),
            ("/s/*", "/s/x/y", true),
            ("/s/*", "/sx", false),
            ("/", "/", true),
            ("/", "/a", false),
            ("/*", "/", true),
            ("/*", "/a/b", true),
            ("/r/*/search*", "/r/x/search", true),
            ("/r/*/search*", "/r/search", false),
        ];
        for (pattern, path, covers) in cases {
            let covered = PathPattern::read(pattern).covers(&segments(path));
            assert_eq!(covered.is_some(), covers, "{pattern} {path}");
        }
    }

    #[test]
    fn a_query_can_stand_in_the_path() {
        let query = |pattern, path| PathPattern::read(pattern).covers(&segments(path));
        assert_eq!(
            query("/search/{query}", "/search/two%20words/songs"),
            Some(Covered::Query("two words".into()))
        );
        assert_eq!(query("/search/{slug}", "/search/two-words"), Some(Covered::Query("two words".into())));
        assert_eq!(query("/search/{query}", "/search"), None);
    }
}
