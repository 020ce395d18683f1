//! The record of what passed: there before the answer, true to it, and not to be forged.

use std::path::PathBuf;

use crate::harness::{Gateway, Talk};

/// Invariant 25: whoever has an answer has its access in the trail, in the files.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_is_on_file_before_its_answer_is_out() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let mut talk = browser.talk().await;
    for number in 0..40 {
        let path = format!("/page-{number}?q");
        assert_eq!(talk.get(&format!("http://maths.example{path}")).await.unwrap().status, 200);
        assert!(gateway.trail().contains(&path), "{path}");
        let page = format!("/refused-{number}");
        assert_eq!(browser.get(&format!("http://games.example{page}")).await.status, 403);
        assert!(gateway.trail().contains(&page), "{page}");
    }
    let tunnel = browser.tls("new.example:443", "new.example").await.unwrap();
    assert_eq!(gateway.accesses().last().unwrap().event["tls"]["client"]["server_name"], "new.example");
    drop(tunnel);
    assert_eq!(browser.connect("adult.example:443").await.unwrap_err().status, 403);
    assert_eq!(gateway.accesses().last().unwrap().event["url"]["domain"], "adult.example");
    assert_eq!(gateway.accesses().len(), 82);
    gateway.stop().await;
}

/// What led to a page is on record, so that accident and intent can be told; a page of a statutory
/// list is not, by this way either, nor what no browser says.
#[tokio::test(flavor = "multi_thread")]
async fn what_led_to_a_page_is_recorded_and_never_a_statutory_address() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let mut talk = browser.talk().await;
    for referrer in [
        "http://me:secret@search.example/q?=tudors#top",
        "http://statutory.example/page",
        "http://translate.example/?url=http://statutory.example/page",
        "not an address",
    ] {
        talk.say(format!(
            "GET http://maths.example/ HTTP/1.1\r\nHost: maths.example\r\nReferer: {referrer}\r\n\
             Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Site: http://statutory.example/\r\n\r\n"
        ))
        .await;
        assert_eq!(talk.answer().await.unwrap().status, 200);
    }
    let accesses = gateway.accesses();
    let referrers: Vec<_> =
        accesses.iter().map(|access| &access.event["http"]["request"]["referrer"]).collect();
    assert_eq!(referrers[0], "http://search.example/q?=tudors");
    assert!(referrers[1..].iter().all(|referrer| referrer.is_null()), "{referrers:?}");
    let fetch = serde_json::json!({ "mode": "navigate", "dest": "document" });
    assert!(accesses.iter().all(|access| access.event["schoolgate"]["fetch"] == fetch));
    assert!(!gateway.trail().contains("statutory.example") && !gateway.trail().contains("secret"));
    gateway.stop().await;
}

/// The end of an access says how much went which way, for how long, and who ended it.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_carries_bytes_duration_and_who() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let head =
        "POST http://maths.example/large HTTP/1.1\r\nHost: maths.example\r\nContent-Length: 1000\r\n\r\n";
    let mut talk = browser.talk().await;
    talk.say(head.to_owned() + &"x".repeat(1000)).await;
    assert_eq!(talk.answer().await.unwrap().body.len(), 1 << 20);
    let whole = gateway.closed(0).await;
    let mut talk = browser.talk().await;
    talk.say("GET http://maths.example/stream HTTP/1.1\r\nHost: maths.example\r\n\r\n").await;
    assert!(!talk.first().await.is_empty());
    drop(talk);
    let left = gateway.closed(1).await;
    assert_eq!(browser.get("http://games.example/").await.status, 403);
    let refused = gateway.closed(2).await;
    assert_eq!(browser.get("https://maths.example/").await.status, 200);
    let tunnel = gateway.closed(3).await;
    let of = |event: &serde_json::Value, name: &str| event["schoolgate"][name].clone();
    assert_eq!((of(&whole, "bytes_up"), of(&whole, "bytes_down")), (1000.into(), (1 << 20).into()));
    assert_eq!(of(&whole, "closed_by"), "origin");
    assert_eq!(of(&left, "closed_by"), "client", "{left:#}");
    assert_eq!((of(&refused, "bytes_up"), of(&refused, "closed_by")), (0.into(), "gateway".into()));
    assert!(of(&tunnel, "bytes_up").as_u64().unwrap() > 200, "{tunnel:#}");
    for event in [whole, left, tunnel] {
        assert!(event["event"]["duration"].as_u64().is_some_and(|nanos| nanos > 0), "{event:#}");
    }
    gateway.stop().await;
}

/// Invariant 27: nothing that a client writes makes another line, or another field, of a record.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_forge_no_record() {
    let gateway = Gateway::new().start().await;
    let forged = "%0d%0a{\"event\":{\"action\":\"forged\"}}";
    let mut asked = Vec::new();
    for path in [
        format!("/{forged}"),
        "/\",\"event\":{\"action\":\"forged\"},\"x\":\"".to_owned(),
        "/%E2%80%A8%22%5C%1b[31m".to_owned(),
        "/?q=%E2%80%A9%22\\u0000'".to_owned(),
        format!("/?{}", forged.replace('"', "'")),
    ] {
        let url = format!("http://maths.example{path}");
        let agent =
            "User-Agent: \"}\\\\ {\"event\":{\"action\":\"forged\"}} \u{2028}\u{e9}\x1b".replace('\x1b', "");
        let request =
            format!("GET {url} HTTP/1.1\r\nHost: maths.example\r\n{agent}\r\nConnection: close\r\n\r\n");
        let answer = gateway.browser("ks2").send(&request).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        asked.push(url);
    }
    for method in ["FORGED\"", "GET\u{2028}"] {
        let request = format!("{method} http://maths.example/ HTTP/1.1\r\nHost: maths.example\r\n\r\n");
        let answer = gateway.browser("ks2").send(&request).await;
        assert_ne!(answer.status, 200, "{method}");
    }
    let trail = gateway.trail();
    for line in trail.lines().filter(|line| !line.is_empty()) {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_ne!(event["event"]["action"], "forged", "{line}");
        assert!(!line.contains(['\u{2028}', '\u{2029}', '\u{1b}']), "{line}");
    }
    let web = |event: &serde_json::Value| event["url"]["path"].is_string();
    assert_eq!(gateway.accesses().iter().filter(|access| web(&access.event)).count(), asked.len());
    gateway.stop().await;
}

/// Invariant 28: no cookie, no credential, no body in any file of the trail.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_on_file() {
    let gateway = Gateway::new().start().await;
    for host in ["maths.example", "games.example"] {
        for target in [format!("http://{host}/in"), format!("http://hidden-user:hidden-word@{host}/in")] {
            let request = format!(
                "POST {target} HTTP/1.1\r\nHost: {host}\r\nCookie: s=hidden-cookie\r\nAuthorization: Bearer hidden-token\r\n\
                 Proxy-Authorization: Basic hidden-proxy\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhidden-body"
            );
            assert!([200, 400, 403].contains(&gateway.browser("ks2").send(&request).await.status));
        }
    }
    assert_eq!(gateway.accesses().len(), 2, "userinfo in a target is no request");
    let store = std::fs::read(gateway.file("var/state.db")).unwrap();
    assert!(!gateway.trail().contains("hidden-"), "in the trail");
    assert!(!String::from_utf8_lossy(&store).contains("hidden-"), "in the store");
    gateway.stop().await;
}

/// The trail, moved out of the writer's way and put back.
pub(crate) struct Away(PathBuf, PathBuf);

impl Away {
    pub(crate) fn take(gateway: &Gateway) -> Away {
        let away = Away(gateway.file("var/audit"), gateway.file("var/audit-away"));
        std::fs::rename(&away.0, &away.1).unwrap();
        std::fs::write(&away.0, "not a folder").unwrap();
        away
    }

    pub(crate) fn put_back(self) {
        std::fs::remove_file(&self.0).unwrap();
        std::fs::rename(&self.1, &self.0).unwrap();
    }
}

/// Invariants 25 and 29: what can't be recorded does not happen; once it can be again, it does,
/// and the trail says what it missed.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_recorded_is_refused() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    assert_eq!(browser.get("http://maths.example/before").await.status, 200);
    let mut open = browser.talk().await;
    assert_eq!(open.get("http://maths.example/open").await.unwrap().status, 200);
    let away = Away::take(&gateway);
    assert_eq!(open.get("http://maths.example/lost").await.unwrap().status, 503);
    for url in ["http://maths.example/lost", "http://games.example/lost", "http://statutory.example/lost"] {
        let answer = browser.get(url).await;
        assert_eq!(answer.status, 503, "{url}: {answer:?}");
    }
    assert_eq!(browser.connect("games.example:443").await.unwrap_err().status, 503);
    let refused = browser.tls("maths.example:443", "maths.example").await.unwrap_err();
    assert!(refused.body.contains("InternalError"), "{refused:?}");
    let mut talk = Talk::new(browser.connect("maths.example:80").await.unwrap());
    talk.say("GET /lost HTTP/1.1\r\nHost: maths.example\r\n\r\n").await;
    assert_eq!(talk.answer().await.unwrap().status, 503);
    assert_eq!(gateway.ready().await.0, 503, "no traffic should be sent here");
    assert!(gateway.running.is_alive(), "to end the process would mend nothing, and drop what is open");
    assert!(!gateway.origin.heads().concat().contains("lost"));
    away.put_back();
    gateway.eventually("a trail that can be written", |gateway| !gateway.running.recorder.is_stuck()).await;
    assert_eq!(browser.get("http://maths.example/after").await.status, 200);
    let mut system = gateway.events("schoolgate.system").into_iter();
    let resumed = system.rfind(|record| record.event["event"]["action"] == "audit.resumed");
    assert!(resumed.is_some(), "the gap is named");
    let trail = gateway.trail();
    assert!(trail.contains("/after") && !trail.contains("/lost"));
    gateway.stop().await;
}
