//! Bodies in and out: bounded, timed, JSON.

use std::error::Error;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::web::problem::Problem;

/// The longest body of a request, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// How deep arrays and objects may lie within each other; nothing of ours lies deeper than 2.
const MAX_DEPTH: usize = 16;
/// How long a client may take to send one.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What was sent as JSON; an empty body reads as `{}`.
pub(super) struct Sent<T>(pub(super) T);

/// A JSON answer.
pub(super) struct Answer<T> {
    status: StatusCode,
    headers: HeaderMap,
    body: T,
}

/// That something was done.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "a description of answers that are made on the spot")]
pub(super) struct Done {
    /// What it was done to, where that has an id.
    id: Option<String>,
    /// The record of it.
    audit_seq: u64,
}

impl<T: Serialize> Answer<T> {
    /// 200.
    pub(super) fn ok(body: T) -> Answer<T> {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body }
    }

    /// 201.
    pub(super) fn created(body: T) -> Answer<T> {
        Answer { status: StatusCode::CREATED, ..Answer::ok(body) }
    }

    /// 202: what was asked for waits for somebody.
    pub(super) fn accepted(body: T) -> Answer<T> {
        Answer { status: StatusCode::ACCEPTED, ..Answer::ok(body) }
    }

    /// The same answer with one more field in its head.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Answer<T> {
        self.headers.insert(name, value);
        self
    }
}

/// A whole body, if it is short enough and comes in time.
pub(super) async fn whole(body: Body) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await;
    let read = read.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come within 10 seconds")
    })?;
    read.map_err(|fault| {
        if is_too_long(&fault) {
            let detail = "a body may have 64 KiB at most";
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail);
        }
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body broke off")
    })
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Sent<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = whole(body).await?;
        if bytes.is_empty() {
            return read(b"{}");
        }
        if !is_json(&parts.headers) {
            let detail = "send JSON, with Content-Type: application/json";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail));
        }
        if depth(&bytes) > MAX_DEPTH {
            let detail = format!("arrays and objects may lie {MAX_DEPTH} deep at most");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "too_deep", detail));
        }
        read(&bytes)
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.body) {
            Ok(text) => {
                let kind = [(header::CONTENT_TYPE, "application/json")];
                (self.status, kind, self.headers, text).into_response()
            }
            Err(fault) => Problem::internal("answer", &fault).into_response(),
        }
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<Sent<T>, Problem> {
    serde_json::from_slice(bytes).map(Sent).map_err(|fault| {
        let text = fault.to_string();
        match fault.classify() {
            Category::Data => match field_of(&text) {
                Some(field) => Problem::invalid(field, text.as_str()),
                None => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text),
            },
            Category::Io | Category::Syntax | Category::Eof => {
                Problem::new(StatusCode::BAD_REQUEST, "malformed", format!("the body is no JSON: {text}"))
            }
        }
    })
}

/// How deep arrays and objects lie in what may be JSON; brackets within strings don't count.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match (byte, quoted) {
            _ if escaped => escaped = false,
            (b'\\', true) => escaped = true,
            (b'"', _) => quoted = !quoted,
            (b'[' | b'{', false) => depth += 1,
            (b']' | b'}', false) => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The field that serde complains of: "unknown field `x`, …", "missing field `x`".
fn field_of(text: &str) -> Option<&str> {
    let (complaint, rest) = text.split_once('`')?;
    complaint.ends_with("field ").then(|| rest.split('`').next()).flatten()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn is_too_long(fault: &axum::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(fault);
    while let Some(fault) = cause {
        if fault.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = fault.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_what_is_no_text() {
        for (text, deep) in [
            ("", 0),
            ("7", 0),
            ("{\"a\": [1, {\"b\": 2}], \"c\": []}", 3),
            (r#"["[[\"[[", "\\", [1]]"#, 2),
            ("]]][", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), deep, "{text}");
        }
        assert_eq!(depth("[".repeat(60_000).as_bytes()), 60_000);
    }
}
