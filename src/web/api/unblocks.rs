//! Temporary unblocks: asked for, decided on, looked at.

use axum::extract::{Path, State as Has};
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::{DECIDERS, Decision, Kept, Recorded, UnblockRequest};
use crate::model::{Role, Scheme, Timestamp};
use crate::policy::{State, Target};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::events::{Reader, Sight, usage};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Most unblocks of a page.
const MOST: usize = 500;

/// `{comment?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    comment: Option<String>,
}

/// `POST /unblocks`
pub(super) async fn ask(
    Has(shared): Has<Shared>,
    caller: Caller,
    Sent(request): Sent<UnblockRequest>,
) -> Result<Answer, Problem> {
    let asked = shared.control.request_unblock(&caller.staff, &request, caller.client).await?;
    Ok(Answer::created(changed(&asked, shared.control.now())))
}

/// `GET /unblocks?state=&limit=&cursor=`, newest first.
pub(super) async fn all(Has(shared): Has<Shared>, caller: Caller, uri: Uri) -> Result<Answer, Problem> {
    let query = Query::read(&uri, &["state", "limit", "cursor"])?;
    let state = query.text("state").map(state_named).transpose()?;
    let (limit, cursor) = (query.limit(MOST)?, query.parsed::<Uuid>("cursor")?);
    let mut kept = shared.control.unblocks(&caller.staff, state).await?;
    kept.retain(|kept| cursor.is_none_or(|cursor| kept.unblock.id < cursor));
    let more = kept.len() > limit;
    kept.truncate(limit);
    let next = kept.last().filter(|_| more).map(|last| last.unblock.id);
    let now = shared.control.now();
    let items: Vec<Value> = kept.iter().map(|kept| shown(kept, now)).collect();
    Ok(Answer::ok(json!({ "items": items, "next": next })))
}

/// `GET /unblocks/{id}`
pub(super) async fn one(
    Has(shared): Has<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let kept = shared.control.unblock(&caller.staff, id_of(&id)?).await?;
    Ok(Answer::ok(shown(&kept, shared.control.now())))
}

/// `POST /unblocks/{id}/approve`
pub(super) async fn approve(
    Has(shared): Has<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(said): Sent<Said>,
) -> Result<Answer, Problem> {
    decide(&shared, &caller, &id, Decision::Approve, &said).await
}

/// `POST /unblocks/{id}/refuse`
pub(super) async fn refuse(
    Has(shared): Has<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(said): Sent<Said>,
) -> Result<Answer, Problem> {
    decide(&shared, &caller, &id, Decision::Refuse, &said).await
}

/// `POST /unblocks/{id}/revoke`
pub(super) async fn revoke(
    Has(shared): Has<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(said): Sent<Said>,
) -> Result<Answer, Problem> {
    decide(&shared, &caller, &id, Decision::Revoke, &said).await
}

/// `GET /unblocks/{id}/usage`: for the one who asked and for those who decide.
pub(super) async fn used(
    Has(shared): Has<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    let kept = shared.control.unblock(&caller.staff, id_of(&id)?).await?;
    let decides = caller.staff.is_any(&DECIDERS);
    if !decides && kept.unblock.requester != caller.staff.name {
        return Err(caller.refused(&shared, "unblock.usage_read", Entry::Read, &DECIDERS).await);
    }
    let names = decides || !caller.staff.is_any(&[Role::Technician, Role::Governor]);
    let sight = match names {
        true => Sight::Names,
        false => Sight::Pseudonyms(shared.control.pseudonyms().await?),
    };
    let reader = Reader { actor: caller.actor(), client: caller.client, sight };
    Ok(Answer::ok(usage(&shared, &kept, reader).await?))
}

async fn decide(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    decision: Decision,
    said: &Said,
) -> Result<Answer, Problem> {
    let comment = said.comment.as_deref();
    let decided = shared.control.decide(&caller.staff, id_of(id)?, decision, comment, caller.client).await?;
    Ok(Answer::ok(changed(&decided, shared.control.now())))
}

fn changed(recorded: &Recorded<Kept>, now: Timestamp) -> Value {
    let mut answer = shown(&recorded.value, now);
    answer["audit_seq"] = recorded.audit_seq.into();
    answer
}

/// An unblock as the API shows it.
fn shown(kept: &Kept, now: Timestamp) -> Value {
    let unblock = &kept.unblock;
    let state = unblock.state(now);
    let needs: &[Role] = if state == State::Pending { &unblock.approvers } else { &[] };
    let (applies_to, note) = reach(&unblock.target);
    json!({
        "id": unblock.id,
        "state": state.as_str(),
        "needs": needs,
        "target": unblock.target.to_string(),
        "applies_to": applies_to,
        "note": note,
        "groups": unblock.audience.groups,
        "users": unblock.audience.users,
        "devices": unblock.audience.devices,
        "starts_at": unblock.window.starts_at(),
        "ends_at": unblock.window.ends_at(),
        "reason": unblock.justification,
        "lesson": unblock.lesson,
        "requester": unblock.requester,
        "decided_by": kept.decided_by,
        "comment": kept.comment,
        "asked_at": kept.asked_at,
    })
}

/// How much an unblock opens in truth: in TLS the gateway sees the host and no more.
fn reach(target: &Target) -> (&'static str, Option<&'static str>) {
    match target {
        Target::Url(url) => match url.scheme() {
            Scheme::Https => {
                ("host", Some("over https the gateway can't see the page, so this opens the whole host"))
            }
            Scheme::Http => {
                ("url", Some("over https, where the page can't be seen, this opens the whole host"))
            }
        },
        Target::Host(_) => ("host", None),
        Target::Category(_) => ("category", None),
    }
}

fn state_named(text: &str) -> Result<State, Problem> {
    let found = State::ALL.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| {
        let states = State::ALL.map(State::as_str).join(", ");
        Problem::invalid("state", format!("there is no such state; the states are {states}"))
    })
}

/// What is no id is nothing that there is.
fn id_of(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
