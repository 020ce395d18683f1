//! One's own account: password, second factor, tokens.
//!
//! **Invariant:** no token does any of it, so that a leaked one can't take an account over.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::control::accounts::{KeptToken, NewToken, Scope};
use crate::model::Timestamp;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Done, Sent};
use crate::web::problem::Problem;
use crate::web::{Shared, cookie, qr};

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// The one that counts.
    old: String,
    /// 12 to 128 characters.
    new: String,
}

/// A second factor is begun.
#[derive(Deserialize, ToSchema)]
#[schema(as = FactorRequest)]
#[serde(deny_unknown_fields)]
struct Begin {
    /// Needed but for the first of whoever must have one.
    password: Option<String>,
}

/// A second factor that is not confirmed yet; shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewFactor)]
struct Begun {
    /// In base 32.
    secret: String,
    /// For the phone.
    otpauth_uri: String,
    /// The same for its camera.
    qr_svg: String,
}

/// What the phone shows.
#[derive(Deserialize, ToSchema)]
#[schema(as = FactorCode)]
#[serde(deny_unknown_fields)]
struct Confirm {
    /// Six digits.
    code: String,
}

/// For when the phone is lost: each once, shown this once.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
    audit_seq: u64,
}

/// A token that is to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = TokenRequest)]
#[serde(deny_unknown_fields)]
struct Make {
    /// What it is for.
    label: String,
    /// `read`, `unblock`, `change`, `staff`; all, when absent.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    /// How long it lives: 90 days when absent, 365 at most.
    days: Option<u32>,
}

/// A token, shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
struct Made {
    id: String,
    token: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    audit_seq: u64,
}

/// One of one's own tokens; never the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct Own {
    id: String,
    label: String,
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Scope>,
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// One's own tokens, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenPage)]
struct Tokens {
    items: Vec<Own>,
    next: Option<String>,
}

/// All of it. What answers a secret is not kept for an `Idempotency-Key`.
pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(change_password))
        .routes(routes!(begin))
        .routes(routes!(confirm))
        .routes(routes!(tokens, make))
        .routes(routes!(revoke))
}

/// A new password
///
/// Every session ends, this one too.
#[utoipa::path(post, path = "/me/password", operation_id = "change_password", tag = "session", request_body = NewPassword,
    responses((status = 200, description = "sign in anew", body = Done), (status = 401, description = "the old one is wrong"),
              (status = 422, description = "`weak_password`")))]
async fn change_password(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<NewPassword>,
) -> Result<Response, Problem> {
    caller.in_session()?;
    let done = shared.control.change_password(&caller.by(), &sent.old, &sent.new, &shared.school).await?;
    let answer = Answer::ok(json!({ "audit_seq": done.audit_seq }));
    Ok(([(header::SET_COOKIE, cookie::clear())], answer).into_response())
}

/// Begin a second factor
#[utoipa::path(post, path = "/me/totp", operation_id = "begin_factor", tag = "session", request_body = Begin,
    responses((status = 200, description = "As asked", body = Begun)))]
async fn begin(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<Begin>,
) -> Result<Answer<Value>, Problem> {
    caller.in_session()?;
    let by = caller.by();
    let begun = shared.control.begin_factor(&by, sent.password.as_deref(), &shared.school).await?;
    let qr_svg = qr::svg(&begun.uri)?;
    Ok(Answer::ok(json!(Begun { secret: begun.secret, otpauth_uri: begun.uri, qr_svg })))
}

/// Confirm the second factor that was begun
///
/// It counts from now on.
#[utoipa::path(post, path = "/me/totp/confirm", operation_id = "confirm_factor", tag = "session", request_body = Confirm,
    responses((status = 200, description = "As asked", body = RecoveryCodes), (status = 422, description = "`wrong_code`"),
              (status = 429, description = "too many tries: see `Retry-After`")))]
async fn confirm(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<Confirm>,
) -> Result<Answer<Value>, Problem> {
    caller.in_session()?;
    let done = shared.control.confirm_factor(&caller.by(), &sent.code).await?;
    let recovery_codes = done.value.recovery_codes;
    Ok(Answer::ok(json!(RecoveryCodes { recovery_codes, audit_seq: done.audit_seq })))
}

/// One's own tokens
#[utoipa::path(get, path = "/tokens", operation_id = "list_tokens", tag = "tokens",
    responses((status = 200, description = "As asked", body = Tokens)))]
async fn tokens(State(shared): State<Shared>, caller: Caller) -> Result<Answer<Value>, Problem> {
    let own = shared.control.tokens(&caller.staff.name).await?;
    let items = own.into_iter().map(shown).collect();
    Ok(Answer::ok(json!(Tokens { items, next: None })))
}

/// Make a token of one's own
#[utoipa::path(post, path = "/tokens", operation_id = "make_token", tag = "tokens", request_body = Make,
    responses((status = 201, description = "What was made", body = Made),
              (status = 404, description = "no account of one's own: the sealed code was opened")))]
async fn make(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<Make>,
) -> Result<Answer<Value>, Problem> {
    caller.in_session()?;
    let new = NewToken { label: sent.label, scopes: sent.scopes, days: sent.days };
    let made = shared.control.issue_token(&caller.by(), &caller.staff.name, &new).await?;
    let (token, audit_seq) = (made.value, made.audit_seq);
    Ok(Answer::created(json!(Made {
        id: token.id,
        token: token.text,
        expires_at: token.expires_at,
        audit_seq
    })))
}

/// End a token of one's own
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "revoke_token", tag = "tokens",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "it is dead", body = Done)))]
async fn revoke(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer<Value>, Problem> {
    let done = shared.control.revoke_token(&caller.by(), &caller.staff.name, &id).await?;
    Ok(Answer::ok(json!({ "id": id, "audit_seq": done.audit_seq })))
}

fn shown(kept: KeptToken) -> Own {
    Own {
        id: kept.id,
        label: kept.label,
        scopes: kept.scopes,
        made_at: kept.made_at,
        expires_at: kept.expires_at,
    }
}
