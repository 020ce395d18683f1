//! What staff write in their own words: bounded, on one line.

use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::web::problem::Problem;
use crate::web::query::Query;

/// The longest text, in characters.
const MAX_TEXT: usize = 1000;
/// The shortest purpose of looking at pupils' logs, in characters.
const MIN_PURPOSE: usize = 10;

/// What is said of a decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Comment {
    /// Why, in a few words; an approval of a change must have one.
    #[schema(max_length = 1000)]
    comment: Option<String>,
}

/// Why something is to be so no longer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// Why.
    #[schema(min_length = 15, max_length = 1000)]
    pub(super) reason: String,
}

/// Whether a look at the log must say what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It must: pupils' names are shown.
    Needed,
    /// It may.
    Optional,
}

impl Comment {
    /// The comment, if it can be kept.
    pub(super) fn text(&self) -> Result<Option<&str>, Problem> {
        bounded("comment", self.comment.as_deref())
    }
}

impl Purpose {
    /// What `?reason=` says, if that is enough.
    pub(super) fn read(self, query: &Query) -> Result<Option<String>, Problem> {
        let reason = bounded("reason", query.text("reason"))?;
        let long_enough = reason.is_some_and(|reason| reason.chars().count() >= MIN_PURPOSE);
        if self == Purpose::Needed && !long_enough {
            let detail = "say what you look at pupils' logs for: `?reason=`, 10 characters or more";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "purpose_needed", detail);
            return Err(problem.with("field", "reason"));
        }
        Ok(reason.map(ToOwned::to_owned))
    }
}

/// A text without the space around it, if it is short enough and on one line.
pub(super) fn bounded<'t>(field: &str, text: Option<&'t str>) -> Result<Option<&'t str>, Problem> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
        let detail = format!("`{field}` is longer than 1,000 characters or holds control characters");
        return Err(Problem::invalid(field, detail));
    }
    Ok(Some(text))
}
