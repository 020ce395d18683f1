//! Suggestions: sites that several members of staff had opened.

use axum::extract::State as Has;
use axum::http::Uri;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::{REVIEWERS, Suggested};
use crate::model::Timestamp;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::Moment;
use crate::web::page::{Page, Paging};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Why;

/// Most suggestions of a page.
const MOST: usize = 500;

/// A site whose category somebody should review.
#[derive(Serialize, ToSchema)]
pub(super) struct Suggestion {
    /// Its id.
    id: Uuid,
    /// The site: the name that somebody registered.
    site: String,
    /// The categories that block it now, by id.
    categories: Vec<String>,
    /// The same in people's words.
    category_names: Vec<String>,
    /// How many unblocks of it there were in the last 90 days.
    unblocks: usize,
    /// By how many members of staff.
    staff: usize,
    /// When it was raised.
    #[schema(value_type = Moment)]
    raised_at: Timestamp,
    /// The record of its dismissal, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// Sites to review
///
/// Sites of which three members of staff or more had an unblock within 90 days, until somebody
/// dismisses the suggestion. The newest first.
#[utoipa::path(get, path = "/suggestions", operation_id = "list_suggestions", tag = "unblocks", params(Paging),
    responses((status = 200, description = "A page of suggestions", body = Page<Suggestion>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Suggestion>>, Problem> {
    caller.must_hold(&REVIEWERS, &shared, "suggestions.read", Entry::Read).await?;
    let query = Query::read::<Paging>(&uri)?;
    let open = shared.control.suggestions().await?;
    Page::of(open, &query, MOST, |one| one.suggestion.id, |one| Suggestion::new(one, None))
}

/// Dismiss a suggestion
///
/// What was asked for before counts no more. A category is changed by a change of the lists or the
/// policy, not here.
#[utoipa::path(post, path = "/suggestions/{id}/dismiss", operation_id = "dismiss_suggestion", tag = "unblocks",
    params(Id), request_body = Why,
    responses((status = 200, description = "The suggestion, dismissed", body = Suggestion)))]
pub(super) async fn dismiss(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Answer<Suggestion>, Problem> {
    caller.must_hold(&REVIEWERS, &shared, "suggestion.dismissed", Entry::Unblock).await?;
    let done = shared.control.dismiss_suggestion(&caller.staff, id, &why.reason, caller.client).await?;
    Ok(Answer::ok(Suggestion::new(done.value, Some(done.audit_seq))))
}

impl Suggestion {
    fn new(suggested: Suggested, audit_seq: Option<u64>) -> Suggestion {
        let Suggested { suggestion, categories, unblocks, staff } = suggested;
        let (categories, category_names) = categories.into_iter().unzip();
        Suggestion {
            id: suggestion.id,
            site: suggestion.site,
            categories,
            category_names,
            unblocks,
            staff,
            raised_at: suggestion.raised_at,
            audit_seq,
        }
    }
}
