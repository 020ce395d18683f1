//! What an access means: a theme and a severity, by category, search and repetition.
//!
//! **Invariant:** whether something was blocked has no say in what it is about; nothing of a help line
//! ever means anything; what a statutory list holds is always the gravest there is.

use std::collections::BTreeMap;

use crate::control::alerts::sighting::Sighting;
use crate::model::{Severity, Theme};

/// The themes of categories, as the shipped policy calls them. A site of it: how grave that is.
const CATEGORIES: [(&str, Theme, Severity); 10] = [
    ("self_harm", Theme::SelfHarm, Severity::Caution),
    ("extremism", Theme::Radicalisation, Severity::Caution),
    ("hate", Theme::Radicalisation, Severity::Advisory),
    ("adult", Theme::Adult, Severity::Advisory),
    ("mixed_adult", Theme::Adult, Severity::Advisory),
    ("violence", Theme::Violence, Severity::Advisory),
    ("weapons", Theme::Violence, Severity::Advisory),
    ("drugs", Theme::Drugs, Severity::Advisory),
    ("proxies_vpn", Theme::Bypass, Severity::Advisory),
    ("hacking", Theme::Bypass, Severity::Advisory),
];
/// The themes of lists of terms. Words say more than a site: somebody typed them.
const TERMS: [(&str, Theme, Severity); 12] = [
    ("suicide", Theme::SelfHarm, Severity::Danger),
    ("self-harm", Theme::SelfHarm, Severity::Danger),
    ("eating-disorder", Theme::SelfHarm, Severity::Caution),
    ("abuse-disclosure", Theme::Abuse, Severity::Danger),
    ("grooming", Theme::Abuse, Severity::Danger),
    ("radicalisation", Theme::Radicalisation, Severity::Caution),
    ("hate", Theme::Radicalisation, Severity::Caution),
    ("violence", Theme::Violence, Severity::Caution),
    ("weapons", Theme::Violence, Severity::Caution),
    ("drugs", Theme::Drugs, Severity::Caution),
    ("bullying", Theme::Bullying, Severity::Caution),
    ("sexual", Theme::Adult, Severity::Advisory),
];
/// Apart from the others: looking for a way round is not looking for harm.
const BYPASS_TERMS: (&str, Theme, Severity) = ("bypass", Theme::Bypass, Severity::Advisory);

/// What an access means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) theme: Theme,
    pub(super) severity: Severity,
    /// `category:adult`, `search_term:suicide`, `statutory`
    pub(super) rule: String,
}

/// The themes of categories: the usual ones, and what the school says.
pub(super) struct Themes<'a>(pub(super) &'a BTreeMap<String, Option<Theme>>);

/// What an access means, the gravest first; `lists` are the lists of terms that
/// its search matches. Of what is as grave, the graver theme is first.
pub(super) fn findings(sighting: &Sighting, lists: &[&str], themes: &Themes<'_>) -> Vec<Finding> {
    if sighting.rung == "statutory" {
        let rule = "statutory".to_owned();
        return vec![Finding { theme: Theme::Illegal, severity: Severity::Danger, rule }];
    }
    if sighting.rung == "lifeline" || sighting.inspected {
        return Vec::new();
    }
    // A class that goes where its teacher opened is at its lesson; what the school allows by name, it
    // has looked at.
    let is_agreed = sighting.rung == "unblock" || (sighting.rung == "school_lists" && !sighting.blocked);
    let mut found: Vec<Finding> = lists.iter().filter_map(|list| of_term(list)).collect();
    if sighting.search.is_none() {
        // Somebody who is still typing may yet mean something else.
        found.iter_mut().for_each(|finding| finding.severity = finding.severity.lowered());
    }
    if sighting.asked_for && !is_agreed {
        found.extend(sighting.categories.iter().filter_map(|category| themes.of(category)));
    }
    found.sort_by_key(|finding| std::cmp::Reverse((finding.severity, finding.theme)));
    found
}

/// Whether an access counts as a blocked try: one that the person asked for.
pub(super) fn is_try(sighting: &Sighting) -> bool {
    sighting.blocked && sighting.asked_for
}

/// How grave it is after so many blocked tries of its theme in ten minutes.
pub(super) fn after(severity: Severity, tries: u32, limit: u32) -> Severity {
    if tries >= limit { severity.raised() } else { severity }
}

impl Themes<'_> {
    fn of(&self, category: &str) -> Option<Finding> {
        let usual = CATEGORIES.iter().find(|(name, ..)| *name == category);
        let severity = usual.map_or(Severity::Advisory, |(.., severity)| *severity);
        let theme = match self.0.get(category) {
            Some(chosen) => (*chosen)?,
            None => usual?.1,
        };
        Some(Finding { theme, severity, rule: format!("category:{category}") })
    }
}

fn of_term(list: &str) -> Option<Finding> {
    let found = TERMS.iter().chain([&BYPASS_TERMS]).find(|(name, ..)| *name == list);
    let (_, theme, severity) = found?;
    Some(Finding { theme: *theme, severity: *severity, rule: format!("search_term:{list}") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::control::alerts::sighting::Person;
    use crate::model::Timestamp;

    /// What a safeguarding lead can read and correct.
    const TABLE: &str = include_str!("rules.txt");

    fn sighting(words: &[&str]) -> (Sighting, Vec<String>) {
        let mut seen = Sighting {
            sequence: 1,
            at: Timestamp::from_millis(0),
            person: Person::User("y5.042".to_owned()),
            group: Some("ks2".to_owned()),
            host: Some("site.example".to_owned()),
            url: None,
            blocked: false,
            rung: "category".to_owned(),
            rule: String::new(),
            categories: Vec::new(),
            search: None,
            suggestion: None,
            asked_for: true,
            inspected: false,
        };
        let mut lists = Vec::new();
        for word in words {
            match (*word, word.split_once('=')) {
                ("blocked", _) => seen.blocked = true,
                ("allowed", _) => seen.blocked = false,
                ("picture", _) => seen.asked_for = false,
                ("inspected", _) => seen.inspected = true,
                (_, Some(("by", rung))) => seen.rung = rung.to_owned(),
                (_, Some(("site", category))) => seen.categories.push(category.to_owned()),
                (_, Some(("search", list))) => {
                    seen.search = Some("words".to_owned());
                    lists.push(list.to_owned());
                }
                (_, Some(("typing", list))) => {
                    seen.suggestion = Some("wor".to_owned());
                    lists.push(list.to_owned());
                }
                _ => panic!("no word of the table: {word}"),
            }
        }
        (seen, lists)
    }

    #[test]
    fn every_row_of_the_table_holds() {
        let own =
            BTreeMap::from([("horror".to_owned(), Some(Theme::Violence)), ("mixed_adult".to_owned(), None)]);
        let mut rows = 0;
        for line in TABLE.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains('|')) {
            let (what, expected) = line.split_once('|').unwrap();
            let words: Vec<&str> = what.split_whitespace().collect();
            let (seen, lists) = sighting(&words);
            let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
            let found = findings(&seen, &lists, &Themes(&own));
            let mut themes = BTreeSet::new();
            let said = found.iter().filter(|finding| themes.insert(finding.theme));
            let said: Vec<String> =
                said.map(|Finding { theme, severity, .. }| format!("{theme} {severity}")).collect();
            let said = if said.is_empty() { "nothing".to_owned() } else { said.join(", ") };
            assert_eq!(said, expected.trim(), "{line}");
            rows += 1;
        }
        assert!(rows > 25, "{rows} rows");
    }

    #[test]
    fn the_tables_name_what_is_shipped() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let policy = std::fs::read_to_string(root.join("config/policy.toml")).unwrap();
        for (category, ..) in CATEGORIES {
            assert!(policy.contains(&format!("[categories.{category}]")), "{category}");
        }
        for (list, ..) in TERMS.iter().chain([&BYPASS_TERMS]) {
            assert!(root.join(format!("blocklists/terms/{list}.txt")).exists(), "{list}");
        }
    }

    #[test]
    fn repetition_raises_one_step() {
        use Severity::{Advisory, Caution, Danger};
        for (severity, tries, expected) in
            [(Advisory, 4, Advisory), (Advisory, 5, Caution), (Advisory, 500, Caution), (Danger, 9, Danger)]
        {
            assert_eq!(after(severity, tries, 5), expected, "{severity} {tries}");
        }
    }
}
