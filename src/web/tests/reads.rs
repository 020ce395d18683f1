//! Why the log is looked at, by whom, and one decision of it.

use serde_json::{Value, json};

use super::fixture::{Office, wish};

const WHY: &str = "reason=a+friend+is+worried";

/// The number of the last access.
async fn last_access(office: &Office) -> u64 {
    let trail = office.trail().await;
    let access = trail.iter().rfind(|event| event["event"]["dataset"] == "schoolgate.access").unwrap();
    access["event"]["sequence"].as_u64().unwrap()
}

#[tokio::test]
async fn names_are_shown_to_whoever_says_what_for() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let (id, seq) = (office.pending().await, last_access(&office).await);
    let needs = [
        ("/events".to_owned(), ["dsl", "headteacher"]),
        (format!("/events/{seq}/explain"), ["dsl", "headteacher"]),
        (format!("/unblocks/{id}/usage"), ["dsl", "filtering_manager"]),
    ];
    for (path, staff) in needs {
        for who in staff {
            let before = office.recorder.head().sequence;
            for reason in ["", "?reason=", "?reason=+++++++++++", "?reason=too+short"] {
                let (status, answer) = office.get(who, &format!("{path}{reason}")).await;
                assert_eq!(
                    (status, &answer["code"]),
                    (422, &json!("purpose_needed")),
                    "{who} {path}{reason}"
                );
                assert_eq!(answer["field"], "reason");
            }
            assert_eq!(office.recorder.head().sequence, before, "nothing was looked at");
            assert_eq!(office.get(who, &format!("{path}?{WHY}")).await.0, 200, "{who} {path}");
            let trail = office.trail().await;
            assert_eq!(trail.last().unwrap()["event"]["reason"], "a friend is worried", "{path}");
        }
    }
    assert_eq!(office.get("technician", "/events").await.0, 200, "pseudonyms need no purpose");
    assert_eq!(office.get("asker", &format!("/unblocks/{id}/usage")).await.0, 200, "one's own lesson is one");
}

#[tokio::test]
async fn a_decision_is_told_as_it_was_and_as_it_would_be() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "www.games.example").await;
    let seq = last_access(&office).await;
    let generation = office.control.live().snapshot().generation();
    let (status, unblock) = office.post("filtering_manager", "/unblocks", wish("games.example")).await;
    assert_eq!((status, &unblock["state"]), (201, &json!("active")));
    let (status, told) = office.get("dsl", &format!("/events/{seq}/explain?{WHY}")).await;
    assert_eq!(status, 200, "{told}");
    let decision = &told["decision"];
    assert_eq!((&decision["action"], &decision["rung"]), (&json!("block"), &json!("category")));
    assert_eq!((&decision["list"]["id"], &decision["list"]["line"]), (&json!("seed/games"), &json!(3)));
    assert_eq!((&decision["generation"], &decision["group"]), (&json!(generation), &json!("ks2")));
    assert_eq!((&told["now"]["action"], &told["now"]["rung"]), (&json!("allow"), &json!("unblock")));
    assert_eq!(told["now"]["unblock_id"], unblock["id"]);
    assert_eq!(told["event"]["user"]["name"], "y5.042");
    let trail = office.trail().await;
    let look = &trail[told["audit_seq"].as_u64().unwrap() as usize - 1];
    assert_eq!(
        (&look["event"]["action"], &look["schoolgate"]["details"]),
        (&json!("events.explain"), &json!({ "sequence": seq, "routed": "pupil" }))
    );

    let (status, told) = office.get("technician", &format!("/events/{seq}/explain")).await;
    assert_eq!((status, &told["decision"]["rung"]), (200, &json!("category")));
    for name in ["y5.042", "10.1.2.3", "CB-2-017", "\"hash\""] {
        assert!(!told.to_string().contains(name), "{name} in {told}");
    }
    for (who, status) in [("governor", 403), ("teacher", 403), ("filtering_manager", 403)] {
        assert_eq!(office.get(who, &format!("/events/{seq}/explain")).await.0, status, "{who}");
    }
    for no_access in ["0", "1", "999999", "18446744073709551615", "18446744073709551616"] {
        let (status, _) = office.get("technician", &format!("/events/{no_access}/explain")).await;
        assert_eq!(status, 404, "{no_access}");
    }
}

/// A bug: what the policy in force says of an event told technicians whose pseudonym is suspended.
#[tokio::test]
async fn what_is_said_today_tells_who_is_suspended_to_those_alone_who_may_suspend() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "maths.example").await;
    let seq = last_access(&office).await;
    let wish = json!({ "users": ["y5.042"], "to": "nothing", "minutes": 60, "reason": "behaviour policy, stage four" });
    assert_eq!(office.post("dsl", "/suspensions", wish).await.0, 201);
    for (who, rung, left_out) in [("technician", "default", true), ("dsl", "suspended", false)] {
        let (status, told) = office.get(who, &format!("/events/{seq}/explain?{WHY}")).await;
        assert_eq!((status, &told["now"]["rung"]), (200, &json!(rung)), "{who}: {told}");
        assert_eq!(told["now"]["suspensions_left_out"], left_out, "{who}");
    }
}

#[tokio::test]
async fn a_statutory_match_stays_masked_then_and_now() {
    let office = Office::open().await;
    office.visit("10.1.2.4", "y5.043", "listed.example").await;
    let seq = last_access(&office).await;
    let (status, told) = office.get("headteacher", &format!("/events/{seq}/explain?{WHY}")).await;
    assert_eq!((status, &told["decision"]["rung"], &told["now"]), (200, &json!("statutory"), &Value::Null));
    assert_eq!(told["decision"]["list"]["entry"].as_str().unwrap().len(), 16);
    assert!(!told.to_string().contains("listed.example"), "{told}");

    // Listed since: what the log knew before is not told to be listed without a trace.
    office.visit("10.1.2.4", "y5.043", "other.example").await;
    let seq = last_access(&office).await;
    office.write("statutory/test.txt", "# schoolgate: synthetic\nlisted.example\nother.example\n");
    assert_eq!(office.post("technician", "/lists/reload", json!({})).await.0, 200);
    let (_, told) = office.get("headteacher", &format!("/events/{seq}/explain?{WHY}")).await;
    assert_eq!((&told["now"]["rung"], &told["now"]["url"]), (&json!("statutory"), &Value::Null), "{told}");
    let trail = office.trail().await;
    assert_eq!(trail.last().unwrap()["event"]["action"], "explain.statutory");
    assert_eq!(trail.last().unwrap()["event"]["sequence"], told["now"]["audit_seq"]);
}

#[tokio::test]
async fn who_looked_at_whose_log_is_told() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.get("dsl", &format!("/events?user=y5.042&client=10.1.2.3&{WHY}")).await;
    office.get("teacher", "/events").await;
    let (status, page) = office.get("headteacher", "/reads").await;
    assert_eq!(status, 200, "{page}");
    let (refused, look) = (&page["items"][0], &page["items"][1]);
    assert_eq!((&refused["by"], &refused["outcome"]), (&json!("teacher"), &json!("failure")));
    assert_eq!((&look["by"], &look["action"]), (&json!("dsl"), &json!("events.read")));
    assert_eq!((&look["reason"], &look["outcome"]), (&json!("a friend is worried"), &json!("success")));
    assert_eq!(look["details"], json!({ "user": "y5.042", "client": "10.1.2.3", "routed": "pupil" }));

    let (status, seen) = office.get("governor", "/reads?by=dsl").await;
    assert_eq!((status, seen["items"].as_array().unwrap().len()), (200, 1), "{seen}");
    let look = &seen["items"][0];
    assert!(look["details"]["user"].as_str().unwrap().starts_with("user-"), "{look}");
    assert_eq!((&look["by"], &look["reason"]), (&json!("dsl"), &Value::Null));
    assert!(!seen.to_string().contains("y5.042") && !seen.to_string().contains("worried"));

    let (mut count, mut path) = (0, "/reads?limit=1".to_owned());
    loop {
        let (_, page) = office.get("dsl", &path).await;
        count += page["items"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/reads?limit=1&cursor={next}");
    }
    assert_eq!(count, 4, "the looks at the looks are among them");
    for who in ["technician", "teacher", "filtering_manager"] {
        assert_eq!(office.get(who, "/reads").await.0, 403, "{who}");
    }
}
