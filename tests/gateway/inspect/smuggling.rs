//! The smuggling corpus inside TLS: what can be read in two ways leaves in neither.

use super::*;
use crate::harness::{Browser, Talk};
use crate::smuggling::{CHUNKS, HEADS, LINES, NOT_HTTP, SMUGGLED};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn inside(browser: &Browser) -> Talk<TlsStream<TcpStream>> {
    Talk::new(browser.tls("maths.example:443", "maths.example").await.unwrap())
}

/// As a client of an origin writes it.
fn in_origin_form(message: &str) -> String {
    message.replace("http://maths.example/", "/")
}

/// Invariant 16 inside TLS: one answer, with 400 and its like, and nothing reaches the origin.
#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_head_inside_tls_never_leaves() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let heads = HEADS
        .iter()
        .map(|(fields, status)| (format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n0\r\n\r\n"), *status));
    let lines = LINES.iter().map(|(line, status)| {
        // It need not be told from other protocols here: inside TLS it is HTTP or nothing.
        let status = if *status == NOT_HTTP { 400 } else { *status };
        (format!("{}\r\nHost: maths.example\r\n\r\n", in_origin_form(line)), status)
    });
    for (message, status) in heads.chain(lines) {
        let mut talk = inside(&browser).await;
        talk.say(format!("{message}{}", in_origin_form(SMUGGLED))).await;
        let answer = talk.answer().await;
        assert_eq!(answer.map(|answer| answer.status), Some(status), "{message:?}");
        assert!(talk.answer().await.is_none(), "{message:?}: a second answer");
        assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{message:?}");
    }
    gateway.stop().await;
}

/// Invariants 16 and 17 inside TLS: a chunked body at fault ends its request and the connection.
#[tokio::test(flavor = "multi_thread")]
async fn an_ambiguous_body_inside_tls_ends_its_request() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (at, chunks) in CHUNKS.into_iter().enumerate() {
        let mut talk = inside(&browser).await;
        let head = "POST /body HTTP/1.1\r\nHost: maths.example\r\nTransfer-Encoding: chunked";
        talk.say(format!("{head}\r\n\r\n{chunks}{}", in_origin_form(SMUGGLED))).await;
        let answer = talk.answer().await;
        assert_eq!(answer.map(|answer| answer.status), Some(400), "{chunks:?}");
        assert!(talk.answer().await.is_none(), "{chunks:?}: a second answer");
        let heads = gateway.origin.heads();
        assert!(heads.len() <= at + 1 && !heads.concat().contains("smuggled"), "{chunks:?}: {heads:?}");
    }
    gateway.stop().await;
}

/// Invariant 9: what only looks odd is one request; two behind each other are two, each judged.
#[tokio::test(flavor = "multi_thread")]
async fn pipelined_requests_inside_tls_are_judged_one_by_one() {
    let gateway = always().start().await;
    let mut talk =
        Talk::new(gateway.managed("ks2").tls("shared.example:443", "shared.example").await.unwrap());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: shared.example\r\n\r\n");
    talk.say([get("/path?1"), get("/path?2"), get("/listed/page"), get("/path?3")].concat()).await;
    for (path, status) in [("/path?1", 200), ("/path?2", 200), ("/listed/page", 403)] {
        let answer = talk.answer().await.unwrap();
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(status == 403 || answer.body == path, "{answer:?}");
    }
    assert!(talk.answer().await.is_none(), "a refusal ends the connection");
    assert_eq!(gateway.origin.heads().len(), 2);
    gateway.stop().await;
}
