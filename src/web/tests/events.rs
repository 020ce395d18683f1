//! Reading the log: recorded, paged, pseudonymised.

use serde_json::{Value, json};

use super::fixture::Office;

#[tokio::test]
async fn a_read_is_recorded_before_it_is_answered() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "listed.example").await;
    let (status, page) =
        office.get("dsl", "/events?user=y5.042&action=block&reason=worried+about+them").await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["url"]["domain"], "games.example");
    assert_eq!((&page["items"][0]["user"]["name"], &page["next"]), (&json!("y5.042"), &Value::Null));
    let trail = office.trail().await;
    let read = trail.last().unwrap();
    assert_eq!(read["event"]["sequence"], page["audit_seq"]);
    assert_eq!(read["event"]["dataset"], "schoolgate.read");
    assert_eq!(
        (&read["user"]["name"], &read["event"]["reason"]),
        (&json!("dsl"), &json!("worried about them"))
    );
    assert_eq!(read["schoolgate"]["details"], json!({ "user": "y5.042", "action": "block" }));

    let (_, all) = office.get("headteacher", "/events?dataset=access&reason=a+weekly+review").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert!(!all.to_string().contains("listed.example"), "statutory matches stay masked for all");
    let (status, _) = office.get("governor", "/events").await;
    assert_eq!(status, 403);
    let trail = office.trail().await;
    let read = trail.last().unwrap();
    assert_eq!(
        (&read["event"]["action"], &read["event"]["outcome"]),
        (&json!("events.read"), &json!("failure"))
    );
}

#[tokio::test]
async fn a_technician_sees_what_happened_and_not_to_whom() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "games.example").await;
    office.visit("10.1.2.3", "y5.042", "other.example").await;
    let mut wish = super::fixture::wish("games.example");
    wish["users"] = json!(["y5.042"]);
    office.post("teacher", "/unblocks", wish).await;
    office.get("dsl", "/events?user=y5.042&client=10.1.2.3&reason=about+y5.042").await;

    let (_, page) = office.get("technician", "/events").await;
    let text = page.to_string();
    for name in ["y5.04", "10.1.2.", "CB-2-017", "\"hash\"", "\"prev\"", "topic week"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    let seen = page["items"].as_array().unwrap();
    let (_, named) = office.get("dsl", "/events?reason=a+weekly+review").await;
    assert!(named.to_string().contains("y5.042") && named.to_string().contains("\"hash\""));
    let accesses: Vec<&Value> =
        seen.iter().filter(|event| event["event"]["dataset"] == "schoolgate.access").collect();
    let user = |at: usize| accesses[at]["user"]["name"].as_str().unwrap();
    assert_eq!((user(0), accesses.len()), (user(2), 3), "the same person has the same pseudonym");
    assert_ne!(user(0), user(1));
    assert!(user(0).starts_with("user-") && accesses[0]["user"]["group"]["name"] == "ks2");
    let asked = seen.iter().find(|event| event["event"]["action"] == "unblock.requested").unwrap();
    assert_eq!(asked["schoolgate"]["details"]["users"], json!([user(0)]));
    assert_eq!(asked["user"]["name"], "teacher", "staff are no pupils");

    let (_, theirs) = office.get("technician", &format!("/events?limit=1&user={}", user(0))).await;
    assert_eq!(theirs["items"][0]["url"]["domain"], "other.example");
    let next = theirs["next"].as_str().unwrap();
    let (_, more) = office.get("technician", &format!("/events?user={}&cursor={next}", user(0))).await;
    assert_eq!(more["items"].as_array().unwrap().len(), 1);
    assert_eq!(more["items"][0]["url"]["domain"], "games.example");
    for guess in ["user=y5.042", "client=10.1.2.3", "device=CB-2-017"] {
        let (status, none) = office.get("technician", &format!("/events?{guess}")).await;
        assert_eq!((status, &none["items"]), (200, &json!([])), "a guess says nothing");
    }
}

#[tokio::test]
async fn pages_of_events_miss_none_and_repeat_none() {
    let office = Office::open().await;
    for number in 0..7 {
        office.visit("10.1.2.3", &format!("y5.{number}"), "games.example").await;
    }
    for who in ["dsl", "technician"] {
        let (mut found, mut path) =
            (Vec::new(), "/events?dataset=schoolgate.access&limit=3&reason=a+weekly+review".to_owned());
        loop {
            let (_, page) = office.get(who, &path).await;
            found.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["event"]["sequence"].as_u64()),
            );
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/events?dataset=schoolgate.access&limit=3&reason=a+weekly+review&cursor={next}");
        }
        assert_eq!(found.len(), 7);
        assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "{found:?}");
    }
}
