//! The real routers over a real gateway in a temporary folder.

mod alerts;
mod asker;
mod asks;
mod break_glass;
mod ca;
mod changes;
mod conform;
mod counted;
mod cut_off;
mod dependencies;
mod events;
mod exports;
mod fixture;
mod guessing;
mod hands;
mod holds;
mod inquiries;
mod limits;
mod lists;
mod local;
mod matrix;
mod openapi;
mod pages;
mod people;
mod policy;
mod reads;
mod reloads;
mod repeats;
mod reports;
mod restrictions;
mod reviews;
mod rules;
mod sequences;
mod sign_in;
mod sockets;
mod staff;
mod status;
mod stream;
mod suppliers;
mod unblocks;

use serde_json::json;

use fixture::Office;

#[tokio::test]
async fn what_is_malformed_is_refused_and_never_a_fault_of_ours() {
    let office = Office::open().await;
    let id = office.pending().await;
    let bodies: [&[u8]; 13] = [
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\"text\"",
        b"{\"surprise\": 1}",
        b"{\"target\": 7, \"reason\": []}",
        b"{\"comment\": {}}",
        b"{\"url\": \"http://[\"}",
        b"{\"url\": \"http://x\\u0000/\", \"at\": \"yesterday\"}",
        b"\xff\xfe\x00",
        b"{\"target\":\"games.example\",\"groups\":[\"ks2\"],\"minutes\":4294967295,\"reason\":\"maths games for the topic week\"}",
        b"{\"target\":\"games.example\",\"groups\":[\"ks2\"],\"starts_at\":\"-009999-01-01T00:00:00Z\",\"ends_at\":\"9999-12-31T00:00:00Z\",\"reason\":\"maths games for the topic week\"}",
    ];
    let deep = "[".repeat(60_000);
    for path in ["/explain", "/unblocks", "/lists/reload", "/unblocks/{id}/approve", "/unblocks/{id}/revoke"]
    {
        let path = path.replace("{id}", &id);
        for body in bodies.iter().copied().chain([deep.as_bytes()]) {
            let (status, answer) =
                office.send("filtering_manager", "POST", &path, "application/json", body).await;
            assert!((400..500).contains(&status), "{path} {:?}: {status}", String::from_utf8_lossy(body));
            assert!(answer["code"].is_string(), "{path}: {answer}");
        }
    }
    for path in [
        "/events?from=x",
        "/events?limit=0",
        "/events?limit=-1",
        "/events?cursor=%00",
        "/events?user=%ff%fe",
        "/events?host=a..b",
        "/events?client=10.1.2",
        "/events?unblock=1",
        "/events?surprise=1",
        "/events?limit=1&limit=2",
        "/audit/verify?head=1",
        "/unblocks?state=open",
        "/unblocks/../staff",
        "/unblocks/x/usage",
        "/unblocks/%00",
        "/",
        "//me",
    ] {
        let (status, answer) = office.get("dsl", path).await;
        assert!((400..500).contains(&status), "{path}: {status} {answer}");
        assert!(answer["code"].is_string(), "{path}: {answer}");
    }
}

#[tokio::test]
async fn each_kind_of_bad_body_has_its_status() {
    let office = Office::open().await;
    let long = format!("{{\"url\": \"{}\"}}", "x".repeat(65 * 1024));
    let cases: [(&str, &[u8], u16, &str); 6] = [
        ("application/json", b"{", 400, "malformed"),
        ("text/plain", b"{\"url\": \"games.example\"}", 415, "not_json"),
        ("", b"{\"url\": \"games.example\"}", 415, "not_json"),
        ("application/json", long.as_bytes(), 413, "too_large"),
        ("application/json", b"{\"url\": \"games.example\", \"grup\": \"ks2\"}", 422, "invalid"),
        (
            "application/json; charset=utf-8",
            b"{\"url\": \"games.example\", \"group\": \"x\"}",
            422,
            "invalid",
        ),
    ];
    for (kind, body, status, code) in cases {
        let (found, answer) = office.send("teacher", "POST", "/explain", kind, body).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{answer}");
    }
    let (_, answer) = office.post("teacher", "/explain", json!({ "url": "games.example", "grup": 1 })).await;
    assert_eq!(answer["field"], "grup");
    let (_, answer) = office.post("teacher", "/unblocks", json!({ "target": "games.example" })).await;
    assert_eq!(answer["field"], "reason");
}

#[tokio::test]
async fn an_explanation_names_every_rung_and_of_a_statutory_one_only_the_list() {
    let office = Office::open().await;
    let (status, answer) =
        office.post("teacher", "/explain", json!({ "url": "www.games.example/chess", "group": "ks2" })).await;
    assert_eq!(status, 200);
    assert_eq!((&answer["action"], &answer["rung"]), (&json!("block"), &json!("category")));
    assert_eq!(answer["list"]["id"], "seed/games");
    assert_eq!(answer["list"]["line"], 3);
    assert_eq!(answer["rungs"].as_array().unwrap().len(), 13);
    assert_eq!(answer["visibility"], "host");
    let (_, answer) =
        office.post("teacher", "/explain", json!({ "url": "games.example", "client": "10.1.9.1" })).await;
    assert_eq!((&answer["action"], &answer["group"]), (&json!("allow"), &json!("staff")));
    let (_, answer) = office.post("teacher", "/explain", json!({ "url": "games.example" })).await;
    assert_eq!(answer["group"], "pupils", "nobody is known: the strictest");

    let (status, answer) = office
        .post("teacher", "/explain", json!({ "url": "http://www.listed.example/page", "group": "ks2" }))
        .await;
    assert_eq!((status, &answer["rung"]), (200, &json!("statutory")));
    assert!(!answer.to_string().contains("listed.example"), "{answer}");
    assert_eq!(answer["list"]["entry"].as_str().unwrap().len(), 16);
    assert_eq!(answer["rungs"].as_array().unwrap().len(), 1);
    let trail = office.trail().await;
    assert!(trail.iter().any(|event| event["event"]["action"] == "explain.statutory"));
    assert!(!serde_json::to_string(&trail).unwrap().contains("listed.example"));
}

#[tokio::test]
async fn lists_are_shown_looked_up_and_reloaded() {
    let office = Office::open().await;
    let (_, lists) = office.get("technician", "/lists").await;
    let games = lists["items"].as_array().unwrap().iter().find(|list| list["id"] == "seed/games").unwrap();
    assert_eq!((&games["category"], &games["entries"]), (&json!("games"), &json!(1)));
    assert_eq!(lists["statutory"][0]["entries"], 1);
    assert!(!lists.to_string().contains("listed.example"));
    let (_, found) = office.get("technician", "/lists/lookup?q=www.games.example").await;
    assert_eq!(found["matches"][0]["category"], "games");
    assert_eq!(
        (&found["matches"][0]["line"], &found["matches"][0]["entry"]),
        (&json!(3), &json!("games.example"))
    );
    let (_, found) = office.get("technician", "/lists/lookup?q=https://listed.example/").await;
    assert_eq!(found["matches"], json!([]));

    office.write("lists/school/block.txt", "puzzles.example\n");
    let (status, done) =
        office.post("technician", "/lists/reload", json!({ "reason": "asked for by year 4" })).await;
    assert_eq!(status, 200);
    assert_eq!(done["changes"], json!(["school block list: added puzzles.example"]));
    office.write("lists/school/block.txt", "bad..example\nnot a host\n");
    let (status, faulty) = office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!((status, &faulty["code"]), (422, &json!("faulty")));
    assert_eq!(faulty["faults"].as_array().unwrap().len(), 2, "{faulty}");
    let (_, answer) =
        office.post("teacher", "/explain", json!({ "url": "puzzles.example", "group": "ks2" })).await;
    assert_eq!(answer["rung"], "school_lists", "the last good lists stay");
}

#[tokio::test]
async fn the_audit_chain_is_told_and_verified() {
    let office = Office::open().await;
    let (_, head) = office.get("governor", "/audit/head").await;
    let anchor = head["anchor"].as_str().unwrap();
    let (_, report) = office.get("governor", &format!("/audit/verify?head={anchor}")).await;
    assert_eq!(report["sound"], true, "{report}");
    let other = format!("{}:{}", head["sequence"], "0".repeat(64));
    let (_, report) = office.get("governor", &format!("/audit/verify?head={other}")).await;
    assert_eq!((&report["sound"], &report["faults"][0]["what"]), (&json!(false), &json!("rewritten")));
    let file = report["faults"][0]["file"].as_str().unwrap();
    assert!(file.starts_with("2026-11-24/"), "no folder of ours: {file}");
}
