//! The policy of record: in force, as it was, and what changed between.

use axum::extract::State;
use axum::http::Uri;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::page::Page;
use crate::web::path::Version;
use crate::web::policy::{self, Between, Difference, Paging, PolicyOfRecord, PolicyVersion};
use crate::web::problem::Problem;

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(in_force))
        .routes(routes!(version))
        .routes(routes!(history))
        .routes(routes!(difference))
}

/// The policy of record
///
/// The text in force, and whether the policy file says the same.
#[utoipa::path(get, path = "/policy", operation_id = "get_policy", tag = "policy",
    responses((status = 200, description = "The version in force", body = PolicyOfRecord,
        headers(("ETag", description = "The version, for `If-Match`")))))]
async fn in_force(State(shared): State<Shared>, _: Caller) -> Result<Answer<PolicyOfRecord>, Problem> {
    policy::version(&shared, None).await
}

/// An earlier version of the policy
#[utoipa::path(get, path = "/policy/{version}", operation_id = "get_policy_version", tag = "policy",
    params(Version),
    responses((status = 200, description = "That version", body = PolicyOfRecord,
        headers(("ETag", description = "The version")))))]
async fn version(
    State(shared): State<Shared>,
    _: Caller,
    Version(version): Version,
) -> Result<Answer<PolicyOfRecord>, Problem> {
    policy::version(&shared, Some(version)).await
}

/// Every version of the policy
///
/// The newest first: when, by whom, why, and what was other than before.
#[utoipa::path(get, path = "/policy/history", operation_id = "list_policy_versions", tag = "policy",
    params(Paging),
    responses((status = 200, description = "A page of versions", body = Page<PolicyVersion>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
async fn history(
    State(shared): State<Shared>,
    _: Caller,
    uri: Uri,
) -> Result<Answer<Page<PolicyVersion>>, Problem> {
    policy::history(&shared, &uri).await
}

/// What lies between two versions
///
/// Each edit with what it does by itself, and what all do together; the entries of the school's lists
/// that came and went.
#[utoipa::path(get, path = "/policy/diff", operation_id = "diff_policy", tag = "policy", params(Between),
    responses((status = 200, description = "What is other", body = Difference)))]
async fn difference(
    State(shared): State<Shared>,
    _: Caller,
    uri: Uri,
) -> Result<Answer<Difference>, Problem> {
    policy::difference(&shared, &uri).await
}
