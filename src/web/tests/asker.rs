//! Whoever leaves is read nothing more, and what was begun for them is told so; an act of theirs is done.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

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

/// Whoever asked is gone, and the gateway stops.
#[tokio::test]
async fn a_stop_waits_for_an_act_whose_asker_left() {
    let office = Office::open().await;
    let (told, mut tells) = mpsc::unbounded_channel();
    let leave = Arc::new(Semaphore::new(0));
    let act = {
        let leave = Arc::clone(&leave);
        async move || {
            told.send("begun").unwrap();
            leave.acquire().await.unwrap().forget();
            told.send("done").unwrap();
        }
    };
    let router =
        Router::new().route("/", get(act)).layer(from_fn_with_state(office.shared.clone(), to_the_end));
    let asking = tokio::spawn(ask(router, Request::builder().uri("/").body(Body::empty()).unwrap()));
    assert_eq!(tells.recv().await, Some("begun"));
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());

    office.shared.finish(Instant::now()).await;
    assert!(tells.try_recv().is_err(), "no longer than it may take");
    let shared = office.shared.clone();
    let stop = tokio::spawn(async move { shared.finish(Instant::now() + Duration::from_secs(60)).await });
    tokio::task::yield_now().await;
    assert!(!stop.is_finished());
    leave.add_permits(1);
    stop.await.unwrap();
    assert_eq!(tells.try_recv(), Ok("done"));
}
