//! Deadlines and bounds: whoever waits, sends or opens too much is let go, and leaves nothing.

use std::time::{Duration, Instant};

use schoolgate::proxy::Door;
use tokio::io::AsyncWriteExt;

use crate::harness::{Gateway, Talk, hello, within};

/// Invariant 20: a head and a hello have a total deadline, however they drip.
#[tokio::test(flavor = "multi_thread")]
async fn heads_and_hellos_have_a_deadline_in_all() {
    let gateway = Gateway::new()
        .setting("LIMITS__HEAD_SECONDS", "1")
        .setting("LIMITS__HELLO_SECONDS", "1")
        .start()
        .await;
    let browser = gateway.browser("ks2");
    let tls = browser.at(gateway.door(Door::TransparentTls));
    let named = hello("maths.example", 0);
    let cases = [
        (&browser, b"GET http://maths.example/ HTTP/1.1\r\nHost: maths.example\r\nX-Drips: ".to_vec(), 408),
        (&browser, b"GE".to_vec(), 0),
        (&browser, Vec::new(), 0),
        (&tls, named[..60].to_vec(), 0),
        (&tls, Vec::new(), 0),
    ];
    let waits = cases.into_iter().map(|(browser, bytes, status)| async move {
        let started = Instant::now();
        let mut stream = browser.connection().await;
        stream.write_all(&bytes).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let dripping = tokio::spawn(async move {
            let mut drop = tokio::time::interval(Duration::from_millis(100));
            while !bytes.is_empty() && to.write_all(b"x").await.is_ok() {
                drop.tick().await;
            }
            to
        });
        let mut text = Vec::new();
        let _ = within(tokio::io::AsyncReadExt::read_to_end(&mut from, &mut text)).await;
        let waited = started.elapsed();
        dripping.abort();
        assert!(waited > Duration::from_millis(700) && waited < Duration::from_secs(9), "{waited:?}");
        let text = String::from_utf8_lossy(&text).into_owned();
        let answered = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert_eq!(answered, status, "{text}");
    });
    futures_util::future::join_all(waits).await;
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    gateway.stop().await;
}

/// Invariant 20: what carries nothing ends: kept connections, tunnels, clients that don't read,
/// bodies that stop.
#[tokio::test(flavor = "multi_thread")]
async fn what_carries_nothing_ends() {
    let gateway = Gateway::new().setting("LIMITS__IDLE_SECONDS", "1").start().await;
    let browser = gateway.browser("ks2");
    let mut kept = browser.talk().await;
    assert_eq!(kept.get("http://maths.example/").await.unwrap().status, 200);
    let tunnel = browser.tls("maths.example:443", "maths.example").await.unwrap();
    let mut stops = browser.talk().await;
    let head = "POST http://maths.example/body HTTP/1.1\r\nHost: maths.example\r\nContent-Length: 9\r\n\r\n";
    stops.say(format!("{head}half")).await;
    let mut stalled = Talk::new(browser.narrow().await);
    stalled.say("GET http://maths.example/huge HTTP/1.1\r\nHost: maths.example\r\n\r\n").await;
    let started = Instant::now();
    assert!(kept.answer().await.is_none());
    let answer = stops.answer().await;
    assert!(answer.is_none_or(|answer| [400, 408].contains(&answer.status)));
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    drop((tunnel, stalled));
    let by: Vec<_> =
        gateway.accesses().iter().map(|access| access.event["schoolgate"]["closed_by"].clone()).collect();
    assert_eq!(by[1], "gateway", "{by:?}");
    gateway.stop().await;
}

/// Invariant 21: over a bound the answer is a status of its own, and nothing leaves.
#[tokio::test(flavor = "multi_thread")]
async fn too_long_is_answered_as_such() {
    let gateway = Gateway::new().start().await;
    let host = "HTTP/1.1\r\nHost: maths.example\r\n";
    let cases = [
        (format!("GET http://maths.example/ {host}X: {}\r\n\r\n", "x".repeat(70_000)), 431),
        (format!("GET http://maths.example/ {host}{}\r\n", "X: y\r\n".repeat(101)), 431),
        (format!("GET http://maths.example/ {host}{}\r\n", "X: yyyyyyyy\r\n".repeat(8_000)), 431),
        (format!("GET http://maths.example/{} {host}\r\n", "x".repeat(17_000)), 414),
        (format!("GET http://maths.example/{}", "x".repeat(70_000)), 414),
        (format!("GET http://maths.example/?{} {host}\r\n", "%41".repeat(6_000)), 414),
        (format!("{} http://maths.example/ {host}\r\n", "M".repeat(300)), 0),
    ];
    for (request, status) in cases {
        let mut talk = gateway.browser("ks2").talk().await;
        talk.say(&request).await;
        let answer = talk.answer().await.map_or(0, |answer| answer.status);
        assert_eq!(answer, status, "{}", &request[..60]);
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    let fits =
        format!("GET http://maths.example/{} {host}X: {}\r\n\r\n", "x".repeat(16_000), "y".repeat(40_000));
    let mut talk = gateway.browser("ks2").talk().await;
    talk.say(fits).await;
    assert_eq!(talk.answer().await.unwrap().status, 200);
    gateway.stop().await;
}

/// Invariant 21: one client can't take the places of all; a place is given back at once.
#[tokio::test(flavor = "multi_thread")]
async fn places_are_capped_per_client_and_in_all() {
    let gateway =
        Gateway::new().setting("LIMITS__PER_CLIENT", "10").setting("LIMITS__CONNECTIONS", "16").start().await;
    let url = "http://maths.example/";
    let mut inside = Vec::new();
    for (group, places) in [("ks2", 10), ("staff", 6)] {
        let browser = gateway.browser(group);
        for _ in 0..places {
            let mut talk = browser.talk().await;
            assert_eq!(talk.get(url).await.unwrap().status, 200, "{group}");
            inside.push(talk);
        }
        // The eleventh of one client, the seventeenth in all.
        assert!(browser.talk().await.get(url).await.is_none(), "{group}");
    }
    for talk in &mut inside {
        assert_eq!(talk.get(url).await.unwrap().status, 200, "those inside are served on");
    }
    inside.truncate(15);
    gateway.eventually("a free place", |gateway| gateway.metric("connections_open") == 15).await;
    let mut talk = gateway.browser("eyfs_ks1").talk().await;
    assert_eq!(talk.get("http://phonics.example/").await.unwrap().status, 200);
    assert_eq!(gateway.metric("refused_connections_total{why=\"too_many\"}"), 2);
    gateway.stop().await;
}

/// Invariants 22 and 41: 3,000 abandoned handshakes leave no connection and no descriptor, and
/// the gateway serves as before.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_handshakes_leave_nothing() {
    // All are one client's, which the cap would turn away while the disk is slow to take its records.
    let gateway = Gateway::new().setting("LIMITS__PER_CLIENT", "3000").start().await;
    let half = hello("maths.example", 0);
    let browser = gateway.browser("ks2");
    for round in 0..30 {
        let abandoned = (0..100).map(|number| {
            let (browser, half) = (browser.clone(), &half);
            async move {
                let mut stream = browser.connection().await;
                let bytes: &[u8] = match (round + number) % 4 {
                    0 => b"",
                    1 => b"GET http://maths.exa",
                    2 => b"CONNECT maths.example:443 HTTP/1.1\r\nHost: maths.example\r\n\r\n",
                    _ => &half[..half.len() / 2],
                };
                let _ = stream.write_all(bytes).await;
            }
        });
        futures_util::future::join_all(abandoned).await;
    }
    gateway.eventually("all taken", |gateway| gateway.metric("connections_total") >= 3_000).await;
    gateway.eventually("no open connection", |gateway| gateway.metric("connections_open") == 0).await;
    let ports = [gateway.door(Door::Explicit).port(), gateway.origin.tls.port()];
    assert_eq!(held_sockets(ports), 0, "sockets that something still holds");
    assert_eq!(browser.get("http://maths.example/").await.status, 200);
    gateway.stop().await;
}

/// Sockets at these local ports that a descriptor keeps: established or waiting to be closed.
/// The whole process is no measure, since other tests run in it.
fn held_sockets(ports: [u16; 2]) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let held = |line: &&str| {
        let mut words = line.split_whitespace().skip(1);
        let (local, state) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        let port = local.rsplit(':').next().and_then(|port| u16::from_str_radix(port, 16).ok());
        port.is_some_and(|port| ports.contains(&port)) && ["01", "08"].contains(&state)
    };
    table.lines().skip(1).filter(held).count()
}
