//! Small policies by chance: a throw says what each key is set to, 0 what is plainest.

use super::*;

/// Throws, taken one after another; 0 once there are none left.
pub(super) struct Dice(std::vec::IntoIter<u8>);

pub(super) const GROUPS: [&str; 3] = ["a", "b", "c"];
pub(super) const LISTS: [&str; 5] = ["adult", "games", "news", "approved", "extra"];
const CATEGORIES: [&str; 4] = ["adult", "games", "news", "approved"];
const ACTIONS: [&str; 4] = ["", "block", "alert", "allow"];
const SUBNETS: [&str; 5] = ["10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "10.0.0.0/8", "2a00:1450::/32"];

impl Dice {
    pub(super) fn new(throws: Vec<u8>) -> Dice {
        Dice(throws.into_iter())
    }

    pub(super) fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::from(self.0.next().unwrap_or(0)) % from.len()]
    }

    fn key(&mut self, key: &str, values: &[&str]) -> String {
        match self.pick(values) {
            "" => String::new(),
            value if value.starts_with(['[', '{']) || value == "true" => format!("{key} = {value}\n"),
            value => format!("{key} = \"{value}\"\n"),
        }
    }

    /// A policy text, not always one without faults.
    pub(super) fn policy(&mut self) -> String {
        let mut text = String::new();
        let subnets: Vec<&str> = SUBNETS.iter().map(|_| self.pick(&["", "a", "b", "c", "b"])).collect();
        for group in GROUPS {
            if group != "a" && self.pick(&["y", "y", "y", "y", ""]).is_empty() {
                continue;
            }
            let mine: Vec<String> = SUBNETS
                .iter()
                .zip(&subnets)
                .filter(|(_, owner)| **owner == group)
                .map(|(net, _)| format!("{net:?}"))
                .collect();
            text.push_str(&format!("[groups.{group}]\nsubnets = [{}]\n", mine.join(", ")));
            text.push_str(&self.group(group));
        }
        text + &self.categories()
    }

    fn group(&mut self, group: &str) -> String {
        let parents: &[&str] = match group {
            "b" => &["", "a"],
            "c" => &["", "a", "b"],
            _ => &[""],
        };
        let mut text = self.key("inherits", parents);
        text += &self.key("default", &["allow", "block", "allow", ""]);
        text += &self.key("uncategorised", &["", "block", "alert", "allow"]);
        text += &self.key("unclassified", &["", "allow", "block"]);
        text += &self.key("inspect", &["", "", "", "surgical", "surgical", "always", "never"]);
        text += &self.key("inspect_hosts", &["", "", "", "[\"other.example\"]", "[\"example\"]"]);
        text += &self.key("ports", &["", "[80, 443, 8080]", "[443]", "[443, 80]"]);
        text += &self.key("safe_search", &["", "", "enforce", "off"]);
        text += &self.key("youtube", &["", "", "strict", "moderate", "off"]);
        text += &format!("[groups.{group}.categories]\n");
        for category in CATEGORIES {
            text += &self.key(category, &ACTIONS);
        }
        text += &format!("[groups.{group}.search_terms]\n");
        for terms in ["worry", "stop", "noted"] {
            text += &self.key(terms, &ACTIONS);
        }
        text += &format!("[groups.{group}.file_kinds]\n");
        for kind in ["executable", "video"] {
            text += &self.key(kind, &ACTIONS);
        }
        text
    }

    fn categories(&mut self) -> String {
        let owners: Vec<&str> =
            LISTS.iter().map(|list| self.pick(&[list, list, "games", "news", ""])).collect();
        let mut text = String::new();
        for category in CATEGORIES {
            let lists: Vec<String> = LISTS
                .iter()
                .zip(&owners)
                .filter(|(_, owner)| **owner == category)
                .map(|(list, _)| format!("{list:?}"))
                .collect();
            text += &format!("[categories.{category}]\nsources = [{}]\n", lists.join(", "));
            text += &self.key("unblockable", &["", "true"]);
            text += &self.key("programs", &["", "true", ""]);
        }
        text
    }

    /// Up to three unblocks that stand.
    pub(super) fn unblocks(&mut self) -> Vec<Unblock> {
        let targets = [
            "",
            "category:games",
            "category:news",
            "category:adult",
            "games.example",
            "https://both.example/a/",
            "93.184.216.34",
            "other.example",
        ];
        let mut unblocks = Vec::new();
        for _ in 0..3 {
            let (target, group) = (self.pick(&targets), self.pick(&["a", "b", "c", ""]));
            if target.is_empty() {
                continue;
            }
            let mut one = unblock(target, "a", 60);
            one.audience = match group {
                "" => Audience { users: vec!["y5.042".parse().unwrap()], ..Audience::default() },
                _ => Audience { groups: vec![group.parse().unwrap()], ..Audience::default() },
            };
            unblocks.push(one);
        }
        unblocks
    }
}
