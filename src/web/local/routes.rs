//! What whoever may write to the state folder may do without a token.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::audit::Actor;
use crate::control::feeds::{Asked, Which};
use crate::model::{Role, StaffName};
use crate::web::Shared;
use crate::web::api::changes::Reloaded;
use crate::web::body::{Answer, Sent};
use crate::web::events::{self, Reader, SeenEvent, Sight};
use crate::web::explain::{self, Explanation};
use crate::web::inspection::{self, Candidates};
use crate::web::page::Page;
use crate::web::problem::{self, Problem};
use crate::web::said::{Purpose, bounded};

/// `{name, roles}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStaff {
    name: StaffName,
    roles: Vec<Role>,
}

/// `{reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reload {
    reason: Option<String>,
}

/// `{name?, accept_shrink?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fetch {
    name: Option<String>,
    #[serde(default)]
    accept_shrink: BTreeSet<String>,
}

/// Every route of `/local`.
pub(super) fn router(shared: &Shared) -> Router {
    Router::new()
        .route("/staff", get(all).post(add))
        .route("/staff/{name}/disable", post(disable))
        .route("/staff/{name}/token", post(token))
        .route("/explain", post(answer))
        .route("/reload", post(reload))
        .route("/lists/fetch", post(fetch))
        .route("/events", get(find))
        .route("/inspection/candidates", get(candidates))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::wrong_method)
        .with_state(shared.clone())
}

async fn all(State(shared): State<Shared>) -> Result<Answer<Value>, Problem> {
    Ok(Answer::ok(json!({ "items": shared.control.staff().await?, "next": null })))
}

async fn add(State(shared): State<Shared>, Sent(new): Sent<NewStaff>) -> Result<Answer<Value>, Problem> {
    let added = shared.control.add_staff(&new.name, &new.roles).await?;
    Ok(Answer::created(json!({ "name": new.name, "roles": new.roles, "audit_seq": added.audit_seq })))
}

async fn disable(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Answer<Value>, Problem> {
    let done = shared.control.disable_staff(&staff(&name)?).await?;
    Ok(Answer::ok(json!({ "name": name, "disabled": true, "audit_seq": done.audit_seq })))
}

async fn token(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Answer<Value>, Problem> {
    let made = shared.control.make_token(&staff(&name)?).await?;
    Ok(Answer::created(json!({
        "name": name,
        "token": made.value.text,
        "expires_at": made.value.expires_at,
        "audit_seq": made.audit_seq,
    })))
}

async fn answer(
    State(shared): State<Shared>,
    Sent(question): Sent<explain::Question>,
) -> Result<Answer<Explanation>, Problem> {
    Ok(Answer::ok(explain::answer(&shared, question).await?))
}

async fn reload(
    State(shared): State<Shared>,
    Sent(Reload { reason }): Sent<Reload>,
) -> Result<Answer<Reloaded>, Problem> {
    let reason = bounded("reason", reason.as_deref())?.map(ToOwned::to_owned);
    Ok(Answer::ok(shared.reload(Actor::Local, reason).await?))
}

async fn fetch(
    State(shared): State<Shared>,
    Sent(Fetch { name, accept_shrink }): Sent<Fetch>,
) -> Result<Answer<Value>, Problem> {
    let which = name.map_or(Which::All, Which::One);
    Ok(Answer::ok(shared.fetch(Asked { which, accept_shrink }, Actor::Local).await?))
}

async fn find(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Page<SeenEvent>>, Problem> {
    let (sight, purpose) = (Sight::Names, Purpose::Optional);
    let reader = Reader { actor: Actor::Local, client: None, sight, purpose };
    events::find(&shared, &uri, reader).await
}

async fn candidates(State(shared): State<Shared>, uri: Uri) -> Result<Answer<Candidates>, Problem> {
    Ok(Answer::ok(inspection::candidates(&shared, &uri, Actor::Local, None).await?))
}

/// What is no name is nobody's.
fn staff(name: &str) -> Result<StaffName, Problem> {
    name.parse().map_err(|_| Problem::not_found())
}
