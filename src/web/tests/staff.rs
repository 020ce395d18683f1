//! Accounts through the API: who may, what stays, what is recorded.

use serde_json::{Value, json};

use super::fixture::Office;
use super::people::{Browser, HOME, seated};
use crate::control::accounts::By;
use crate::model::Role;

const WHO: [&str; 6] = ["technician", "filtering_manager", "dsl", "headteacher", "governor", "teacher"];
const WHY: &str = "as agreed with the governing body";

#[tokio::test]
async fn every_role_does_what_it_may_with_every_account() {
    let office = Office::open().await;
    let by_head = [403, 403, 403, 200, 403, 403];
    let by_either = [200, 403, 403, 200, 403, 403];
    let rows: [(&str, &str, Role, Value, [u16; 6]); 7] = [
        ("GET", "", Role::Teacher, Value::Null, by_either),
        ("PATCH", "", Role::Teacher, json!({ "groups": ["ks2"], "reason": WHY }), by_either),
        ("PATCH", "", Role::Teacher, json!({ "roles": ["governor"], "reason": WHY }), by_either),
        ("PATCH", "", Role::Teacher, json!({ "roles": ["teacher", "dsl"], "reason": WHY }), by_head),
        ("PATCH", "", Role::Dsl, json!({ "roles": ["teacher"], "reason": WHY }), by_head),
        ("POST", "/disable", Role::Governor, json!({ "reason": WHY }), by_either),
        ("POST", "/disable", Role::FilteringManager, json!({ "reason": WHY }), by_head),
    ];
    for (row, (method, act, role, body, expected)) in rows.into_iter().enumerate() {
        for (who, expected) in WHO.into_iter().zip(expected) {
            let name = format!("{who}.{row}");
            office.control.add_staff(&name.parse().unwrap(), &[role]).await.unwrap();
            let before = office.recorder.head().sequence;
            let (kind, bytes) = match body.is_null() {
                true => ("", String::new()),
                false => ("application/json", body.to_string()),
            };
            let path = format!("/staff/{name}{act}");
            let (status, answer) = office.send(who, method, &path, kind, bytes.as_bytes()).await;
            assert_eq!(status, expected, "{who}: {method} {act} of a {role}: {answer}");
            let recorded = u64::from(method != "GET" || status == 403);
            assert_eq!(office.recorder.head().sequence - before, recorded, "{who}: {method} {act}");
        }
    }
}

/// Whoever holds a set-up link becomes that account, second factor and all: no token is answered one.
#[tokio::test]
async fn a_link_to_an_account_is_answered_to_somebody_signed_in_and_to_no_token() {
    let office = Office::open().await;
    let teachers = json!({ "name": "t.new", "roles": ["teacher"], "reason": WHY });
    let (status, made) = office.post("technician", "/staff", teachers).await;
    assert_eq!((status, &made["setup_path"]), (201, &Value::Null), "{made}");
    let why = json!({ "reason": WHY });
    for who in WHO {
        let (status, told) = office.post(who, "/staff/t.new/invite", why.clone()).await;
        assert_eq!((status, &told["code"]), (403, &json!("session_needed")), "{who}");
    }
    let mut seats = Vec::new();
    for (role, name) in
        [(Role::Technician, "t.seated"), (Role::Headteacher, "h.seated"), (Role::Dsl, "d.seated")]
    {
        seats.push((role, seated(&office, name, &[role]).await));
    }
    office.control.add_staff(&"h.other".parse().unwrap(), &[Role::Headteacher]).await.unwrap();
    for (who, name, expected) in [
        (Role::Technician, "t.new", 201),
        (Role::Technician, "h.other", 403),
        (Role::Technician, "t.seated", 403),
        (Role::Dsl, "t.new", 403),
        (Role::Headteacher, "t.new", 201),
        (Role::Headteacher, "h.other", 201),
        (Role::Headteacher, "h.seated", 403),
    ] {
        let before = office.recorder.head().sequence;
        let (_, browser) = seats.iter_mut().find(|(role, _)| *role == who).unwrap();
        let (status, told) = browser.send("POST", &format!("/staff/{name}/invite"), why.clone()).await;
        assert_eq!(status, expected, "{name}: {told}");
        assert_eq!(told["setup_path"].is_string(), status == 201, "{name}: {told}");
        assert_eq!(office.recorder.head().sequence, before + 1, "{name}: recorded either way");
    }
}

#[tokio::test]
async fn nobody_gives_themselves_anything() {
    let office = Office::open().await;
    for (method, act, body) in [
        ("PATCH", "", json!({ "roles": ["technician", "headteacher", "dsl"], "reason": WHY })),
        ("PATCH", "", json!({ "ends_at": null, "reason": WHY })),
        ("POST", "/disable", json!({ "reason": WHY })),
        ("POST", "/enable", json!({ "reason": WHY })),
    ] {
        for who in ["technician", "headteacher"] {
            let path = format!("/staff/{who}{act}");
            let sent = body.to_string();
            let (status, told) = office.send(who, method, &path, "application/json", sent.as_bytes()).await;
            assert_eq!((status, &told["code"]), (403, &json!("own_account")), "{who} {path}");
        }
    }
}

#[tokio::test]
async fn the_last_who_can_set_the_filter_right_stays_whoever_asks() {
    let office = Office::open().await;
    let local = By::local();
    let fault = office.control.disable_staff(&"headteacher".parse().unwrap()).await.unwrap_err();
    assert_eq!(fault.code(), "last_holder", "not even on the gateway itself");
    for body in [
        json!({ "roles": ["teacher"], "reason": WHY }),
        json!({ "ends_at": "2027-07-31T00:00:00Z", "reason": WHY }),
        json!({ "starts_at": "2027-01-01T00:00:00Z", "reason": WHY }),
    ] {
        let (status, told) = office
            .send(
                "headteacher",
                "PATCH",
                "/staff/filtering_manager",
                "application/json",
                body.to_string().as_bytes(),
            )
            .await;
        assert_eq!((status, &told["code"]), (409, &json!("last_holder")), "{told}");
    }
    // An account with no way in holds nothing.
    office.control.add_staff(&"paper".parse().unwrap(), &[Role::FilteringManager]).await.unwrap();
    let disable = async || {
        office.post("headteacher", "/staff/filtering_manager/disable", json!({ "reason": WHY })).await
    };
    assert_eq!(disable().await.0, 409);
    office.control.issue_token(&local, &"paper".parse().unwrap(), &Default::default()).await.unwrap();
    assert_eq!(disable().await.0, 200);
}

#[tokio::test]
async fn an_account_has_its_time_its_groups_and_its_record() {
    let office = Office::open().await;
    let new = json!({
        "name": "s.cover", "roles": ["teacher"], "groups": ["ks2"], "reason": "covers for a term in year five",
        "starts_at": "2026-11-25T00:00:00Z", "ends_at": "2026-12-18T00:00:00Z",
    });
    let mut technician = seated(&office, "t.seated", &[Role::Technician]).await;
    let mut mistyped = new.clone();
    mistyped["groups"] = json!(["ks2", "nope"]);
    let (status, told) = technician.send("POST", "/staff", mistyped).await;
    assert_eq!((status, &told["field"]), (422, &json!("groups")), "{told}");
    let (status, made) = technician.send("POST", "/staff", new.clone()).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(office.post("technician", "/staff", new).await.1["code"], "taken");
    let (_, shown) = office.get("technician", "/staff/s.cover").await;
    assert_eq!((&shown["active"], &shown["groups"]), (&json!(false), &json!(["ks2"])), "{shown}");
    let token = office.control.make_token(&"s.cover".parse().unwrap()).await.unwrap().value.text;
    assert!(office.control.bearer(&token).await.unwrap().is_none(), "nobody before the first day");
    let mut early = Browser::at(&office, HOME);
    assert_eq!(early.page(made["setup_path"].as_str().unwrap(), None).await.0, 404);
    assert_eq!(made["expires_at"], "2026-11-28T00:00:00.000Z", "a link waits for the first day");
    office.clock.set("2026-11-25T08:00:00Z".parse().unwrap());
    assert_eq!(early.page(made["setup_path"].as_str().unwrap(), None).await.0, 200);
    assert!(office.control.bearer(&token).await.unwrap().is_some());
    office.clock.set("2026-12-18T00:00:00Z".parse().unwrap());
    assert!(office.control.bearer(&token).await.unwrap().is_none(), "nor after the last");

    let change = json!({ "ends_at": null, "reason": "stays for good from now on" });
    let sent = change.to_string();
    let (status, after) =
        office.send("technician", "PATCH", "/staff/s.cover", "application/json", sent.as_bytes()).await;
    assert_eq!(
        (status, &after["ends_at"], &after["starts_at"]),
        (200, &Value::Null, &json!("2026-11-25T00:00:00.000Z"))
    );
    let trail = office.trail().await;
    let event = trail.iter().rfind(|event| event["event"]["action"] == "staff.changed").unwrap();
    assert_eq!(event["event"]["reason"], "stays for good from now on");
    assert_eq!(event["schoolgate"]["details"]["before"]["ends_at"], "2026-12-18T00:00:00.000Z");
    assert_eq!(event["schoolgate"]["details"]["after"]["ends_at"], Value::Null);
    for bad in [
        json!({ "name": "x.y", "roles": [], "reason": WHY }),
        json!({ "name": "x.y", "roles": ["teacher"], "reason": "because" }),
        json!({ "name": "x.y", "roles": ["teacher"], "kind": "break_glass", "reason": WHY }),
        json!({ "name": "x.y", "roles": ["teacher"], "starts_at": "2027-01-02T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z", "reason": WHY }),
    ] {
        assert_eq!(office.post("headteacher", "/staff", bad).await.0, 422);
    }
}

#[tokio::test]
async fn no_read_returns_a_secret() {
    let office = Office::open().await;
    let mut browser = seated(&office, "h.owen", &[Role::Headteacher]).await;
    let (_, made) = browser.send("POST", "/tokens", json!({ "label": "x" })).await;
    let cookie = browser.cookie.split_once('=').unwrap().1.to_owned();
    for path in ["/me", "/sessions", "/tokens", "/staff", "/staff/h.owen", "/break-glass"] {
        let (status, answer) = browser.send("GET", path, Value::Null).await;
        let text = answer.to_string();
        assert_eq!(status, 200, "{path}");
        assert!(!text.contains("argon2") && !text.contains(&cookie), "{path}: {text}");
        assert!(!text.contains(made["token"].as_str().unwrap()) && !text.contains("hash"), "{path}: {text}");
    }
}

/// A token that never saw a second factor would be a way round it under the new role.
#[tokio::test]
async fn other_roles_end_the_tokens_of_the_old() {
    let office = Office::open().await;
    let change = json!({ "roles": ["teacher", "governor"], "reason": "joins the governing board" });
    let body = change.to_string();
    let (status, done) =
        office.send("headteacher", "PATCH", "/staff/teacher", "application/json", body.as_bytes()).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(office.get("teacher", "/me").await.0, 401);
}
