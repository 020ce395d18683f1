//! Legal holds through the API: who may, who may not lift one, what retention is told.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;
use crate::audit::{Held, Terms};
use crate::control::alerts::Person;

const WHY: &str = "police request of 24 November, reference 4711";

async fn placed(office: &Office, who: &str, wish: Value) -> String {
    let (status, hold) = office.post(who, "/holds", wish).await;
    assert_eq!((status, &hold["in_force"]), (201, &json!(true)), "{hold}");
    hold["id"].as_str().unwrap().to_owned()
}

async fn lift(office: &Office, who: &str, id: &str) -> u16 {
    let why = json!({ "reason": "the inquiry is closed, the police say" });
    office.post(who, &format!("/holds/{id}/lift"), why).await.0
}

fn of(names: &[&str]) -> Held {
    let mut held = Held::default();
    names.iter().for_each(|name| held.name(name));
    held
}

#[tokio::test]
async fn the_headteacher_and_the_dsl_alone_place_and_see_holds() {
    let office = Office::open().await;
    for (who, place, see) in [
        ("technician", 403, 403),
        ("filtering_manager", 403, 403),
        ("dsl", 201, 200),
        ("headteacher", 201, 200),
        ("governor", 403, 403),
        ("teacher", 403, 403),
        ("none", 401, 401),
    ] {
        let wish = json!({ "user": "y5.042", "reason": WHY });
        assert_eq!(office.post(who, "/holds", wish).await.0, place, "{who}");
        assert_eq!(office.get(who, "/holds").await.0, see, "{who}");
    }
    let recorded = office.trail().await;
    let placed: Vec<&Value> =
        recorded.iter().filter(|event| event["event"]["action"] == "hold.placed").collect();
    let outcomes: Vec<&Value> = placed.iter().map(|event| &event["event"]["outcome"]).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "success").count(), 2);
    assert_eq!(outcomes.len(), 6);
}

/// A bug: who is held, and who is suspended, was shown without a record of the look.
#[tokio::test]
async fn looks_at_holds_and_suspensions_are_recorded() {
    let office = Office::open().await;
    for path in ["/holds", "/suspensions", "/suspensions?state=active"] {
        assert_eq!(office.get("dsl", path).await.0, 200);
        let look = office.trail().await.pop().unwrap();
        let action = format!("{}.read", path.trim_start_matches('/').split('?').next().unwrap());
        assert_eq!(
            (&look["event"]["dataset"], &look["event"]["action"], &look["user"]["name"]),
            (&json!("schoolgate.read"), &json!(action), &json!("dsl"))
        );
    }
    let (status, _) = office.get("dsl", "/suspensions/0199d0c8-53a1-7b42-9d51-5b0e8f6f1c11").await;
    let look = office.trail().await.pop().unwrap();
    assert_eq!(
        (status, &look["event"]["action"]),
        (404, &json!("suspensions.read")),
        "nothing is looked up before"
    );
}

#[tokio::test]
async fn who_placed_a_hold_does_not_lift_it_unless_it_is_the_headteacher() {
    let office = Office::open().await;
    let id = placed(&office, "dsl", json!({ "user": "y5.042", "reason": WHY })).await;
    let heads = placed(&office, "headteacher", json!({ "device": "CB-2-017", "reason": WHY })).await;
    let client = placed(&office, "dsl", json!({ "client": "10.1.2.33", "reason": WHY })).await;
    assert_eq!(office.control.held().await.unwrap(), of(&["y5.042", "CB-2-017", "10.1.2.33"]));
    assert_eq!(lift(&office, "dsl", &id).await, 403);
    assert_eq!(lift(&office, "headteacher", &id).await, 200);
    assert_eq!(lift(&office, "headteacher", &id).await, 409, "it is over");
    assert_eq!(lift(&office, "dsl", &heads).await, 200);
    assert_eq!(office.control.held().await.unwrap(), of(&["10.1.2.33"]));
    // Holds outlive the process.
    let office = office.restarted().await;
    assert_eq!(office.control.held().await.unwrap(), of(&["10.1.2.33"]));
    let (_, all) = office.get("dsl", "/holds").await;
    let shown: Vec<_> = all["items"].as_array().unwrap().iter().map(|hold| &hold["lifted_by"]).collect();
    assert_eq!(shown, [&Value::Null, &json!("dsl"), &json!("headteacher")]);
    assert_eq!(lift(&office, "headteacher", &client).await, 200);
    let refused = office
        .trail()
        .await
        .into_iter()
        .any(|event| event["event"]["action"] == "hold.lifted" && event["event"]["outcome"] == "failure");
    assert!(refused, "the try is recorded");
}

#[tokio::test]
async fn a_hold_is_of_one_and_ends_ahead() {
    let office = Office::open().await;
    for (wish, field) in [
        (json!({ "reason": WHY }), "user"),
        (json!({ "user": "y5.042", "device": "CB-2-017", "reason": WHY }), "user"),
        (json!({ "client": "somewhere", "reason": WHY }), "client"),
        (json!({ "user": "y5.042", "reason": "short" }), "reason"),
        (json!({ "user": "y5.042", "reason": WHY, "until": "2020-01-01T00:00:00Z" }), "until"),
    ] {
        let (status, problem) = office.post("dsl", "/holds", wish).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
}

/// A bug: whose lines are held stood in the log as technicians see it.
#[tokio::test]
async fn whoever_sees_pseudonyms_sees_no_name_in_a_hold() {
    let office = Office::open().await;
    placed(&office, "dsl", json!({ "user": "y5.042", "reason": WHY })).await;
    placed(&office, "dsl", json!({ "device": "CB-2-017", "reason": WHY })).await;
    let (status, seen) = office.get("technician", "/events?action=hold.placed").await;
    assert_eq!(status, 200, "{seen}");
    assert_eq!(seen["items"].as_array().unwrap().len(), 2, "{seen}");
    let text = seen.to_string();
    assert!(!text.contains("y5.042") && !text.contains("CB-2-017") && !text.contains("4711"), "{text}");
    let pseudonyms = office.control.pseudonyms().await.unwrap();
    assert!(text.contains(&pseudonyms.of("user", "y5.042")), "{text}");
}

/// A bug: alerts and all that was done about them were kept for ever.
#[tokio::test]
async fn an_alert_goes_in_its_time_unless_somebody_is_held() {
    let office = Office::open().await;
    for user in ["y5.042", "y5.043"] {
        office.visit("10.1.2.3", user, "adult.example").await;
    }
    office.control.look_for_alerts().await.unwrap();
    placed(&office, "headteacher", json!({ "user": "y5.043", "reason": WHY })).await;
    let terms = Terms { accesses: 1, acts: 30, alerts: 60, system: 1 };
    for (days, alerts) in [(60, 2), (2, 1)] {
        office.clock.advance(Duration::from_secs(days * 24 * 3600));
        office.control.forget_past(terms, office.control.now()).await.unwrap();
        assert_eq!(office.control.alerts_of_every_kind().await.len(), alerts, "{days}");
    }
    let left = office.control.alerts_of_every_kind().await;
    assert_eq!(left[0].person, Person::User("y5.043".to_owned()));
    let (status, told) = office.get("technician", "/events?action=store.removed").await;
    assert_eq!(status, 200, "{told}");
    let details = &told["items"][0]["schoolgate"]["details"];
    assert!(details["rows"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(
        details.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["acts_before", "alerts_before", "rows"]
    );
}

/// A bug: a clock that stepped forward forgot everything at the next look.
#[tokio::test]
async fn a_leap_of_the_time_stops_retention_with_an_alarm() {
    let office = Office::open().await;
    let before = office.control.last_retention(office.control.now()).await.unwrap();
    assert!(office.control.trusts_time(before, office.control.now()));
    office.clock.advance(Duration::from_secs(400 * 24 * 3600));
    assert!(!office.control.trusts_time(before, office.control.now()));
    let alarms = office.control.look_after_machine().await.unwrap();
    let alarm = alarms.iter().find(|alarm| alarm.list == "retention").unwrap();
    assert!(alarm.problem.contains("400 days"), "{}", alarm.problem);
    // By hand, which says that the time is right.
    let terms = Terms { accesses: 1, acts: 30, alerts: 60, system: 1 };
    office.control.forget_past(terms, office.control.now()).await.unwrap();
    let before = office.control.last_retention(office.control.now()).await.unwrap();
    assert!(office.control.trusts_time(before, office.control.now()));
    let alarms = office.control.look_after_machine().await.unwrap();
    assert!(alarms.iter().all(|alarm| alarm.list != "retention"));
    let trail = office.trail().await;
    for action in ["retention.stopped", "retention.resumed"] {
        assert_eq!(trail.iter().filter(|event| event["event"]["action"] == action).count(), 1, "{action}");
    }
}
