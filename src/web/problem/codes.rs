//! Every code that a problem may carry, by its status: the API's description and `docs/API.md` have the
//! same, and no answer carries another.
//!
//! **Invariant:** a code is never renamed: scripts hold on to it.

/// The codes of each status that a client can do something about.
pub(in crate::web) const CODES: [(u16, &[&str]); 16] = [
    (400, &["malformed", "too_deep"]),
    (401, &["unauthenticated", "invalid_credentials", "code_needed"]),
    (
        403,
        &[
            "csrf",
            "scope",
            "enrol_totp",
            "session_needed",
            "forbidden",
            "own_account",
            "four_eyes",
            "locked",
            "statutory",
        ],
    ),
    (404, &["not_found", "no_invitation"]),
    (405, &["method_not_allowed"]),
    (408, &["too_slow"]),
    (
        409,
        &[
            "wrong_state",
            "over",
            "taken",
            "emergency_block",
            "stale",
            "not_in_force",
            "last_holder",
            "requester_gone",
            "try_again",
        ],
    ),
    (412, &["precondition_failed"]),
    (413, &["too_large"]),
    (415, &["not_json", "not_a_form"]),
    (
        422,
        &[
            "invalid",
            "invalid_reason",
            "no_lesson",
            "purpose_needed",
            "idempotency_key_reused",
            "faulty",
            "weak_password",
            "mistyped",
            "wrong_code",
            "too_many",
        ],
    ),
    (428, &["precondition_required"]),
    (429, &["too_many_tries", "busy", "too_many_streams"]),
    (
        500,
        &["store", "audit", "answer", "export", "metrics", "page", "password", "policy", "qr", "not_fetched"],
    ),
    (503, &["not_recorded", "stopping"]),
    (507, &["no_room"]),
];

/// Every one, once.
pub(in crate::web) fn all() -> Vec<&'static str> {
    CODES.iter().flat_map(|(_, codes)| codes.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The table in `docs/API.md`: the codes of each row, with the statuses of the row.
    #[test]
    fn the_page_has_the_same_codes() {
        let page = include_str!("../../../docs/API.md");
        let table = page.split("| status | code |").nth(1).unwrap().split("\n\n").next().unwrap();
        let mut told: BTreeSet<(u16, String)> = BTreeSet::new();
        for row in table.lines().filter(|row| row.starts_with("| ") && !row.starts_with("| 431")) {
            let (status, codes) = row[2..].split_once(" | ").unwrap();
            let statuses = status.split(',').filter_map(|status| status.trim().parse::<u16>().ok());
            let quoted = codes.split('`').skip(1).step_by(2);
            let is_code = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            let codes: Vec<&str> = quoted.filter(is_code).filter(|word| *word != "faults").collect();
            told.extend(
                statuses.flat_map(|status| codes.iter().map(move |code| (status, (*code).to_owned()))),
            );
        }
        let known =
            CODES.iter().flat_map(|(status, codes)| codes.iter().map(|code| (*status, (*code).to_owned())));
        assert_eq!(told, known.collect());
        assert_eq!(all().len(), all().into_iter().collect::<BTreeSet<_>>().len(), "each has one status");
    }
}
