//! Whoever leaves is read nothing more, and what was begun for them is told so.

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::mpsc;

use super::fixture::{Office, ask};
use crate::web::Shared;
use crate::web::api::to_the_end;

/// Reads until it is broken off, as a search of a whole year would.
async fn read(State((shared, told)): State<(Shared, mpsc::UnboundedSender<&'static str>)>) {
    let begun = told.clone();
    let read = shared.look_up(move |index| {
        begun.send("begun").unwrap();
        while !index.halt().is_called() {
            std::thread::yield_now();
        }
    });
    read.await.unwrap();
    told.send("broken off").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_asked_for_who_left_is_not_read_on() {
    let office = Office::open().await;
    let (told, mut tells) = mpsc::unbounded_channel();
    let router = Router::new()
        .route("/", get(read))
        .layer(from_fn_with_state(office.shared.clone(), to_the_end))
        .with_state((office.shared.clone(), told));
    let request = Request::builder().uri("/").body(Body::empty()).unwrap();
    let asking = tokio::spawn(ask(router, request));
    assert_eq!(tells.recv().await, Some("begun"));
    asking.abort();
    assert_eq!(tells.recv().await, Some("broken off"));
    assert!(!office.shared.index.halt().is_called(), "others are read on");
}
