//! Suspensions: imposed, looked at, lifted. For those alone who may impose one: they name pupils.

use axum::extract::State as Has;
use axum::http::Uri;
use serde_json::Map;
use utoipa::IntoParams;

use crate::audit::Entry;
use crate::control::SUSPENDERS;
use crate::policy::SuspensionState;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::SuspensionStateWord;
use crate::web::page::{Page, Paged};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Why;

mod shown;

use shown::{Suspension, SuspensionWish};

/// Most suspensions of a page.
const MOST: usize = 500;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<SuspensionStateWord>,
}

/// Take internet from people or devices for a time
///
/// An end is needed: 60 days (40 school days) at most. It ends by itself. Help lines and the
/// exceptions stay open; an exception that a statutory list holds is 403, and recorded.
#[utoipa::path(post, path = "/suspensions", operation_id = "suspend", tag = "suspensions",
    request_body = SuspensionWish,
    responses((status = 201, description = "The suspension", body = Suspension)))]
pub(super) async fn impose(
    Has(shared): Has<Shared>,
    caller: Caller,
    Sent(wish): Sent<SuspensionWish>,
) -> Result<Answer<Suspension>, Problem> {
    let imposed = shared.control.suspend(&caller.staff, &wish.request()?, caller.client).await?;
    Ok(Answer::created(Suspension::recorded(imposed, shared.control.now())))
}

/// Suspensions
///
/// The newest first. The look is recorded first.
#[utoipa::path(get, path = "/suspensions", operation_id = "list_suspensions", tag = "suspensions",
    params(Paged<Wanted>), responses((status = 200, description = "A page of suspensions", body = Page<Suspension>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Suspension>>, Problem> {
    caller.must_hold(&SUSPENDERS, &shared, "suspensions.read", Entry::Read).await?;
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &SuspensionState::ALL, SuspensionState::as_str)?;
    caller.looks(&shared, "suspensions.read", query.asked()).await?;
    let (kept, now) = (shared.control.suspensions(state).await?, shared.control.now());
    Page::of(kept, &query, MOST, |kept| kept.suspension.id, |kept| Suspension::new(kept, now))
}

/// One suspension
///
/// The look is recorded first.
#[utoipa::path(get, path = "/suspensions/{id}", operation_id = "get_suspension", tag = "suspensions",
    params(Id), responses((status = 200, description = "The suspension", body = Suspension)))]
pub(super) async fn one(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<Suspension>, Problem> {
    caller.must_hold(&SUSPENDERS, &shared, "suspensions.read", Entry::Read).await?;
    let asked = Map::from_iter([("suspension_id".to_owned(), id.to_string().into())]);
    caller.looks(&shared, "suspensions.read", asked).await?;
    Ok(Answer::ok(Suspension::new(shared.control.suspension(id).await?, shared.control.now())))
}

/// Lift a suspension before its end
#[utoipa::path(post, path = "/suspensions/{id}/lift", operation_id = "lift_suspension", tag = "suspensions",
    params(Id), request_body = Why,
    responses((status = 200, description = "The suspension, lifted", body = Suspension)))]
pub(super) async fn lift(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Answer<Suspension>, Problem> {
    let lifted = shared.control.lift_suspension(&caller.staff, id, &why.reason, caller.client).await?;
    Ok(Answer::ok(Suspension::recorded(lifted, shared.control.now())))
}
