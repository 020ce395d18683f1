//! A part of a list, and where to go on.

use std::fmt::Display;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::http::{HeaderValue, header};
use serde::Serialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::web::body::Answer;
use crate::web::problem::Problem;
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
    /// What to know of what was asked for: a group or category that there is not today.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    notes: Vec<String>,
}

/// What a list may be asked for behind `?`: which of its pages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Paging {
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    cursor: Option<Uuid>,
}

/// The same, of what `P` asks for.
pub(super) struct Paged<P>(PhantomData<P>);

impl<P: IntoParams> IntoParams for Paged<P> {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        [P::into_params(&parameter_in), Paging::into_params(&parameter_in)].concat()
    }
}

impl<T: Serialize> Page<T> {
    /// A page and what to send for the next one.
    pub(super) fn new(items: Vec<T>, next: Option<String>) -> Page<T> {
        Page { items, next, audit_seq: None, notes: Vec::new() }
    }

    /// The page that a query asks for of `all`, whose ids fall from one to the next.
    pub(super) fn of<I, K: FromStr<Err: Display> + Ord + ToString>(
        all: Vec<I>,
        query: &Query,
        most: usize,
        id: impl Fn(&I) -> K,
        shown: impl Fn(I) -> T,
    ) -> Result<Answer<Page<T>>, Problem> {
        Ok(Page::cut(all, query, most, id, shown)?.answer(query))
    }

    /// The same, where the look was recorded.
    pub(super) fn recorded_of<I, K: FromStr<Err: Display> + Ord + ToString>(
        all: Vec<I>,
        (query, audit_seq): (&Query, u64),
        most: usize,
        id: impl Fn(&I) -> K,
        shown: impl Fn(I) -> T,
    ) -> Result<Answer<Page<T>>, Problem> {
        Ok(Page::cut(all, query, most, id, shown)?.recorded(audit_seq).answer(query))
    }

    fn cut<I, K: FromStr<Err: Display> + Ord + ToString>(
        mut all: Vec<I>,
        query: &Query,
        most: usize,
        id: impl Fn(&I) -> K,
        shown: impl Fn(I) -> T,
    ) -> Result<Page<T>, Problem> {
        let (limit, cursor) = (query.limit(most)?, query.parsed::<K>("cursor")?);
        all.retain(|item| cursor.as_ref().is_none_or(|cursor| id(item) < *cursor));
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(|last| id(last).to_string());
        Ok(Page::new(all.into_iter().map(shown).collect(), next))
    }

    /// The same page, with the record of its having been looked at.
    pub(super) fn recorded(self, audit_seq: u64) -> Page<T> {
        Page { audit_seq: Some(audit_seq), ..self }
    }

    /// The same page, with what to know of what was asked for.
    pub(super) fn noting(self, notes: Vec<String>) -> Page<T> {
        Page { notes, ..self }
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
