//! What a form of a page sent.

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::web::body::whole;
use crate::web::problem::Problem;

/// Names and what was typed, as it was typed.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form's body.
    pub(super) async fn read(headers: &HeaderMap, body: Body) -> Result<Form, Problem> {
        let kind =
            headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let detail = "this takes what a form sends";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_a_form", detail));
        }
        let malformed = || Problem::new(StatusCode::BAD_REQUEST, "malformed", "the form can't be read");
        let bytes = whole("", body).await?;
        // A form is written as a query is.
        let uri = [b"/?", bytes.as_ref()].concat();
        let uri = Uri::try_from(uri).map_err(|_| malformed())?;
        let Query(pairs) = Query::try_from_uri(&uri).map_err(|_| malformed())?;
        Ok(Form(pairs))
    }

    /// A field, or nothing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value.as_str())
    }

    /// A field that was filled in.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.trim().is_empty())
    }

    /// Every value of a field that may be ticked more than once.
    pub(super) fn ticked<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}
