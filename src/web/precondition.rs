//! `If-Match`: a change of what somebody else has changed meanwhile is not made (RFC 9110
//! section 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::web::problem::Problem;

/// The field.
pub(super) const FIELD: &str = "If-Match";
/// The most tags that are read.
const MAX_TAGS: usize = 16;

/// What the asker knows of what they change. Put it among a handler's arguments, and ask it
/// before the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// Nothing is said.
    None,
    /// `*`: that there is such a thing.
    Any,
    /// That it is one of these versions; a weak tag is none (strong comparison).
    OneOf(Vec<String>),
}

impl Precondition {
    /// Goes on if the asker knows `version`, or says nothing.
    ///
    /// # Errors
    /// 412 `precondition_failed`, with `version`.
    pub(super) fn holds(&self, version: u64) -> Result<(), Problem> {
        let holds = match self {
            Precondition::None | Precondition::Any => true,
            Precondition::OneOf(tags) => tags.iter().any(|tag| *tag == version.to_string()),
        };
        if holds {
            return Ok(());
        }
        let detail = "somebody else has changed this meanwhile: look at it again";
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", detail);
        Err(problem.with("version", version))
    }

    /// Goes on only if the asker knows `version`.
    ///
    /// # Errors
    /// 428 `precondition_required` (RFC 6585 section 3) where nothing is said, else as
    /// [`Precondition::holds`].
    #[allow(dead_code, reason = "for changes that nobody makes unseen")]
    pub(super) fn must_hold(&self, version: u64) -> Result<(), Problem> {
        if *self == Precondition::None {
            let detail = "send the version that you have looked at: If-Match, with its ETag";
            let status = StatusCode::PRECONDITION_REQUIRED;
            return Err(Problem::new(status, "precondition_required", detail));
        }
        self.holds(version)
    }

    fn read(headers: &HeaderMap) -> Result<Precondition, Problem> {
        let mut tags = Vec::new();
        let mut fields = headers.get_all(header::IF_MATCH).iter().peekable();
        if fields.peek().is_none() {
            return Ok(Precondition::None);
        }
        for field in fields {
            let text = field.to_str().map_err(|_| malformed())?.trim();
            if text == "*" {
                return Ok(Precondition::Any);
            }
            for tag in text.split(',').map(str::trim) {
                let weak = tag.starts_with("W/");
                let tag = tag
                    .strip_prefix("W/")
                    .unwrap_or(tag)
                    .strip_prefix('"')
                    .and_then(|tag| tag.strip_suffix('"'));
                let tag = tag.filter(|tag| !tag.contains('"')).ok_or_else(malformed)?;
                if !weak {
                    tags.push(tag.to_owned());
                }
            }
        }
        if tags.len() > MAX_TAGS { Err(malformed()) } else { Ok(Precondition::OneOf(tags)) }
    }
}

impl<S: Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Precondition, Problem> {
        Precondition::read(&parts.headers)
    }
}

impl IntoParams for Precondition {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let text = "The version that you have looked at, as its `ETag` said: `\"42\"`. By then another, nothing \
                    is changed: 412.";
        let field = ParameterBuilder::new().name(FIELD).parameter_in(ParameterIn::Header);
        let schema = ObjectBuilder::new().schema_type(Type::String);
        vec![field.required(Required::False).description(Some(text)).schema(Some(schema)).build()]
    }
}

/// The tag of a version, as `ETag` says it.
pub(super) fn tag(version: u64) -> HeaderValue {
    // Quoted digits are always a valid field; an empty one would be none.
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn malformed() -> Problem {
    let detail = "If-Match is `*` or tags in double quotes, as ETag had them";
    Problem::new(StatusCode::BAD_REQUEST, "malformed", detail)
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    fn status(result: Result<(), Problem>) -> u16 {
        result.map_or_else(|problem| problem.into_response().status().as_u16(), |()| 200)
    }

    #[test]
    fn a_change_of_another_version_is_not_made() {
        // What is sent, what a change that may go without says, and one that may not.
        let cases: [(&[&str], u16, u16); 11] = [
            (&[], 200, 428),
            (&["*"], 200, 200),
            (&["\"7\""], 200, 200),
            (&["\"6\""], 412, 412),
            (&["\"6\", \"7\""], 200, 200),
            (&["\"6\"", "\"7\""], 200, 200),
            (&["W/\"7\""], 412, 412),
            (&["7"], 400, 400),
            (&["\"7"], 400, 400),
            (&["\"\"7\""], 400, 400),
            (&[""], 400, 400),
        ];
        for (fields, may, must) in cases {
            let mut headers = HeaderMap::new();
            for field in fields {
                headers.append(header::IF_MATCH, field.parse().unwrap());
            }
            let read = Precondition::read(&headers);
            let asked = |ask: fn(&Precondition, u64) -> Result<(), Problem>| match &read {
                Ok(precondition) => status(ask(precondition, 7)),
                Err(_) => 400,
            };
            assert_eq!(asked(Precondition::holds), may, "{fields:?}");
            assert_eq!(asked(Precondition::must_hold), must, "{fields:?}");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_MATCH, tag(7));
        assert_eq!(Precondition::read(&headers).map(|read| status(read.must_hold(7))).ok(), Some(200));
        headers.insert(header::IF_MATCH, HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(Precondition::read(&headers).is_err());
        headers.insert(header::IF_MATCH, vec!["\"1\""; 17].join(",").parse().unwrap());
        assert!(Precondition::read(&headers).is_err());
    }
}
