//! What pupils asked for from the block page.

use axum::extract::State as Has;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::control::{AskState, PupilAsk, UnblockRequest, Until};
use crate::model::{GroupName, StaffName, Timestamp};
use crate::web::Shared;
use crate::web::api::unblocks::{Unblock, changed};
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::{AskStateWord, Moment, UntilWord};
use crate::web::page::{Page, Paged};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Comment;

/// Most asks of a page.
const MOST: usize = 500;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<AskStateWord>,
}

/// What a pupil asked for. Which pupil is not told.
#[derive(Serialize, ToSchema)]
pub(super) struct Ask {
    /// UUIDv7.
    id: Uuid,
    /// Where it stands.
    #[schema(value_type = AskStateWord)]
    state: &'static str,
    /// What was refused.
    target: String,
    /// The category that refused it, by id.
    category: Option<String>,
    /// The group that was refused.
    #[schema(value_type = String)]
    group: GroupName,
    /// What the pupil wrote.
    words: String,
    /// When.
    #[schema(value_type = Moment)]
    asked_at: Timestamp,
    /// When it lapses if nobody answers.
    #[schema(value_type = Moment)]
    lapses_at: Timestamp,
    /// Who answered.
    #[schema(value_type = Option<String>)]
    decided_by: Option<StaffName>,
    /// What they said.
    comment: Option<String>,
    /// The unblock that it became.
    unblock_id: Option<Uuid>,
    /// The record of the change, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// A request made of an ask: its target, and its group unless others are named. Else as a request
/// for an unblock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Taking {
    /// Hosts and pages that the target needs.
    #[serde(default)]
    #[schema(max_items = 30)]
    also: Vec<String>,
    /// Groups that it is for; the one that asked, when nobody is named.
    #[serde(default)]
    #[schema(max_items = 500)]
    groups: Vec<String>,
    /// When it starts; now, when absent.
    #[schema(value_type = Option<Moment>)]
    starts_at: Option<Timestamp>,
    /// When it ends.
    #[schema(value_type = Option<Moment>)]
    ends_at: Option<Timestamp>,
    /// How long it lasts, in minutes.
    #[schema(minimum = 1)]
    minutes: Option<u32>,
    /// `lesson`: it ends with the lesson that its start lies in.
    #[schema(value_type = Option<UntilWord>)]
    until: Option<Until>,
    /// Why: what the class will use the site for.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
    /// The lesson.
    #[schema(max_length = 100)]
    lesson: Option<String>,
}

/// What pupils asked for
///
/// Of the groups that one teaches; every ask, for those who decide on unblocks. The newest first,
/// 15 days back.
#[utoipa::path(get, path = "/asks", operation_id = "list_asks", tag = "unblocks", params(Paged<Wanted>),
    responses((status = 200, description = "A page of asks", body = Page<Ask>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Ask>>, Problem> {
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &AskState::ALL, AskState::as_str)?;
    let (mut asks, now) = (shared.control.asks(&caller.staff).await?, shared.control.now());
    asks.retain(|ask| state.is_none_or(|state| ask.state(now) == state));
    Page::of(asks, &query, MOST, |ask| ask.id, |ask| Ask::new(ask, now))
}

/// Make an ask a request of one's own
///
/// The usual rules decide who must approve it.
#[utoipa::path(post, path = "/asks/{id}/take", operation_id = "take_ask", tag = "unblocks", params(Id),
    request_body = Taking,
    responses((status = 201, description = "The unblock: open, or waiting for approval", body = Unblock)))]
pub(super) async fn take(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(taking): Sent<Taking>,
) -> Result<Answer<Unblock>, Problem> {
    let taken = shared.control.take_ask(&caller.staff, id, taking.request(), caller.client).await?;
    Ok(Answer::created(changed(&taken, shared.control.now())))
}

/// Say no to an ask
#[utoipa::path(post, path = "/asks/{id}/refuse", operation_id = "refuse_ask", tag = "unblocks", params(Id),
    request_body = Comment, responses((status = 200, description = "The ask, refused", body = Ask)))]
pub(super) async fn refuse(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(said): Sent<Comment>,
) -> Result<Answer<Ask>, Problem> {
    let comment = said.text()?;
    let refused = shared.control.refuse_ask(&caller.staff, id, comment, caller.client).await?;
    let ask = Ask::new(refused.value, shared.control.now());
    Ok(Answer::ok(Ask { audit_seq: Some(refused.audit_seq), ..ask }))
}

impl Taking {
    fn request(self) -> UnblockRequest {
        UnblockRequest {
            also: self.also,
            groups: self.groups,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            minutes: self.minutes,
            until: self.until,
            reason: self.reason,
            lesson: self.lesson,
            ..UnblockRequest::default()
        }
    }
}

impl Ask {
    fn new(ask: PupilAsk, now: Timestamp) -> Ask {
        Ask {
            id: ask.id,
            state: ask.state(now).as_str(),
            target: ask.target.to_string(),
            category: ask.category,
            group: ask.group,
            words: ask.words,
            asked_at: ask.asked_at,
            lapses_at: ask.lapses_at,
            decided_by: ask.decided_by,
            comment: ask.comment,
            unblock_id: ask.unblock,
            audit_seq: None,
        }
    }
}
