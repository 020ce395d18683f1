//! Changes of the school's lists that wait for a second person: looked at, decided on.

use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::{Actor, Entry};
use crate::control::changes::{self, CHANGE_READERS, ChangeDecision, ChangeState};
use crate::control::{DECIDERS, Recorded};
use crate::model::{Role, StaffName, Timestamp};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::{ActorWord, ChangeStateWord, Moment, OpWord, RoleWord, SchoolListWord};
use crate::web::page::Page;
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Comment;

/// Most changes of a page.
const MOST: usize = 500;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<ChangeStateWord>,
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    cursor: Option<Uuid>,
}

/// An edit of one entry of the school's lists that would open something.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Change {
    /// UUIDv7.
    id: Uuid,
    /// The list.
    #[schema(value_type = SchoolListWord)]
    list: &'static str,
    /// What it does.
    #[schema(value_type = OpWord)]
    op: &'static str,
    /// The entry in its normal form.
    entry: String,
    /// The line that it stood on when it was proposed.
    line: u32,
    /// What the line says behind its `#`.
    remark: Option<String>,
    /// When the gateway first saw it.
    #[schema(value_type = Moment)]
    proposed_at: Timestamp,
    /// Who had the lists read.
    proposer: Proposer,
    /// Where it stands.
    #[schema(value_type = ChangeStateWord)]
    state: &'static str,
    /// The roles of which one must approve it.
    #[schema(value_type = Vec<RoleWord>)]
    needs: &'static [Role],
    /// Who decided; nobody where the settings did.
    #[schema(value_type = Option<String>)]
    decided_by: Option<StaffName>,
    /// When.
    #[schema(value_type = Option<Moment>)]
    decided_at: Option<Timestamp>,
    /// What they said.
    comment: Option<String>,
    /// The record of the decision, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// Who had the lists read.
#[derive(Serialize, ToSchema)]
struct Proposer {
    /// Which kind of actor.
    #[schema(value_type = ActorWord)]
    kind: &'static str,
    /// The member of staff, if it was one.
    name: Option<String>,
}

/// What a reload came to.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Reloaded {
    /// What is in force other than before, each in one sentence.
    changes: Vec<String>,
    /// What is not in force until a second person approves it.
    held: Vec<Change>,
    /// The record of it.
    audit_seq: u64,
}

/// Edits that open something
///
/// The newest first: pending ones, and what became of the others.
#[utoipa::path(get, path = "/changes", operation_id = "list_changes", tag = "changes", params(Wanted),
    responses((status = 200, description = "A page of changes", body = Page<Change>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Change>>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    let query = Query::read::<Wanted>(&uri)?;
    let state = query.one_of("state", &ChangeState::ALL, ChangeState::as_str)?;
    let (limit, cursor) = (query.limit(MOST)?, query.parsed::<Uuid>("cursor")?);
    let mut changes = shared.control.changes(state).await?;
    changes.retain(|change| cursor.is_none_or(|cursor| change.id < cursor));
    let more = changes.len() > limit;
    changes.truncate(limit);
    let next = changes.last().filter(|_| more).map(|last| last.id.to_string());
    let items = changes.into_iter().map(Change::from).collect();
    Ok(Page::new(items, next).answer(&query))
}

/// One edit
#[utoipa::path(get, path = "/changes/{id}", operation_id = "get_change", tag = "changes", params(Id),
    responses((status = 200, description = "The change", body = Change)))]
pub(super) async fn one(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<Change>, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    Ok(Answer::ok(shared.control.change(id).await?.into()))
}

/// Put an edit in force
///
/// Never by the member of staff who had the edit read. It takes a comment, and holds at once.
#[utoipa::path(post, path = "/changes/{id}/approve", operation_id = "approve_change", tag = "changes",
    params(Id), request_body = Comment,
    responses((status = 200, description = "The change, approved", body = Change)))]
pub(super) async fn approve(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Change>, Problem> {
    decide(&shared, &caller, id, ChangeDecision::Approve, &said).await
}

/// Turn an edit down
///
/// It never was in force, and will not be while the file says so.
#[utoipa::path(post, path = "/changes/{id}/refuse", operation_id = "refuse_change", tag = "changes",
    params(Id), request_body = Comment,
    responses((status = 200, description = "The change, refused", body = Change)))]
pub(super) async fn refuse(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Change>, Problem> {
    decide(&shared, &caller, id, ChangeDecision::Refuse, &said).await
}

async fn decide(
    shared: &Shared,
    caller: &Caller,
    id: Uuid,
    decision: ChangeDecision,
    said: &Comment,
) -> Result<Answer<Change>, Problem> {
    let comment = said.text()?;
    let decided = shared.control.decide_change(&caller.staff, id, decision, comment, caller.client).await?;
    Ok(Answer::ok(Change { audit_seq: Some(decided.audit_seq), ..decided.value.into() }))
}

impl From<changes::Change> for Change {
    fn from(change: changes::Change) -> Change {
        let needs: &[Role] = if change.state == ChangeState::Pending { &DECIDERS } else { &[] };
        Change {
            id: change.id,
            list: change.list.id(),
            op: change.op.as_str(),
            entry: change.entry,
            line: change.line,
            remark: change.remark,
            proposed_at: change.proposed_at,
            proposer: Proposer::from(&change.proposer),
            state: change.state.as_str(),
            needs,
            decided_by: change.decided_by,
            decided_at: change.decided_at,
            comment: change.comment,
            audit_seq: None,
        }
    }
}

impl From<&Actor> for Proposer {
    fn from(actor: &Actor) -> Proposer {
        Proposer { kind: actor.as_str(), name: actor.name().map(ToOwned::to_owned) }
    }
}

impl From<Recorded<changes::Reloaded>> for Reloaded {
    fn from(done: Recorded<changes::Reloaded>) -> Reloaded {
        let held = done.value.held.into_iter().map(Change::from).collect();
        Reloaded { changes: done.value.changes, held, audit_seq: done.audit_seq }
    }
}
