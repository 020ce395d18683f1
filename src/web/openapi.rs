//! The description of the API, made from its routes: OpenAPI 3.1.
//!
//! **Invariant:** what an operation may answer follows from what it takes, so that no list of
//! answers can be forgotten; what is not in the document is no route.

use std::collections::HashSet;
use std::sync::LazyLock;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContactBuilder, Header, InfoBuilder, LicenseBuilder, ObjectBuilder, OpenApi, OpenApiBuilder,
    RefOr, Required, Schema, SecurityRequirement, Server, Type,
};

use crate::web::precondition;
use crate::web::problem::Problem;
use crate::web::query::Query;

mod answers;
pub(super) mod words;

use answers::{
    CHANGED, CONFLICT, FAILED, FORBIDDEN, HEAD_TOO_LONG, INVALID, MALFORMED, NO_ROOM, NOT_FOUND, NOT_JSON,
    NOT_RECORDED, Shared, TOO_LARGE, TOO_SLOW, UNAUTHENTICATED,
};

/// Where the API stands.
pub(super) const ROOT: &str = "/api/v1";
/// What asks for a version of the policy that there may not be, other than in the path.
const NAMES_A_VERSION: [&str; 2] = ["/policy/diff", "/changes"];
/// The longest `Idempotency-Key`.
pub(super) const MAX_KEY: usize = 200;

/// The operations whose POST is done once however often it is sent: says so of each.
pub(super) fn repeatable(mut document: OpenApi) -> OpenApi {
    for (method, operation) in document.paths.paths.values_mut().flat_map(operations) {
        if method == Method::POST {
            operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
            for response in operation.responses.responses.values_mut() {
                if let RefOr::T(response) = response {
                    response.headers.insert("Idempotency-Replayed".to_owned(), RefOr::T(Header::default()));
                }
            }
        }
    }
    document
}

/// The whole document, from what the routes say of themselves.
pub(super) fn completed(routes: OpenApi) -> OpenApi {
    let mut components = routes.components.unwrap_or_default();
    components.schemas.insert(answers::PROBLEM.to_owned(), RefOr::T(answers::problem()));
    for answer in answers::ALL {
        components.responses.insert(answer.name.to_owned(), RefOr::T(answer.response()));
    }
    secure(&mut components);
    let mut paths = routes.paths;
    for (path, item) in &mut paths.paths {
        for (method, operation) in operations(item) {
            complete(path, &method, operation, &components);
        }
    }
    let licence =
        LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("schoolgate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .contact(Some(ContactBuilder::new().name(Some("Whoever runs the gateway")).build()))
        .license(Some(licence));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([Server::new(ROOT)]))
        .paths(paths)
        .components(Some(components))
        .build()
}

/// Goes on unless something stands behind `?` of an operation that takes nothing there.
pub(super) async fn as_described(request: Request, next: Next) -> Result<Response, Problem> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let path = path.strip_prefix(ROOT).unwrap_or(path);
    if ASKS_NOTHING.contains(&(request.method().clone(), path.to_owned())) {
        Query::none(request.uri())?;
    }
    Ok(next.run(request).await)
}

/// Every method and path without a parameter behind `?`.
static ASKS_NOTHING: LazyLock<HashSet<(Method, String)>> = LazyLock::new(|| {
    let mut document = crate::web::api::document();
    let mut found = HashSet::new();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if !takes(operation, &ParameterIn::Query) {
                found.insert((method, path.clone()));
            }
        }
    }
    found
});

const ABOUT: &str = "Everything that the command line and the console do. Times are RFC 3339 in UTC, ids are \
    UUIDv7. Lists answer `items` and `next`, which goes into `cursor`; a `Link` says the same. Every problem is \
    `application/problem+json` with a stable `code`. A change, and a look at the log, answers with `audit_seq`, \
    the number of its record. Unknown fields and parameters are refused.";

/// The operations of a path.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Adds what follows from what an operation takes; what it says itself stays.
fn complete(path: &str, method: &Method, operation: &mut Operation, components: &Components) {
    let mut may = vec![INVALID, HEAD_TOO_LONG, FAILED, NOT_RECORDED, NO_ROOM];
    if operation.security.is_none() {
        may.extend([UNAUTHENTICATED, FORBIDDEN]);
        operation.security = Some(keys(method));
    }
    if path.contains('{') {
        may.push(NOT_FOUND);
        if method != Method::GET {
            may.push(CONFLICT);
        }
    }
    if NAMES_A_VERSION.contains(&path) {
        may.push(NOT_FOUND);
    }
    // What makes something may find that something else stands in its way.
    if operation.responses.responses.contains_key("201") {
        may.push(CONFLICT);
    }
    if takes(operation, &ParameterIn::Query) {
        may.push(MALFORMED);
    }
    if has_precondition(operation) {
        may.extend([CHANGED, MALFORMED]);
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        may.extend([MALFORMED, TOO_SLOW, TOO_LARGE, NOT_JSON]);
        let demands = body.content.values().any(|content| match content {
            RefOr::T(content) => content.schema.as_ref().is_some_and(|schema| demands(schema, components)),
            RefOr::Ref(_) => true,
        });
        body.required = Some(if demands { Required::True } else { Required::False });
    }
    let responses = &mut operation.responses.responses;
    for (_, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        if let RefOr::T(response) = response {
            answers::as_problem(response);
        }
    }
    for Shared { status, name, .. } in &may {
        let answer = answers::ALL.into_iter().find(|answer| answer.name == *name);
        if let Some(answer) = answer {
            responses.entry((*status).to_owned()).or_insert_with(|| answer.reference());
        }
    }
}

/// Whether a body must have any field.
fn demands(schema: &RefOr<Schema>, components: &Components) -> bool {
    match schema {
        RefOr::Ref(reference) => {
            let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
            components.schemas.get(name).is_some_and(|schema| demands(schema, components))
        }
        RefOr::T(Schema::Object(object)) => !object.required.is_empty(),
        RefOr::T(_) => false,
    }
}

fn has_precondition(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name == precondition::FIELD,
        RefOr::Ref(_) => false,
    })
}

fn takes(operation: &Operation, place: &ParameterIn) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == *place,
        RefOr::Ref(_) => false,
    })
}

/// A token, or the console's session; with the session a change proves that it comes from there.
fn keys(method: &Method) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let session = SecurityRequirement::new("session", none);
    let session = if method == Method::GET { session } else { session.add("csrf", none) };
    vec![SecurityRequirement::new("token", none), session]
}

fn secure(components: &mut Components) {
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("sg_…");
    let token = token.description(Some("From `schoolgate staff token NAME`, or the console.")).build();
    let key = |name, text| ApiKeyValue::with_description(name, text);
    let session = ApiKey::Cookie(key("__Host-schoolgate", "The console's session."));
    let csrf = ApiKey::Header(key("X-CSRF-Token", "The session's token, sent with every change."));
    components.add_security_scheme("token", SecurityScheme::Http(token));
    components.add_security_scheme("session", SecurityScheme::ApiKey(session));
    components.add_security_scheme("csrf", SecurityScheme::ApiKey(csrf));
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(MAX_KEY));
    let text = "Any text of your own. The same request under the same key within a day is done once, and \
                answered as it was; another request under that key is 422 `idempotency_key_reused`.";
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema.pattern(Some("^[!-~]+$"))))
        .build()
}
