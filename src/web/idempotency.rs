//! `Idempotency-Key`: the same POST twice does its work once.
//!
//! **Invariant:** a key answers for one request of one member of staff; only what was done is
//! kept, so that a refusal can be tried again; and whoever repeats a request waits for nobody but
//! themselves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::control;
use crate::model::StaffName;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::whole;
use crate::web::openapi::MAX_KEY;
use crate::web::problem::Problem;

/// The longest answer that is kept, in bytes.
const MAX_KEPT: usize = 1 << 20;

/// Whose request, and its key.
type Whose = (StaffName, String);

/// The keys that somebody's request is under way with.
#[derive(Default)]
pub(super) struct Repeats(Mutex<HashMap<Whose, Weak<Turn<()>>>>);

impl Repeats {
    /// Waits until no other request of this member of staff is under way with this key: two of the
    /// same at once are not both done.
    async fn turn(&self, staff: &StaffName, key: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.entry((staff.clone(), key.to_owned())).or_default();
            known.upgrade().unwrap_or_else(|| {
                let turn = Arc::new(Turn::new(()));
                *known = Arc::downgrade(&turn);
                turn
            })
        };
        turn.lock_owned().await
    }
}

/// Does what is asked, unless the same was asked under the same key before.
pub(super) async fn once(
    State(shared): State<Shared>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers())?.filter(|_| request.method() == Method::POST) else {
        return Ok(next.run(request).await);
    };
    let (parts, body) = request.into_parts();
    let bytes = whole(parts.uri.path(), body).await?;
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let asked = control::digest(&[parts.method.as_str().as_bytes(), target.as_bytes(), &bytes]);
    let _turn = shared.repeats.turn(&caller.staff.name, &key).await;
    if let Some(answer) = shared.control.repeated(&caller.staff, &key, &asked).await? {
        return replay(&answer);
    }
    let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if !answer.status().is_success() {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, MAX_KEPT).await.map_err(|fault| Problem::internal("answer", &fault))?;
    let kept = json!({ "status": parts.status.as_u16(), "body": String::from_utf8_lossy(&bytes) });
    // What was asked is done: a key that can't be kept must not make it look undone.
    if let Err(fault) = shared.control.remember(&caller.staff, &key, &asked, &kept.to_string()).await {
        tracing::error!(%fault, "an Idempotency-Key could not be kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        Ok(_) | Err(_) => {
            let detail = format!("a key has 1 to {MAX_KEY} visible characters");
            Err(Problem::invalid("Idempotency-Key", detail))
        }
    }
}

fn replay(kept: &str) -> Result<Response, Problem> {
    let kept: Value = serde_json::from_str(kept).map_err(|fault| Problem::internal("store", &fault))?;
    let status = kept["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let body = kept["body"].as_str().unwrap_or_default().to_owned();
    let mut answer = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    answer.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(answer)
}
