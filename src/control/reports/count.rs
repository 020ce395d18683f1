//! Numbers of a span of the trail, without a name: what was blocked, opened, changed, asked.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::audit::{Closes, Filter, Index, Order, QueryError};
use crate::model::Timestamp;

/// Counts by what is counted: `blocked/games`, `act/unblock.approved`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Counts(BTreeMap<String, u64>);

/// The kinds of event of which every one is counted by its action.
const ACTS: [&str; 4] = ["change", "unblock", "selftest", "system"];

/// When the first line of a trail was written; none where there is none.
pub(super) fn began(index: &Index) -> Result<Option<Timestamp>, QueryError> {
    let filter = Filter { order: Order::OldestFirst, closes: Closes::Apart, ..Filter::default() };
    let mut began = None;
    index.scan(&filter, |record| {
        began = record.event["@timestamp"].as_str().and_then(|time| time.parse().ok());
        began.is_none()
    })?;
    Ok(began)
}

impl Counts {
    /// Counts a span of the trail, by the lines that the index finds. Nothing is counted from the index
    /// alone, though it says how many events there are of an action: which category decided, and
    /// whether an act was refused, stands in the line, and what is counted is what the trail says.
    pub(super) fn read(index: &Index, (from, to): (Timestamp, Timestamp)) -> Result<Counts, QueryError> {
        let mut counts = Counts::default();
        let filter = |dataset: &str, action: Option<&str>| Filter {
            from: Some(from),
            to: Some(to),
            dataset: Some(format!("schoolgate.{dataset}")),
            action: action.map(ToOwned::to_owned),
            order: Order::OldestFirst,
            closes: Closes::Apart,
            ..Filter::default()
        };
        index.scan(&filter("access", Some("block")), |record| {
            counts.blocked(&record.event);
            true
        })?;
        for dataset in ACTS {
            index.scan(&filter(dataset, None), |record| {
                counts.act(&record.event);
                true
            })?;
        }
        Ok(counts)
    }

    /// These and those.
    pub(super) fn and(mut self, other: Counts) -> Counts {
        for (name, count) in other.0 {
            *self.0.entry(name).or_default() += count;
        }
        self
    }

    /// How often something was.
    pub(super) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// All that begins so, the rest of its name with its number, the most first.
    pub(super) fn all(&self, start: &str) -> Vec<(&str, u64)> {
        let found = self.0.iter().filter_map(|(name, count)| Some((name.strip_prefix(start)?, *count)));
        let mut found: Vec<(&str, u64)> = found.collect();
        found.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
        found
    }

    fn add(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }

    fn blocked(&mut self, event: &Value) {
        let category = event["rule"]["category"].as_str();
        let rung = event["schoolgate"]["rung"].as_str().unwrap_or_default();
        self.add("blocked".to_owned());
        self.add(format!("blocked/{}", category.unwrap_or(rung)));
    }

    fn act(&mut self, event: &Value) {
        let action = event["event"]["action"].as_str().unwrap_or_default();
        if event["event"]["outcome"] == "failure" {
            return self.add(format!("refused/{action}"));
        }
        self.add(format!("act/{action}"));
        let details = &event["schoolgate"]["details"];
        let asked: Vec<&str> = match action {
            "ask.made" => details["category"].as_str().into_iter().collect(),
            // What a pupil asked for and a teacher took up is one wish.
            "unblock.requested" if details["ask_id"].is_null() => {
                details["categories"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
            }
            _ => Vec::new(),
        };
        for category in asked {
            self.add(format!("asked/{category}"));
        }
    }
}
