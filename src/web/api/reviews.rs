//! Reviews: what is to be looked at again, and that somebody has.

use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::audit::Entry;
use crate::control::changes::{CHANGE_READERS, Renewal};
use crate::web::Shared;
use crate::web::api::changes::Change;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::page::Page;
use crate::web::path::Id;
use crate::web::policy::{self, Review, Reviewable};
use crate::web::problem::Problem;

/// What somebody says who has looked.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Looked {
    /// The day on which it is looked at again, within a year.
    #[schema(format = Date)]
    review_on: String,
    /// What was looked at, and what came of it.
    #[schema(min_length = 1, max_length = 1000)]
    comment: String,
}

/// What is to be looked at again
///
/// Every entry of the school's lists and everything that opened something, the most urgent first.
#[utoipa::path(get, path = "/reviews", operation_id = "list_reviews", tag = "changes", params(Reviewable),
    responses((status = 200, description = "A page of reviews", body = Page<Review>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Review>>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "reviews.read", Entry::Read).await?;
    policy::reviews(&shared, &uri).await
}

/// Say that a change was looked at
///
/// By its owner or by those who decide. It stays as it is, until the next day of review.
#[utoipa::path(post, path = "/changes/{id}/reviewed", operation_id = "review_change", tag = "changes",
    params(Id), request_body = Looked,
    responses((status = 200, description = "The change, with its next day", body = Change)))]
pub(super) async fn reviewed(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(Looked { review_on, comment }): Sent<Looked>,
) -> Result<Answer<Change>, Problem> {
    let renewal = Renewal { review_on, comment };
    let renewed = shared.control.renew_review(&caller.staff, id, renewal, caller.client).await?;
    Ok(Answer::ok(Change::recorded(renewed)))
}
