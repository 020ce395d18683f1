//! The sealed code in the safe: sealed, opened, looked after.

use axum::extract::{FromRequest, Request, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::control::accounts::Seal;
use crate::model::Timestamp;
use crate::web::Shared;
use crate::web::api::session::{Signed, welcome};
use crate::web::auth::{Caller, client};
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;

/// The code from the safe.
#[derive(Deserialize, ToSchema)]
#[schema(as = SealedCodeOpened)]
#[serde(deny_unknown_fields)]
struct Open {
    /// Nine groups of four; how they are typed doesn't matter.
    code: String,
    /// Why, in 15 characters or more.
    reason: String,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[schema(as = WhySealed)]
#[serde(deny_unknown_fields)]
struct Why {
    /// In 15 characters or more.
    reason: String,
}

/// How the seal is.
#[derive(Serialize, ToSchema)]
struct SealState {
    /// `never_sealed`, `sealed` or `opened`.
    state: &'static str,
    /// Whether a person must see to it: a code was opened, and none is sealed anew.
    alarm: bool,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
}

/// A code for the safe, shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = SealedCode)]
struct Code {
    code: String,
    audit_seq: u64,
}

/// All of it.
pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(look, open)).routes(routes!(seal))
}

/// How the seal is
#[utoipa::path(get, path = "/break-glass", operation_id = "show_seal", tag = "break-glass",
    responses((status = 200, description = "As asked", body = SealState)))]
async fn look(State(shared): State<Shared>, _: Caller) -> Result<Answer<Value>, Problem> {
    let (state, since) = match shared.control.seal().await? {
        Seal::Never => ("never_sealed", None),
        Seal::Sealed(since) => ("sealed", Some(since)),
        Seal::Opened(since) => ("opened", Some(since)),
    };
    Ok(Answer::ok(json!(SealState { state, alarm: state == "opened", since })))
}

/// Open the sealed code
///
/// An hour's session, an alarm, and everything recorded as done so.
#[utoipa::path(post, path = "/break-glass", operation_id = "open_seal", tag = "break-glass", security(()), request_body = Open,
    responses((status = 200, description = "As asked", body = Signed), (status = 401, description = "`invalid_credentials`"),
              (status = 422, description = "`mistyped`, `invalid_reason`"), (status = 429, description = "too many tries")))]
async fn open(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = client(&request);
    let Sent(sent) = Sent::<Open>::from_request(request, &shared).await?;
    let opened = shared.control.break_the_glass(&sent.code, &sent.reason, client).await?;
    Ok(welcome(&opened.value, opened.audit_seq))
}

/// Seal a new code
///
/// The one before is dead, with what it opened. For somebody signed in, not for a token: whoever
/// holds the code can become a headteacher.
#[utoipa::path(post, path = "/break-glass/seal", operation_id = "seal", tag = "break-glass", request_body = Why,
    responses((status = 201, description = "What was made", body = Code), (status = 403, description = "it takes a headteacher; `session_needed`")))]
async fn seal(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    caller.in_session()?;
    let sealed = shared.control.seal_anew(&caller.by(), Some(&sent.reason)).await?;
    Ok(Answer::created(json!(Code { code: sealed.value.code, audit_seq: sealed.audit_seq })))
}
