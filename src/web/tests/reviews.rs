//! Reviews: what is to be looked at again, by whom and when.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn reviews(office: &Office, query: &str) -> Vec<Value> {
    let (status, page) = office.get("governor", &format!("/reviews{query}")).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().clone()
}

/// An entry of the allow list, approved; its change.
async fn allowed(office: &Office, line: &str) -> String {
    office.write("lists/school/allow.txt", line);
    let (_, done) = office.post("technician", "/lists/reload", json!({})).await;
    let id = done["held"][0]["id"].as_str().unwrap().to_owned();
    let comment = json!({ "comment": "Looked at it with the club" });
    assert_eq!(office.post("dsl", &format!("/changes/{id}/approve"), comment).await.0, 200);
    id
}

#[tokio::test]
async fn every_entry_and_every_loosening_is_on_the_list() {
    let office = Office::open().await;
    assert_eq!(reviews(&office, "").await, Vec::<Value>::new());
    let id = allowed(&office, "chess.example # chess club; owner teacher; review 2027-01-01\n").await;
    office.write("lists/school/block.txt", "puzzles.example\n");
    office.post("technician", "/lists/reload", json!({})).await;
    let proposal = json!({
        "change": { "kind": "set", "key": "groups.pupils.categories.games", "value": "alert" },
        "reason": "Chess puzzles for the maths club", "review_on": "2027-07-01", "owner": "headteacher",
        "risk": { "benefit": "Puzzles for the maths club", "risk": "Other games on those sites",
            "mitigation": "Pupils are supervised in the library" },
    });
    let (status, done) = office.post("filtering_manager", "/changes", proposal).await;
    assert_eq!(status, 201, "{done}");
    assert_eq!(reviews(&office, "").await.len(), 2, "what waits is not in force");
    let opened = done["changes"][0]["id"].as_str().unwrap();
    let comment = json!({ "comment": "Agreed with the governors" });
    assert_eq!(office.post("dsl", &format!("/changes/{opened}/approve"), comment).await.0, 200);

    let listed = reviews(&office, "").await;
    let [block, allow, games] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((&block["entry"], &block["due"]), (&json!("puzzles.example"), &json!("no_day")));
    assert_eq!((&block["owner"], &block["change"]), (&Value::Null, &Value::Null));
    assert!(block["since"].is_string());
    assert_eq!((&allow["list"], &allow["entry"]), (&json!("school/allow"), &json!("chess.example")));
    assert_eq!((&allow["owner"], &allow["review_on"]), (&json!("teacher"), &json!("2027-01-01")));
    assert_eq!((&allow["change"], &allow["due"]), (&json!(id), &json!("later")));
    assert_eq!((&games["change"], &games["owner"]), (&json!(opened), &json!("headteacher")));
    assert_eq!(games["review_on"], "2027-07-01");
    assert_eq!(office.get("teacher", "/reviews").await.0, 403);
    assert_eq!(office.control.reviews_overdue().await.unwrap(), 0);

    let (_, page) = office.get("technician", "/reviews?limit=2").await;
    let next = page["next"].as_str().unwrap();
    assert_eq!(reviews(&office, &format!("?limit=2&cursor={next}")).await, std::slice::from_ref(games));
    let key = json!({
        "change": { "kind": "set", "key": "groups.pupils.categories.games", "value": "block" },
        "reason": "The maths club is over for this year",
    });
    assert_eq!(office.post("filtering_manager", "/changes", key).await.0, 201);
    assert_eq!(reviews(&office, "").await.len(), 2, "what was shut again needs no look");
}

#[tokio::test]
async fn a_review_is_renewed_by_whom_it_should() {
    let office = Office::open().await;
    let id = allowed(&office, "chess.example # chess club; owner teacher; review 2027-01-01\n").await;
    office.clock.advance(DAY * 60);
    assert_eq!(office.control.reviews_overdue().await.unwrap(), 1);
    assert!(office.metrics.render().unwrap().contains("schoolgate_reviews_overdue 1"));
    let overdue = reviews(&office, "?overdue=true").await;
    assert_eq!((overdue.len(), &overdue[0]["due"]), (1, &json!("overdue")));

    let path = format!("/changes/{id}/reviewed");
    let said = |day: &str| json!({ "review_on": day, "comment": "Still chess, still no chat" });
    for who in ["asker", "technician", "governor"] {
        let before = office.recorder.head().sequence;
        let (status, answer) = office.post(who, &path, said("2027-06-01")).await;
        assert_eq!((status, &answer["code"]), (403, &json!("forbidden")), "{who}");
        assert_eq!(office.recorder.head().sequence, before + 1, "a refusal is recorded");
    }
    for (body, field) in [
        (said("2026-12-01"), "review_on"),
        (said("2029-01-01"), "review_on"),
        (said("soon"), "review_on"),
        (json!({ "review_on": "2027-06-01", "comment": " " }), "comment"),
    ] {
        let (status, answer) = office.post("teacher", &path, body).await;
        assert_eq!((status, &answer["field"]), (422, &json!(field)), "{answer}");
    }
    let (status, done) = office.post("teacher", &path, said("2027-06-01")).await;
    assert_eq!((status, &done["review_on"]), (200, &json!("2027-06-01")), "the owner may: {done}");
    assert_eq!(office.control.reviews_overdue().await.unwrap(), 0);
    assert_eq!(reviews(&office, "").await[0]["review_on"], "2027-06-01");
    assert_eq!(office.post("dsl", &path, said("2027-07-01")).await.0, 200, "who decides may");
    let trail = office.trail().await;
    let record = &trail[done["audit_seq"].as_u64().unwrap() as usize - 1];
    assert_eq!(record["event"]["action"], "change.reviewed");
    assert_eq!(record["event"]["reason"], "Still chess, still no chat");
    assert_eq!(record["schoolgate"]["details"]["review_was"], "2027-01-01");

    office.write("lists/school/allow.txt", "chess.example\nmore.example\n");
    let (_, held) = office.post("technician", "/lists/reload", json!({})).await;
    let waits = held["held"][0]["id"].as_str().unwrap();
    let (status, answer) =
        office.post("dsl", &format!("/changes/{waits}/reviewed"), said("2027-07-01")).await;
    assert_eq!((status, &answer["code"]), (409, &json!("not_in_force")));
}
