//! The school's rules of who approves which unblock, through the API.

use std::time::Duration;

use serde_json::json;

use super::fixture::{Office, wish};

const RULES: &str = r#"
[unblock]
lesson = "needed"
unanswered_hours = 1
[[unblock.rule]]
categories = ["games"]
approved_by = ["headteacher"]
"#;

async fn office() -> Office {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap();
    office.write("policy.toml", &(text + RULES));
    let (status, done) = office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!(status, 200, "{done}");
    // Another set of rules may open something: somebody else says yes.
    for change in done["held"].as_array().unwrap() {
        let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
        let (status, done) = office.post("headteacher", &path, json!({ "comment": "as agreed" })).await;
        assert_eq!(status, 200, "{done}");
    }
    office
}

fn lesson() -> serde_json::Value {
    let mut wish = wish("games.example");
    wish["lesson"] = "Y4 maths".into();
    wish
}

#[tokio::test]
async fn a_rule_says_who_approves_and_no_other_does() {
    let office = office().await;
    let (status, answer) = office.post("filtering_manager", "/unblocks", wish("games.example")).await;
    assert_eq!((status, &answer["field"]), (422, &json!("lesson")), "{answer}");

    // The cap of the filtering manager needs no approval; the rule does.
    let (status, asked) = office.post("filtering_manager", "/unblocks", lesson()).await;
    assert_eq!((status, &asked["state"], &asked["needs"]), (201, &json!("pending"), &json!(["headteacher"])));
    let path = |step: &str| format!("/unblocks/{}/{step}", asked["id"].as_str().unwrap());
    for who in ["dsl", "teacher", "filtering_manager", "technician"] {
        let (status, answer) = office.post(who, &path("approve"), json!({})).await;
        assert_eq!(status, 403, "{who}: {answer}");
    }
    let (status, opened) = office.post("headteacher", &path("approve"), json!({})).await;
    assert_eq!((status, &opened["state"], &opened["needs"]), (200, &json!("active"), &json!([])));
    let (status, ended) = office.post("dsl", &path("revoke"), json!({})).await;
    assert_eq!((status, &ended["state"]), (200, &json!("ended")));
}

#[tokio::test]
async fn the_headteacher_approves_no_request_of_their_own() {
    let office = office().await;
    let (_, asked) = office.post("headteacher", "/unblocks", lesson()).await;
    let path = format!("/unblocks/{}/approve", asked["id"].as_str().unwrap());
    let (status, answer) = office.post("headteacher", &path, json!({})).await;
    assert_eq!((status, &answer["code"]), (403, &json!("four_eyes")));
}

#[tokio::test]
async fn a_request_that_nobody_answers_lapses() {
    let office = office().await;
    let mut asked = lesson();
    asked["minutes"] = 120.into();
    let (_, asked) = office.post("teacher", "/unblocks", asked).await;
    let path = format!("/unblocks/{}", asked["id"].as_str().unwrap());
    office.clock.advance(Duration::from_secs(3600));
    office.control.sweep().await.unwrap();
    assert_eq!(office.get("teacher", &path).await.1["state"], json!("ended"));
    let (status, answer) = office.post("headteacher", &format!("{path}/approve"), json!({})).await;
    assert_eq!(status, 409, "{answer}");
    let trail = office.trail().await;
    assert!(trail.iter().any(|event| event["event"]["action"] == "unblock.lapsed"));
}
