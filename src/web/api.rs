//! `/api/v1`: one file a noun.
//!
//! **Invariant:** the token is asked for before the path is looked at.

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use crate::audit::{Act, Entry};
use crate::model::Role;
use crate::web::auth::{Caller, require_token};
use crate::web::body::{Answer, Sent};
use crate::web::events::{self, READERS, Reader, Sight};
use crate::web::idempotency::once;
use crate::web::problem::{self, Problem};
use crate::web::{Shared, explain, inspection};

mod audit;
mod break_glass;
pub(super) mod changes;
mod lists;
mod own;
mod session;
mod staff;
mod unblocks;

/// Who may know which hosts' clients reject the school's authority.
const INSPECTORS: [Role; 4] = [Role::Technician, Role::FilteringManager, Role::Dsl, Role::Headteacher];

/// Every route of the API.
pub(super) fn router(shared: &Shared) -> Router {
    let once_only = Router::new()
        .route("/unblocks", post(unblocks::ask).get(unblocks::all))
        .route("/unblocks/{id}/approve", post(unblocks::approve))
        .route("/unblocks/{id}/refuse", post(unblocks::refuse))
        .route("/unblocks/{id}/revoke", post(unblocks::revoke))
        .route("/changes/{id}/approve", post(changes::approve))
        .route("/changes/{id}/refuse", post(changes::refuse))
        .route("/lists/reload", post(lists::reload))
        .merge(Router::from(staff::once_only()))
        .method_not_allowed_fallback(problem::wrong_method)
        .route_layer(from_fn_with_state(shared.clone(), once));
    Router::new()
        .route("/explain", post(answer))
        .route("/unblocks/{id}", get(unblocks::one))
        .route("/unblocks/{id}/usage", get(unblocks::used))
        .route("/changes", get(changes::all))
        .route("/changes/{id}", get(changes::one))
        .route("/lists", get(lists::all))
        .route("/lists/lookup", get(lists::lookup))
        .route("/events", get(find))
        .route("/inspection/candidates", get(candidates))
        .route("/audit/head", get(audit::head))
        .route("/audit/verify", get(audit::verify))
        .merge(Router::from(session::router()))
        .merge(Router::from(own::router()))
        .merge(Router::from(staff::router()))
        .merge(Router::from(break_glass::router()))
        .merge(once_only)
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .layer(from_fn_with_state(shared.clone(), require_token))
        .with_state(shared.clone())
}

async fn answer(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(question): Sent<explain::Question>,
) -> Result<Answer, Problem> {
    let mut answer = explain::answer(&shared, question).await?;
    if answer["rung"] == "statutory" {
        // Trying out what a statutory list holds leaves a trace, as going there does.
        let act = Act::new(caller.actor(), "explain.statutory").with("list", answer["list"].clone());
        let act = Act { client: caller.client, ..act };
        answer["audit_seq"] = shared.control.record(Entry::Read(act)).await?.into();
    }
    Ok(Answer::ok(answer))
}

async fn candidates(State(shared): State<Shared>, caller: Caller, uri: Uri) -> Result<Answer, Problem> {
    if !caller.staff.is_any(&INSPECTORS) {
        return Err(caller.refused(&shared, "inspection.read", Entry::Read, &INSPECTORS).await);
    }
    Ok(Answer::ok(inspection::candidates(&shared, &uri, caller.actor(), caller.client).await?))
}

async fn find(State(shared): State<Shared>, caller: Caller, uri: Uri) -> Result<Answer, Problem> {
    let Some(sight) = Sight::of(&caller.staff, &shared).await? else {
        return Err(caller.refused(&shared, "events.read", Entry::Read, &READERS).await);
    };
    let reader = Reader { actor: caller.actor(), client: caller.client, sight };
    Ok(Answer::ok(events::find(&shared, &uri, reader).await?))
}
