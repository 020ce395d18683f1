//! The sealed code: once, for an hour, recorded, and an alarm until a new one is sealed.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::{Office, wish};
use super::people::{Browser, HOME, seated};
use crate::control::accounts::By;
use crate::model::Role;

const WHY: &str = "the head and both deputies are ill";

#[tokio::test]
async fn the_seal_breaks_once_and_tells() {
    let office = Office::open().await;
    let seal = json!({ "reason": WHY });
    for who in ["technician", "dsl", "headteacher"] {
        let (status, answer) = office.post(who, "/break-glass/seal", seal.clone()).await;
        assert_eq!((status, &answer["code"]), (403, &json!("session_needed")), "{who}: a token may leak");
    }
    let mut dsl = seated(&office, "d.seated", &[Role::Dsl]).await;
    assert_eq!(dsl.send("POST", "/break-glass/seal", seal.clone()).await.0, 403);
    let mut head = seated(&office, "h.seated", &[Role::Headteacher]).await;
    let dead = head.send("POST", "/break-glass/seal", seal).await.1["code"].clone();
    let code = office.control.seal_anew(&By::local(), None).await.unwrap().value.code;
    let mut browser = Browser::at(&office, HOME);
    let mut open = async |code: &str, reason: &str| {
        browser.send("POST", "/break-glass", json!({ "code": code, "reason": reason })).await
    };
    assert_eq!(open(dead.as_str().unwrap(), WHY).await.1["code"], "invalid_credentials");
    assert_eq!(open(&code[..40], WHY).await.1["code"], "mistyped");
    assert_eq!(open(&code, "urgent").await.1["code"], "invalid_reason");
    let (status, opened) = open(&code.to_lowercase().replace('-', " "), WHY).await;
    assert_eq!(
        (status, &opened["break_glass"], &opened["must"]),
        (200, &json!(true), &json!([])),
        "{opened}"
    );
    assert_eq!(opened["expires_at"], json!(office.clock.now().plus(Duration::from_secs(3600))));
    assert_eq!(open(&code, WHY).await.1["code"], "invalid_credentials", "a code opens once");
    assert_eq!(office.get("teacher", "/break-glass").await.1["alarm"], true);
    assert_eq!(office.control.seal_alarm().await.unwrap().unwrap().list, "break-glass");
    assert!(office.metrics.render().unwrap().contains("schoolgate_break_glass_total 1"));

    let id = office.pending().await;
    let (status, done) = browser.send("POST", &format!("/unblocks/{id}/approve"), json!({})).await;
    assert_eq!((status, &done["decided_by"]), (200, &json!("break-glass")), "{done}");
    let statutory = browser.send("POST", "/unblocks", wish("listed.example")).await.1;
    assert_eq!(statutory["code"], "statutory", "{statutory}");
    let asked = browser.send("POST", "/unblocks", wish("games.example")).await.1;
    if asked["state"] == "pending" {
        let path = format!("/unblocks/{}/approve", asked["id"].as_str().unwrap());
        assert_eq!(browser.send("POST", &path, json!({})).await.1["code"], "four_eyes");
    }
    for (path, body) in [
        ("/break-glass/seal", json!({ "reason": WHY })),
        ("/tokens", json!({ "label": "stays" })),
        ("/me/totp", json!({})),
    ] {
        let status = browser.send("POST", path, body).await.0;
        assert!([403, 404].contains(&status), "{path}: {status}");
    }
    let trail = office.trail().await;
    let (_, after) = trail
        .split_at(trail.iter().position(|event| event["event"]["action"] == "break_glass.opened").unwrap());
    assert_eq!(after[0]["event"]["reason"], WHY);
    let approved = after.iter().find(|event| event["event"]["action"] == "unblock.approved").unwrap();
    assert_eq!(approved["schoolgate"]["break_glass"], true);
    assert!(!serde_json::to_string(&trail).unwrap().contains(&code[..9]), "no code is in the record");

    office.clock.advance(Duration::from_secs(9 * 60));
    assert_eq!(browser.send("GET", "/me", Value::Null).await.0, 200);
    office.control.seal_anew(&By::local(), None).await.unwrap();
    assert_eq!(browser.send("GET", "/me", Value::Null).await.0, 401, "sealing anew ends what was opened");
    assert!(office.control.seal_alarm().await.unwrap().is_none());
}

#[tokio::test]
async fn guessing_the_sealed_code_is_slowed() {
    let office = Office::open().await;
    let old = office.control.seal_anew(&By::local(), None).await.unwrap().value.code;
    let code = office.control.seal_anew(&By::local(), None).await.unwrap().value.code;
    let mut browser = Browser::at(&office, HOME);
    for expected in [401, 401, 401, 401, 401, 429, 429] {
        let guess = json!({ "code": old, "reason": WHY });
        assert_eq!(browser.send("POST", "/break-glass", guess).await.0, expected);
    }
    office.clock.advance(Duration::from_secs(1));
    let right = json!({ "code": code, "reason": WHY });
    assert_eq!(browser.send("POST", "/break-glass", right).await.0, 200);
}
