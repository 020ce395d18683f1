//! The site that TLS named is the site that requests may be for.

use super::*;
use crate::harness::{BOTH, Frames, Outcome, Talk, proper};

/// Invariant 4 over HTTP/1.1: `Host` and the name of the connection agree, or it is 421 and an
/// event.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_differs_from_the_name_in_tls_is_misdirected() {
    let gateway = always().start().await;
    for group in ["ks2", "staff"] {
        let browser = gateway.managed(group);
        for (host, domain) in [
            ("phonics.example", "phonics.example"),
            ("www.maths.example", "www.maths.example"),
            ("maths.example:8443", "maths.example"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            let before = gateway.accesses().len();
            let mut talk = Talk::new(browser.tls("maths.example:443", "maths.example").await.unwrap());
            talk.say(format!("GET /misdirected HTTP/1.1\r\nHost: {host}\r\n\r\nGET / HTTP/1.1\r\n\r\n"))
                .await;
            let answer = talk.answer().await.unwrap();
            assert_eq!(answer.status, 421, "{group} {host}: {answer:?}");
            assert!(talk.answer().await.is_none(), "{group} {host}: a second answer");
            let event = gateway.accesses().split_off(before).pop().unwrap().event;
            assert_eq!(event["event"]["action"], "block", "{group} {host} {event:#}");
            assert!(
                ["protocol:misdirected", "protocol:port"].contains(&event["rule"]["id"].as_str().unwrap()),
                "{event:#}"
            );
            assert_eq!(event["url"]["domain"], domain, "{group} {host} {event:#}");
            assert_eq!(event["tls"]["client"]["server_name"], "maths.example", "{group} {host} {event:#}");
        }
    }
    assert!(!gateway.origin.heads().concat().contains("misdirected"));
    gateway.stop().await;
}

/// Invariant 4 over HTTP/2, where one connection could carry many sites: this one does not.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_differs_from_the_name_in_tls_is_misdirected() {
    let gateway = always().start().await;
    let mut frames = Frames::open(&gateway.managed("ks2"), "h2.example").await;
    for (at, (authority, status)) in [
        ("h2.example", 200),
        ("maths.example", 421),
        ("H2.EXAMPLE", 200),
        ("h2.example:443", 200),
        ("h2.example:8443", 421),
        ("h2.example.", 200),
        ("other.h2.example", 421),
        ("games.example", 421),
        ("h2.example", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let stream = u32::try_from(at * 2 + 1).unwrap();
        let outcome = frames.ask(stream, &proper(authority, "/identity")).await;
        assert_eq!(outcome, Outcome::Status(status), "{authority}");
    }
    let heads = gateway.origin.heads();
    assert_eq!(heads.len(), 5, "{heads:?}");
    assert!(heads.iter().all(|head| head.contains("\r\n:authority: h2.example\r\n")), "{heads:?}");
    assert!(gateway.origin.names().iter().all(|name| name == "h2.example"), "no other site was called");
    let accesses = gateway.accesses();
    let misdirected = accesses.iter().filter(|access| access.event["rule"]["id"] == "protocol:misdirected");
    assert_eq!(misdirected.count(), 3, "the port and the blocked site have rules of their own");
    gateway.stop().await;
}

/// A statutory site stays one, and its record masked, however the request to it is led astray.
#[tokio::test(flavor = "multi_thread")]
async fn a_misdirected_request_for_a_statutory_page_stays_unnamed() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let mut frames = Frames::open(&browser, "h2.example").await;
    for (stream, (site, path)) in
        [(1, ("statutory.example", "/any")), (3, ("shared.example", "/listed/page"))]
    {
        let outcome = frames.ask(stream, &proper(site, path)).await;
        assert!([Outcome::Status(421), Outcome::Status(403)].contains(&outcome), "{site}: {outcome:?}");
    }
    let mut talk = Talk::new(browser.tls("maths.example:443", "maths.example").await.unwrap());
    talk.say("GET /listed/page HTTP/1.1\r\nHost: shared.example\r\n\r\n").await;
    assert!([421, 403].contains(&talk.answer().await.unwrap().status));
    let trail = gateway.trail();
    assert!(!trail.contains("statutory.example") && !trail.contains("listed/page"), "{trail}");
    let accesses = gateway.accesses();
    let statutory = accesses.iter().filter(|access| access.event["schoolgate"]["rung"] == "statutory");
    assert_eq!(statutory.count(), 3);
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// What asks a proxy inside TLS asks in the wrong place.
#[tokio::test(flavor = "multi_thread")]
async fn absolute_form_and_connect_inside_tls_are_400() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for line in [
        "GET http://maths.example/ HTTP/1.1\r\nHost: maths.example",
        "GET https://maths.example/ HTTP/1.1\r\nHost: maths.example",
        "GET https://games.example/ HTTP/1.1\r\nHost: games.example",
        "GET https://games.example/ HTTP/1.1\r\nHost: maths.example",
        "GET ftp://maths.example/ HTTP/1.1\r\nHost: maths.example",
        "CONNECT maths.example:443 HTTP/1.1\r\nHost: maths.example:443",
        "CONNECT games.example:443 HTTP/1.1\r\nHost: games.example:443",
        "OPTIONS * HTTP/1.1\r\nHost: maths.example",
        "GET maths.example/ HTTP/1.1\r\nHost: maths.example",
        "GET //user@maths.example HTTP/1.1\r\nHost: user@maths.example",
        "GET / HTTP/1.1\r\nHost: ",
        "GET / HTTP/1.0",
        "PRI * HTTP/2.0",
    ] {
        let mut talk = Talk::new(browser.tls("maths.example:443", "maths.example").await.unwrap());
        talk.say(format!("{line}\r\n\r\nGET /behind HTTP/1.1\r\nHost: maths.example\r\n\r\n")).await;
        let answer = talk.answer().await;
        let status = answer.as_ref().map(|answer| answer.status);
        assert!([Some(400), Some(505)].contains(&status), "{line}: {answer:?}");
        assert!(talk.answer().await.is_none(), "{line}: a second answer");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{line}");
    }
    gateway.stop().await;
}

/// A client that asks for HTTP/2 in TLS and speaks HTTP/1.1, or the other way, gets nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_than_was_agreed_gets_nowhere() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (offer, bytes) in [
        ("h2", &b"GET / HTTP/1.1\r\nHost: h2.example\r\n\r\n"[..]),
        ("http/1.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        ("h2", b"\x16\x03\x01\0\x05hello"),
        ("http/1.1", b"SSH-2.0-x\r\n\r\n"),
        ("http/1.1", b"GET http://maths.example/\r\n\r\n"),
    ] {
        let tunnel = browser.connect("h2.example:443").await.unwrap();
        let mut talk = Talk::new(browser.secure(tunnel, "h2.example", &[offer]).await.unwrap());
        talk.say(bytes).await;
        let (heard, _) = talk.rest().await;
        assert!(!String::from_utf8_lossy(&heard).contains(" 200 "), "{offer}");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{offer}");
    }
    assert_eq!(browser.visit("h2.example", &BOTH).await.get("/").await.status, 200);
    gateway.stop().await;
}
