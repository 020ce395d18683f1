//! What pupils ask for and what staff make of it; what many asked for and nobody reviewed.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;

use super::fixture::{Office, wish};
use crate::control::{AskState, NotAsked, PupilAsk, Refused};
use crate::model::Role;

async fn office() -> Office {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap();
    office.write("policy.toml", &(text + "[unblock]\npupils = \"may_ask\"\nunanswered_hours = 2\n"));
    office.post("technician", "/lists/reload", json!({})).await;
    for change in office.get("dsl", "/changes?state=pending").await.1["items"].as_array().unwrap() {
        let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
        office.post("dsl", &path, json!({ "comment": "as governors agreed" })).await;
    }
    office
}

fn ticket(office: &Office, client: &str, host: &str) -> String {
    let url = format!("https://{host}/page");
    let refused = Refused {
        client: client.parse().unwrap(),
        group: &"ks2".parse().unwrap(),
        url: Some(&url),
        host,
        category: Some("games"),
    };
    office.control.ticket(&refused).unwrap()
}

async fn ask(office: &Office, client: &str, host: &str) -> Result<PupilAsk, NotAsked> {
    let sealed = ticket(office, client, host);
    office.control.ask(client.parse().unwrap(), &sealed, "we need it for maths").await
}

fn taking() -> serde_json::Value {
    json!({ "minutes": 60, "reason": "Fractions practice for the topic week" })
}

#[tokio::test]
async fn a_pupil_asks_and_a_teacher_takes_it_or_says_no() {
    let office = office().await;
    let client: IpAddr = "10.1.2.3".parse().unwrap();
    assert_eq!(office.control.asked_before(client, "games.example"), None);
    let asked = ask(&office, "10.1.2.3", "games.example").await.unwrap();
    assert_eq!(ask(&office, "10.1.2.3", "games.example").await.unwrap().id, asked.id, "one ask");
    assert_eq!(office.control.asked_before(client, "games.example"), Some(AskState::Waiting));
    let (status, page) = office.get("dsl", "/asks?state=waiting").await;
    assert_eq!((status, &page["items"][0]["words"]), (200, &json!("we need it for maths")), "{page}");
    assert!(!page.to_string().contains("10.1.2.3"), "which pupil is not told: {page}");
    assert_eq!(office.get("teacher", "/asks").await.1["items"], json!([]), "of groups that one teaches");
    let path = |step: &str| format!("/asks/{}/{step}", asked.id);
    assert_eq!(office.post("teacher", &path("take"), taking()).await.0, 404);

    let (status, unblock) = office.post("dsl", &path("take"), taking()).await;
    assert_eq!((status, &unblock["state"]), (201, &json!("pending")), "the usual rules: {unblock}");
    assert_eq!((&unblock["requester"], &unblock["groups"]), (&json!("dsl"), &json!(["ks2"])));
    assert_eq!(unblock["target"], "https://games.example/page");
    assert_eq!(office.control.asked_before(client, "games.example"), Some(AskState::Taken));
    let (_, page) = office.get("headteacher", "/asks?state=taken").await;
    assert_eq!(page["items"][0]["unblock_id"], unblock["id"]);
    let (status, again) = office.post("dsl", &path("refuse"), json!({})).await;
    assert_eq!((status, &again["code"]), (409, &json!("over")));

    let other = ask(&office, "10.1.2.4", "games.example").await.unwrap();
    let path = format!("/asks/{}/refuse", other.id);
    let (status, refused) = office.post("headteacher", &path, json!({ "comment": "not now" })).await;
    assert_eq!((status, &refused["state"]), (200, &json!("refused")), "{refused}");
    let client = "10.1.2.4".parse().unwrap();
    assert_eq!(office.control.asked_before(client, "games.example"), Some(AskState::Refused));

    ask(&office, "10.1.2.5", "games.example").await.unwrap();
    office.clock.advance(Duration::from_secs(2 * 3600));
    assert_eq!(office.get("dsl", "/asks?state=lapsed").await.1["items"].as_array().unwrap().len(), 1);
    for _ in 0..2 {
        office.control.sweep().await.unwrap();
    }
    let lapsed = office.get("dsl", "/asks?state=lapsed").await.1;
    assert_eq!(lapsed["items"].as_array().unwrap().len(), 1, "{lapsed}");
    let path = format!("/asks/{}/refuse", lapsed["items"][0]["id"].as_str().unwrap());
    assert_eq!(office.post("dsl", &path, json!({})).await.1["code"], "over");
    let client = "10.1.2.5".parse().unwrap();
    assert_eq!(office.control.asked_before(client, "games.example"), Some(AskState::Lapsed));
    let trail = office.trail().await;
    let acts = ["ask.made", "ask.taken", "ask.refused", "ask.lapsed"]
        .map(|act| trail.iter().filter(|event| event["event"]["action"] == act).count());
    assert_eq!(acts, [3, 1, 1, 1], "lapsed once, however often the clock looks");
    let office = office.restarted().await;
    assert_eq!(office.control.asked_before(client, "games.example"), Some(AskState::Lapsed));
}

#[tokio::test]
async fn nobody_asks_too_often_or_for_what_no_one_may_open() {
    let office = office().await;
    let client: IpAddr = "10.1.2.3".parse().unwrap();
    for host in ["adult.example", "listed.example"] {
        assert!(matches!(ask(&office, "10.1.2.3", host).await, Err(NotAsked::NotOffered)), "{host}");
    }
    let sealed = ticket(&office, "10.1.2.3", "games.example");
    let words = office.control.ask(client, &sealed, "please now").await;
    assert!(matches!(words, Err(NotAsked::Words)));
    let elsewhere = office.control.ask("10.1.2.4".parse().unwrap(), &sealed, "we need it").await;
    assert!(matches!(elsewhere, Err(NotAsked::Ticket)));
    for host in ["a.games.example", "b.games.example", "c.games.example"] {
        ask(&office, "10.1.2.3", host).await.unwrap();
    }
    assert!(matches!(ask(&office, "10.1.2.3", "d.games.example").await, Err(NotAsked::TooOften)));
    ask(&office, "10.1.2.4", "d.games.example").await.unwrap();
    office.clock.advance(Duration::from_secs(3600));
    ask(&office, "10.1.2.3", "d.games.example").await.unwrap();
    assert!(!serde_json::to_string(&office.trail().await).unwrap().contains("listed.example"));
    let shut = Office::open().await;
    let group = "ks2".parse().unwrap();
    let refused = Refused { client, group: &group, url: None, host: "games.example", category: None };
    assert_eq!(shut.control.ticket(&refused), None, "a school says so first");
}

/// Three members of staff had pages of one site opened.
#[tokio::test]
async fn what_three_had_opened_is_suggested_for_review_until_somebody_says_why_not() {
    let office = Office::open().await;
    let open = async |who: &str, host: &str| {
        let (_, asked) = office.post(who, "/unblocks", wish(host)).await;
        let path = format!("/unblocks/{}/approve", asked["id"].as_str().unwrap());
        let decider = if who == "headteacher" { "dsl" } else { "headteacher" };
        office.post(decider, &path, json!({})).await.0
    };
    for (who, host) in
        [("teacher", "games.example"), ("teacher", "a.games.example"), ("asker", "b.games.example")]
    {
        assert_eq!(open(who, host).await, 200);
    }
    office.post("dsl", "/unblocks", wish("c.games.example")).await;
    assert_eq!(
        office.get("technician", "/suggestions").await.1["items"],
        json!([]),
        "two, and one who waits"
    );
    assert_eq!(open("dsl", "c.games.example").await, 200);
    let (status, page) = office.get("technician", "/suggestions").await;
    let found = &page["items"][0];
    assert_eq!(
        (status, &found["site"], &found["categories"]),
        (200, &json!("games.example"), &json!(["games"]))
    );
    assert_eq!((&found["unblocks"], &found["staff"]), (&json!(4), &json!(3)), "{page}");
    assert_eq!(open("headteacher", "games.example").await, 200);
    assert_eq!(office.get("dsl", "/suggestions").await.1["items"].as_array().unwrap().len(), 1, "one a site");
    assert_eq!(office.get("teacher", "/suggestions").await.0, 403);

    let path = format!("/suggestions/{}/dismiss", found["id"].as_str().unwrap());
    assert_eq!(office.post("dsl", &path, json!({ "reason": "no" })).await.1["code"], "invalid_reason");
    let reason = json!({ "reason": "Games stay shut but for the chess club" });
    assert_eq!(office.post("governor", &path, reason.clone()).await.0, 403);
    assert_eq!(office.post("dsl", &path, reason.clone()).await.0, 200);
    assert_eq!(office.post("dsl", &path, reason).await.0, 404, "once");
    office.clock.advance(Duration::from_secs(60));
    assert_eq!(open("teacher", "games.example").await, 200);
    assert_eq!(
        office.get("dsl", "/suggestions").await.1["items"],
        json!([]),
        "what was before counts no more"
    );
    let trail = office.trail().await;
    let raised = trail.iter().filter(|event| event["event"]["action"] == "unblock.suggested_review").count();
    assert_eq!(raised, 1);
}

/// A teacher sees what pupils of their own groups ask for.
#[tokio::test]
async fn a_teacher_sees_the_asks_of_the_groups_that_they_teach() {
    let office = office().await;
    let teacher =
        office.control.staff().await.unwrap().into_iter().find(|staff| staff.name.as_str() == "teacher");
    let mut teacher = teacher.unwrap();
    assert_eq!(teacher.roles, [Role::Teacher]);
    let asked = ask(&office, "10.1.2.3", "games.example").await.unwrap();
    for (taught, count) in [("staff", 0), ("ks2", 1), ("pupils", 1)] {
        teacher.groups = vec![taught.parse().unwrap()];
        assert_eq!(office.control.asks(&teacher).await.unwrap().len(), count, "{taught}");
    }
    let request = crate::control::UnblockRequest {
        minutes: Some(30),
        reason: "Fractions practice for the topic week".to_owned(),
        ..Default::default()
    };
    let taken = office.control.take_ask(&teacher, asked.id, request, None).await.unwrap().value;
    assert_eq!(taken.unblock.requester, teacher.name);
}
