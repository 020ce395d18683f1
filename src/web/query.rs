//! The part of a URL behind `?`, read strictly.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::Query as Pairs;
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value};

use crate::web::problem::Problem;

/// Named values; empty ones count as absent.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of `uri`, which may hold each of `known` once and nothing else.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Query, Problem> {
        let Pairs(mut pairs) = Pairs::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "malformed", "what stands behind `?` can't be read")
        })?;
        for (at, (name, _)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::invalid(name, format!("there is no `{name}` here")));
            }
            if pairs[..at].iter().any(|(other, _)| other == name) {
                return Err(Problem::invalid(name, format!("`{name}` stands here twice")));
            }
        }
        pairs.retain(|(_, value)| !value.trim().is_empty());
        Ok(Query(pairs))
    }

    /// A value as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim())
    }

    /// A value, read.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let read = |text: &str| text.parse().map_err(|fault| Problem::invalid(name, format!("{fault}")));
        self.text(name).map(read).transpose()
    }

    /// How many items a page may have.
    pub(super) fn limit(&self, most: usize) -> Result<usize, Problem> {
        let asked = self.parsed::<usize>("limit")?.unwrap_or(100.min(most));
        if (1..=most).contains(&asked) {
            return Ok(asked);
        }
        Err(Problem::invalid("limit", format!("`limit` is a number from 1 to {most}")))
    }

    /// What was asked for, for the record; paging and the reason are not part of it.
    pub(super) fn asked(&self) -> Map<String, Value> {
        let paging = |name: &str| ["limit", "cursor", "reason"].contains(&name);
        let asked = self.0.iter().filter(|(name, _)| !paging(name));
        asked.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    }
}
