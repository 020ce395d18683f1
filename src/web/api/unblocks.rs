//! Temporary unblocks: asked for, decided on, looked at.

use axum::extract::State as Has;
use axum::http::Uri;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::{DECIDERS, Decision, Kept, Pseudonyms, Recorded, Staff};
use crate::model::{Role, Timestamp};
use crate::policy::State;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::events::{Inquiries, Reader, Sight, Usage, usage};
use crate::web::openapi::words::UnblockState;
use crate::web::page::{Page, Paged};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::{Comment, Purpose};

mod dependencies;
mod shown;

pub(super) use dependencies::{__path_dependencies, dependencies};
pub(super) use shown::Unblock;
use shown::UnblockWish;

/// Most unblocks of a page.
const MOST: usize = 500;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<UnblockState>,
}

/// Why it is looked at.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Why {
    /// What you look at pupils' names for: recorded. Whoever asked for the unblock needs none.
    #[param(min_length = 10, max_length = 1000)]
    reason: Option<String>,
}

/// Ask for a temporary unblock
///
/// An end is needed, and capped by your role. What no one may open (statutory lists, locked
/// categories) is 403, and recorded.
#[utoipa::path(post, path = "/unblocks", operation_id = "request_unblock", tag = "unblocks",
    request_body = UnblockWish,
    responses((status = 201, description = "The unblock: open, or waiting for approval", body = Unblock)))]
pub(super) async fn ask(
    Has(shared): Has<Shared>,
    caller: Caller,
    Sent(wish): Sent<UnblockWish>,
) -> Result<Answer<Unblock>, Problem> {
    let asked = shared.control.request_unblock(&caller.staff, &wish.request()?, caller.client).await?;
    Ok(Answer::created(changed(&asked, shared.control.now())))
}

/// Temporary unblocks
///
/// The newest first: one's own, or every one for those who oversee them. Whoever neither asked for one
/// nor decides on it (technicians) sees pseudonyms, and not what staff wrote in their own words.
#[utoipa::path(get, path = "/unblocks", operation_id = "list_unblocks", tag = "unblocks", params(Paged<Wanted>),
    responses((status = 200, description = "A page of unblocks", body = Page<Unblock>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Unblock>>, Problem> {
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &State::ALL, State::as_str)?;
    let kept = shared.control.unblocks(&caller.staff, state).await?;
    let (pseudonyms, now) = (shared.control.pseudonyms().await?, shared.control.now());
    let seen = |kept: Kept| seen(&kept, &caller.staff, &pseudonyms, now);
    Page::of(kept, &query, MOST, |kept| kept.unblock.id, seen)
}

/// One temporary unblock
#[utoipa::path(get, path = "/unblocks/{id}", operation_id = "get_unblock", tag = "unblocks", params(Id),
    responses((status = 200, description = "The unblock", body = Unblock)))]
pub(super) async fn one(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<Unblock>, Problem> {
    let kept = shared.control.unblock(&caller.staff, id).await?;
    let pseudonyms = shared.control.pseudonyms().await?;
    Ok(Answer::ok(seen(&kept, &caller.staff, &pseudonyms, shared.control.now())))
}

/// Approve a temporary unblock
///
/// Never by the one who asked.
#[utoipa::path(post, path = "/unblocks/{id}/approve", operation_id = "approve_unblock", tag = "unblocks",
    params(Id), request_body = Comment,
    responses((status = 200, description = "The unblock, approved", body = Unblock)))]
pub(super) async fn approve(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Unblock>, Problem> {
    decide(&shared, &caller, id, Decision::Approve, &said).await
}

/// Turn a temporary unblock down
///
/// Never by the one who asked.
#[utoipa::path(post, path = "/unblocks/{id}/refuse", operation_id = "refuse_unblock", tag = "unblocks",
    params(Id), request_body = Comment,
    responses((status = 200, description = "The unblock, refused", body = Unblock)))]
pub(super) async fn refuse(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Unblock>, Problem> {
    decide(&shared, &caller, id, Decision::Refuse, &said).await
}

/// End a temporary unblock early
///
/// By those who decide, and by the one who asked.
#[utoipa::path(post, path = "/unblocks/{id}/revoke", operation_id = "revoke_unblock", tag = "unblocks",
    params(Id), request_body = Comment,
    responses((status = 200, description = "The unblock, ended", body = Unblock)))]
pub(super) async fn revoke(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Unblock>, Problem> {
    decide(&shared, &caller, id, Decision::Revoke, &said).await
}

/// What an unblock was used for
///
/// By whom, how often, for which hosts; for the one who asked and for those who decide. The look is
/// recorded first. Whoever looks with names at what others asked for says why.
#[utoipa::path(get, path = "/unblocks/{id}/usage", operation_id = "get_unblock_usage", tag = "unblocks",
    params(Id, Why), responses((status = 200, description = "Who used it, and for what", body = Usage)))]
pub(super) async fn used(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    uri: Uri,
) -> Result<Answer<Usage>, Problem> {
    let query = Query::read::<Why>(&uri)?;
    let kept = shared.control.unblock(&caller.staff, id).await?;
    let (decides, own) = (caller.staff.is_any(&DECIDERS), kept.unblock.requester == caller.staff.name);
    if !decides && !own {
        return Err(caller.refused(&shared, "unblock.usage_read", Entry::Read, &DECIDERS).await);
    }
    let names = decides || !caller.staff.is_any(&[Role::Technician, Role::Governor]);
    let sight = match names {
        true => Sight::Names,
        false => Sight::Pseudonyms(shared.control.pseudonyms().await?),
    };
    let purpose = if names && !own { Purpose::Needed } else { Purpose::Optional };
    let inquiries = Inquiries::of(&caller.staff);
    let reader = Reader { actor: caller.actor(), client: caller.client, sight, purpose, inquiries };
    Ok(Answer::ok(usage(&shared, &kept, reader, &query).await?))
}

/// An unblock as somebody may see it who oversees all of them.
fn seen(kept: &Kept, staff: &Staff, pseudonyms: &Pseudonyms, now: Timestamp) -> Unblock {
    let unblock = Unblock::new(kept, now);
    let own = kept.unblock.requester == staff.name;
    match own || staff.is_any(&DECIDERS) || staff.is_any(&kept.unblock.approvers) {
        true => unblock,
        false => unblock.masked(pseudonyms),
    }
}

async fn decide(
    shared: &Shared,
    caller: &Caller,
    id: Uuid,
    decision: Decision,
    said: &Comment,
) -> Result<Answer<Unblock>, Problem> {
    let comment = said.text()?;
    let decided = shared.control.decide(&caller.staff, id, decision, comment, caller.client).await?;
    Ok(Answer::ok(changed(&decided, shared.control.now())))
}

pub(super) fn changed(recorded: &Recorded<Kept>, now: Timestamp) -> Unblock {
    Unblock::new(&recorded.value, now).recorded(recorded.audit_seq)
}
