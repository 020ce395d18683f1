//! `/second-factor`: the phone that shows a code, and the codes for when it is lost.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::control::accounts::By;
use crate::web::pages::{in_session, onward, ours, shown, told};
use crate::web::problem::Problem;
use crate::web::{Shared, auth, qr};

#[derive(Template)]
#[template(path = "factor.html")]
struct Page<'a> {
    school: &'a str,
    csrf: &'a str,
    /// Whether nothing else can be done before.
    must: bool,
    /// What the phone is to be shown, this once.
    begun: Option<Begun>,
    /// Whether a code is asked for.
    confirming: bool,
    wrong: Option<&'a str>,
}

/// A secret and its picture.
struct Begun {
    secret: String,
    picture: String,
}

#[derive(Template)]
#[template(path = "codes.html")]
struct Codes<'a> {
    school: &'a str,
    codes: &'a [String],
}

/// `GET /second-factor`
pub(super) async fn page(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some((_, held)) = auth::signed_in(&shared, &headers).await? else {
        return Ok(onward("/sign-in", None));
    };
    let (school, csrf, must) = (&shared.school, &held.csrf, held.must_enrol);
    shown(StatusCode::OK, &Page { school, csrf, must, begun: None, confirming: false, wrong: None })
}

/// `POST /second-factor`
pub(super) async fn begin(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = auth::client(&request);
    let (headers, form) = ours(request).await?;
    let Some((signed, held)) = in_session(&shared, &headers, &form).await? else {
        return Ok(onward("/sign-in", None));
    };
    let (school, csrf, must) = (&*shared.school, &held.csrf, held.must_enrol);
    let by = By { staff: Some(signed.staff), client };
    match shared.control.begin_factor(&by, form.filled("password"), school).await {
        Ok(begun) => {
            let begun = Some(Begun { picture: qr::data_uri(&begun.uri)?, secret: begun.secret });
            shown(StatusCode::OK, &Page { school, csrf, must, begun, confirming: true, wrong: None })
        }
        Err(fault) => {
            let (status, wrong) = told(fault.into())?;
            let wrong = Some(wrong.as_str());
            shown(status, &Page { school, csrf, must, begun: None, confirming: false, wrong })
        }
    }
}

/// `POST /second-factor/confirm`
pub(super) async fn confirm(State(shared): State<Shared>, request: Request) -> Result<Response, Problem> {
    let client = auth::client(&request);
    let (headers, form) = ours(request).await?;
    let Some((signed, held)) = in_session(&shared, &headers, &form).await? else {
        return Ok(onward("/sign-in", None));
    };
    let by = By { staff: Some(signed.staff), client };
    match shared.control.confirm_factor(&by, form.text("code")).await {
        Ok(done) => {
            let codes = &done.value.recovery_codes;
            shown(StatusCode::OK, &Codes { school: &shared.school, codes })
        }
        Err(fault) => {
            let (status, wrong) = told(fault.into())?;
            let (school, csrf, must) = (&*shared.school, &held.csrf, held.must_enrol);
            let wrong = Some(wrong.as_str());
            shown(status, &Page { school, csrf, must, begun: None, confirming: true, wrong })
        }
    }
}
