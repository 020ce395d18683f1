//! What went wrong, as RFC 9457 problem details with a stable `code`.
//!
//! **Invariant:** the text of a fault of the gateway itself (5xx) never leaves it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::audit::QueryError;
use crate::control::{ControlError, StartError};
use crate::document::Fault;

pub(in crate::web) mod codes;

/// The longest detail that is answered, in characters: some of it is the asker's own text.
const MAX_DETAIL: usize = 400;

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    more: Map<String, Value>,
}

impl Problem {
    /// A problem of that status, code and explanation.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into(), more: Map::new() }
    }

    /// A field that is not what it must be.
    pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with("field", field)
    }

    /// There is no such thing, or it is not the asker's to see.
    pub(super) fn not_found() -> Problem {
        ControlError::NotFound.into()
    }

    /// No token, or one that does not hold.
    pub(super) fn unauthenticated() -> Problem {
        let detail = "send a token that holds: Authorization: Bearer sg_…";
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }

    /// A fault of the gateway; what it was goes to the diagnostics alone.
    pub(super) fn internal(code: &'static str, fault: &dyn std::error::Error) -> Problem {
        tracing::error!(%fault, code, "a request could not be answered");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            code,
            "the gateway could not do this; its log says why",
        )
    }

    /// What a page says of it: status, detail, and how long to wait.
    pub(super) fn for_a_page(&self) -> (StatusCode, &str, Option<&Value>) {
        (self.status, &self.detail, self.more.get("retry_after"))
    }

    /// A reading of the trail was broken off.
    fn broken_off() -> Problem {
        let detail = "the gateway stops: ask again when it is back";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
    }

    /// The same problem with one more member.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.more.insert(name.to_owned(), value.into());
        self
    }
}

/// The path is none of the gateway's.
pub(super) async fn no_such_path() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

/// The path is, the method is not.
pub(super) async fn wrong_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path doesn't take that method")
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let detail: String = self.detail.chars().take(MAX_DETAIL).collect();
        let mut body = json!({
            "type": format!("urn:schoolgate:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Problem"),
            "status": self.status.as_u16(),
            "detail": detail,
            "code": self.code,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.more);
        }
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        let wait = body["retry_after"].as_u64();
        let mut answer = (self.status, kind, body.to_string()).into_response();
        if let Some(seconds) = wait {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"schoolgate\"");
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}

impl From<ControlError> for Problem {
    fn from(fault: ControlError) -> Problem {
        let code = fault.code();
        if fault.is_for_want_of_room() {
            tracing::error!(%fault, "an act of staff was refused: the disk is full");
            let detail = "the gateway's disk is full, so it is not done: make room";
            return Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", detail);
        }
        let status = match &fault {
            ControlError::Invalid(field, text) => {
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, text.as_str());
                return problem.with("field", *field);
            }
            ControlError::Faulty(faults) => {
                let faults: Vec<Value> = faults.iter().map(described).collect();
                let detail = "what is proposed is faulty; nothing was changed";
                return Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).with("faults", faults);
            }
            ControlError::NoLesson => {
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, fault.to_string());
                return problem.with("field", "until");
            }
            ControlError::Changed(_) => StatusCode::PRECONDITION_FAILED,
            ControlError::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            ControlError::Forbidden(_)
            | ControlError::FourEyes
            | ControlError::Locked
            | ControlError::Statutory => StatusCode::FORBIDDEN,
            ControlError::NotFound => StatusCode::NOT_FOUND,
            ControlError::Taken
            | ControlError::EmergencyBlock
            | ControlError::Answered
            | ControlError::WrongState(_)
            | ControlError::Conflict(..)
            | ControlError::Decided(_)
            | ControlError::NotInForce
            | ControlError::Stale(_) => StatusCode::CONFLICT,
            ControlError::Record(cause) => {
                tracing::error!(fault = %cause, "an act of staff was refused: it can't be recorded");
                StatusCode::SERVICE_UNAVAILABLE
            }
            ControlError::Trail(QueryError::Halted) => return Problem::broken_off(),
            ControlError::Trail(_)
            | ControlError::Store(_)
            | ControlError::NotFetched(..)
            | ControlError::Policy => {
                return Problem::internal(code, &fault);
            }
        };
        Problem::new(status, code, fault.to_string())
    }
}

impl From<StartError> for Problem {
    fn from(fault: StartError) -> Problem {
        match fault {
            StartError::Faults(faults) => {
                let detail = "policy or lists are faulty; what was in force stays";
                let faults: Vec<Value> = faults.iter().map(described).collect();
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "faulty", detail).with("faults", faults)
            }
            StartError::Control(fault) => fault.into(),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(fault: QueryError) -> Problem {
        match fault {
            QueryError::Halted => Problem::broken_off(),
            QueryError::Unreadable(_) | QueryError::Filter(_) => Problem::internal("audit", &fault),
        }
    }
}

/// Without the line itself, which may be of a list that nobody may read.
fn described(fault: &Fault) -> Value {
    json!({
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
        "problem": fault.problem,
        "help": fault.help,
    })
}
