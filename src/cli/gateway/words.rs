//! What the gateway says, in the words of commands: options for fields, names for what is not there.

/// Fields of the API whose options have other names.
const OPTIONS: [(&str, &str); 12] = [
    ("ends_at", "--until"),
    ("starts_at", "--from"),
    ("until", "--until-lesson-ends"),
    ("groups", "--group"),
    ("users", "--user"),
    ("devices", "--device"),
    ("reason", "--reason"),
    ("minutes", "--minutes"),
    ("also", "--also"),
    ("from", "--from"),
    ("to", "--to"),
    ("limit", "--limit"),
];

/// What stands at a path, by the folder that it is in.
const THINGS: [(&str, &str); 11] = [
    ("unblocks", "unblock"),
    ("blocks", "emergency block"),
    ("suspensions", "suspension"),
    ("suppressions", "suppression"),
    ("alerts", "alert"),
    ("changes", "change"),
    ("staff", "account"),
    ("policy", "version"),
    ("events", "event"),
    ("asks", "ask"),
    ("suggestions", "suggestion"),
];

/// What the gateway says, with the option for each field that it names.
pub(super) fn as_options(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    for (at, part) in text.split('`').enumerate() {
        let field = part.trim_start_matches('?').trim_end_matches('=').trim_end_matches("=…");
        match OPTIONS.iter().find(|(name, _)| *name == field) {
            Some((_, option)) if at % 2 == 1 => said.push_str(option),
            Some(_) | None if at % 2 == 1 => said.extend(["`", part, "`"]),
            Some(_) | None => said.push_str(part),
        }
    }
    said
}

/// What is not there, of what a path names: `account nobody`.
pub(super) fn missing(path: &str) -> Option<String> {
    let mut parts = path.split(['/', '?']).skip_while(|part| THINGS.iter().all(|(name, _)| name != part));
    let mut thing = parts.next()?;
    let mut named = parts.next()?;
    // What lies in an alert’s folder is not an alert.
    if THINGS.iter().any(|(name, _)| *name == named) {
        (thing, named) = (named, parts.next()?);
    }
    // What compares two does not say which of them is missing.
    if named == "diff" {
        return None;
    }
    let (_, what) = THINGS.iter().find(|(name, _)| *name == thing)?;
    Some(format!("{what} {named}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_as_options() {
        let cases = [
            (
                "say what you look at pupils' logs for: `?reason=`, 10",
                "say what you look at pupils' logs for: --reason, 10",
            ),
            (
                "give `ends_at`, `minutes` or `until`, one of them",
                "give --until, --minutes or --until-lesson-ends, one of them",
            ),
            (
                "there is no `colour` here: `schoolgate check`",
                "there is no `colour` here: `schoolgate check`",
            ),
            ("nothing quoted", "nothing quoted"),
        ];
        for (said, told) in cases {
            assert_eq!(as_options(said), told);
        }
    }

    #[test]
    fn what_is_not_there_is_named() {
        let cases = [
            ("/local/staff/nobody/disable", Some("account nobody")),
            ("/api/v1/policy/99", Some("version 99")),
            ("/local/events/99999/around?minutes=30", Some("event 99999")),
            ("/api/v1/alerts/suppressions/7/end", Some("suppression 7")),
            ("/api/v1/alerts/7?reason=why", Some("alert 7")),
            ("/local/explain", None),
            ("/api/v1/policy/diff?from=1&to=99", None),
        ];
        for (path, named) in cases {
            assert_eq!(missing(path).as_deref(), named, "{path}");
        }
    }
}
