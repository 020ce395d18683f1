//! Edits of the school's lists that wait for a second person, through the API.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::{Office, read};

/// Proposes a fresh allow entry, in the technician's name; the change's id.
async fn proposed(office: &Office, entry: &str) -> String {
    office.write("lists/school/allow.txt", &format!("{entry} # for the chess club\n"));
    let (status, done) = office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["changes"], json!([]), "nothing of it is in force");
    let held = &done["held"][0];
    assert_eq!((&held["entry"], &held["state"]), (&json!(entry), &json!("pending")), "{done}");
    held["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_change_is_listed_and_decided_on_by_whom_it_should() {
    let office = Office::open().await;
    let id = proposed(&office, "games.example").await;
    let (_, listed) = office.get("governor", "/changes?state=pending").await;
    let change = &listed["items"][0];
    assert_eq!(change["id"], id.as_str());
    assert_eq!((&change["list"], &change["op"]), (&json!("school/allow"), &json!("add")));
    assert_eq!((&change["line"], &change["remark"]), (&json!(1), &json!("for the chess club")));
    assert_eq!(change["proposer"], json!({ "kind": "staff", "name": "technician" }));
    assert_eq!(change["needs"], json!(["filtering_manager", "dsl", "headteacher"]));
    assert_eq!(office.get("technician", &format!("/changes/{id}")).await.1, *change);
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");

    let approve = format!("/changes/{id}/approve");
    for comment in [json!({}), json!({ "comment": "  " }), json!({ "comment": "x".repeat(1001) })] {
        let (status, answer) = office.post("dsl", &approve, comment).await;
        assert_eq!((status, &answer["field"]), (422, &json!("comment")), "{answer}");
    }
    let (status, answer) = office.post("teacher", &approve, json!({ "comment": "please" })).await;
    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")));
    let (status, done) = office.post("dsl", &approve, json!({ "comment": "seen, it is chess" })).await;
    assert_eq!(
        (status, &done["state"], &done["decided_by"]),
        (200, &json!("approved"), &json!("dsl")),
        "{done}"
    );
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "allow school_lists");
    let trail = office.trail().await;
    let record = &trail[done["audit_seq"].as_u64().unwrap() as usize - 1];
    assert_eq!(record["event"]["action"], "change.approved");
    let details = &record["schoolgate"]["details"];
    assert_eq!(details["changes"][0]["change_id"], id.as_str());
    assert_eq!(details["in_force"], json!(["school allow list: added games.example"]));
    let (status, again) = office.post("dsl", &approve, json!({ "comment": "again" })).await;
    assert_eq!((status, &again["code"]), (409, &json!("over")));
    let (_, listed) = office.get("dsl", "/changes?state=pending").await;
    assert_eq!(listed["items"], json!([]));
    assert_eq!(office.get("dsl", "/changes/x").await.0, 404);
    assert_eq!(office.get("dsl", "/changes?state=open").await.0, 422);
}

#[tokio::test]
async fn a_repeated_approval_is_one_approval() {
    let office = Office::open().await;
    let id = proposed(&office, "games.example").await;
    let send = async || {
        let request = Request::post(format!("/api/v1/changes/{id}/approve"))
            .header(header::AUTHORIZATION, format!("Bearer {}", office.token("dsl").unwrap()))
            .header(header::CONTENT_TYPE, "application/json")
            .header("idempotency-key", "one");
        read(office.answer(request.body(Body::from("{\"comment\": \"it is chess\"}")).unwrap()).await).await
    };
    let (first, second) = (send().await, send().await);
    assert_eq!(first.0, 200, "{first:?}");
    assert_eq!(first, second);
    let approved = |event: &&Value| event["event"]["action"] == "change.approved";
    assert_eq!(office.trail().await.iter().filter(approved).count(), 1);
}

#[tokio::test]
async fn pages_of_changes_follow_each_other() {
    let office = Office::open().await;
    let entries: String = (0..5).map(|n| format!("g{n}.example\n")).collect();
    office.write("lists/school/allow.txt", &entries);
    office.post("technician", "/lists/reload", json!({})).await;
    let (_, page) = office.get("dsl", "/changes?limit=3").await;
    let (_, rest) = office.get("dsl", &format!("/changes?cursor={}", page["next"].as_str().unwrap())).await;
    let mut found: Vec<&str> = [&page, &rest]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|change| change["entry"].as_str().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["g0.example", "g1.example", "g2.example", "g3.example", "g4.example"]);
    assert_eq!(rest["next"], Value::Null);
}
