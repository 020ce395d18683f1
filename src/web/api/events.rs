//! The filtering log, one decision of it, and who looked at it.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use crate::audit::Entry;
use crate::web::Shared;
use crate::web::auth::{Caller, Credential};
use crate::web::body::Answer;
use crate::web::events::{
    self, AroundAnswer, AroundWanted, Explained, Inquiries, Looking, READERS, READS_READERS, Read, Reader,
    ReadsWanted, Resumed, SeenEvent, Sight, Streamed, Wanted,
};
use crate::web::explain::Suspensions;
use crate::web::page::Page;
use crate::web::path::Sequence;
use crate::web::problem::Problem;

/// The filtering log
///
/// The newest first; with names for DSL and headteacher, who say what they look for (`reason`), with
/// pseudonyms for technicians. Every look is recorded before it is answered.
#[utoipa::path(get, path = "/events", operation_id = "list_events", tag = "events", params(Wanted),
    responses((status = 200, description = "A page of events", body = Page<SeenEvent>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn find(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<SeenEvent>>, Problem> {
    let reader = reader(&shared, &caller, "events.read").await?;
    events::find(&shared, &uri, reader).await
}

/// The filtering log as it grows
///
/// Server-sent events: one `event` a line of the trail, its number as `id`, its data the event as
/// `/events` shows it to you; where nothing of it is kept back, that is the line itself, whose hash can
/// be checked. Ends of accesses come as lines of their own (`close`). It goes on at `Last-Event-ID`,
/// begins with what comes otherwise, and ends after nine minutes, at the gateway's stop, and when account,
/// role or sign-in end: `end` says so, and its reader asks anew. That it began and ended is recorded.
#[utoipa::path(get, path = "/events/stream", operation_id = "stream_events", tag = "events",
    params(Streamed, Resumed),
    responses(
        (status = 200, description = "Events, for as long as it goes on", body = String,
            content_type = "text/event-stream"),
        (status = 429, description = "Too many streams are open, of you or of all")))]
pub(super) async fn stream(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = reader(&shared, &caller, "events.stream").await?;
    events::stream(&shared, (&uri, &headers), reader, Credential::of(&headers)).await
}

/// One decision as it was made
///
/// The recorded event, by which rung, rule, list, version and line it was decided, and what the policy
/// in force says of the same today. Every look is recorded before it is answered.
#[utoipa::path(get, path = "/events/{seq}/explain", operation_id = "explain_event", tag = "events",
    params(Sequence, Looking),
    responses((status = 200, description = "The decision, then and now", body = Explained)))]
pub(super) async fn explained(
    State(shared): State<Shared>,
    caller: Caller,
    Sequence(sequence): Sequence,
    uri: Uri,
) -> Result<Answer<Explained>, Problem> {
    let reader = reader(&shared, &caller, "events.explain").await?;
    let suspensions = Suspensions::of(&caller.staff.roles);
    let mut answer = events::explained(&shared, sequence, &uri, (reader, suspensions)).await?;
    if let Some(now) = answer.now.take() {
        answer.now = Some(super::traced(&shared, &caller, now).await?);
    }
    Ok(Answer::ok(answer))
}

/// What happened around an event
///
/// How it was reached, step by step and as a sentence, so that accident and intent can be told apart;
/// what the same person did before and after; who else asked for the same host within that time. Every
/// look is recorded before it is answered.
#[utoipa::path(get, path = "/events/{seq}/around", operation_id = "events_around", tag = "events",
    params(Sequence, AroundWanted),
    responses((status = 200, description = "The event and what was around it", body = AroundAnswer)))]
pub(super) async fn around(
    State(shared): State<Shared>,
    caller: Caller,
    Sequence(sequence): Sequence,
    uri: Uri,
) -> Result<Answer<AroundAnswer>, Problem> {
    let reader = reader(&shared, &caller, "events.around").await?;
    Ok(Answer::ok(events::around(&shared, sequence, &uri, reader).await?))
}

/// Who looked at whose log
///
/// When and why, the newest first. Governors see pseudonyms, and no words that may name a child.
#[utoipa::path(get, path = "/reads", operation_id = "list_reads", tag = "events", params(ReadsWanted),
    responses((status = 200, description = "A page of looks", body = Page<Read>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn reads(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<Read>>, Problem> {
    caller.must_hold(&READS_READERS, &shared, "reads.read", Entry::Read).await?;
    events::reads(&shared, &uri, &caller).await
}

pub(super) async fn reader(
    shared: &Shared,
    caller: &Caller,
    action: &'static str,
) -> Result<Reader, Problem> {
    let Some(sight) = Sight::of(&caller.staff, shared).await? else {
        return Err(caller.refused(shared, action, Entry::Read, &READERS).await);
    };
    let purpose = sight.purpose();
    let inquiries = Inquiries::of(&caller.staff);
    Ok(Reader { actor: caller.actor(), client: caller.client, sight, purpose, inquiries })
}
