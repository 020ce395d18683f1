//! A client that goes away in the middle of an act, and asks again under the same `Idempotency-Key`.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::json;

use super::fixture::{Office, read, wish};

fn request(office: &Office, key: &str, target: &str) -> Request<Body> {
    Request::post("/api/v1/unblocks")
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token("teacher").unwrap()))
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key)
        .body(Body::from(wish(target).to_string()))
        .unwrap()
}

/// Wherever it was cut off, the act is done once: what was begun goes on, and the second time has its
/// answer.
#[tokio::test]
async fn what_was_cut_off_and_is_asked_again_is_done_once() {
    let office = Office::open().await;
    for steps in 0..24 {
        let (key, target) = (format!("key-{steps}"), format!("s{steps}.games.example"));
        let cut = async {
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = cut => {}
            // So fast that there was nothing to cut.
            _ = office.answer(request(&office, &key, &target)) => {}
        }
        let again = office.answer(request(&office, &key, &target)).await;
        let (status, asked) = read(again).await;
        assert_eq!((status, &asked["state"]), (201, &json!("pending")), "{steps}: {asked}");
        let third = office.answer(request(&office, &key, &target)).await;
        assert_eq!(third.headers()["idempotency-replayed"], "true", "{steps}");
        assert_eq!(read(third).await.1["id"], asked["id"], "{steps}");
        let found = office.get("teacher", "/unblocks?limit=100").await.1;
        assert_eq!(found["items"].as_array().unwrap().len(), steps + 1, "{steps}: once");
    }
    let trail = office.trail().await;
    let asked = trail.iter().filter(|event| event["event"]["action"] == "unblock.requested");
    assert_eq!(asked.count(), 24, "and recorded once");
}
