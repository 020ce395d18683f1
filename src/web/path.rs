//! What stands in a path: an id, or the number of an event or a version.
//!
//! **Invariant:** what is no id is nothing that there is: 404, whatever was written there.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Object, ObjectBuilder, Required, SchemaFormat, Type};
use utoipa::{IntoParams, openapi::KnownFormat};
use uuid::Uuid;

use crate::web::problem::Problem;

/// The id in `…/{id}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id(pub(super) Uuid);

/// The number in `…/{seq}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence(pub(super) u64);

/// The number in `…/{version}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version(pub(super) u64);

impl<S: Send + Sync> FromRequestParts<S> for Version {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Version, Problem> {
        of(parts, state, "version").await.map(Version)
    }
}

impl IntoParams for Version {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        vec![described("version", "Which: a version of the policy.", schema)]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Id, Problem> {
        of(parts, state, "id").await.map(Id)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sequence {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Sequence, Problem> {
        of(parts, state, "seq").await.map(Sequence)
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        let schema = schema.format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))).build();
        vec![described("id", "Which: a UUIDv7.", schema)]
    }
}

impl IntoParams for Sequence {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        vec![described("seq", "Which: `event.sequence`.", schema)]
    }
}

/// Read without the framework's own words for what is no UTF-8 or no number.
async fn of<S: Send + Sync, T: FromStr>(parts: &mut Parts, state: &S, name: &str) -> Result<T, Problem> {
    let values = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
    let text = values.iter().find(|(other, _)| *other == name).map(|(_, value)| value);
    text.and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)
}

fn described(name: &str, description: &str, schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .build()
}
