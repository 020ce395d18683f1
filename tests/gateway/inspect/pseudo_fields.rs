//! Heads over HTTP/2 that a library would not send (RFC 9113 sections 8.1 to 8.3).

use super::*;
use crate::harness::{DATA, END_HEADERS, END_STREAM, Frames, HEADERS, Outcome, block, frame, proper};

const SITE: &str = "h2.example";

type Fields = Vec<(&'static str, &'static str)>;

/// A proper request with these fields behind.
fn with(more: &[(&'static str, &'static str)]) -> Fields {
    [&proper(SITE, "/hostile")[..], more].concat()
}

/// A proper request with one pseudo-field as given.
fn other(name: &'static str, value: &'static str) -> Fields {
    let proper = proper(SITE, "/hostile").into_iter();
    proper.map(|(field, usual)| if field == name { (name, value) } else { (field, usual) }).collect()
}

/// A proper request without one pseudo-field.
fn without(name: &'static str) -> Fields {
    proper(SITE, "/hostile").into_iter().filter(|(field, _)| *field != name).collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn hostile() -> Vec<(&'static str, Fields)> {
    vec![
        ("a line break in a value", with(&[("x-a", "b\r\nhost: games.example")])),
        ("a line feed in a value", with(&[("x-a", "b\nx-b: c")])),
        ("a carriage return in a value", with(&[("x-a", "b\rx-b: c")])),
        ("NUL in a value", with(&[("x-a", "b\0c")])),
        ("a line break in a name", with(&[("x-a\r\nx-b", "c")])),
        ("a colon in a name", with(&[("x-a: b", "c")])),
        ("a space in a name", with(&[("x a", "c")])),
        ("an empty name", with(&[("", "c")])),
        ("an upper-case name", with(&[("X-Upper", "c")])),
        ("connection", with(&[("connection", "close")])),
        ("connection naming a field", with(&[("connection", "x-a"), ("x-a", "b")])),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")])),
        ("keep-alive", with(&[("keep-alive", "timeout=5")])),
        ("proxy-connection", with(&[("proxy-connection", "keep-alive")])),
        ("upgrade", with(&[("upgrade", "websocket")])),
        ("te beyond trailers", with(&[("te", "gzip")])),
        ("method twice", with(&[(":method", "POST")])),
        ("path twice", with(&[(":path", "/other")])),
        ("authority twice", with(&[(":authority", "games.example")])),
        ("scheme twice", with(&[(":scheme", "https")])),
        ("a pseudo-field behind a field", {
            let mut fields = without(":path");
            fields.extend([("x-a", "b"), (":path", "/hostile")]);
            fields
        }),
        ("an unknown pseudo-field", with(&[(":other", "1")])),
        ("a pseudo-field of answers", with(&[(":status", "200")])),
        ("no method", without(":method")),
        ("no scheme", without(":scheme")),
        ("no path", without(":path")),
        ("no site at all", without(":authority")),
        ("an empty site", other(":authority", "")),
        ("a host besides that differs", with(&[("host", "games.example")])),
        ("two hosts besides", with(&[("host", SITE), ("host", "games.example")])),
        ("two hosts instead", {
            let mut fields = without(":authority");
            fields.extend([("host", SITE), ("host", "games.example")]);
            fields
        }),
        ("a user in the site", other(":authority", "user@h2.example")),
        ("a site in the user", other(":authority", "h2.example@games.example")),
        ("a path in the site", other(":authority", "h2.example/x")),
        ("a query in the site", other(":authority", "h2.example?x")),
        ("a space in the site", other(":authority", "h2.example games.example")),
        ("two sites in one", other(":authority", "h2.example,games.example")),
        ("an empty path", other(":path", "")),
        ("a star for a path", other(":path", "*")),
        ("a path without its slash", other(":path", "hostile")),
        ("a path that is a URL", other(":path", "https://games.example/hostile")),
        ("a path of another scheme", other(":path", "http://h2.example/hostile")),
        ("a line break in the path", other(":path", "/hostile HTTP/1.1\r\nhost: games.example\r\n\r\n")),
        ("a space in the path", other(":path", "/hostile x")),
        ("NUL in the path", other(":path", "/hostile\0")),
        ("NUL in the path, encoded", other(":path", "/hostile%00")),
        ("the scheme http", other(":scheme", "http")),
        ("the scheme ftp", other(":scheme", "ftp")),
        ("a line break in the scheme", other(":scheme", "https\r\nx: y")),
        ("a line break in the method", other(":method", "GET / HTTP/1.1\r\nx: ")),
        ("a space in the method", other(":method", "GET /")),
        ("an empty method", other(":method", "")),
        ("CONNECT", vec![(":method", "CONNECT"), (":authority", "h2.example:443")]),
        ("CONNECT elsewhere", vec![(":method", "CONNECT"), (":authority", "games.example:443")]),
        ("CONNECT with a path", other(":method", "CONNECT")),
        ("CONNECT for a websocket", [other(":method", "CONNECT"), vec![(":protocol", "websocket")]].concat()),
        ("a length that is none", with(&[("content-length", "five")])),
        ("two lengths", with(&[("content-length", "0"), ("content-length", "5")])),
        ("a length and no body", with(&[("content-length", "5")])),
        ("a negative length", with(&[("content-length", "-1")])),
    ]
}

/// Invariants 4 and 16: none of them leaves, and none of them is answered as if it were proper.
#[tokio::test(flavor = "multi_thread")]
async fn no_malformed_head_leaves() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (what, fields) in hostile() {
        let mut frames = Frames::open(&browser, SITE).await;
        let outcome = frames.ask(1, &fields).await;
        let refused = match outcome {
            Outcome::Status(status) => [400, 421].contains(&status),
            Outcome::Reset(_) | Outcome::Away(_) | Outcome::Closed => true,
        };
        assert!(refused, "{what}: {outcome:?}");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{what}");
    }
    let mut frames = Frames::open(&browser, SITE).await;
    assert_eq!(frames.ask(1, &with(&[("host", SITE), ("te", "trailers")])).await, Outcome::Status(200));
    assert_eq!(gateway.origin.heads().len(), 1);
    gateway.stop().await;
}

/// The same towards an origin that is asked in HTTP/1.1, where a field would become a line.
#[tokio::test(flavor = "multi_thread")]
async fn no_malformed_head_becomes_lines_of_http1() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (what, fields) in hostile() {
        let site = |value| if value == SITE { "h1only.example" } else { value };
        let fields: Fields = fields.into_iter().map(|(name, value)| (name, site(value))).collect();
        let mut frames = Frames::open(&browser, "h1only.example").await;
        let outcome = frames.ask(1, &fields).await;
        assert!(!matches!(outcome, Outcome::Status(200..400)), "{what}: {outcome:?}");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{what}");
    }
    gateway.stop().await;
}

/// A body that is shorter or longer than was said is no request that came whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_another_length_than_was_said_is_no_request() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for site in ["h2only.example", "h1only.example"] {
        for (length, sent) in [("10", 3), ("3", 10), ("0", 5)] {
            let mut frames = Frames::open(&browser, site).await;
            let fields = [
                (":method", "POST"),
                (":scheme", "https"),
                (":authority", site),
                (":path", "/body"),
                ("content-length", length),
            ];
            let body = frame(DATA, END_STREAM, 1, &b"GET / HTTP"[..sent]);
            frames.say([frame(HEADERS, END_HEADERS, 1, &block(&fields)), body].concat()).await;
            let outcome = frames.outcome(1).await;
            assert!(!matches!(outcome, Outcome::Status(200..400)), "{site} {length} {sent}: {outcome:?}");
        }
    }
    let heads = gateway.origin.heads();
    assert!(heads.iter().all(|head| head.starts_with("POST /body ")), "{heads:?}");
    gateway.stop().await;
}
