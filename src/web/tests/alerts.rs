//! Safeguarding alerts through the API: who sees which, how one is answered, what is suppressed.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;

/// In the order of the columns below.
const WHO: [&str; 6] = ["technician", "filtering_manager", "dsl", "headteacher", "governor", "teacher"];
const LOOK: &str = "?reason=looking+after+a+pupil";

impl Office {
    /// Somebody goes to an adult site, and the trail is looked at.
    async fn alerted(&self, client: &str, user: &str) {
        self.visit(client, user, "adult.example").await;
        self.control.look_for_alerts().await.unwrap();
    }

    /// The alerts that `who` sees.
    async fn alerts(&self, who: &str) -> Vec<Value> {
        let (status, page) = self.get(who, "/alerts").await;
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    async fn first(&self, who: &str) -> String {
        self.alerts(who).await[0]["id"].as_str().unwrap().to_owned()
    }

    async fn does(&self, who: &str, id: &str, answer: &str, words: &str) -> (u16, Value) {
        self.post(who, &format!("/alerts/{id}/{answer}"), json!({ "words": words })).await
    }
}

#[tokio::test]
async fn every_route_knows_every_role() {
    let office = Office::open().await;
    let words = || json!({ "words": "spoke with the family" });
    let rows: [(&str, &str, Value, [u16; 6]); 9] = [
        ("GET", "/alerts", Value::Null, [403, 403, 200, 200, 200, 403]),
        ("GET", "/alerts/precision", Value::Null, [403, 403, 200, 200, 200, 403]),
        ("GET", "/alerts/suppressions", Value::Null, [403, 403, 200, 200, 200, 403]),
        ("GET", "/alerts/{id}?reason=a+weekly+review", Value::Null, [403, 403, 200, 200, 404, 403]),
        ("POST", "/alerts/{id}/seen", json!({}), [403, 403, 200, 200, 404, 403]),
        ("POST", "/alerts/{id}/action", words(), [403, 403, 200, 200, 404, 403]),
        ("POST", "/alerts/{id}/outcome", words(), [403, 403, 409, 409, 404, 403]),
        ("POST", "/alerts/{id}/close", json!({}), [403, 403, 409, 409, 404, 403]),
        ("POST", "/alerts/{id}/false_positive", words(), [403, 403, 200, 200, 404, 403]),
    ];
    for (number, (method, path, body, expected)) in rows.into_iter().enumerate() {
        for (place, (who, expected)) in WHO.into_iter().zip(expected).enumerate() {
            office.alerted("10.1.2.3", &format!("y5.{number}{place}")).await;
            let path = path.replace("{id}", &office.first("dsl").await);
            let before = office.recorder.head().sequence;
            let (kind, bytes) = match body.is_null() {
                true => ("", String::new()),
                false => ("application/json", body.to_string()),
            };
            let (status, answer) = office.send(who, method, &path, kind, bytes.as_bytes()).await;
            assert_eq!(status, expected, "{who}: {method} {path}: {answer}");
            let recorded = office.recorder.head().sequence - before;
            match (status, method) {
                (403, _) | (200, "POST") => assert_eq!(recorded, 1, "{who}: {method} {path}"),
                _ => assert!(recorded <= 1, "{who}: {method} {path}"),
            }
        }
    }
}

/// Everything by which somebody could learn of an alert: list, number, count, reads, the log, acts.
async fn learns(office: &Office, who: &str, id: &str) -> Vec<&'static str> {
    let mut learnt = Vec::new();
    let (_, list) = office.get(who, "/alerts").await;
    let (one, _) = office.get(who, &format!("/alerts/{id}{LOOK}")).await;
    let (_, counts) = office.get(who, "/alerts/precision").await;
    let (_, reads) = office.get(who, "/reads").await;
    let (_, events) = office.get(who, &format!("/events{LOOK}&limit=1000")).await;
    let (acted, _) = office.does(who, id, "action", "let us say it was nothing").await;
    let open: u64 =
        counts["items"].as_array().into_iter().flatten().filter_map(|row| row["open"].as_u64()).sum();
    for (what, is_learnt) in [
        ("list", list.to_string().contains(id)),
        ("one", one == 200),
        ("count", open > 0),
        ("reads", reads["items"].to_string().contains(id)),
        (
            "events",
            events["items"].as_array().into_iter().flatten().any(|event| {
                event["event"]["dataset"] == "schoolgate.alert" || event.to_string().contains(id)
            }),
        ),
        ("acts", acted == 200),
    ] {
        learnt.extend(is_learnt.then_some(what));
    }
    learnt
}

#[tokio::test]
async fn an_alert_is_learnt_of_by_those_alone_whom_it_is_for() {
    const ALL: &[&str] = &["list", "one", "count", "reads", "events", "acts"];
    const UNREAD: &[&str] = &["list", "one", "count", "acts"];
    const NOTHING: &[&str] = &[];
    // Who went there, from where, and what dsl, headteacher, governor, technician, teacher learn.
    let rows = [
        ("y5.042", "10.1.2.3", [ALL, ALL, NOTHING, NOTHING, NOTHING]),
        ("teacher", "10.1.2.3", [NOTHING, UNREAD, NOTHING, NOTHING, NOTHING]),
        ("Teacher", "10.1.9.3", [NOTHING, UNREAD, NOTHING, NOTHING, NOTHING]),
        ("visitor", "10.1.9.3", [NOTHING, UNREAD, NOTHING, NOTHING, NOTHING]),
        ("dsl", "10.1.9.3", [NOTHING, UNREAD, NOTHING, NOTHING, NOTHING]),
        ("headteacher", "10.1.2.3", [NOTHING, NOTHING, UNREAD, NOTHING, NOTHING]),
        ("governor", "10.1.9.3", [NOTHING, UNREAD, NOTHING, NOTHING, NOTHING]),
    ];
    for (user, client, expected) in rows {
        let office = Office::open().await;
        office.alerted(client, user).await;
        let all = office.control.alerts_of_every_kind().await;
        assert_eq!(all.len(), 1, "{user}");
        let id = all[0].id.to_string();
        for who in ["dsl", "headteacher", "governor"] {
            office.get(who, &format!("/alerts/{id}{LOOK}")).await;
        }
        for (who, expected) in
            ["dsl", "headteacher", "governor", "technician", "teacher"].into_iter().zip(expected)
        {
            assert_eq!(learns(&office, who, &id).await, expected, "{who} of {user}");
        }
    }
}

#[tokio::test]
async fn an_alert_is_answered_step_by_step_and_every_step_is_recorded() {
    let office = Office::open().await;
    office.alerted("10.1.2.3", "y5.042").await;
    office.alerted("10.1.2.3", "y5.042").await;
    let id = office.first("dsl").await;
    let (status, problem) = office.get("dsl", &format!("/alerts/{id}")).await;
    assert_eq!((status, &problem["code"]), (422, &json!("purpose_needed")));
    for (answer, words) in [
        ("seen", ""),
        ("action", "spoke with the class teacher"),
        ("outcome", "an advert, agreed with parents"),
        ("close", ""),
    ] {
        let (status, alert) = office.does("dsl", &id, answer, words).await;
        assert_eq!(status, 200, "{answer}: {alert}");
        assert!(alert["person"].is_null() && alert["audit_seq"].is_u64(), "{alert}");
    }
    assert_eq!(office.does("dsl", &id, "seen", "").await.1["code"], "over");
    let (_, alert) = office.get("dsl", &format!("/alerts/{id}{LOOK}")).await;
    assert_eq!(alert["person"], json!({ "kind": "user", "name": "y5.042" }));
    assert_eq!((&alert["count"], &alert["state"]), (&json!(2), &json!("closed")));
    let steps: Vec<&str> =
        alert["steps"].as_array().unwrap().iter().map(|step| step["action"].as_str().unwrap()).collect();
    assert_eq!(steps, ["alert.raised", "alert.seen", "alert.action", "alert.outcome", "alert.closed"]);
    assert_eq!(alert["steps"][2]["words"], "spoke with the class teacher");
    let hosts: Vec<&Value> =
        alert["events"].as_array().unwrap().iter().map(|event| &event["url"]["domain"]).collect();
    assert_eq!(hosts, ["adult.example", "adult.example"]);
    let recorded: Vec<Value> = office
        .trail()
        .await
        .into_iter()
        .filter(|event| event["event"]["dataset"] == "schoolgate.alert")
        .collect();
    let actions: Vec<&str> =
        recorded.iter().map(|event| event["event"]["action"].as_str().unwrap()).collect();
    assert_eq!(actions, steps);
    assert_eq!(recorded[2]["event"]["reason"], "spoke with the class teacher");
    assert_eq!(recorded[2]["user"]["name"], "dsl");
    assert!(
        recorded[0].to_string().contains("\"routed\":\"pupil\"")
            && !recorded[0].to_string().contains("y5.042")
    );
    assert_eq!(
        office
            .control
            .journalled()
            .await
            .values()
            .filter(|sequence| **sequence == recorded[1]["event"]["sequence"])
            .count(),
        1
    );
    let (_, precision) = office.get("dsl", "/alerts/precision").await;
    let adult = precision["items"].as_array().unwrap().iter().find(|row| row["theme"] == "adult").unwrap();
    assert_eq!(*adult, json!({ "theme": "adult", "right": 1, "wrong": 0, "open": 0, "precision": 1.0 }));
}

#[tokio::test]
async fn what_is_closed_opens_again_within_a_day_and_is_another_alert_later() {
    let office = Office::open().await;
    office.alerted("10.1.2.3", "y5.042").await;
    let id = office.first("dsl").await;
    let close = async || {
        office.does("dsl", &id, "seen", "").await;
        assert_eq!(office.does("dsl", &id, "close", "").await.0, 200);
    };
    close().await;
    office.clock.advance(Duration::from_secs(23 * 3600));
    office.alerted("10.1.2.3", "y5.042").await;
    let alerts = office.alerts("dsl").await;
    assert_eq!((alerts.len(), &alerts[0]["state"], &alerts[0]["count"]), (1, &json!("new"), &json!(2)));
    close().await;
    office.clock.advance(Duration::from_secs(25 * 3600));
    office.alerted("10.1.2.3", "y5.042").await;
    assert_eq!(office.alerts("dsl").await.len(), 2);
}

#[tokio::test]
async fn a_false_positive_is_suppressed_for_a_while_for_its_group_and_counted() {
    let office = Office::open().await;
    office.alerted("10.1.2.3", "y5.042").await;
    office.alerted("10.1.9.3", "visitor").await;
    let id = office.first("dsl").await;
    let path = format!("/alerts/{id}/false_positive");
    let wish = |days: u32, by: &str, value: &str| {
        json!({ "words": "art lesson, agreed with the head of art",
                "suppress": { "by": by, "value": value, "days": days, "group": "ks2" } })
    };
    for (days, by, value, field) in [
        (91, "host", "adult.example", "days"),
        (0, "host", "adult.example", "days"),
        (5, "host", "com", "value"),
        (5, "term", " a ", "value"),
        (5, "category", "a b", "value"),
    ] {
        let (status, problem) = office.post("dsl", &path, wish(days, by, value)).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    let mut mistyped = wish(30, "host", "adult.example");
    mistyped["suppress"]["group"] = json!("nope");
    let (status, problem) = office.post("dsl", &path, mistyped).await;
    assert_eq!((status, &problem["field"]), (422, &json!("group")), "{problem}");
    let (status, alert) = office.post("dsl", &path, wish(30, "host", "Adult.Example")).await;
    assert_eq!(
        (status, &alert["false_positive"], &alert["state"]),
        (200, &json!(true), &json!("closed")),
        "{alert}"
    );
    for user in ["y5.001", "y5.042", "y5.042"] {
        office.alerted("10.1.2.3", user).await;
    }
    assert_eq!(office.alerts("dsl").await.len(), 1, "nobody of the group raises it");
    office.alerted("10.9.9.9", "guest").await;
    assert_eq!(office.alerts("dsl").await.len(), 2, "another group does");
    office.alerted("10.1.9.3", "other").await;
    assert_eq!(office.alerts("headteacher").await.len(), 4, "and staff do, whatever a lead suppressed");
    let (_, page) = office.get("dsl", "/alerts/suppressions").await;
    let one = &page["items"][0];
    assert_eq!(
        (&one["hits"], &one["in_force"], &one["value"]),
        (&json!(3), &json!(true), &json!("adult.example"))
    );
    let (_, precision) = office.get("dsl", "/alerts/precision").await;
    let adult = precision["items"].as_array().unwrap().iter().find(|row| row["theme"] == "adult").unwrap();
    assert_eq!((&adult["wrong"], &adult["open"], &adult["precision"]), (&json!(1), &json!(1), &json!(0.0)));

    let end = format!("/alerts/suppressions/{}/end", one["id"].as_str().unwrap());
    let why = json!({ "reason": "the art lessons on this are over" });
    let (status, ended) = office.post("headteacher", &end, why.clone()).await;
    assert_eq!((status, &ended["in_force"]), (200, &json!(false)), "{ended}");
    assert_eq!(office.post("dsl", &end, why).await.1["code"], "over");
    office.alerted("10.1.2.3", "y5.001").await;
    assert_eq!(office.alerts("dsl").await.len(), 3);
}

#[tokio::test]
async fn a_statutory_match_is_a_danger_without_an_address_and_is_never_suppressed() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "listed.example").await;
    office.control.look_for_alerts().await.unwrap();
    let alert = office.alerts("dsl").await.remove(0);
    assert_eq!((&alert["theme"], &alert["severity"]), (&json!("illegal"), &json!("danger")));
    let id = alert["id"].as_str().unwrap();
    let (_, whole) = office.get("dsl", &format!("/alerts/{id}{LOOK}")).await;
    assert_eq!(whole["events"].as_array().unwrap().len(), 1);
    assert!(!whole.to_string().contains("listed"), "{whole}");
    for (by, value) in [("host", "listed.example"), ("category", "statutory")] {
        let body = json!({ "words": "the list must be wrong about this",
                           "suppress": { "by": by, "value": value, "days": 1 } });
        let (status, problem) = office.post("dsl", &format!("/alerts/{id}/false_positive"), body).await;
        assert_eq!((status, &problem["code"]), (403, &json!("statutory")), "{problem}");
    }
    let refused = office.trail().await.pop().unwrap();
    assert_eq!(
        (&refused["event"]["action"], &refused["event"]["outcome"]),
        (&json!("alert.suppressed"), &json!("failure"))
    );
    assert!(!refused.to_string().contains("listed"));
}

#[tokio::test]
async fn tries_raise_an_alert_by_a_step_but_one_host_counts_once_a_minute() {
    let office = Office::open().await;
    for _ in 0..8 {
        office.alerted("10.1.2.3", "y5.042").await;
    }
    assert_eq!(office.alerts("dsl").await[0]["severity"], "advisory");
    for host in ["a", "b", "c"] {
        office.visit("10.1.2.3", "y5.042", &format!("{host}.adult.example")).await;
    }
    office.control.look_for_alerts().await.unwrap();
    assert_eq!(office.alerts("dsl").await[0]["severity"], "advisory");
    office.clock.advance(Duration::from_secs(61));
    office.alerted("10.1.2.3", "y5.042").await;
    let alerts = office.alerts("dsl").await;
    assert_eq!((&alerts[0]["severity"], &alerts[0]["count"]), (&json!("caution"), &json!(12)));
    // Another's do not count, nor those of long ago.
    office.clock.advance(Duration::from_secs(700));
    office.alerted("10.1.2.4", "y5.043").await;
    assert_eq!(office.alerts("dsl").await[0]["severity"], "advisory");
}

#[tokio::test]
async fn nothing_is_found_twice_or_lost_over_a_restart() {
    let mut office = Office::open().await;
    for round in 1..=3_u64 {
        office.alerted("10.1.2.3", "y5.042").await;
        office.visit("10.1.2.3", "y5.042", "adult.example").await;
        office = office.restarted().await;
        office.control.look_for_alerts().await.unwrap();
        let alerts = office.alerts("dsl").await;
        assert_eq!((alerts.len(), &alerts[0]["count"]), (1, &json!(2 * round)));
    }
}

#[tokio::test]
async fn a_danger_that_nobody_answers_is_escalated_and_each_time_later() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "listed.example").await;
    office.control.look_for_alerts().await.unwrap();
    for (minutes, times) in [(14, 0), (1, 1), (14, 1), (1, 2), (29, 2), (2, 3), (10_000, 4), (10_000, 4)] {
        office.clock.advance(Duration::from_secs(60 * minutes));
        office.control.sweep_alerts().await.unwrap();
        office.control.sweep_alerts().await.unwrap();
        assert_eq!(office.alerts("dsl").await[0]["escalated"], times, "{minutes}");
    }
    let escalated =
        office.trail().await.into_iter().filter(|event| event["event"]["action"] == "alert.escalated");
    assert_eq!(escalated.count(), 4);
    let id = office.first("dsl").await;
    let (_, alert) = office.does("headteacher", &id, "seen", "").await;
    assert_eq!(alert["state"], "seen");
}

#[tokio::test]
async fn mail_goes_to_whom_an_alert_is_for_and_wider_when_nobody_answers() {
    let to = async |office: &Office| -> Vec<String> {
        let waiting = office.control.waiting_mail().await;
        waiting.into_iter().map(|(to, _)| to.split('@').next().unwrap().to_owned()).collect()
    };
    for (user, at_first, later) in [
        ("y5.042", vec!["dsl"], vec!["dsl", "dsl", "head"]),
        ("teacher", vec!["head"], vec!["head", "head"]),
        ("headteacher", vec!["chair"], vec!["chair", "chair"]),
    ] {
        let office = Office::open().await;
        office.visit("10.1.2.3", user, "listed.example").await;
        office.control.look_for_alerts().await.unwrap();
        assert_eq!(to(&office).await, at_first, "{user}");
        office.clock.advance(Duration::from_secs(15 * 60));
        office.control.sweep_alerts().await.unwrap();
        assert_eq!(to(&office).await, later, "{user}");
        let alarm = office.control.delivery_alarm().await.unwrap().expect("it has waited");
        let says_how_many = alarm.problem.contains("1 message of a danger alert has");
        assert_eq!(says_how_many, user == "y5.042", "of staff it is not said: {}", alarm.problem);
        let metrics = office.metrics.render().unwrap();
        assert_eq!(metrics.contains("schoolgate_alerts_total{"), user == "y5.042", "{metrics}");
        assert!(user == "y5.042" || metrics.contains("schoolgate_alerts_undelivered 0"), "{metrics}");
    }
    // An advisory is told in the digest alone.
    let office = Office::open().await;
    office.alerted("10.1.2.3", "y5.042").await;
    assert_eq!(to(&office).await, Vec::<String>::new());
}
