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
/// The longest that proposes a change, in bytes: it may hold a whole policy text.
const MAX_PROPOSAL: usize = 1024 * 1024;
/// The path of those, behind whatever it is below.
const PROPOSALS: &str = "/changes";
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

/// A whole body for `path`, if it is short enough and comes in time.
pub(super) async fn whole(path: &str, body: Body) -> Result<Bytes, Problem> {
    let most = if path.ends_with(PROPOSALS) { MAX_PROPOSAL } else { MAX_BODY };
    let read = tokio::time::timeout(BODY_TIME, to_bytes(body, most)).await;
    let read = read.map_err(|_| {
        Problem::new(StatusCode::REQUEST_TIMEOUT, "too_slow", "the body did not come within 10 seconds")
    })?;
    read.map_err(|fault| {
        if is_too_long(&fault) {
            let detail = format!("a body may have {} KiB at most here", most / 1024);
            return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail);
        }
        Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body broke off")
    })
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Sent<T>, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = whole(parts.uri.path(), body).await?;
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
        let (line, column) = (fault.line(), fault.column());
        match fault.classify() {
            Category::Data => match field_of(&text) {
                Some(field) => Problem::invalid(field, plainly(&text)),
                None => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", plainly(&text)),
            },
            Category::Io | Category::Syntax | Category::Eof => {
                let detail = format!("the body is no JSON: see its line {line}, column {column}");
                Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
            }
        }
    })
}

/// What serde says of a value, in words for whoever sent it.
fn plainly(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let (complaint, expected) = text.split_once(", expected ").unwrap_or((text, ""));
    let there = expected.trim_start_matches("one of ").replace("` or `", "`, `");
    let wanted = if expected.starts_with("struct ") || expected.starts_with("a map") {
        "an object with fields"
    } else {
        match expected {
            "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0",
            "i8" | "i16" | "i32" | "i64" => "a whole number",
            "a string" | "str" => "text",
            "a boolean" => "true or false",
            "a sequence" => "a list",
            other => other,
        }
    };
    let what = |start: &str| complaint.strip_prefix(start).map(str::to_owned);
    if let Some(word) = what("unknown variant ") {
        format!("there is no {word} here; write one of {there}")
    } else if let Some(field) = what("unknown field ") {
        format!("there is no field {field} here; there are {there}")
    } else if let Some(field) = what("missing field ") {
        format!("{field} is missing")
    } else if let Some(field) = what("duplicate field ") {
        format!("{field} stands here twice")
    } else if complaint.starts_with("invalid length ") {
        format!("a list of another length, where {wanted} is expected")
    } else if let Some(found) = what("invalid type: ").or_else(|| what("invalid value: ")) {
        let found = found.replace("sequence", "a list").replace("map", "an object");
        format!("{found} stands where {wanted} is expected")
    } else {
        text.to_owned()
    }
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

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "what is read is not looked at")]
    struct Wish {
        minutes: u32,
        until: Option<Word>,
        groups: Option<Vec<String>>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Lesson,
        Day,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said_in_its_own_words() {
        for (text, said) in [
            (r#"{"minutes": 5, "until": "foo"}"#, "there is no `foo` here; write one of `lesson`, `day`"),
            (
                r#"{"minutes": 5, "x": 1}"#,
                "there is no field `x` here; there are `minutes`, `until`, `groups`",
            ),
            ("{}", "`minutes` is missing"),
            (r#"{"minutes": 5, "minutes": 6}"#, "`minutes` stands here twice"),
            ("[]", "a list of another length, where an object with fields is expected"),
            (r#"{"minutes": "x"}"#, "string \"x\" stands where a whole number from 0 is expected"),
            (r#"{"minutes": 5, "groups": {}}"#, "an object stands where a list is expected"),
            ("7", "integer `7` stands where an object with fields is expected"),
        ] {
            let fault = serde_json::from_str::<Wish>(text).unwrap_err();
            assert_eq!(plainly(&fault.to_string()), said, "{text}");
        }
    }

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
