//! Requests and answers through the gateway: each judged, made anew, whole, and nobody else's.

use tokio::io::AsyncWriteExt;

use crate::harness::{Gateway, Talk};

/// Invariant 9: every request on a connection is judged, in turn and pipelined.
#[tokio::test(flavor = "multi_thread")]
async fn every_request_on_a_connection_is_judged() {
    let gateway = Gateway::new().start().await;
    let mut talk = gateway.browser("ks2").talk().await;
    for path in ["/1", "/2", "/3"] {
        assert_eq!(talk.get(&format!("http://maths.example{path}")).await.unwrap().status, 200);
    }
    assert_eq!(talk.get("http://new.example/4").await.unwrap().status, 200);
    assert_eq!(talk.get("http://games.example/5").await.unwrap().status, 403);
    let mut talk = gateway.browser("ks2").talk().await;
    let get = |url: &str| format!("GET {url} HTTP/1.1\r\nHost: {}\r\n\r\n", url.split('/').nth(2).unwrap());
    let urls = ["http://maths.example/6", "http://mixed.example/7", "http://mixed.example/games/8"];
    talk.say(urls.map(get).concat() + &get("http://maths.example/behind-a-refusal")).await;
    for status in [200, 200, 403] {
        assert_eq!(talk.answer().await.unwrap().status, status);
    }
    assert!(talk.answer().await.is_none(), "a refusal ends the connection");
    let targets: Vec<_> =
        gateway.origin.heads().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(targets, ["/1", "/2", "/3", "/4", "/6", "/7"]);
    assert_eq!(gateway.accesses().len(), 8);
    gateway.stop().await;
}

/// Invariants 4 and 19: the request is made anew; hop-by-hop fields stay here, in both directions.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_made_anew_and_hop_by_hop_fields_stay() {
    let gateway = Gateway::new().start().await;
    let request = "GET http://MATHS.example.:80/a/../head?q=1#x HTTP/1.1\r\nhOST: maths.example.\r\nX-First: 1\r\n\
                   Accept: text/html\r\nX-Same: a\r\nX-Same: b\r\nProxy-Authorization: Basic c2VjcmV0\r\n\
                   Proxy-Connection: keep-alive\r\nConnection: close, X-Named\r\nX-Named: gone\r\nKeep-Alive: 5\r\n\
                   TE: trailers\r\nCookie: a=b; c=\"d\"\r\nAccept: */*\r\n\r\n";
    let without_fragment = request.replace("#x", "");
    assert_eq!(gateway.browser("ks2").send(request).await.status, 400, "a fragment in a request");
    let answer = gateway.browser("ks2").send(&without_fragment).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let heads = gateway.origin.heads();
    let [head] = &heads[..] else { panic!("{heads:?}") };
    let lower = head.to_ascii_lowercase();
    assert!(head.starts_with("GET /head?q=1 HTTP/1.1\r\n"), "{head}");
    let values = |name: &str| -> Vec<String> {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.to_owned())
            .collect()
    };
    assert_eq!(values("host"), ["maths.example"]);
    assert_eq!(values("x-same"), ["a", "b"]);
    assert_eq!(values("accept"), ["text/html", "*/*"]);
    assert_eq!(values("cookie"), ["a=b; c=\"d\""]);
    assert_eq!(values("x-first"), ["1"]);
    for gone in ["proxy-", "x-named", "keep-alive", "\r\nte:", "secret", "127.1.2.7"] {
        assert!(!lower.contains(gone), "{gone} in {head}");
    }
    let answer = gateway.browser("ks2").get("http://maths.example/hop").await;
    assert_eq!((answer.body.as_str(), answer.field("x-end")), ("ok", Some("1")), "{answer:?}");
    for gone in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.field(gone), None, "{answer:?}");
    }
    gateway.stop().await;
}

/// Bodies arrive as they were sent, by length and in chunks; Expect is answered here.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_forwarded_exactly() {
    let gateway = Gateway::new().start().await;
    let body: String = (0..200_000).map(|number| format!("{number:x}\r\n0\r\n")).collect();
    let mut talk = gateway.browser("ks2").talk().await;
    let head = "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\n";
    talk.say(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len())).await;
    assert!(talk.answer().await.unwrap().body == body, "by length");
    let chunks: String = body
        .as_bytes()
        .chunks(7_001)
        .map(|chunk| format!("{:X};x=\"y\"\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap()))
        .collect();
    talk.say(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\nX-Trailer: 1\r\n\r\n")).await;
    assert!(talk.answer().await.unwrap().body == body, "in chunks");
    talk.say(format!("{head}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")).await;
    assert_eq!(talk.answer().await.unwrap().status, 100);
    talk.say("whole").await;
    assert_eq!(talk.answer().await.unwrap().body, "whole");
    assert!(gateway.origin.heads().iter().all(|head| !head.to_ascii_lowercase().contains("expect")));
    assert_eq!(gateway.closed(0).await["schoolgate"]["bytes_up"], body.len());
    gateway.stop().await;
}

/// Invariant 17: a tunnel opens with a 101 that was asked for, bytes in flight included; and
/// with no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_switches_only_when_both_sides_agree() {
    let gateway = Gateway::new().start().await;
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let request = |url: &str| format!("GET {url} HTTP/1.1\r\nHost: {}\r\n", url.split('/').nth(2).unwrap());
    let smuggled = "GET http://maths.example/smuggled HTTP/1.1\r\nHost: maths.example\r\n\r\n";
    let mut talk = gateway.browser("ks2").talk().await;
    talk.say(request("http://maths.example/websocket") + upgrade + "in flight").await;
    let answer = talk.answer().await.unwrap();
    assert_eq!((answer.status, answer.field("upgrade")), (101, Some("websocket")), "{answer:?}");
    assert_eq!(talk.exactly(9).await, b"in flight");
    talk.say("and after").await;
    assert_eq!(talk.exactly(9).await, b"and after");
    drop(talk);
    assert_eq!(gateway.closed(0).await["schoolgate"]["closed_by"], "client");
    for (url, fields, status) in [
        ("http://maths.example/unasked-101", "\r\n", 502),
        ("http://maths.example/unasked-101", "Connection: Upgrade\r\nUpgrade: x\r\n\r\n", 502),
        ("http://maths.example/", upgrade, 200),
        ("http://maths.example/", "Upgrade: websocket\r\n\r\n", 200),
        ("http://games.example/websocket", upgrade, 403),
        (
            "http://maths.example/",
            "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
            400,
        ),
    ] {
        let mut talk = gateway.browser("ks2").talk().await;
        talk.say(request(url) + fields + smuggled).await;
        let answer = talk.answer().await.unwrap();
        assert_eq!(answer.status, status, "{url} {fields}: {answer:?}");
        assert!(talk.answer().await.is_none(), "{url} {fields}: a second answer");
    }
    let mut talk = gateway.browser("ks2").talk().await;
    talk.say(request("http://maths.example/closes") + "Connection: close\r\n\r\n" + smuggled).await;
    assert_eq!(talk.answer().await.unwrap().status, 200);
    assert!(talk.answer().await.is_none());
    let mut talk = gateway.browser("ks2").talk().await;
    talk.say(format!("CONNECT games.example:443 HTTP/1.1\r\nHost: games.example\r\n\r\n{smuggled}")).await;
    assert_eq!(talk.answer_to("CONNECT").await.unwrap().status, 403);
    assert!(talk.answer().await.is_none());
    assert!(!gateway.origin.heads().iter().any(|head| head.contains("smuggled")));
    gateway.stop().await;
}

/// Invariant 18: a cut answer is never presented as a whole one, to no version of HTTP.
#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_answer_is_not_presented_as_complete() {
    let gateway = Gateway::new().start().await;
    for (path, version) in
        [("truncated", 1), ("truncated-chunked", 1), ("truncated", 0), ("truncated-chunked", 0)]
    {
        let mut talk = gateway.browser("ks2").talk().await;
        let host = "Host: maths.example\r\n\r\n";
        talk.say(format!("GET http://maths.example/{path} HTTP/1.{version}\r\n{host}")).await;
        let (bytes, ended) = talk.rest().await;
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let framed =
            text.contains("content-length: 100") || text.contains("chunked") && !text.ends_with("0\r\n\r\n");
        let failed = text.starts_with("http/1.1 502");
        assert!(framed || failed || ended.is_err(), "{path} 1.{version}: {text}");
    }
    gateway
        .eventually("four closes", |gateway| {
            let closed_by = |event: &serde_json::Value| event["schoolgate"]["closed_by"] == "error";
            gateway.accesses().iter().filter(|access| closed_by(&access.event)).count() == 4
        })
        .await;
    gateway.stop().await;
}

/// Invariant 18: a long answer arrives whole although the connection closes behind it and the
/// client is slow to read.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_the_whole_answer_before_the_close() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for (path, half_closed) in [("large", false), ("huge", false), ("large", true), ("huge", true)] {
        let mut talk = Talk::new(browser.narrow().await);
        talk.say(format!(
            "GET http://maths.example/{path} HTTP/1.1\r\nHost: maths.example\r\nConnection: close\r\n\r\n"
        ))
        .await;
        if half_closed {
            talk.stream.shutdown().await.unwrap();
        }
        let answer = talk.answer().await.unwrap();
        assert_eq!(answer.field("content-length").unwrap(), answer.body.len().to_string(), "{path}");
    }
    gateway.stop().await;
}

/// A refusal can be read although the client is still sending: a reset would take it away.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upload_is_told_why() {
    let gateway = Gateway::new().start().await;
    for (url, status) in
        [("http://games.example/up", 403), ("http://maths.example/%00", 400), ("/not-a-site", 400)]
    {
        let mut stream = gateway.browser("ks2").connection().await;
        let host = url.split('/').nth(2).unwrap_or("maths.example");
        let head = format!("POST {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6000000\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let sent = stream.write_all(&vec![b'x'; 6_000_000]).await;
        assert!(sent.is_ok(), "{url}: {sent:?}");
        let answer = Talk::new(stream).answer().await;
        assert_eq!(answer.map(|answer| answer.status), Some(status), "{url}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 18: under load no answer reaches another client, nor another request.
#[tokio::test(flavor = "multi_thread")]
async fn answers_never_cross() {
    let gateway = Gateway::new().start().await;
    let hammer = |group: &'static str, host: &'static str| {
        let browser = gateway.browser(group);
        async move {
            let mut talk = browser.talk().await;
            for number in 0..200 {
                let answer = talk.get(&format!("http://{host}/path?{group}-{number}")).await.unwrap();
                assert_eq!(answer.body, format!("/path?{group}-{number}"));
            }
        }
    };
    tokio::join!(
        hammer("ks2", "maths.example"),
        hammer("staff", "maths.example"),
        hammer("eyfs_ks1", "phonics.example"),
        hammer("ks2", "new.example")
    );
    assert_eq!(gateway.accesses().len(), 800);
    gateway.stop().await;
}

/// Old and odd clients: HTTP/1.0, half-closed, HEAD, an empty line before the request.
#[tokio::test(flavor = "multi_thread")]
async fn old_and_odd_clients_are_served() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let answer = browser.send("GET http://maths.example/ HTTP/1.0\r\n\r\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello from the origin"), "{answer:?}");
    let answer = browser.send("GET http://maths.example/chunked HTTP/1.0\r\n\r\n").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{answer:?}");
    let mut stream = browser.connection().await;
    stream.write_all(b"\r\nGET http://maths.example/ HTTP/1.1\r\nHost: maths.example\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = Talk::new(stream).answer().await.unwrap();
    assert_eq!(answer.body, "hello from the origin");
    let mut talk = browser.talk().await;
    talk.say("HEAD http://maths.example/large HTTP/1.1\r\nHost: maths.example\r\n\r\n").await;
    let answer = talk.answer_to("HEAD").await.unwrap();
    assert_eq!((answer.status, answer.field("content-length")), (200, Some("1048576")), "{answer:?}");
    assert_eq!(talk.get("http://maths.example/").await.unwrap().body, "hello from the origin");
    gateway.stop().await;
}
