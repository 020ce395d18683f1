//! Emergency blocks: placed in one step, looked at, lifted by two.

use axum::extract::State as Has;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::changes::{CHANGE_READERS, ChangeState};
use crate::control::{BlockRequest, KeptBlock, Lifted};
use crate::model::{Justification, Scheme, StaffName, Timestamp};
use crate::policy::Target;
use crate::web::Shared;
use crate::web::api::changes::Change;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::{BlockState, Moment, ReachWord};
use crate::web::page::{Page, Paged};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Why;

/// Most blocks of a page.
const MOST: usize = 500;

/// What is to be shut for everybody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "target": "chat.example", "reason": "A stranger writes to pupils there" })))]
pub(super) struct BlockWish {
    /// A URL and what lies below it, a host and its subdomains, or `category:NAME`.
    #[schema(min_length = 1, max_length = 16384)]
    target: String,
    /// Why.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
}

/// An emergency block.
#[derive(Serialize, ToSchema)]
pub(super) struct Block {
    /// UUIDv7; on every event that it refuses.
    id: Uuid,
    /// Where it stands.
    #[schema(value_type = BlockState)]
    state: &'static str,
    /// What it shuts.
    target: String,
    /// How much that is in truth: over https the gateway sees the host and no more.
    #[schema(value_type = ReachWord)]
    applies_to: &'static str,
    /// What that means, where it is more than was asked for.
    note: Option<&'static str>,
    /// Why.
    #[schema(value_type = String)]
    reason: Justification,
    /// Who did it.
    #[schema(value_type = String)]
    placed_by: StaffName,
    /// When.
    #[schema(value_type = Moment)]
    placed_at: Timestamp,
    /// Who let it be lifted, once somebody has.
    #[schema(value_type = Option<String>)]
    lifted_by: Option<StaffName>,
    /// When.
    #[schema(value_type = Option<Moment>)]
    lifted_at: Option<Timestamp>,
    /// Why, in the words of whoever asked for it.
    lifted_why: Option<String>,
    /// The record of it, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<BlockState>,
}

/// Shut something for everybody
///
/// In force when it is answered, before unblocks and the school's own lists, for open connections
/// too. What is nonsense is 422: a help line, the gateway itself, a category that there is not.
#[utoipa::path(post, path = "/blocks", operation_id = "place_block", tag = "blocks", request_body = BlockWish,
    responses((status = 201, description = "The block, in force", body = Block)))]
pub(super) async fn place(
    Has(shared): Has<Shared>,
    caller: Caller,
    Sent(wish): Sent<BlockWish>,
) -> Result<Answer<Block>, Problem> {
    let request = BlockRequest { target: wish.target, reason: wish.reason };
    let placed = shared.control.place_block(&caller.staff, &request, caller.client).await?;
    Ok(Answer::created(Block { audit_seq: Some(placed.audit_seq), ..placed.value.into() }))
}

/// Emergency blocks
///
/// The newest first.
#[utoipa::path(get, path = "/blocks", operation_id = "list_blocks", tag = "blocks", params(Paged<Wanted>),
    responses((status = 200, description = "A page of blocks", body = Page<Block>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Block>>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "blocks.read", Entry::Read).await?;
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &BlockState::ALL, |state| state)?;
    let mut kept = shared.control.blocks().await?;
    kept.retain(|kept| state.is_none_or(|state| state_of(kept) == state));
    Page::of(kept, &query, MOST, |kept| kept.block.id, Block::from)
}

/// One emergency block
#[utoipa::path(get, path = "/blocks/{id}", operation_id = "get_block", tag = "blocks", params(Id),
    responses((status = 200, description = "The block", body = Block)))]
pub(super) async fn one(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<Block>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "blocks.read", Entry::Read).await?;
    Ok(Answer::ok(shared.control.block(id).await?.into()))
}

/// Ask for an emergency block to be lifted
///
/// That opens something: it is a change that waits for a second person (`/changes/{id}/approve`), and
/// the block is in force meanwhile. Where the settings let what opens something come in force at
/// once, it is lifted when it is answered.
#[utoipa::path(delete, path = "/blocks/{id}", operation_id = "lift_block", tag = "blocks", params(Id),
    request_body = Why,
    responses((status = 200, description = "The change: the block is lifted", body = Change),
        (status = 202, description = "The change, which waits for a second person", body = Change)))]
pub(super) async fn lift(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Answer<Change>, Problem> {
    let asked = shared.control.lift_block(&caller.staff, id, &why.reason, caller.client).await?;
    let waits = asked.value.state == ChangeState::Pending;
    let change = Change::recorded(asked);
    Ok(if waits { Answer::accepted(change) } else { Answer::ok(change) })
}

impl From<KeptBlock> for Block {
    fn from(kept: KeptBlock) -> Block {
        let (applies_to, note) = reach(&kept.block.target);
        let state = state_of(&kept);
        let (lifted_by, lifted_at, lifted_why) = Lifted::apart(kept.lifted);
        Block {
            id: kept.block.id,
            state,
            target: kept.block.target.to_string(),
            applies_to,
            note,
            reason: kept.block.reason,
            placed_by: kept.block.by,
            placed_at: kept.block.at,
            lifted_by,
            lifted_at,
            lifted_why,
            audit_seq: None,
        }
    }
}

fn state_of(kept: &KeptBlock) -> &'static str {
    let [in_force, lifted] = BlockState::ALL;
    if kept.lifted.is_some() { lifted } else { in_force }
}

/// How much a block shuts in truth.
fn reach(target: &Target) -> (&'static str, Option<&'static str>) {
    let note = Some("over https, where the page can't be seen, this shuts the whole host");
    match target {
        Target::Url(url) => match url.scheme() {
            Scheme::Https => ("host", note),
            Scheme::Http => ("url", note),
        },
        Target::Host(_) => ("host", None),
        Target::Category(_) => ("category", None),
    }
}
