//! The life of a temporary unblock, through the API.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::{Office, read, wish};

fn acts(trail: &[Value]) -> Vec<String> {
    let of = |event: &Value| event["event"]["dataset"] == "schoolgate.unblock";
    let text = |event: &Value| {
        let refused = event["schoolgate"]["details"]["refused"].as_str().map(|code| format!(" {code}"));
        format!("{}{}", event["event"]["action"].as_str().unwrap(), refused.unwrap_or_default())
    };
    trail.iter().filter(|event| of(event)).map(text).collect()
}

#[tokio::test]
async fn from_request_to_end() {
    let office = Office::open().await;
    let hour = Duration::from_secs(3600);
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");

    let (status, asked) = office.post("teacher", "/unblocks", wish("https://games.example/chess")).await;
    assert_eq!(status, 201, "{asked}");
    assert_eq!((&asked["state"], &asked["applies_to"]), (&json!("pending"), &json!("host")));
    assert!(asked["note"].as_str().unwrap().contains("whole host"));
    assert_eq!(asked["needs"], json!(["filtering_manager", "dsl", "headteacher"]));
    let id = asked["id"].as_str().unwrap();
    let audit_seq = asked["audit_seq"].as_u64().unwrap();
    let trail = office.trail().await;
    assert_eq!(trail[audit_seq as usize - 1]["schoolgate"]["details"]["unblock_id"], id);
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");

    let (status, approved) =
        office.post("dsl", &format!("/unblocks/{id}/approve"), json!({ "comment": "fine" })).await;
    assert_eq!((status, &approved["state"]), (200, &json!("active")), "{approved}");
    assert_eq!((&approved["decided_by"], &approved["needs"]), (&json!("dsl"), &json!([])));
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "allow unblock");
    assert_eq!(office.visit("10.1.2.4", "y5.043", "games.example").await, "allow unblock");
    let (status, again) = office.post("dsl", &format!("/unblocks/{id}/approve"), json!({})).await;
    assert_eq!((status, &again["code"]), (409, &json!("wrong_state")));

    let (_, usage) = office.get("teacher", &format!("/unblocks/{id}/usage")).await;
    assert_eq!((&usage["accesses"], &usage["hosts"][0]["host"]), (&json!(2), &json!("games.example")));
    assert_eq!(usage["clients"][0]["user"], "y5.042");
    assert_eq!((&usage["distinct_users"], &usage["distinct_clients"]), (&json!(2), &json!(2)));
    assert_eq!(office.visit("10.1.2.4", "y5.043", "maths.example").await, "allow default");
    assert_eq!(office.visit("10.1.2.9", "y5.044", "other.example").await, "allow default");
    let (_, usage) = office.get("teacher", &format!("/unblocks/{id}/usage")).await;
    let others = json!({ "hosts": 1, "accesses": 1, "top": [{ "host": "maths.example", "accesses": 1 }], "cut": false });
    assert_eq!(usage["others"], others, "what a client fetched that did not use it is not counted");

    office.clock.advance(hour);
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");
    office.control.sweep().await.unwrap();
    assert_eq!(office.control.report_ended().await.unwrap(), 1);
    assert_eq!(office.control.report_ended().await.unwrap(), 0, "once");
    let trail = office.trail().await;
    let report = &trail.iter().find(|event| event["event"]["action"] == "unblock.report").unwrap();
    let report = &report["schoolgate"]["details"];
    assert_eq!((&report["unblock_id"], &report["accesses"]), (&json!(id), &json!(2)), "{report}");
    assert_eq!((&report["other_hosts"], &report["distinct_users"]), (&json!(1), &json!(2)));
    let (_, ended) = office.get("teacher", &format!("/unblocks/{id}")).await;
    assert_eq!(ended["state"], "ended");
    let (status, over) = office.post("teacher", &format!("/unblocks/{id}/revoke"), json!({})).await;
    assert_eq!((status, &over["code"]), (409, &json!("over")));
    let (_, list) = office.get("teacher", "/unblocks?state=ended").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let acts = acts(&office.trail().await);
    assert_eq!(acts, ["unblock.requested", "unblock.approved", "unblock.ended", "unblock.report"]);
}

/// A bug: technicians were told the names of the pupils that an unblock is for, and what staff wrote.
#[tokio::test]
async fn a_technician_sees_whom_an_unblock_is_for_by_the_pseudonyms_of_the_log() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let asked = json!({
        "target": "games.example", "users": ["y5.042"], "devices": ["CB-2-017"], "minutes": 60,
        "reason": "For Sam Pupil, who was away last week", "lesson": "Sam's catching up",
    });
    let (status, asked) = office.post("teacher", "/unblocks", asked).await;
    assert_eq!(status, 201, "{asked}");
    let one = format!("/unblocks/{}", asked["id"].as_str().unwrap());
    let (_, comment) = office.post("dsl", &format!("{one}/approve"), json!({ "comment": "Sam may" })).await;
    assert_eq!(comment["comment"], "Sam may");
    for who in ["teacher", "dsl", "headteacher", "filtering_manager"] {
        let (_, seen) = office.get(who, &one).await;
        assert_eq!((&seen["users"], &seen["devices"]), (&json!(["y5.042"]), &json!(["CB-2-017"])), "{who}");
        assert_eq!(seen["reason"], asked["reason"], "{who}");
    }
    let (_, log) = office.get("technician", "/events?dataset=access").await;
    let (_, seen) = office.get("technician", &one).await;
    assert_eq!(seen["users"], json!([log["items"][0]["user"]["name"]]), "{seen}");
    let (_, all) = office.get("technician", "/unblocks").await;
    assert_eq!(all["items"][0], seen);
    for word in ["y5.042", "CB-2-017", "Sam"] {
        assert!(!seen.to_string().contains(word), "{word} in {seen}");
    }
}

#[tokio::test]
async fn what_may_not_be_opened_is_refused_and_recorded() {
    let office = Office::open().await;
    let cases = [
        ("adult.example", 403, "locked"),
        ("category:adult", 403, "locked"),
        ("listed.example", 403, "statutory"),
        ("http://www.listed.example/page", 403, "statutory"),
        ("category:nothing", 422, "invalid"),
    ];
    for (target, status, code) in cases {
        for who in ["teacher", "filtering_manager", "headteacher"] {
            let (found, answer) = office.post(who, "/unblocks", wish(target)).await;
            assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{target}");
            assert!(!answer.to_string().contains("listed"), "{answer}");
        }
    }
    let mut asked = office.post("dsl", "/unblocks", wish("games.example")).await.1;
    let id = asked["id"].take();
    let (status, answer) =
        office.post("dsl", &format!("/unblocks/{}/approve", id.as_str().unwrap()), json!({})).await;
    assert_eq!((status, &answer["code"]), (403, &json!("four_eyes")));
    let (status, _) =
        office.post("dsl", &format!("/unblocks/{}/revoke", id.as_str().unwrap()), json!({})).await;
    assert_eq!(status, 200, "one's own may be taken back");

    let trail = office.trail().await;
    let acts = acts(&trail);
    for (act, count) in [
        ("unblock.requested locked", 6),
        ("unblock.requested statutory", 6),
        ("unblock.approved four_eyes", 1),
    ] {
        assert_eq!(acts.iter().filter(|found| *found == act).count(), count, "{act}: {acts:?}");
    }
    assert!(!serde_json::to_string(&trail).unwrap().contains("listed.example"));
}

#[tokio::test]
async fn a_wish_says_for_whom_how_long_and_why() {
    let office = Office::open().await;
    let faults = [
        ("groups", json!([]), "groups"),
        ("groups", json!(["year9"]), "groups"),
        ("groups", json!(["ks2", "staff"]), "groups"),
        ("users", json!(["a b"]), "users"),
        ("minutes", json!(121), "ends_at"),
        ("minutes", json!(0), "ends_at"),
        ("minutes", Value::Null, "ends_at"),
        ("ends_at", json!("2026-11-24T10:00:00Z"), "minutes"),
        ("starts_at", json!("2026-11-24T08:00:00Z"), "starts_at"),
        ("starts_at", json!("2027-11-24T08:00:00Z"), "starts_at"),
        ("reason", json!("asdf asdf asdf asdf"), "reason"),
        ("reason", json!(""), "reason"),
        ("target", json!("not a host"), "target"),
    ];
    for (field, value, at) in faults {
        let mut wish = wish("games.example");
        wish[field] = value.clone();
        let (status, answer) = office.post("teacher", "/unblocks", wish).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(at)), "{field} = {value}: {answer}");
    }
}

#[tokio::test]
async fn pages_of_unblocks_miss_none_and_repeat_none() {
    let office = Office::open().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(json!(office.pending().await));
    }
    office.post("teacher", "/unblocks", wish("games.example")).await;
    ids.reverse();
    let (mut found, mut path) = (Vec::new(), "/unblocks?limit=2".to_owned());
    loop {
        let (_, page) = office.get("asker", &path).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/unblocks?limit=2&cursor={next}");
    }
    assert_eq!(found, ids, "one's own alone, the newest first");
}

#[tokio::test]
async fn the_same_key_does_the_work_once() {
    let office = Office::open().await;
    let ask = async |who: &str, key: &str, body: Value| {
        let request = Request::post("/api/v1/unblocks")
            .header(header::AUTHORIZATION, format!("Bearer {}", office.token(who).unwrap()))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = office.answer(request).await;
        let replayed = answer.headers().contains_key("idempotency-replayed");
        let (status, answer) = read(answer).await;
        (status, answer, replayed)
    };
    let (status, first, replayed) = ask("teacher", "k1", wish("games.example")).await;
    assert_eq!((status, replayed), (201, false));
    let (status, second, replayed) = ask("teacher", "k1", wish("games.example")).await;
    assert_eq!((status, replayed, &second), (201, true, &first));
    let (status, other, _) = ask("teacher", "k1", wish("www.games.example")).await;
    assert_eq!((status, &other["code"]), (422, &json!("idempotency_key_reused")));
    let (_, theirs, replayed) = ask("asker", "k1", wish("games.example")).await;
    assert!(!replayed && theirs["id"] != first["id"], "a key is one person's");
    let (status, ..) = ask("teacher", "k2", wish("adult.example")).await;
    assert_eq!(status, 403);
    let (status, _, replayed) = ask("teacher", "k2", wish("games.example")).await;
    assert_eq!((status, replayed), (201, false), "a refusal is not kept");
    let (status, long, _) = ask("teacher", &"k".repeat(201), wish("games.example")).await;
    assert_eq!((status, &long["field"]), (422, &json!("Idempotency-Key")));
    let at_once = tokio::join!(
        ask("dsl", "k3", wish("games.example")),
        ask("dsl", "k3", wish("games.example")),
        ask("dsl", "k3", wish("games.example"))
    );
    assert!(at_once.0.1["id"] == at_once.1.1["id"] && at_once.1.1["id"] == at_once.2.1["id"]);
    assert_eq!(acts(&office.trail().await).iter().filter(|act| *act == "unblock.requested").count(), 4);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    let office = Office::open().await;
    let (control, shared, token) =
        (office.control.clone(), office.shared.clone(), office.token("filtering_manager").unwrap());
    let generation = control.live().snapshot().generation();
    let writer = office.writer;
    tokio::task::spawn_blocking(move || writer.finish()).await.unwrap();
    for (method, path, body) in
        [("POST", "/unblocks", wish("games.example").to_string()), ("POST", "/lists/reload", "{}".into())]
    {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .unwrap();
        let (status, answer) = read(super::fixture::ask(crate::web::admin(&shared), request).await).await;
        assert_eq!((status, &answer["code"]), (503, &json!("not_recorded")), "{path}: {answer}");
    }
    assert_eq!(control.live().snapshot().generation(), generation);
}

/// Somebody sets the box's clock back, or forward and back again: what is over stays over.
#[tokio::test]
async fn a_clock_that_is_set_back_reopens_nothing() {
    let office = Office::open().await;
    let nine = office.clock.now();
    let (_, asked) = office.post("filtering_manager", "/unblocks", wish("games.example")).await;
    assert_eq!(asked["state"], "active");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "allow unblock");
    office.clock.advance(Duration::from_secs(3600));
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");
    office.clock.set(nine);
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");
    office.control.sweep().await.unwrap();
    office.clock.set(nine.minus(Duration::from_secs(24 * 3600)));
    let path = format!("/unblocks/{}", asked["id"].as_str().unwrap());
    let (_, ended) = office.get("filtering_manager", &path).await;
    assert_eq!((&ended["state"], &ended["ending"]), (&json!("ended"), &json!("expired")));
    assert_eq!(office.visit("10.1.2.3", "y5.042", "games.example").await, "block category");
}
