//! Metrics, health and readiness.

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::{Office, ask, read};
use crate::control::feeds::Alarm;
use crate::model::Timestamp;
use crate::web::status::{Fact, Readiness, router};

#[tokio::test]
async fn readiness_says_what_it_waits_for() {
    let office = Office::open().await;
    let readiness = Readiness::new();
    let asked = async |path: &str| {
        let router = router(readiness.clone(), office.metrics.clone(), office.recorder.clone());
        ask(router, Request::get(path).body(Body::empty()).unwrap()).await
    };
    let ready = async || -> (u16, Value) { read(asked("/readyz").await).await };
    assert_eq!(asked("/healthz").await.status(), 200);
    let (status, body) = ready().await;
    assert_eq!((status, body["reasons"].as_array().unwrap().len()), (503, 2));
    readiness.note(Fact::PolicyInForce);
    readiness.note(Fact::Unlicensed);
    let all_well =
        json!({ "ready": true, "unlicensed": true, "reasons": [], "degraded": false, "alarms": [] });
    assert_eq!(ready().await, (200, all_well));
    let (list, problem) = ("statutory/iwf".to_owned(), "its file is missing".to_owned());
    readiness.degraded(vec![Alarm { list, problem, since: office.clock.now() }]);
    let (status, body) = ready().await;
    assert_eq!((status, &body["ready"], &body["degraded"]), (200, &json!(true), &json!(true)));
    assert_eq!(body["alarms"][0]["problem"], "its file is missing");
    readiness.degraded(Vec::new());
    readiness.note(Fact::StatutoryHeld);
    assert_eq!(ready().await.1["unlicensed"], false);
    readiness.note(Fact::Draining);
    assert_eq!(ready().await.1["reasons"], json!(["stopping"]));

    let answer = asked("/metrics").await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let text = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("schoolgate_build_info"));
    assert_eq!(asked("/api/v1/me").await.status(), 404, "nothing else is there");
}

/// Somebody sets the machine's clock back: time goes on as it did, and that is said and recorded once.
#[tokio::test]
async fn a_clock_set_back_is_an_alarm_until_it_agrees_again() {
    let office = Office::open().await;
    let clocks = async || {
        let alarms = office.control.look_after_machine().await.unwrap();
        alarms.into_iter().filter(|alarm| alarm.list == "clock").collect::<Vec<_>>()
    };
    assert!(clocks().await.is_empty());
    let noon = office.clock.now();
    office.clock.set(Timestamp::from_millis(noon.as_millis() - 7_200_000));
    for _ in 0..2 {
        let alarms = clocks().await;
        assert_eq!(alarms.len(), 1);
        assert!(alarms[0].problem.contains("7200 s behind"), "{}", alarms[0].problem);
        assert!(office.clock.now() >= noon);
    }
    office.clock.set(noon.plus(std::time::Duration::from_secs(1)));
    assert!(clocks().await.is_empty());
    let trail = office.trail().await;
    for action in ["clock.behind", "clock.agrees"] {
        assert_eq!(trail.iter().filter(|event| event["event"]["action"] == action).count(), 1, "{action}");
    }
}
