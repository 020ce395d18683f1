//! A part of a list, and where to go on.

use axum::http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::body::Answer;
use crate::web::query::Query;

/// Some of the items, in the order asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page<T> {
    /// The items.
    items: Vec<T>,
    /// What to send as `cursor` for the next page; null when this was the last.
    next: Option<String>,
    /// The record of having been looked at, where looking is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

impl<T: Serialize> Page<T> {
    /// A page and what to send for the next one.
    pub(super) fn new(items: Vec<T>, next: Option<String>) -> Page<T> {
        Page { items, next, audit_seq: None }
    }

    /// The same page, with the record of its having been looked at.
    pub(super) fn recorded(self, audit_seq: u64) -> Page<T> {
        Page { audit_seq: Some(audit_seq), ..self }
    }

    /// The answer, with a `Link` to the next page (RFC 8288) beside `next`.
    pub(super) fn answer(self, query: &Query) -> Answer<Page<T>> {
        let link = self.next.as_deref().map(|next| format!("<{}>; rel=\"next\"", query.going_on(next)));
        let answer = Answer::ok(self);
        match link.and_then(|link| HeaderValue::try_from(link).ok()) {
            Some(link) => answer.with(header::LINK, link),
            None => answer,
        }
    }
}
