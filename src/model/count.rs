//! Numbers of things, in people's words.

use std::fmt::Display;

/// `1 day`, `2 days`, `0 entries`: how many there are of what is called so.
#[must_use]
pub fn counted(count: impl Display, thing: &str) -> String {
    let count = count.to_string();
    match (count.as_str(), thing.strip_suffix('y')) {
        ("1", _) => format!("1 {thing}"),
        (_, Some(stem)) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        (_, Some(_) | None) => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_many() {
        for (count, thing, told) in [
            (0, "day", "0 days"),
            (1, "day", "1 day"),
            (2, "day", "2 days"),
            (1, "entry", "1 entry"),
            (21, "entry", "21 entries"),
            (11, "checkpoint", "11 checkpoints"),
        ] {
            assert_eq!(counted(count, thing), told);
        }
    }
}
