//! What passes through decrypted comes whole, or is seen to be broken.

use super::*;
use crate::harness::{BOTH, Talk, ten_mebibytes};
use tokio::io::AsyncWriteExt;

/// Client and site in all four pairs of HTTP/1.1 and HTTP/2.
const PAIRS: [(&str, &str); 4] = [
    ("http/1.1", "h1only.example"),
    ("http/1.1", "h2only.example"),
    ("h2", "h1only.example"),
    ("h2", "h2only.example"),
];

/// Invariant 18: ten mebibytes up and down again, byte by byte.
#[tokio::test(flavor = "multi_thread")]
async fn ten_mebibytes_come_through_both_ways() {
    let gateway = always().start().await;
    let all = ten_mebibytes();
    for (offer, site) in PAIRS {
        let mut visit = gateway.managed("ks2").visit(site, &[offer]).await;
        let page = visit.ask("POST", "/body", &[], all.clone()).await.unwrap();
        assert!(page.body == all, "{offer} {site}: {} bytes came back", page.body.len());
        let page = visit.get("/download").await;
        assert!(page.body == all, "{offer} {site}: {} bytes came down", page.body.len());
    }
    let requests = gateway.accesses().into_iter().filter(|access| access.event["url"]["path"] == "/body");
    for (at, access) in requests.enumerate() {
        let own = &access.event["schoolgate"];
        assert_eq!((&own["bytes_up"], &own["bytes_down"]), (&(10 << 20).into(), &(10 << 20).into()), "{at}");
    }
    gateway.stop().await;
}

/// Answers without a body end where they end, and the connection goes on.
#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_keep_their_place() {
    let gateway = always().start().await;
    for (offer, site) in PAIRS {
        let mut visit = gateway.managed("ks2").visit(site, &[offer]).await;
        let what = format!("{offer} {site}");
        for (method, path, status) in [
            ("GET", "/empty", 204),
            ("GET", "/unchanged", 304),
            ("HEAD", "/large", 200),
            ("DELETE", "/empty", 204),
            ("POST", "/empty", 204),
            ("OPTIONS", "/empty", 204),
        ] {
            let page = visit.ask(method, path, &[], "").await.unwrap();
            assert_eq!((page.status, page.body.len()), (status, 0), "{what} {method} {path}");
            if method == "HEAD" {
                assert_eq!(page.field("content-length").as_deref(), Some("1048576"), "{what}");
            }
        }
        assert_eq!(visit.get("/").await.text(), "hello from the origin", "{what}");
    }
    gateway.stop().await;
}

/// Chunked bodies and trailers; and fields that lead round the gateway stay behind, others come.
#[tokio::test(flavor = "multi_thread")]
async fn trailers_come_and_ways_round_do_not() {
    let gateway = always().start().await;
    for (offer, site) in PAIRS {
        let mut visit = gateway.managed("ks2").visit(site, &[offer]).await;
        let what = format!("{offer} {site}");
        let page = visit.ask("GET", "/trailers", &[("te", "trailers")], "").await.unwrap();
        assert_eq!(page.text(), "hello", "{what}");
        // To HTTP/1.1 they need not be passed on (RFC 9110 section 6.5.2).
        if offer == "h2" {
            let sum = page.trailers.as_ref().and_then(|trailers| trailers.get("x-sum"));
            assert_eq!(sum.map(|sum| sum.as_bytes()), Some(&b"5"[..]), "{what}");
        }
        let page = visit.get("/ways-round").await;
        assert_eq!(page.text(), "ok", "{what}");
        assert_eq!(page.field("x-end").as_deref(), Some("1"), "{what}");
        for way in ["alt-svc", "via"] {
            assert_eq!(page.field(way), None, "{what} {way}");
        }
        let page = visit.get("/cookies").await;
        let cookies: Vec<_> = page.fields.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["one=1; Path=/", "two=2; Path=/; HttpOnly"], "{what}");
    }
    gateway.stop().await;
}

/// Invariant 18: an answer that its origin breaks off is never taken for a whole one.
#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_seen_to_be_broken() {
    let gateway = always().start().await;
    for (offer, site) in PAIRS {
        for path in ["/truncated", "/truncated-chunked"] {
            if site == "h2only.example" && path == "/truncated-chunked" {
                continue;
            }
            let mut visit = gateway.managed("ks2").visit(site, &[offer]).await;
            let page = visit.ask("GET", path, &[], "").await;
            assert!(page.is_err(), "{offer} {site} {path}: {page:?}");
        }
    }
    // The end of an answer to HTTP/1.0 is the end of the connection: it must not look like one.
    let browser = gateway.managed("ks2");
    let secure = browser.tls("maths.example:443", "maths.example").await.unwrap();
    let mut talk = Talk::new(secure);
    talk.say("GET /truncated-chunked HTTP/1.0\r\nHost: maths.example\r\n\r\n").await;
    let (heard, ended) = talk.rest().await;
    assert!(ended.is_err(), "{}", String::from_utf8_lossy(&heard));
    for (at, access) in gateway.accesses().into_iter().enumerate() {
        if access.event["url"]["path"].is_string() {
            assert_eq!(gateway.closed(at).await["schoolgate"]["closed_by"], "error", "{at}");
        }
    }
    gateway.stop().await;
}

/// A WebSocket inside TLS: bytes both ways, its end on record with their count.
#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_echoes_and_its_end_is_recorded() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    // Clients leave TLS with and without taking leave.
    for (site, leave) in [("h1only.example", true), ("h2.example", false), ("maths.example", false)] {
        let before = gateway.accesses().len();
        let tunnel = browser.connect(&format!("{site}:443")).await.unwrap();
        let mut talk = Talk::new(browser.secure(tunnel, site, &["http/1.1"]).await.unwrap());
        let upgrade = format!(
            "GET /websocket HTTP/1.1\r\nHost: {site}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        );
        talk.say(upgrade).await;
        let answer = talk.answer().await.unwrap();
        assert_eq!(answer.status, 101, "{site}: {answer:?}");
        assert_eq!(answer.field("upgrade"), Some("websocket"), "{site}");
        for size in [1, 100, 50_000] {
            let sent: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
            talk.say(&sent).await;
            assert!(talk.exactly(sent.len()).await == sent, "{site} {size}");
        }
        if leave {
            talk.stream.shutdown().await.unwrap();
        }
        drop(talk);
        let event = gateway.closed(before + 1).await;
        assert_eq!(event["url"]["path"], "/websocket", "{event:#}");
        let own = &event["schoolgate"];
        assert_eq!((&own["bytes_up"], &own["bytes_down"]), (&50_101.into(), &50_101.into()), "{event:#}");
        assert_eq!(own["closed_by"], "client", "{event:#}");
    }
    gateway.stop().await;
}

/// Invariant 17: what a client sends behind an upgrade that is not granted goes nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_behind_a_refused_upgrade_reaches_an_origin() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for (site, path, status) in [
        ("h1only.example", "/not-a-socket", 200),
        ("h2only.example", "/websocket", 200),
        ("games.example", "/websocket", 403),
        ("shared.example", "/listed/page", 403),
    ] {
        let tunnel = browser.connect(&format!("{site}:443")).await.unwrap();
        let mut talk = Talk::new(browser.secure(tunnel, site, &["http/1.1"]).await.unwrap());
        talk.say(format!(
            "GET {path} HTTP/1.1\r\nHost: {site}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\
             GET /behind HTTP/1.1\r\nHost: {site}\r\n\r\n"
        ))
        .await;
        assert_eq!(talk.answer().await.map(|answer| answer.status), Some(status), "{site}{path}");
        assert!(talk.answer().await.is_none(), "{site}{path}: a second answer");
        assert!(!gateway.origin.heads().concat().contains("behind"), "{site}{path}");
    }
    // A 101 that nobody asked for opens no tunnel.
    let mut visit = browser.visit("h1only.example", &BOTH).await;
    let page = visit.ask("GET", "/unasked-101", &[], "").await;
    assert!(page.as_ref().is_ok_and(|page| page.status == 502), "{page:?}");
    gateway.stop().await;
}

/// An answer's fields are the origin's own, all of them and no others, but for what this hop
/// needs; and so is its status.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_an_answer() {
    let pupils = "[groups.pupils]\n";
    let policy = POLICY.replace(pupils, &format!("{pupils}inspect = \"always\"\n"));
    let gateway = Gateway::new().policy(&policy).start().await;
    let (inspected, spliced) = (gateway.managed("ks2"), gateway.managed("staff"));
    let named = |fields: &hyper::HeaderMap| {
        let fields = fields.iter().map(|(name, value)| (name.to_string(), value.clone()));
        // Framing is of the hop, and who passes on an answer without a date may date it.
        let framing = ["connection", "transfer-encoding", "content-length", "date"];
        let mut fields: Vec<_> = fields.filter(|(name, _)| !framing.contains(&name.as_str())).collect();
        fields.sort();
        fields
    };
    for offer in ["h2", "http/1.1"] {
        let mut through = inspected.visit("h2.example", &[offer]).await;
        let mut past = spliced.visit("h2.example", &[offer]).await;
        for path in ["/", "/cookies", "/unchanged", "/empty", "/page", "/data.json"] {
            let (through, past) = (through.get(path).await, past.get(path).await);
            assert_eq!(
                (through.status, named(&through.fields)),
                (past.status, named(&past.fields)),
                "{offer} {path}"
            );
            assert_eq!(through.body, past.body, "{offer} {path}");
        }
    }
    gateway.stop().await;
}
