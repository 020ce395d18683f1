//! Ways round a filter: names that disagree, protocols in disguise, odd pieces, forged headers.

use crate::harness::{Dripped, Gateway, POLICY, Talk, hello, in_records, within};

/// The alert that says `access_denied`, as it stands on the wire.
const ACCESS_DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

/// Invariant 4: CONNECT and SNI must name the same host; neither order lets a blocked one through.
#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_names_another_host_than_connect_is_refused_and_recorded() {
    let gateway = Gateway::new().start().await;
    let cases = [
        ("ks2", "maths.example:443", "games.example", "category"),
        ("ks2", "maths.example:443", "shared.example", "protocol"),
        ("ks2", "maths.example:443", "school-blocked.example", "school_lists"),
        ("staff", "maths.example:443", "shared.example", "protocol"),
        // Opened by the school's list, which opens no second name.
        ("ks2", "times-tables.games.example:443", "chess.games.example", "protocol"),
    ];
    for (at, (group, target, name, _)) in cases.into_iter().enumerate() {
        let answer = gateway.browser(group).tls(target, name).await.unwrap_err();
        assert!(answer.body.contains("AccessDenied"), "{target} {name}: {answer:?}");
        let event = &gateway.accesses()[at].event;
        assert_eq!(event["event"]["action"], "block", "{event:#}");
        let rung = event["schoolgate"]["rung"].as_str().unwrap();
        assert!(["category", "protocol", "school_lists"].contains(&rung), "{event:#}");
        assert_eq!(event["tls"]["client"]["server_name"], name, "{event:#}");
    }
    let blocked_outside = gateway.browser("ks2").connect("games.example:443").await.unwrap_err();
    assert_eq!(blocked_outside.status, 403);
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 10: what is inside CONNECT and is not TLS with a name is refused and recorded.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_tls_with_a_name_inside_connect_443_is_refused() {
    let gateway = Gateway::new().setting("LIMITS__HELLO_SECONDS", "1").start().await;
    let cases: [(&str, Vec<u8>); 9] = [
        ("ssh", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: maths.example\r\n\r\n".to_vec()),
        ("http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("openvpn", b"\x00\x2a\x38abcdefgh".to_vec()),
        ("socks", b"\x05\x01\x00".to_vec()),
        ("no name", hello("", 0)),
        ("half a hello", hello("maths.example", 0)[..40].to_vec()),
        ("half a record", vec![22, 3, 1]),
        ("silence", Vec::new()),
    ];
    for (at, (what, bytes)) in cases.iter().enumerate() {
        let mut talk = Talk::new(gateway.browser("ks2").connect("maths.example:443").await.unwrap());
        talk.say(bytes).await;
        let (rest, _) = talk.rest().await;
        let alert_or_nothing = rest.is_empty() || rest == ACCESS_DENIED;
        assert!(alert_or_nothing, "{what}: {}", String::from_utf8_lossy(&rest));
        let event = &gateway.accesses()[at].event;
        assert_eq!(event["event"]["action"], "block", "{what} {event:#}");
        assert_eq!(event["schoolgate"]["rung"], "protocol", "{what} {event:#}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariants 5 and 10: a bare address has no name to be judged by, in any of its forms.
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_address_is_refused_in_all_its_forms() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for host in [
        "127.0.0.1",
        "93.184.216.34",
        "1572395042",
        "0x5db8d822",
        "0135.0270.0330.042",
        "93.184.55330",
        "[2606:2800:220:1::1]",
        "[::ffff:93.184.216.34]",
    ] {
        let answer = browser.get(&format!("http://{host}/")).await;
        assert_eq!(answer.status, 403, "{host}: {answer:?}");
        let answer = browser.connect(&format!("{host}:443")).await.unwrap_err();
        assert_eq!(answer.status, 403, "{host}: {answer:?}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 10: ports that no browser needs, and targets that are none.
#[tokio::test(flavor = "multi_thread")]
async fn odd_ports_and_connect_targets_are_refused() {
    let gateway = Gateway::new().start().await;
    let cases = [
        ("maths.example:22", 403),
        ("maths.example:25", 403),
        ("maths.example:8443", 403),
        ("maths.example", 400),
        ("maths.example:", 400),
        ("maths.example:0", 400),
        ("maths.example:65536", 400),
        ("maths.example:+443", 400),
        ("maths.example:443/", 400),
        ("user@maths.example:443", 400),
        ("http://maths.example:443", 400),
        (":443", 400),
        ("m\u{fc}nchen.example:443", 400),
    ];
    for (target, status) in cases {
        let answer = gateway.browser("ks2").connect(target).await.unwrap_err();
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    }
    let answer = gateway.browser("ks2").get("http://maths.example:8080/").await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 8: a blocked name stays blocked however its hello is cut; invariant 11: an allowed
/// one stays allowed, also when its hello takes 16 kB.
#[tokio::test(flavor = "multi_thread")]
async fn the_cut_of_a_hello_changes_nothing() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for records in [false, true] {
        let tunnel = browser.connect("maths.example:443").await.unwrap();
        let shaken = browser.handshake(Dripped::new(tunnel, records), "maths.example").await;
        assert!(shaken.is_ok(), "records {records}: {:?}", shaken.err());
        let tunnel = browser.connect("maths.example:443").await.unwrap();
        let refused = browser.handshake(Dripped::new(tunnel, records), "games.example").await.unwrap_err();
        assert!(refused.body.contains("AccessDenied"), "records {records}: {refused:?}");
    }
    let large = hello("games.example", 80);
    assert!(large.len() > 16_000 && hello("games.example", 0).len() < 2_000);
    for bytes in [large.clone(), in_records(&large, 16_384), in_records(&large, 700)] {
        let mut talk = Talk::new(browser.connect("maths.example:443").await.unwrap());
        talk.say(&bytes).await;
        assert_eq!(talk.rest().await.0, ACCESS_DENIED);
        let mut talk = Talk::new(browser.connect("maths.example:443").await.unwrap());
        let renamed = in_records(&hello("maths.example", 80), bytes.len().min(16_000));
        talk.say(&renamed).await;
        // Whatever the origin makes of it, it comes from the origin: a tunnel is open.
        let first = talk.first().await;
        assert!(!first.is_empty() && first != ACCESS_DENIED, "{first:?}");
    }
    gateway.stop().await;
}

/// Invariant 6: case, root dots and U-labels are one name, inside a hello too.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_folded_before_they_are_judged() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for (target, name) in [
        ("MATHS.example:443", "maths.example"),
        ("maths.example.:443", "MATHS.EXAMPLE"),
        ("maths.example:443", "Maths.Example"),
    ] {
        let shaken = browser.tls(target, name).await;
        assert!(shaken.is_ok(), "{target} {name}: {:?}", shaken.err());
    }
    for name in ["GAMES.example", "Chess.GAMES.Example", "xn--mnchen-3ya.example", "XN--MNCHEN-3YA.example"] {
        let answer = browser.tls("maths.example:443", name).await.unwrap_err();
        assert!(answer.body.contains("AccessDenied"), "{name}: {answer:?}");
    }
    gateway.stop().await;
}

/// Invariant 15: nothing that a client writes changes who it is.
#[tokio::test(flavor = "multi_thread")]
async fn forged_identity_headers_change_nothing() {
    let gateway = Gateway::new().start().await;
    for (at, header) in [
        "X-Forwarded-For: 127.1.8.7",
        "Forwarded: for=127.1.8.7",
        "X-Real-IP: 127.1.8.7",
        "Via: 1.1 127.1.8.7",
        "X-Client-IP: 127.1.8.7",
        "True-Client-IP: 127.1.8.7",
        "Proxy-Authorization: Basic c3RhZmY6c3RhZmY=",
        "Referer: http://times-tables.games.example/",
        "X-User: staff",
    ]
    .into_iter()
    .enumerate()
    {
        let request = |host: &str| {
            format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{header}\r\nConnection: close\r\n\r\n")
        };
        let answer = gateway.browser("ks2").send(&request("games.example")).await;
        assert_eq!(answer.status, 403, "{header}: {answer:?}");
        let event = &gateway.accesses()[at].event;
        assert_eq!(event["source"]["ip"], "127.1.2.7", "{header} {event:#}");
        assert_eq!(event["user"]["group"]["name"], "ks2", "{header} {event:#}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 4: target and Host agree, or the request is none.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_field_that_differs_from_the_target_is_400() {
    let gateway = Gateway::new().start().await;
    for (target, host) in [
        ("http://maths.example/", "games.example"),
        ("http://games.example/", "maths.example"),
        ("http://maths.example/", "maths.example:8080"),
        ("http://maths.example:8080/", "maths.example"),
        ("http://maths.example/", ""),
        ("http://maths.example/", "maths.example, games.example"),
        ("http://maths.example/", "maths.example/games"),
        ("http://maths.example@games.example/", "maths.example"),
        ("https://maths.example/", "maths.example"),
        ("ftp://maths.example/", "maths.example"),
        ("/", "maths.example"),
        ("*", "maths.example"),
        ("maths.example/", "maths.example"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let answer = gateway.browser("ks2").send(&request).await;
        assert_eq!(answer.status, 400, "{target} {host}: {answer:?}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// A walled garden opens what is approved and nothing else; who nobody knows is judged as its
/// strictest group (fail closed).
#[tokio::test(flavor = "multi_thread")]
async fn a_walled_garden_holds_and_the_unknown_stand_in_it() {
    let gateway = Gateway::new().start().await;
    for group in ["eyfs_ks1", "nobody knows"] {
        let browser = gateway.browser(group);
        assert_eq!(browser.get("http://phonics.example/").await.status, 200, "{group}");
        assert_eq!(browser.get("https://phonics.example/").await.status, 200, "{group}");
        for url in ["http://maths.example/", "https://maths.example/", "http://93.184.216.34/"] {
            let answer = browser.get(url).await;
            assert_eq!(answer.status, 403, "{group} {url}: {answer:?}");
        }
        let inside = browser.tls("phonics.example:443", "maths.example").await.unwrap_err();
        assert!(inside.body.contains("AccessDenied"), "{group}: {inside:?}");
    }
    assert_eq!(gateway.origin.heads().len(), 4);
    gateway.stop().await;
}

/// Invariants 4 and 9: plain HTTP inside CONNECT to port 80, as websockets come, is judged
/// request by request, and may not name another host.
#[tokio::test(flavor = "multi_thread")]
async fn http_inside_connect_is_judged_by_request_and_by_host() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let mut talk = Talk::new(browser.connect("mixed.example:80").await.unwrap());
    for (path, status) in [("/maths", 200), ("/also", 200), ("/games/chess", 403)] {
        talk.say(format!("GET {path} HTTP/1.1\r\nHost: mixed.example\r\n\r\n")).await;
        assert_eq!(talk.answer().await.unwrap().status, status, "{path}");
    }
    assert!(talk.answer().await.is_none(), "a refusal ends the connection");
    for host in ["games.example", "maths.example", "mixed.example:443", "127.0.0.1"] {
        let mut talk = Talk::new(browser.connect("mixed.example:80").await.unwrap());
        talk.say(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(talk.answer().await.unwrap().status, 400, "{host}");
    }
    let mut talk = Talk::new(browser.connect("mixed.example:80").await.unwrap());
    talk.say("GET http://games.example/ HTTP/1.1\r\nHost: games.example\r\n\r\n").await;
    assert_eq!(talk.answer().await.unwrap().status, 400);
    assert_eq!(gateway.origin.heads().len(), 2);
    gateway.stop().await;
}

/// Invariants 1 and 10: a group that may do the unclassified gets no way round the URL lists:
/// HTTP/2 in the clear is refused, plain HTTP at the TLS port is judged request by request.
#[tokio::test(flavor = "multi_thread")]
async fn staff_hide_no_pages_behind_other_protocols() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("staff");
    for target in ["shared.example:80", "shared.example:443"] {
        let mut talk = Talk::new(browser.connect(target).await.unwrap());
        talk.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert_eq!(talk.rest().await.0, b"", "{target}");
        let mut talk = Talk::new(browser.connect(target).await.unwrap());
        let host = target.trim_end_matches(":80");
        talk.say(format!("GET /listed/page HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(talk.answer().await.map(|answer| answer.status), Some(403), "{target}");
    }
    let rungs = gateway.accesses().into_iter().map(|access| access.event["schoolgate"]["rung"].clone());
    assert_eq!(rungs.collect::<Vec<_>>(), ["protocol", "statutory", "protocol", "statutory"]);
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 10, at the explicit door: what is not HTTP gets nowhere, for no group.
#[tokio::test(flavor = "multi_thread")]
async fn other_protocols_at_the_explicit_door_get_nowhere() {
    let gateway = Gateway::new().policy(POLICY).setting("LIMITS__HEAD_SECONDS", "1").start().await;
    for group in ["ks2", "staff"] {
        for bytes in [
            &b"SSH-2.0-x\r\n"[..],
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x05\x01\x00",
            b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00",
            b"GET /\r\n\r\n",
            b"GET http://maths.example/\r\n\r\n",
            &hello("maths.example", 0),
        ] {
            let mut stream = gateway.browser(group).connection().await;
            tokio::io::AsyncWriteExt::write_all(&mut stream, bytes).await.unwrap();
            let (rest, _) = within(Talk::new(stream).rest()).await;
            let text = String::from_utf8_lossy(&rest);
            let nothing = rest.is_empty() || rest[0] == 21 || text.starts_with("HTTP/1.1 400");
            assert!(nothing, "{group} {}: {text}", String::from_utf8_lossy(bytes));
        }
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}
