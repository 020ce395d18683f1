//! Requests with an `Idempotency-Key` that are under way at the same time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, header};
use axum::middleware::from_fn_with_state;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use super::fixture::{Office, ask, read};
use crate::web::auth::require_token;
use crate::web::idempotency::once;

/// After how long a request counts as held up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that is done when it is let go.
#[derive(Clone)]
struct Slow {
    begun: mpsc::UnboundedSender<()>,
    leave: Arc<Semaphore>,
}

async fn slow(State(slow): State<Slow>) -> Json<serde_json::Value> {
    slow.begun.send(()).unwrap();
    slow.leave.acquire().await.unwrap().forget();
    Json(json!({ "done": true }))
}

fn routes(office: &Office, state: Slow) -> Router {
    Router::new()
        .route("/slow", post(slow))
        .route("/quick", post(async || Json(json!({ "done": true }))))
        .route_layer(from_fn_with_state(office.shared.clone(), once))
        .layer(from_fn_with_state(office.shared.clone(), require_token))
        .with_state(state)
}

fn keyed(office: &Office, who: &str, path: &str, key: &str) -> Request<Body> {
    Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token(who).unwrap()))
        .header("idempotency-key", key)
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn a_slow_request_holds_up_no_other_key_and_nobody_else() {
    let office = Office::open().await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let leave = Arc::new(Semaphore::new(0));
    let routes = routes(&office, Slow { begun, leave: Arc::clone(&leave) });
    let first = tokio::spawn(ask(routes.clone(), keyed(&office, "technician", "/slow", "one")));
    begins.recv().await.unwrap();
    for (who, key) in [("teacher", "one"), ("teacher", "two"), ("technician", "two")] {
        let quick = ask(routes.clone(), keyed(&office, who, "/quick", key));
        let answer = tokio::time::timeout(PATIENCE, quick).await.expect("it waits for nobody");
        assert_eq!(answer.status(), 200, "{who} {key}");
    }
    let again = tokio::spawn(ask(routes, keyed(&office, "technician", "/slow", "one")));
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    assert!(begins.try_recv().is_err(), "the same is not begun twice");
    leave.add_permits(1);
    assert_eq!(read(first.await.unwrap()).await, (200, json!({ "done": true })));
    let replayed = again.await.unwrap();
    assert_eq!(replayed.headers()["idempotency-replayed"], "true");
    assert!(begins.try_recv().is_err(), "and once alone");
}
