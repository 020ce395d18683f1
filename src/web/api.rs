//! `/api/v1`: one file a noun. A route and its description are one line.
//!
//! **Invariant:** the token is asked for before the path is looked at; nothing is a route that is
//! not in the description; what was begun is done, whoever waits for it.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::{Act, Entry};
use crate::web::Shared;
use crate::web::asker::{Waiting, heeding};
use crate::web::auth::{Caller, require_token};
use crate::web::body::{Answer, Sent};
use crate::web::explain::{self, Explanation, Question, Suspensions};
use crate::web::idempotency::once;
use crate::web::openapi::{as_described, completed, repeatable};
use crate::web::problem::{self, Problem};

mod alerts;
mod asks;
mod audit;
mod blocks;
mod break_glass;
pub(super) mod changes;
mod events;
mod exports;
mod holds;
mod inspection;
mod lists;
mod own;
mod policy;
mod reports;
mod reviews;
mod session;
mod staff;
mod suggestions;
mod suspensions;
mod unblocks;

/// Every route of the API.
pub(super) fn router(shared: &Shared) -> Router {
    let once_only = Router::from(once_only())
        .method_not_allowed_fallback(problem::wrong_method)
        .route_layer(from_fn_with_state(shared.clone(), once));
    Router::from(others())
        .merge(once_only)
        .layer(from_fn(as_described))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(shared.clone(), require_token))
        .layer(from_fn_with_state(shared.clone(), to_the_end))
        .with_state(shared.clone())
}

/// Sees to it that what was begun is done, or refused, whether or not anybody waits for the answer:
/// a client that goes away must not cut an act in half, and a stop waits for it. What is read for it
/// from the trail is broken off.
pub(super) async fn to_the_end(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let halt = shared.index.halt().beneath();
    let _waiting = Waiting(halt.clone());
    let answer = shared.under_way.spawn(heeding(halt, next.run(request))).await;
    answer.map_err(|fault| Problem::internal("answer", &fault))
}

/// The description of every route.
pub(super) fn document() -> OpenApi {
    let (mut routes, once_only) = (others().into_openapi(), repeatable(once_only().into_openapi()));
    routes.merge(once_only);
    completed(routes)
}

/// What is done once however often it is sent under one `Idempotency-Key`.
fn once_only() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(unblocks::ask, unblocks::all))
        .routes(routes!(unblocks::approve))
        .routes(routes!(unblocks::refuse))
        .routes(routes!(unblocks::revoke))
        .routes(routes!(asks::take))
        .routes(routes!(asks::refuse))
        .routes(routes!(suggestions::dismiss))
        .routes(routes!(changes::propose, changes::all))
        .routes(routes!(changes::approve))
        .routes(routes!(changes::refuse))
        .routes(routes!(blocks::place, blocks::all))
        .routes(routes!(suspensions::impose, suspensions::all))
        .routes(routes!(suspensions::lift))
        .routes(routes!(holds::place, holds::all))
        .routes(routes!(holds::lift))
        .routes(routes!(reviews::reviewed))
        .routes(routes!(lists::reload))
        .merge(alerts::once_only())
        .merge(staff::once_only())
}

fn others() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(description))
        .routes(routes!(answer))
        .routes(routes!(unblocks::dependencies))
        .routes(routes!(unblocks::one))
        .routes(routes!(unblocks::used))
        .routes(routes!(asks::all))
        .routes(routes!(suggestions::all))
        .routes(routes!(changes::one))
        .routes(routes!(blocks::one, blocks::lift))
        .routes(routes!(suspensions::one))
        .routes(routes!(reviews::all))
        .routes(routes!(lists::all))
        .routes(routes!(lists::lookup))
        .routes(routes!(events::find))
        .routes(routes!(events::stream))
        .routes(routes!(exports::export))
        .routes(routes!(exports::evidence))
        .routes(routes!(events::explained))
        .routes(routes!(events::around))
        .routes(routes!(events::reads))
        .routes(routes!(reports::daily))
        .routes(routes!(reports::weekly))
        .routes(routes!(reports::termly))
        .routes(routes!(inspection::candidates))
        .routes(routes!(audit::head))
        .routes(routes!(audit::verify))
        .merge(alerts::router())
        .merge(session::router())
        .merge(policy::router())
        .merge(own::router())
        .merge(staff::router())
        .merge(break_glass::router())
}

/// This description
///
/// OpenAPI 3.1, made from the routes themselves.
#[utoipa::path(get, path = "/openapi.json", operation_id = "describe", tag = "about",
    responses((status = 200, description = "The description", body = serde_json::Value)))]
async fn description(_: Caller) -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| document().to_json().unwrap_or_default().into());
    ([(header::CONTENT_TYPE, "application/json")], TEXT.clone()).into_response()
}

/// What would happen to an address
///
/// The verdict of the policy in force and what every rung has to say. A question about an address
/// that a statutory list holds is recorded, and answered without the address. Who is suspended is for
/// those alone who may suspend: others are answered as if nobody were, and `suspensions_left_out` says so.
#[utoipa::path(post, path = "/explain", operation_id = "explain", tag = "decisions", request_body = Question,
    responses((status = 200, description = "The verdict and every rung", body = Explanation)))]
async fn answer(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(question): Sent<Question>,
) -> Result<Answer<Explanation>, Problem> {
    let suspensions = Suspensions::of(&caller.staff.roles);
    let answer = explain::answer(&shared, question, suspensions).await?;
    Ok(Answer::ok(traced(&shared, &caller, answer).await?))
}

/// Trying out what a statutory list holds leaves a trace, as going there does.
async fn traced(shared: &Shared, caller: &Caller, answer: Explanation) -> Result<Explanation, Problem> {
    let Some(list) = answer.statutory() else { return Ok(answer) };
    let act = Act::new(caller.actor(), "explain.statutory").with("list", list);
    let act = Act { client: caller.client, ..act };
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    Ok(Explanation { audit_seq: Some(audit_seq), ..answer })
}
