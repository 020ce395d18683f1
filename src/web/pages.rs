//! The pages by which people come in: sign-in, the one-time link, the second factor.
//!
//! **Invariant:** every page works without script, and loads nothing but its style; a form that
//! changes something comes from a page of ours, and in a session carries the session's own word.

use askama::Template;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use crate::control::accounts::SignedIn;
use crate::model::counted;
use crate::web::api::to_the_end;
use crate::web::auth::{self, Held};
use crate::web::problem::Problem;
use crate::web::{Shared, cookie};

mod factor;
mod form;
mod setup;
mod sign_in;

use form::Form;

const STYLE: &str = include_str!("pages/people.css");
/// What a page with forms may load and where its forms may go.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                              base-uri 'none'; frame-ancestors 'none'";

/// What whoever opens the gateway in a browser sees.
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    school: &'a str,
    /// Who is signed in.
    signed: Option<Visitor>,
}

/// Who is signed in, for a page.
struct Visitor {
    name: String,
    roles: Vec<&'static str>,
    csrf: String,
    must_enrol: bool,
    break_glass: bool,
}

/// Every page but those for devices.
pub(super) fn router(shared: &Shared) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/people.css", get(style))
        .route("/sign-in", get(sign_in::page).post(sign_in::sent))
        .route("/sign-out", post(sign_in::out))
        .route("/setup/{token}", get(setup::page).post(setup::sent))
        .route("/second-factor", get(factor::page).post(factor::begin))
        .route("/second-factor/confirm", post(factor::confirm))
        .layer(from_fn_with_state(shared.clone(), to_the_end))
        .with_state(shared.clone())
}

async fn home(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let signed = auth::signed_in(&shared, &headers).await?.map(|(signed, held)| Visitor {
        roles: signed.staff.roles.iter().map(|role| role.as_str()).collect(),
        break_glass: signed.staff.name.is_break_glass(),
        name: signed.staff.name.to_string(),
        must_enrol: held.must_enrol,
        csrf: held.csrf,
    });
    shown(StatusCode::OK, &Home { school: &shared.school, signed })
}

async fn style() -> ([(HeaderName, &'static str); 1], &'static str) {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

/// A page, with what it may load and do.
fn shown(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let text = page.render().map_err(|fault| Problem::internal("page", &fault))?;
    let mut answer = (status, Html(text)).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    // Browsers name no origin with a form where the policy is `no-referrer`.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(answer)
}

/// Sends a browser on after a form.
fn onward(to: &'static str, cookie: Option<HeaderValue>) -> Response {
    let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response();
    if let Some(cookie) = cookie {
        answer.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    answer
}

/// Sends whoever came in on: to the second factor, when they must enrol one.
fn arrived(signed: &SignedIn) -> Response {
    let to = if signed.must_enrol { "/second-factor" } else { "/" };
    onward(to, Some(cookie::set(&signed.secret)))
}

/// What a form sent, if it is a form of ours.
async fn ours(request: Request) -> Result<(HeaderMap, Form), Problem> {
    let (parts, body) = request.into_parts();
    if !cookie::is_same_origin(&parts.headers) {
        let detail = "this form came from another site: open the page again and send it from there";
        return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail));
    }
    let form = Form::read(&parts.headers, body).await?;
    Ok((parts.headers, form))
}

/// Who sends a form in a session, if it carries the session's word.
async fn in_session(
    shared: &Shared,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Option<(crate::control::accounts::Signed, Held)>, Problem> {
    let Some((signed, held)) = auth::signed_in(shared, headers).await? else { return Ok(None) };
    if held.is_own_word(form.text("csrf")) {
        return Ok(Some((signed, held)));
    }
    let detail = "this form is of another session: open the page again";
    Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail))
}

/// What a page says of a problem; a fault of the gateway stays a problem.
fn told(problem: Problem) -> Result<(StatusCode, String), Problem> {
    let (status, detail, wait) = problem.for_a_page();
    if status.is_server_error() {
        return Err(problem);
    }
    let wait = wait.and_then(Value::as_u64).map(|seconds| format!(" Wait {}.", counted(seconds, "second")));
    let mut sentence = detail.to_owned();
    if let Some(first) = detail.chars().next() {
        sentence.replace_range(..first.len_utf8(), &first.to_uppercase().to_string());
    }
    Ok((status, format!("{sentence}.{}", wait.unwrap_or_default())))
}
