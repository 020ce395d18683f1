//! Changes of the school's lists that wait for a second person: looked at, decided on.

use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::changes::{CHANGE_READERS, Change, ChangeDecision, ChangeState, Reloaded, Risk, Verdict};
use crate::control::{DECIDERS, Recorded};
use crate::model::Role;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Most changes of a page.
const MOST: usize = 500;

/// `{comment?}`; an approval must have one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Said {
    comment: Option<String>,
    #[serde(default)]
    risk: Option<Risk>,
}

/// `GET /changes?state=&limit=&cursor=`, newest first.
pub(super) async fn all(State(shared): State<Shared>, caller: Caller, uri: Uri) -> Result<Answer, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    let query = Query::read(&uri, &["state", "limit", "cursor"])?;
    let state = query.text("state").map(state_named).transpose()?;
    let (limit, cursor) = (query.limit(MOST)?, query.parsed::<Uuid>("cursor")?);
    let mut changes = shared.control.changes(state).await?;
    changes.retain(|change| cursor.is_none_or(|cursor| change.id < cursor));
    let more = changes.len() > limit;
    changes.truncate(limit);
    let next = changes.last().filter(|_| more).map(|last| last.id);
    let items: Vec<Value> = changes.iter().map(shown).collect();
    Ok(Answer::ok(json!({ "items": items, "next": next })))
}

/// `GET /changes/{id}`
pub(super) async fn one(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Answer, Problem> {
    caller.must_hold(&CHANGE_READERS, &shared, "changes.read", Entry::Read).await?;
    Ok(Answer::ok(shown(&shared.control.change(id_of(&id)?).await?)))
}

/// `POST /changes/{id}/approve`
pub(super) async fn approve(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(said): Sent<Said>,
) -> Result<Answer, Problem> {
    decide(&shared, &caller, &id, ChangeDecision::Approve, &said).await
}

/// `POST /changes/{id}/refuse`
pub(super) async fn refuse(
    State(shared): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Sent(said): Sent<Said>,
) -> Result<Answer, Problem> {
    decide(&shared, &caller, &id, ChangeDecision::Refuse, &said).await
}

/// A reload as the API answers it.
pub(in crate::web) fn reloaded(done: &Recorded<Reloaded>) -> Value {
    let held: Vec<Value> = done.value.held.iter().map(shown).collect();
    json!({ "changes": done.value.changes, "held": held, "audit_seq": done.audit_seq })
}

async fn decide(
    shared: &Shared,
    caller: &Caller,
    id: &str,
    decision: ChangeDecision,
    said: &Said,
) -> Result<Answer, Problem> {
    let (id, comment) = (id_of(id)?, said.comment.clone());
    let verdict = Verdict { decision, comment, risk: said.risk.clone() };
    let decided = shared.control.decide_change(&caller.staff, id, verdict, caller.client).await?;
    let mut answer = shown(&decided.value);
    answer["audit_seq"] = decided.audit_seq.into();
    Ok(Answer::ok(answer))
}

fn shown(change: &Change) -> Value {
    let needs: &[Role] = if change.state == ChangeState::Pending { &DECIDERS } else { &[] };
    let entry = change.entry();
    json!({
        "id": change.id,
        "kind": if entry.is_some() { "entry" } else { "policy" },
        "effect": change.effect.as_str(),
        "list": entry.map(|entry| entry.list.id()),
        "op": entry.map(|entry| entry.op.as_str()),
        "entry": entry.map(|entry| &entry.entry),
        "line": entry.map(|entry| entry.line),
        "remark": entry.map(|entry| &entry.remark),
        "edits": change.edits(),
        "reason": change.reason,
        "risk": change.risk,
        "owner": change.owner,
        "review_on": change.review_on,
        "proposed_at": change.proposed_at,
        "proposer": { "kind": change.proposer.as_str(), "name": change.proposer.name() },
        "state": change.state.as_str(),
        "needs": needs,
        "decided_by": change.decided_by,
        "decided_at": change.decided_at,
        "comment": change.comment,
    })
}

fn state_named(text: &str) -> Result<ChangeState, Problem> {
    let found = ChangeState::ALL.into_iter().find(|state| state.as_str() == text);
    found.ok_or_else(|| {
        let states = ChangeState::ALL.map(ChangeState::as_str).join(", ");
        Problem::invalid("state", format!("there is no such state; the states are {states}"))
    })
}

/// What is no id is nothing that there is.
fn id_of(text: &str) -> Result<Uuid, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}
