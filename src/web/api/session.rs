//! Signing in and out, and who one is.

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::control::accounts::{Attempt, SignedIn};
use crate::model::{Role, StaffName, Timestamp};
use crate::web::Shared;
use crate::web::auth::{Caller, client};
use crate::web::body::{Answer, Done, Sent};
use crate::web::cookie;
use crate::web::problem::Problem;

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SignIn {
    /// The sign-in name.
    name: String,
    /// The password.
    password: String,
    /// Of the second factor, or a recovery code.
    code: Option<String>,
}

/// Who is signed in. The session itself is in the cookie.
#[derive(Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub(super) struct Signed {
    #[schema(value_type = String)]
    name: StaffName,
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// To be sent as `X-CSRF-Token` with every change.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// When the session ends at the latest; 10 minutes without a request end it sooner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// What must be done before anything else: `enrol_totp`.
    must: Vec<&'static str>,
    /// Whether this is after the sealed code was opened.
    break_glass: bool,
    /// How many recovery codes are left, when one was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes_left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// One of one's own sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Own {
    #[schema(value_type = String, format = Uuid)]
    id: uuid::Uuid,
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// To half a minute.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// The address that it was begun from.
    client: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// One's own sessions, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionPage)]
struct Sessions {
    items: Vec<Own>,
    next: Option<String>,
}

/// All of it.
pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, sign_out))
        .routes(routes!(me))
        .routes(routes!(all))
        .routes(routes!(end))
}

/// Sign in with a password, and the code of a second factor
#[utoipa::path(post, path = "/session", operation_id = "sign_in", tag = "session", security(()), request_body = SignIn,
    responses((status = 200, description = "As asked", body = Signed), (status = 401, description = "`invalid_credentials`, `code_needed`"),
              (status = 429, description = "too many tries: see `Retry-After`")))]
async fn sign_in(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = client(&request);
    let Sent(sent) = Sent::<SignIn>::from_request(request, &shared).await?;
    let attempt = Attempt { name: &sent.name, password: &sent.password, code: sent.code.as_deref(), client };
    let done = shared.control.sign_in(&attempt).await?;
    Ok(welcome(&done.value, done.audit_seq))
}

/// Sign out
///
/// The session is over.
#[utoipa::path(delete, path = "/session", operation_id = "sign_out", tag = "session",
    responses((status = 200, description = "signed out", body = Done)))]
async fn sign_out(State(shared): State<Shared>, caller: Caller) -> Result<Response, Problem> {
    let id = caller.in_session()?.session.id;
    let done = shared.control.end_session(&caller.staff, id, caller.client).await?;
    let answer = Answer::ok(json!({ "audit_seq": done.audit_seq }));
    Ok(([(header::SET_COOKIE, cookie::clear())], answer).into_response())
}

/// Who calls, and what they may do
#[utoipa::path(get, path = "/me", operation_id = "me", tag = "session",
    responses((status = 200, description = "As asked", body = Signed)))]
async fn me(caller: Caller) -> Answer<Value> {
    let held = caller.held().cloned();
    let must_enrol = held.as_ref().is_some_and(|held| held.must_enrol);
    Answer::ok(json!(Signed {
        break_glass: caller.staff.name.is_break_glass(),
        must: must(must_enrol),
        csrf_token: held.as_ref().map(|held| held.csrf.clone()),
        expires_at: held.map(|held| held.session.ends_at),
        recovery_codes_left: None,
        audit_seq: None,
        name: caller.staff.name,
        roles: caller.staff.roles,
    }))
}

/// One's own sessions
#[utoipa::path(get, path = "/sessions", operation_id = "list_sessions", tag = "session",
    responses((status = 200, description = "As asked", body = Sessions)))]
async fn all(State(shared): State<Shared>, caller: Caller) -> Result<Answer<Value>, Problem> {
    let current = caller.held().map(|held| held.session.id);
    let own = shared.control.sessions(&caller.staff.name).await?.into_iter().map(|session| Own {
        current: current == Some(session.id),
        id: session.id,
        made_at: session.made_at,
        seen_at: session.seen_at,
        expires_at: session.ends_at,
        client: session.client,
    });
    Ok(Answer::ok(json!(Sessions { items: own.collect(), next: None })))
}

/// End one of one's own sessions
#[utoipa::path(delete, path = "/sessions/{id}", operation_id = "end_session", tag = "session",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "it is over", body = Done)))]
async fn end(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer<Value>, Problem> {
    caller.in_session()?;
    let id = id.parse().map_err(|_| Problem::not_found())?;
    let done = shared.control.end_session(&caller.staff, id, caller.client).await?;
    Ok(Answer::ok(json!({ "id": id, "audit_seq": done.audit_seq })))
}

/// What whoever came in is told, with the cookie.
pub(super) fn welcome(signed: &SignedIn, audit_seq: u64) -> Response {
    let body = Signed {
        name: signed.staff.name.clone(),
        roles: signed.staff.roles.clone(),
        csrf_token: Some(signed.csrf.clone()),
        expires_at: Some(signed.session.ends_at),
        must: must(signed.must_enrol),
        break_glass: signed.staff.name.is_break_glass(),
        recovery_codes_left: signed.recovery_left,
        audit_seq: Some(audit_seq),
    };
    ([(header::SET_COOKIE, cookie::set(&signed.secret))], Answer::ok(json!(body))).into_response()
}

fn must(enrol: bool) -> Vec<&'static str> {
    if enrol { vec!["enrol_totp"] } else { Vec::new() }
}
