//! Emergency blocks and suspensions through the API: who may, what comes of it, how it ends.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::fixture::Office;
use crate::policy::Renewed;
use crate::settings::Loosening;
use crate::web::admin;

/// In the order of the columns below.
const WHO: [&str; 6] = ["technician", "filtering_manager", "dsl", "headteacher", "governor", "teacher"];
const WHY: &str = "a stranger writes to pupils there";

fn block(target: &str) -> Value {
    json!({ "target": target, "reason": WHY })
}

fn suspension() -> Value {
    json!({ "users": ["y5.042"], "to": "nothing", "minutes": 60, "reason": "behaviour policy, stage four" })
}

async fn placed(office: &Office, target: &str) -> String {
    let (status, block) = office.post("dsl", "/blocks", block(target)).await;
    assert_eq!((status, &block["state"]), (201, &json!("in_force")), "{block}");
    block["id"].as_str().unwrap().to_owned()
}

async fn imposed(office: &Office, wish: Value) -> String {
    let (status, imposed) = office.post("headteacher", "/suspensions", wish).await;
    assert_eq!(status, 201, "{imposed}");
    imposed["id"].as_str().unwrap().to_owned()
}

async fn lift(office: &Office, who: &str, id: &str) -> (u16, Value) {
    let body = json!({ "reason": "the site has taken it down" }).to_string();
    office.send(who, "DELETE", &format!("/blocks/{id}"), "application/json", body.as_bytes()).await
}

async fn approve(office: &Office, who: &str, change: &Value) -> (u16, Value) {
    let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
    office.post(who, &path, json!({ "comment": "seen, it is gone" })).await
}

/// What was recorded of restrictions: actions, and how they went.
async fn acts(office: &Office) -> Vec<String> {
    let told = |event: &Value| {
        let action = event["event"]["action"].as_str().unwrap().to_owned();
        let ours = ["block.", "suspension.", "change."].iter().any(|start| action.starts_with(start));
        let failed = event["event"]["outcome"] == "failure";
        ours.then(|| if failed { format!("{action} refused") } else { action })
    };
    office.trail().await.iter().filter_map(told).collect()
}

#[tokio::test]
async fn every_route_knows_every_role() {
    let office = Office::open().await;
    let lifting = json!({ "reason": "the site has taken it down" });
    let rows: [(&str, &str, Value, [u16; 6]); 8] = [
        ("POST", "/blocks", block("chat.example"), [403, 201, 201, 201, 403, 403]),
        ("GET", "/blocks", Value::Null, [200, 200, 200, 200, 200, 403]),
        ("GET", "/blocks/{block}", Value::Null, [200, 200, 200, 200, 200, 403]),
        ("DELETE", "/blocks/{block}", lifting.clone(), [403, 202, 202, 202, 403, 403]),
        ("POST", "/suspensions", suspension(), [403, 403, 201, 201, 403, 403]),
        ("GET", "/suspensions", Value::Null, [403, 403, 200, 200, 403, 403]),
        ("GET", "/suspensions/{suspension}", Value::Null, [403, 403, 200, 200, 403, 403]),
        ("POST", "/suspensions/{suspension}/lift", lifting, [403, 403, 200, 200, 403, 403]),
    ];
    for (method, path, body, expected) in rows {
        let outside = [("none", 401), ("wrong", 401)];
        for (who, expected) in outside.into_iter().chain(WHO.into_iter().zip(expected)) {
            let path = path.replace("{block}", &placed(&office, "chat.example").await);
            let path = path.replace("{suspension}", &imposed(&office, suspension()).await);
            let before = office.recorder.head().sequence;
            let (kind, bytes) = match body.is_null() {
                true => ("", String::new()),
                false => ("application/json", body.to_string()),
            };
            let (status, answer) = office.send(who, method, &path, kind, bytes.as_bytes()).await;
            assert_eq!(status, expected, "{who}: {method} {path}: {answer}");
            let recorded = office.recorder.head().sequence - before;
            match (status, method) {
                (200, "GET") if path.starts_with("/suspensions") => {
                    assert_eq!(recorded, 1, "they name pupils")
                }
                (401, _) | (200, "GET") => assert_eq!(recorded, 0, "{who}: {method} {path}"),
                _ => assert_eq!(recorded, 1, "{who}: {method} {path}: it is recorded, refused or done"),
            }
        }
    }
}

#[tokio::test]
async fn a_block_is_in_force_when_it_is_answered_and_lifted_by_a_second_person() {
    let office = Office::open().await;
    for (client, group) in [("10.1.2.3", "ks2"), ("10.1.9.1", "staff")] {
        assert_eq!(office.visit(client, "a.user", "chat.example").await, "allow default", "{group}");
    }
    let id = placed(&office, "chat.example").await;
    for client in ["10.1.2.3", "10.1.9.1"] {
        assert_eq!(office.visit(client, "a.user", "www.chat.example").await, "block emergency_block");
    }
    let (_, shown) = office.get("governor", &format!("/blocks/{id}")).await;
    assert_eq!((&shown["applies_to"], &shown["placed_by"]), (&json!("host"), &json!("dsl")));

    let (status, change) = lift(&office, "dsl", &id).await;
    assert_eq!((status, &change["kind"], &change["state"]), (202, &json!("lift_block"), &json!("pending")));
    assert_eq!((&change["block"], &change["target"]), (&json!(id), &json!("chat.example")), "{change}");
    assert_eq!((&change["effect"], &change["needs"][0]), (&json!("loosens"), &json!("filtering_manager")));
    let (status, again) = lift(&office, "headteacher", &id).await;
    assert_eq!((status, &again["code"]), (409, &json!("wrong_state")), "{again}");
    assert_eq!(office.visit("10.1.2.3", "a.user", "chat.example").await, "block emergency_block");
    let (status, answer) = approve(&office, "dsl", &change).await;
    assert_eq!((status, &answer["code"]), (403, &json!("four_eyes")));
    let (status, answer) = approve(&office, "technician", &change).await;
    assert_eq!((status, &answer["code"]), (403, &json!("forbidden")));
    assert_eq!(office.visit("10.1.2.3", "a.user", "chat.example").await, "block emergency_block");

    let (status, done) = approve(&office, "headteacher", &change).await;
    assert_eq!((status, &done["state"]), (200, &json!("approved")), "{done}");
    assert_eq!(office.visit("10.1.2.3", "a.user", "chat.example").await, "allow default");
    let (_, shown) = office.get("dsl", &format!("/blocks/{id}")).await;
    assert_eq!((&shown["state"], &shown["lifted_by"]), (&json!("lifted"), &json!("headteacher")));
    assert_eq!(shown["lifted_why"], "the site has taken it down");
    let (status, again) = lift(&office, "dsl", &id).await;
    assert_eq!((status, &again["code"]), (409, &json!("over")));
    let expected = [
        "block.placed",
        "change.proposed",
        "change.approved refused",
        "change.approved refused",
        "change.approved",
    ];
    assert_eq!(acts(&office).await, expected);
    let trail = office.trail().await;
    let approved = &trail[done["audit_seq"].as_u64().unwrap() as usize - 1];
    let details = &approved["schoolgate"]["details"];
    assert_eq!(details["changes"][0]["block"], id.as_str());
    assert_eq!(details["in_force"], json!(["emergency block: lift chat.example"]));
    let pages = office.get("dsl", "/blocks?state=lifted").await.1;
    assert_eq!(pages["items"].as_array().unwrap().len(), 1);
    assert_eq!(office.get("dsl", "/blocks?state=in_force").await.1["items"], json!([]));
}

/// Who asks for whom is not recorded: no member of staff finds out so who is suspended.
#[tokio::test]
async fn explain_tells_who_is_suspended_to_those_alone_who_may_suspend() {
    let office = Office::open().await;
    imposed(&office, suspension()).await;
    let asked = |user: &str| json!({ "url": "maths.example", "group": "ks2", "user": user });
    for who in WHO {
        let (status, of_suspended) = office.post(who, "/explain", asked("y5.042")).await;
        assert_eq!(status, 200, "{who}: {of_suspended}");
        let of_other = office.post(who, "/explain", asked("y5.043")).await.1;
        let may_know = ["dsl", "headteacher"].contains(&who);
        assert_eq!(of_suspended["rung"] == "suspended", may_know, "{who}: {of_suspended}");
        assert_eq!(of_suspended == of_other, !may_know, "{who}: {of_suspended}");
        assert_eq!(of_suspended["suspensions_left_out"], !may_know, "{who}");
    }
}

#[tokio::test]
async fn a_lift_at_once_names_the_one_that_it_takes_the_place_of() {
    let office = Office::open().await;
    let id = placed(&office, "chat.example").await;
    let (_, waits) = lift(&office, "dsl", &id).await;
    assert_eq!(waits["state"], "pending", "{waits}");
    let office = office.restarted_with(Loosening::AtOnce).await;
    let (status, lifted) = lift(&office, "headteacher", &id).await;
    assert_eq!((status, &lifted["state"]), (200, &json!("approved")), "{lifted}");
    let told = office.get("dsl", &format!("/changes/{}", waits["id"].as_str().unwrap())).await.1;
    assert_eq!(told["state"], "withdrawn");
    let trail = office.trail().await;
    let act = trail.iter().rfind(|event| event["event"]["action"] == "change.proposed").unwrap();
    assert_eq!(act["schoolgate"]["details"]["withdrawn"], json!([waits["id"]]), "{act}");
}

#[tokio::test]
async fn a_refused_lift_leaves_the_block_and_may_be_asked_for_again() {
    let office = Office::open().await;
    let id = placed(&office, "category:games").await;
    let (_, change) = lift(&office, "dsl", &id).await;
    let path = format!("/changes/{}/refuse", change["id"].as_str().unwrap());
    let (status, refused) = office.post("headteacher", &path, json!({})).await;
    assert_eq!((status, &refused["state"]), (200, &json!("refused")));
    assert_eq!(office.visit("10.1.9.1", "a.user", "games.example").await, "block emergency_block");
    assert_eq!(lift(&office, "dsl", &id).await.0, 202);
    let (status, done) = office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(office.visit("10.1.9.1", "a.user", "games.example").await, "block emergency_block");
    assert_eq!(office.get("dsl", "/changes?state=pending").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_nonsense_is_not_shut() {
    let office = Office::open().await;
    let rows = [
        ("a..example", "target"),
        ("category:none", "target"),
        ("childline.org.uk", "target"),
        ("https://www.childline.org.uk/get-support/", "target"),
        ("127.0.0.1", "target"),
        ("http://[::1]:8443/", "target"),
        ("localhost", "target"),
    ];
    for (target, field) in rows {
        let (status, answer) = office.post("dsl", "/blocks", block(target)).await;
        assert_eq!((status, &answer["field"]), (422, &json!(field)), "{target}: {answer}");
    }
    for reason in ["", "short", "because because because"] {
        let wish = json!({ "target": "chat.example", "reason": reason });
        let (status, answer) = office.post("dsl", "/blocks", wish).await;
        assert_eq!((status, &answer["code"]), (422, &json!("invalid_reason")), "{reason}: {answer}");
    }
    assert_eq!(office.get("dsl", "/blocks").await.1["items"], json!([]));
    assert_eq!(acts(&office).await, [""; 0]);
    // Whether a statutory list holds it can't be told from the answer.
    placed(&office, "listed.example").await;
}

#[tokio::test]
async fn a_suspension_takes_what_it_says_from_whom_it_says_and_ends_by_itself() {
    let office = Office::open().await;
    let mut wish = suspension();
    wish["exceptions"] = json!(["exams.county.sch.uk"]);
    let (status, imposed) = office.post("dsl", "/suspensions", wish).await;
    assert_eq!((status, &imposed["state"]), (201, &json!("active")), "{imposed}");
    assert_eq!((&imposed["imposed_by"], &imposed["approved_by"]), (&json!("dsl"), &json!("dsl")));
    let path = format!("/suspensions/{}", imposed["id"].as_str().unwrap());
    assert_eq!(office.visit("10.1.2.3", "y5.042", "maths.example").await, "block suspended");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "exams.county.sch.uk").await, "allow default");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "childline.org.uk").await, "allow lifeline");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "listed.example").await, "block statutory");
    assert_eq!(office.visit("10.1.2.3", "y5.041", "maths.example").await, "allow default");

    office.clock.advance(Duration::from_secs(3600));
    assert_eq!(office.visit("10.1.2.3", "y5.042", "maths.example").await, "allow default", "to the second");
    for _ in 0..3 {
        office.control.sweep_suspensions().await.unwrap();
    }
    assert_eq!(acts(&office).await, ["suspension.imposed", "suspension.ended"], "told once");
    let (_, shown) = office.get("headteacher", &path).await;
    assert_eq!((&shown["state"], &shown["lifted_by"]), (&json!("ended"), &Value::Null));
    let (status, answer) = office.post("dsl", &format!("{path}/lift"), json!({ "reason": WHY })).await;
    assert_eq!((status, &answer["code"]), (409, &json!("over")), "{answer}");
    let trail = office.trail().await;
    let imposed = trail.iter().find(|event| event["event"]["action"] == "suspension.imposed").unwrap();
    let details = &imposed["schoolgate"]["details"];
    assert_eq!((&details["approver"], &details["users"]), (&json!("dsl"), &json!(["y5.042"])));
    assert_eq!(imposed["event"]["reason"], "behaviour policy, stage four");
}

#[tokio::test]
async fn a_suspension_that_is_to_come_starts_by_itself_and_is_lifted_early() {
    let office = Office::open().await;
    let starts_at = office.clock.now().plus(Duration::from_secs(600));
    let wish = json!({
        "devices": ["CB-2-017"], "to": "approved", "starts_at": starts_at, "minutes": 60, "reason": WHY,
    });
    let id = imposed(&office, wish).await;
    let path = format!("/suspensions/{id}");
    assert_eq!(office.get("dsl", &path).await.1["state"], "scheduled");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "maths.example").await, "allow default");
    office.clock.advance(Duration::from_secs(600));
    office.control.sweep_suspensions().await.unwrap();
    assert_eq!(office.visit("10.1.2.3", "y5.042", "maths.example").await, "block suspended");
    let (status, answer) = office.post("dsl", &format!("{path}/lift"), json!({ "reason": "" })).await;
    assert_eq!((status, &answer["code"]), (422, &json!("invalid_reason")));
    let (status, lifted) = office.post("dsl", &format!("{path}/lift"), json!({ "reason": WHY })).await;
    assert_eq!((status, &lifted["state"], &lifted["lifted_by"]), (200, &json!("lifted"), &json!("dsl")));
    assert_eq!(office.visit("10.1.2.3", "y5.042", "maths.example").await, "allow default");
    office.clock.advance(Duration::from_secs(7200));
    office.control.sweep_suspensions().await.unwrap();
    let expected = ["suspension.imposed", "suspension.started", "suspension.lifted"];
    assert_eq!(acts(&office).await, expected);
    assert_eq!(office.get("dsl", "/suspensions?state=lifted").await.1["items"][0]["id"], id.as_str());
    assert_eq!(office.get("dsl", "/suspensions?state=active").await.1["items"], json!([]));
}

#[tokio::test]
async fn what_a_suspension_must_be_is_said_by_field() {
    let office = Office::open().await;
    let now = office.clock.now();
    let days = |days: u64| now.plus(Duration::from_secs(days * 24 * 3600));
    let rows = [
        (json!({ "users": [] }), "users"),
        (json!({ "users": ["no name\n"] }), "users"),
        (json!({ "devices": [""] }), "devices"),
        (json!({ "to": "something" }), "to"),
        (json!({ "exceptions": ["a..example"] }), "exceptions"),
        (json!({ "exceptions": ["category:none"] }), "exceptions"),
        (json!({ "minutes": null }), "ends_at"),
        (json!({ "minutes": 60 * 24 * 60 + 1 }), "ends_at"),
        (json!({ "minutes": 0 }), "ends_at"),
        (json!({ "ends_at": days(1) }), "minutes"),
        (json!({ "starts_at": now.minus(Duration::from_secs(3600)) }), "starts_at"),
        (json!({ "starts_at": days(91) }), "starts_at"),
    ];
    for (other, field) in rows {
        let mut wish = suspension();
        for (name, value) in other.as_object().unwrap() {
            wish[name] = value.clone();
        }
        let (status, answer) = office.post("headteacher", "/suspensions", wish).await;
        assert_eq!((status, &answer["field"]), (422, &json!(field)), "{other}: {answer}");
    }
    let mut wish = suspension();
    wish["minutes"] = json!(60 * 24 * 60);
    assert_eq!(office.post("headteacher", "/suspensions", wish).await.0, 201, "60 days, to the minute");
    let mut wish = suspension();
    wish["exceptions"] = json!(["maths.example", "http://listed.example/page"]);
    let (status, answer) = office.post("headteacher", "/suspensions", wish).await;
    assert_eq!((status, &answer["code"]), (403, &json!("statutory")));
    assert_eq!(acts(&office).await, ["suspension.imposed", "suspension.imposed refused"]);
    assert!(!serde_json::to_string(&office.trail().await).unwrap().contains("listed.example"));
}

/// A client that goes away right behind its request leaves a whole act, recorded and in force.
#[tokio::test]
async fn nobody_who_goes_away_cuts_an_act_in_half() {
    let office = Office::open().await;
    let mut live = office.control.live();
    let _ = live.snapshot();
    let request = Request::post("/api/v1/blocks")
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token("dsl").unwrap()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(block("chat.example").to_string()));
    let mut answer = Box::pin(admin(&office.shared).oneshot(request.unwrap()));
    let first = std::future::poll_fn(|context| std::task::Poll::Ready(answer.as_mut().poll(context))).await;
    assert!(first.is_pending(), "it takes a record on disk");
    drop(answer);
    let renewed = tokio::time::timeout(Duration::from_secs(10), live.changed()).await;
    assert_eq!(renewed, Ok(Renewed::Yes), "it came in force with nobody waiting");
    assert_eq!(acts(&office).await, ["block.placed"]);
    assert_eq!(office.visit("10.1.2.3", "a.user", "chat.example").await, "block emergency_block");
}
