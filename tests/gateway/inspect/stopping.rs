//! A stop, and a record that can't be kept, while connections are decrypted.

use std::time::{Duration, Instant};

use super::*;
use crate::harness::{events, within};
use crate::record::Away;
use http_body_util::BodyExt;

/// Connections on which nothing is under way do not hold up a stop.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_do_not_hold_up_a_stop() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let mut second = browser.visit("h2.example", &["h2"]).await;
    let mut first = browser.visit("h1only.example", &["http/1.1"]).await;
    let _unused = browser.visit("maths.example", &["h2"]).await;
    let mut refused = browser.visit("games.example", &["h2"]).await;
    assert_eq!((second.get("/").await.status, first.get("/").await.status), (200, 200));
    assert_eq!(refused.get("/").await.status, 403);
    let since = Instant::now();
    gateway.stop_within(Duration::from_secs(60)).await;
    assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
    for visit in [&mut first, &mut second, &mut refused] {
        assert!(visit.ask("GET", "/", &[], "").await.is_err(), "{}", visit.site);
    }
}

/// What is under way is finished if the time to drain allows, and cut, and recorded so, if not.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_finished_or_cut_and_recorded() {
    for offer in ["h2", "http/1.1"] {
        let gateway = always().start().await;
        let browser = gateway.managed("ks2");
        let mut visit = browser.visit("h2.example", &[offer]).await;
        let mut endless = browser.visit("h2.example", &[offer]).await;
        let finite = visit.open("GET", "/download", &[], "").await.unwrap();
        let mut endless = endless.open("GET", "/stream", &[], "").await.unwrap().into_body();
        assert!(within(endless.frame()).await.unwrap().is_ok());
        let dir = schoolgate::app::audit_dir(&gateway.settings);
        let reading = tokio::spawn(async move { finite.into_body().collect().await });
        let _folder = gateway.stop_within(Duration::from_secs(5)).await;
        assert!(within(endless.collect()).await.is_err(), "{offer}: cut, and seen to be cut");
        let finite = within(reading).await.unwrap().unwrap().to_bytes();
        assert_eq!(finite.len(), 10 << 20, "{offer}");
        let end = |path: &str| {
            let mut found = events(&dir, "schoolgate.access").into_iter().map(|record| record.event);
            found.rfind(|event| event["url"]["path"] == path).unwrap()["schoolgate"]["closed_by"].clone()
        };
        assert_eq!((end("/download"), end("/stream")), ("origin".into(), "gateway".into()), "{offer}");
    }
}

/// Invariants 25 and 29 inside TLS: what can't be recorded is refused, also on a connection that
/// stands; once it can be again, it passes on the same connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_recorded_is_refused() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let mut open = browser.visit("h2.example", &["h2"]).await;
    assert_eq!(open.get("/before").await.status, 200);
    let away = Away::take(&gateway);
    for path in ["/lost", "/lost?again"] {
        let page = open.get(path).await;
        assert_eq!(page.status, 503, "{path}: {}", page.text());
    }
    let refused = browser.try_visit("maths.example", &["h2"]).await.err().unwrap();
    assert!(refused.body.contains("InternalError"), "{refused:?}");
    assert!(!gateway.origin.heads().concat().contains("lost"));
    away.put_back();
    gateway.eventually("a trail that can be written", |gateway| gateway.running.is_alive()).await;
    assert_eq!(open.get("/after").await.status, 200);
    let trail = gateway.trail();
    assert!(trail.contains("/after") && !trail.contains("/lost"));
    gateway.stop().await;
}
