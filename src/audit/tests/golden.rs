//! The events' exact form, and what they never hold.

use std::time::Duration;

use serde_json::{Value, json};

use uuid::Uuid;

use super::*;
use crate::audit::{ClosedBy, Closing, Outcome};
use crate::model::Scheme;

#[test]
fn an_access_has_the_documented_form() {
    let trail = Trail::new();
    let running = trail.start();
    let seen = Seen {
        visibility: Visibility::Host,
        scheme: Some(Scheme::Https),
        server_name: Some("www.example.org".into()),
        duration: Some(Duration::from_millis(2)),
        ..Seen::default()
    };
    let access = Access::new(&subject(), &to_host("www.example.org"), &blocked(), &seen);
    let receipt = trail.record(&running, Entry::Access(access)).unwrap();
    let line = &trail.lines()[0];
    let (body, hash) = line.rsplit_once(",\"hash\":\"").unwrap();
    let hash = &hash[..64];
    assert_eq!(hash, crate::audit::LineHash::of(body.as_bytes()).to_string());
    assert_eq!(hash, running.recorder.head().hash.to_string());
    let expected = json!({"@timestamp":"2026-11-24T09:14:03.123Z","ecs":{"version":"8.17"},
     "event":{"id":receipt.id,"sequence":1,"kind":"event","dataset":"schoolgate.access","category":["web","network"],
      "type":["access","denied"],"action":"block","outcome":"success","reason":"games is blocked for Key Stage 2","duration":2_000_000},
     "observer":{"type":"proxy","product":"schoolgate","version":"0.1.0","name":"st-example"},
     "source":{"ip":"10.1.2.33","mac":null},"host":{"name":"CB-2-017"},"user":{"name":"y5.042","group":{"name":"ks2"}},
     "destination":{"domain":"www.example.org","ip":null,"port":443},
     "url":{"scheme":"https","domain":"www.example.org","path":null,"full":null},"http":{"request":{"method":null}},
     "tls":{"client":{"server_name":"www.example.org"},"next_protocol":null},
     "rule":{"id":"category:games","name":"Games","category":"games","ruleset":"ut1/games@2026-08-17","version":"17"},
     "schoolgate":{"rung":"category","attribution":"subnet","visibility":"host","mode":"block","list":{"file":"games/domains","line":4211},
      "unblock_id":null,"search":null,"bytes_up":0,"bytes_down":0,"closed_by":"gateway","prev":"0".repeat(64),"hash":hash}});
    assert_eq!(serde_json::from_str::<Value>(line).unwrap(), expected);
    let keys = [
        "\"@timestamp\"",
        "\"ecs\"",
        "\"event\"",
        "\"observer\"",
        "\"source\"",
        "\"host\"",
        "\"user\"",
        "\"destination\"",
        "\"url\"",
        "\"http\"",
        "\"tls\"",
        "\"rule\"",
        "\"schoolgate\"",
        "\"prev\"",
        "\"hash\"",
    ]
    .map(|key| line.find(&format!("{key}:")).unwrap());
    assert!(keys.is_sorted(), "{keys:?}");
    running.writer.finish();
}

#[test]
fn a_statutory_match_names_no_place() {
    let trail = Trail::new();
    let running = trail.start();
    let mut verdict = blocked();
    verdict.reason = Reason {
        rung: Rung::Statutory,
        rule: Rule { id: "statutory:iwf".into(), name: "IWF URL list".into(), category: None },
        text: "the address is on a statutory list".into(),
        evidence: Some(Evidence {
            list: "iwf".into(),
            version: "7".into(),
            file: "terrible/urls".into(),
            line: 9,
            entry: Some("e41c".into()),
        }),
        unblock: Some(Uuid::nil()),
        categories: vec!["terrible".into()],
    };
    let seen = Seen {
        visibility: Visibility::Url,
        method: Some("GET".into()),
        server_name: Some("terrible.example".into()),
        destination_ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 66))),
        error: Some("terrible.example hung up".into()),
        ..seen()
    };
    for destination in [to_url("https://terrible.example/terrible?terrible=1"), to_host("192.0.2.66")] {
        let access = Access::new(&subject(), &destination, &verdict, &seen);
        assert!(!format!("{access:?}").contains("terrible"));
        trail.record(&running, Entry::Access(access)).unwrap();
    }
    for (line, event) in trail.lines().iter().zip(trail.events()) {
        assert!(!line.contains("terrible") && !line.contains("192.0.2.66"), "{line}");
        for (part, names) in [("destination", &["domain", "ip"][..]), ("url", &["domain", "path", "full"])] {
            assert!(names.iter().all(|name| event[part][*name].is_null()), "{line}");
        }
        assert!(event["tls"]["client"]["server_name"].is_null());
        assert_eq!(event["rule"]["ruleset"], "iwf@7");
        assert_eq!(event["schoolgate"]["list"], json!({"file": null, "line": null, "entry": "e41c"}));
    }
    running.writer.finish();
}

#[test]
fn nothing_a_user_writes_forges_hides_or_splits_a_record() {
    let trail = Trail::new();
    let running = trail.start();
    let nasty = "x\",\"hash\":\"00\"}}\n{\"event\":{\"sequence\":9}}\r\u{1b}[2J\u{2028}\u{2029}\u{202e}\0";
    let seen = Seen {
        method: Some(nasty.into()),
        server_name: Some(nasty.into()),
        alpn: Some(nasty.into()),
        error: Some(nasty.into()),
        ..seen()
    };
    let destination = to_url("http://a.example/%0a?\",\"prev\":\"0\",\"hash\":\"\u{2028}\r\n\u{1b}");
    let entry = Entry::Access(Access::new(&subject(), &destination, &passed(), &seen));
    trail.record(&running, entry).unwrap();
    let mut act = Act::new(Actor::Local, "unblock.requested").with(nasty, nasty).with("hash", "forged");
    act.reason = Some(nasty.into());
    act.details.insert("password".into(), nasty.into());
    trail.record(&running, Entry::Unblock(act)).unwrap();
    running.writer.finish();

    let (lines, events) = (trail.lines(), trail.events());
    assert_eq!((lines.len(), sound(&trail.dir()).events), (2, 2));
    for line in &lines {
        assert!(line.chars().all(|c| !c.is_control() && !"\u{2028}\u{2029}\u{202e}".contains(c)), "{line:?}");
    }
    assert_eq!(events[0]["tls"]["client"]["server_name"], nasty);
    assert_eq!(events[1]["event"]["reason"], nasty);
    assert_eq!(events[1]["schoolgate"]["details"][nasty], nasty);
    assert_eq!(events[1]["schoolgate"]["details"]["password"], "[redacted]");
    assert_ne!(events[1]["schoolgate"]["hash"], "forged");
    assert_eq!(events[1]["event"]["sequence"], 2);
}

#[test]
fn long_text_is_cut_and_says_so() {
    let trail = Trail::new();
    let running = trail.start();
    let url = to_url(&format!("http://a.example/{}", "x".repeat(5000)));
    let seen = Seen { server_name: Some("ü".repeat(400)), ..seen() };
    let entry = Entry::Access(Access::new(&subject(), &url, &passed(), &seen));
    trail.record(&running, entry).unwrap();
    let huge = Act::new(Actor::System, "policy.changed").with("after", "x".repeat(2 << 20));
    assert!(matches!(trail.record(&running, Entry::Change(huge)), Err(RecordError::TooLong)));
    running.writer.finish();
    let event = &trail.events()[0];
    assert_eq!(event["url"]["full"].as_str().unwrap().chars().count(), 2048);
    assert_eq!(event["tls"]["client"]["server_name"].as_str().unwrap().chars().count(), 253);
    assert_eq!(event["schoolgate"]["truncated"], true);
}

#[test]
fn an_end_and_an_act_have_their_own_lines() {
    let trail = Trail::new();
    let running = trail.start();
    let receipt = trail.record(&running, access("a.example")).unwrap();
    let closing = Closing {
        bytes_up: 10,
        bytes_down: 2000,
        duration: Duration::from_micros(5),
        closed_by: ClosedBy::Policy,
    };
    running.recorder.close(receipt, closing);
    let mut act = Act::new(Actor::Staff("m.jones".parse().unwrap()), "events.read").with("user", "y5.042");
    act.outcome = Outcome::Failure;
    act.client = Some("::ffff:10.0.0.9".parse().unwrap());
    trail.record(&running, Entry::Read(act)).unwrap();
    running.writer.finish();
    let events = trail.events();
    assert!(events[0]["schoolgate"]["closed_by"].is_null());
    assert_eq!(events[1]["event"]["id"], events[0]["event"]["id"]);
    assert_eq!(events[1]["event"]["dataset"], "schoolgate.close");
    assert_eq!(events[1]["event"]["duration"], 5000);
    let own = &events[1]["schoolgate"];
    assert_eq!(
        (&own["bytes_up"], &own["bytes_down"], &own["closed_by"]),
        (&json!(10), &json!(2000), &json!("policy"))
    );
    assert_eq!(events[2]["source"]["ip"], "10.0.0.9");
    assert_eq!(events[2]["user"]["name"], "m.jones");
    assert_eq!(
        (&events[2]["event"]["outcome"], &events[2]["event"]["action"]),
        (&json!("failure"), &json!("events.read"))
    );
    assert_eq!(events[2]["schoolgate"]["details"], json!({"user": "y5.042"}));
}
