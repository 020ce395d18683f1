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

const LESSONS: &str = r#"
[calendar]
terms = [{ name = "Autumn", from = "2026-09-02", to = "2026-12-18" }]
[calendar.lessons.p1]
name = "Period 1"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
to = "10:00"
"#;

/// The clock of the office stands at nine on a Tuesday in term.
#[tokio::test]
async fn an_unblock_ends_with_its_lesson() {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap();
    office.write("policy.toml", &(text + LESSONS));
    office.post("technician", "/lists/reload", json!({})).await;
    let until_lesson = |starts_at: Option<&str>| {
        let mut wish = wish("games.example");
        wish.as_object_mut().unwrap().remove("minutes");
        wish["until"] = "lesson".into();
        wish["starts_at"] = starts_at.map_or(serde_json::Value::Null, Into::into);
        wish
    };
    office.clock.advance(Duration::from_secs(20 * 60));
    let (status, asked) = office.post("teacher", "/unblocks", until_lesson(None)).await;
    assert_eq!((status, &asked["ends_at"]), (201, &json!("2026-11-24T10:00:00.000Z")), "{asked}");
    let (status, asked) =
        office.post("teacher", "/unblocks", until_lesson(Some("2026-11-25T09:30:00Z"))).await;
    assert_eq!((status, &asked["ends_at"]), (201, &json!("2026-11-25T10:00:00.000Z")), "{asked}");
    for starts_at in ["2026-11-24T10:00:00Z", "2026-11-28T09:30:00Z", "2026-12-21T09:30:00Z"] {
        let (status, answer) = office.post("teacher", "/unblocks", until_lesson(Some(starts_at))).await;
        assert_eq!((status, &answer["code"]), (422, &json!("no_lesson")), "{starts_at}: {answer}");
    }
    for (field, value) in [("minutes", json!(30)), ("ends_at", json!("2026-11-24T10:00:00Z"))] {
        let mut both = until_lesson(None);
        both[field] = value;
        let (status, answer) = office.post("teacher", "/unblocks", both).await;
        assert_eq!((status, &answer["code"]), (422, &json!("invalid")), "{field}: {answer}");
    }
    let mut other = until_lesson(None);
    other["until"] = "bedtime".into();
    assert_eq!(office.post("teacher", "/unblocks", other).await.0, 422);
}

#[tokio::test]
async fn a_reason_that_was_given_for_something_else_is_marked() {
    let office = Office::open().await;
    let (_, first) = office.post("teacher", "/unblocks", wish("games.example")).await;
    let (_, same) = office.post("teacher", "/unblocks", wish("games.example")).await;
    let (_, other) = office.post("teacher", "/unblocks", wish("www.games.example")).await;
    let (_, colleague) = office.post("asker", "/unblocks", wish("chess.games.example")).await;
    let marks = [first, same, other, colleague].map(|asked| asked["repeated_reason"].clone());
    assert_eq!(marks, [json!(false), json!(false), json!(true), json!(false)]);
    office.clock.advance(Duration::from_secs(31 * 24 * 3600));
    let (_, later) = office.post("teacher", "/unblocks", wish("late.games.example")).await;
    assert_eq!(later["repeated_reason"], false);
    let trail = office.trail().await;
    let marked = trail.iter().filter(|event| event["schoolgate"]["details"]["repeated_reason"] == true);
    assert_eq!(marked.count(), 1);
    let mut empty = wish("games.example");
    empty["reason"] = "www.games.example games please".into();
    empty["lesson"] = "games".into();
    let (status, answer) = office.post("teacher", "/unblocks", empty).await;
    assert_eq!((status, &answer["code"]), (422, &json!("invalid_reason")), "{answer}");
}

#[tokio::test]
async fn an_unblock_says_how_it_ended_and_until_when_it_waits() {
    let office = Office::open().await;
    let ask = || office.post("teacher", "/unblocks", wish("games.example"));
    let (lapsed, expired, revoked) = (ask().await.1, ask().await.1, ask().await.1);
    assert_eq!((&lapsed["ending"], &lapsed["answer_by"]), (&json!(null), &lapsed["ends_at"]));
    let path =
        |asked: &serde_json::Value, step: &str| format!("/unblocks/{}{step}", asked["id"].as_str().unwrap());
    office.post("dsl", &path(&expired, "/approve"), json!({})).await;
    let (_, answer) = office.post("dsl", &path(&revoked, "/revoke"), json!({})).await;
    assert_eq!(answer["ending"], "revoked");
    office.clock.advance(Duration::from_secs(3600));
    for (asked, ending) in [(lapsed, "lapsed"), (expired, "expired"), (revoked, "revoked")] {
        assert_eq!(office.get("teacher", &path(&asked, "")).await.1["ending"], ending);
    }
}

#[tokio::test]
async fn an_unblock_opens_each_of_its_targets_and_each_is_checked() {
    let office = Office::open().await;
    let with = |also: &[&str]| {
        let mut wish = wish("https://www.games.example/chess");
        wish["also"] = json!(also);
        wish
    };
    let (status, asked) =
        office.post("filtering_manager", "/unblocks", with(&["cdn.games.example", "fonts.example"])).await;
    assert_eq!((status, &asked["also"]), (201, &json!(["cdn.games.example", "fonts.example"])), "{asked}");
    for host in ["www.games.example", "cdn.games.example"] {
        assert_eq!(office.visit("10.1.2.3", "y5.042", host).await, "allow unblock", "{host}");
    }
    assert_eq!(office.visit("10.1.2.3", "y5.042", "other.games.example").await, "block category");
    for (also, status, code) in [
        ("adult.example", 403, "locked"),
        ("listed.example", 403, "statutory"),
        ("category:games", 422, "invalid"),
        ("a..b", 422, "invalid"),
    ] {
        let (found, answer) = office.post("filtering_manager", "/unblocks", with(&[also])).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{also}: {answer}");
    }
    let both = with(&["adult.example", "listed.example"]);
    assert_eq!(office.post("dsl", "/unblocks", both.clone()).await.1["code"], "statutory");
    // Whoever may not ask at all is refused before the lists are: nothing of it is recorded.
    assert_eq!(office.post("governor", "/unblocks", both).await.1["code"], "forbidden");
    assert!(!serde_json::to_string(&office.trail().await).unwrap().contains("listed.example"));
}

#[tokio::test]
async fn what_an_emergency_block_shuts_is_not_asked_for() {
    let office = Office::open().await;
    for (target, shut) in [("games.example", "chess.games.example"), ("category:games", "category:games")] {
        assert_eq!(office.post("dsl", "/unblocks", wish(shut)).await.0, 201, "{shut}");
        let block = json!({ "target": target, "reason": "A page there was taken over this morning" });
        let (status, answer) = office.post("dsl", "/blocks", block).await;
        assert_eq!(status, 201, "{answer}");
        let (status, answer) = office.post("dsl", "/unblocks", wish(shut)).await;
        assert_eq!((status, &answer["code"]), (409, &json!("emergency_block")), "{shut}: {answer}");
    }
    let refused = office.trail().await;
    let refused =
        refused.iter().filter(|event| event["schoolgate"]["details"]["refused"] == "emergency_block");
    assert_eq!(refused.count(), 2, "each is recorded");
}
