//! `/sign-in` and `/sign-out`.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::control::accounts::Attempt;
use crate::web::pages::{arrived, in_session, onward, ours, shown, told};
use crate::web::problem::Problem;
use crate::web::{Shared, auth, cookie};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct Page<'a> {
    school: &'a str,
    /// What was typed before.
    name: &'a str,
    /// What was wrong with it.
    wrong: Option<&'a str>,
}

/// `GET /sign-in`
pub(super) async fn page(State(shared): State<Shared>) -> Result<Response, Problem> {
    shown(StatusCode::OK, &Page { school: &shared.school, name: "", wrong: None })
}

/// `POST /sign-in`
pub(super) async fn sent(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = auth::client(&request);
    let (_, form) = ours(request).await?;
    let (name, password, code) = (form.text("name"), form.text("password"), form.filled("code"));
    match shared.control.sign_in(&Attempt { name, password, code, client }).await {
        Ok(done) => Ok(arrived(&done.value)),
        Err(fault) => {
            let (status, wrong) = told(fault.into())?;
            shown(status, &Page { school: &shared.school, name, wrong: Some(&wrong) })
        }
    }
}

/// `POST /sign-out`
pub(super) async fn out(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = auth::client(&request);
    let (headers, form) = ours(request).await?;
    if let Some((signed, held)) = in_session(&shared, &headers, &form).await? {
        shared.control.end_session(&signed.staff, held.session.id, client).await?;
    }
    Ok(onward("/sign-in", Some(cookie::clear())))
}
