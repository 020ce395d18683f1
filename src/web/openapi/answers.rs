//! The answers that many operations share: every one that says no.

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{
    ArrayBuilder, ContentBuilder, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema, Type,
};

use crate::web::problem::codes;

/// The kind of every problem.
const KIND: &str = "application/problem+json";
/// The name of the schema.
pub(super) const PROBLEM: &str = "Problem";

/// An answer that many operations share: its status, its name, and when it comes.
pub(super) struct Shared {
    pub(super) status: &'static str,
    pub(super) name: &'static str,
    text: &'static str,
}

const fn shared(status: &'static str, name: &'static str, text: &'static str) -> Shared {
    Shared { status, name, text }
}

pub(super) const MALFORMED: Shared = shared("400", "Malformed", "What was sent can't be read.");
pub(super) const UNAUTHENTICATED: Shared =
    shared("401", "Unauthenticated", "No token and no session, or one that does not hold.");
pub(super) const FORBIDDEN: Shared =
    shared("403", "Forbidden", "Not with this role, not by this person, or not at all; it is recorded.");
pub(super) const NOT_FOUND: Shared =
    shared("404", "NotFound", "There is no such thing, or it is not yours to see.");
pub(super) const TOO_SLOW: Shared = shared("408", "TooSlow", "The body did not come in time.");
pub(super) const CONFLICT: Shared = shared("409", "Conflict", "Its state does not allow that.");
pub(super) const TOO_LARGE: Shared =
    shared("413", "TooLarge", "The body is longer than 64 KiB, or 1 MiB where a change is proposed.");
pub(super) const NOT_JSON: Shared = shared("415", "NotJson", "The body is not sent as JSON.");
pub(super) const INVALID: Shared =
    shared("422", "Invalid", "A field, a parameter or a reason is not what it must be; `field` names it.");
pub(super) const HEAD_TOO_LONG: Shared =
    shared("431", "HeadTooLong", "Path, query and fields are longer than 16 KiB; answered without a body.");
pub(super) const FAILED: Shared = shared("500", "Failed", "A fault of the gateway; its log says which.");
pub(super) const NOT_RECORDED: Shared =
    shared("503", "NotRecorded", "The act or the look can't be recorded, so it is not done.");
pub(super) const NO_ROOM: Shared =
    shared("507", "NoRoom", "The gateway's disk is full, so it is not done: make room.");

pub(super) const CHANGED: Shared =
    shared("412", "Changed", "It is another version by now than the one that you have looked at.");

/// Every one.
pub(super) const ALL: [Shared; 14] = [
    MALFORMED,
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    TOO_SLOW,
    CONFLICT,
    CHANGED,
    TOO_LARGE,
    NOT_JSON,
    INVALID,
    HEAD_TOO_LONG,
    FAILED,
    NOT_RECORDED,
    NO_ROOM,
];

impl Shared {
    /// Where it stands in the document.
    pub(super) fn reference(&self) -> RefOr<Response> {
        RefOr::Ref(Ref::from_response_name(self.name))
    }

    /// What it is.
    pub(super) fn response(&self) -> Response {
        let response = ResponseBuilder::new().description(self.text);
        if self.status == HEAD_TOO_LONG.status {
            return response.build();
        }
        let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
        let response = response.content(KIND, body);
        match self.status {
            "401" => response.header("WWW-Authenticate", Header::default()).build(),
            _ => response.build(),
        }
    }
}

/// Says of an answer that an operation names by itself that it is a problem.
pub(super) fn as_problem(response: &mut Response) {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
    response.content.entry(KIND.to_owned()).or_insert(RefOr::T(body));
}

/// Problem details (RFC 9457), with a stable `code`.
pub(super) fn problem() -> Schema {
    let text =
        |description: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    let problem = ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("What went wrong (RFC 9457). Further members may come with some codes."))
        .property(
            "type",
            text("`urn:schoolgate:problem:` and the code.").pattern(Some("^urn:schoolgate:problem:[a-z_]+$")),
        )
        .property("title", text("What the status means."))
        .property(
            "status",
            ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(400)).maximum(Some(599)),
        )
        .property("detail", text("What was wrong and what to do, for people. At most 400 characters."))
        .property(
            "code",
            text("What was wrong, for programs; never renamed.").enum_values(Some(codes::all())),
        )
        .property("field", text("The field or parameter that it is about."))
        .property("faults", ArrayBuilder::new().items(fault()));
    ["type", "title", "status", "detail", "code"]
        .into_iter()
        .fold(problem, ObjectBuilder::required)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .examples([json!({
            "type": "urn:schoolgate:problem:invalid", "title": "Unprocessable Entity", "status": 422,
            "detail": "there is no group “ks3”", "code": "invalid", "field": "groups",
        })])
        .into()
}

/// A fault of policy or lists.
fn fault() -> ObjectBuilder {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let number = || ObjectBuilder::new().schema_type(Type::Integer);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("A fault of policy or lists; never the line itself."))
        .property("file", text())
        .property("line", number())
        .property("column", number())
        .property("problem", text())
        .property("help", text().schema_type(SchemaType::from_iter([Type::String, Type::Null])))
}
