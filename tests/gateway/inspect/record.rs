//! What is on record of what was decrypted, and what never is.

use super::*;
use crate::harness::{BOTH, Frames, Site, fetch, gather, proper};
use serde_json::Value;

/// The connection says the host, each request its URL; and the numbers say how much was seen.
#[tokio::test(flavor = "multi_thread")]
async fn the_connection_and_its_requests_are_recorded_apart() {
    let gateway = always().start().await;
    for (offer, site) in [("h2", "h2.example"), ("http/1.1", "h1only.example")] {
        let before = gateway.accesses().len();
        let mut visit = gateway.managed("ks2").visit(site, &[offer]).await;
        assert_eq!(visit.get("/path?q=1").await.status, 200);
        assert_eq!(visit.ask("POST", "/body", &[], "four").await.unwrap().status, 200);
        drop(visit);
        let whole = gateway.closed(before).await;
        let events: Vec<Value> =
            gateway.accesses().split_off(before).into_iter().map(|access| access.event).collect();
        assert_eq!(events.len(), 3, "{events:#?}");
        assert_eq!(whole["schoolgate"]["visibility"], "host", "{whole:#}");
        assert_eq!(whole["schoolgate"]["mode"], "inspect", "{whole:#}");
        assert_eq!(whole["url"]["domain"], site, "{whole:#}");
        assert!(whole["url"]["full"].is_null() && whole["http"]["request"]["method"].is_null(), "{whole:#}");
        for (event, (method, path)) in events[1..].iter().zip([("GET", "/path?q=1"), ("POST", "/body")]) {
            assert_eq!(event["url"]["full"], format!("https://{site}{path}"), "{event:#}");
            assert_eq!(event["url"]["scheme"], "https", "{event:#}");
            assert_eq!(event["http"]["request"]["method"], method, "{event:#}");
            assert_eq!(event["tls"]["client"]["server_name"], site, "{event:#}");
            assert_eq!(event["tls"]["next_protocol"], offer, "{event:#}");
            assert_eq!(event["destination"]["ip"], "127.0.0.1", "{event:#}");
            let own = &event["schoolgate"];
            assert_eq!((&own["visibility"], &own["mode"]), (&"url".into(), &"allow".into()), "{event:#}");
        }
        assert_eq!(events[2]["schoolgate"]["bytes_up"], 4, "{:#}", events[2]);
    }
    assert_eq!(gateway.metric("visibility_total{group=\"ks2\",visibility=\"url\"}"), 4);
    assert_eq!(gateway.metric("visibility_total{group=\"ks2\",visibility=\"host\"}"), 2);
    gateway.stop().await;
}

/// Invariant 25 inside TLS: who has an answer has its access in the files.
#[tokio::test(flavor = "multi_thread")]
async fn an_access_inside_tls_is_on_file_before_its_answer_is_out() {
    let gateway = always().start().await;
    for offer in ["h2", "http/1.1"] {
        let mut visit = gateway.managed("ks2").visit("h2.example", &[offer]).await;
        for number in 0..20 {
            let path = format!("/page-{offer}-{number}");
            assert_eq!(visit.get(&path).await.status, 200);
            assert!(gateway.trail().contains(&path), "{path}");
        }
    }
    gateway.stop().await;
}

/// Invariant 27 inside TLS: nothing that a client sends forges a line or a field.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_forges_no_record_over_http2() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for path in [
        "/\",\"event\":{\"action\":\"forged\"},\"x\":\"",
        "/%0d%0a{\"forged\":1}",
        "/\u{2028}\u{1b}[31m",
        "/?\\\"",
    ] {
        let mut frames = Frames::open(&browser, "h2.example").await;
        let _ = frames.ask(1, &proper("h2.example", path)).await;
    }
    for line in gateway.trail().lines().filter(|line| !line.is_empty()) {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_ne!(event["event"]["action"], "forged", "{line}");
        assert!(event.get("forged").is_none(), "{line}");
        assert!(!line.contains(['\u{2028}', '\u{1b}']), "{line}");
    }
    gateway.stop().await;
}

/// Everything that the program wrote or said where somebody may look.
async fn all_that_is_told(site: &Site, program: &crate::harness::Program) -> Vec<(String, Vec<u8>)> {
    let mut told = vec![("stderr".to_owned(), program.said().into_bytes())];
    for path in ["/metrics", "/readyz"] {
        told.push((path.to_owned(), fetch(program.at("metrics"), path, None).await.into_bytes()));
    }
    site.run(&["staff", "add", "tech", "--role", "technician"]).await;
    let token = String::from_utf8(site.run(&["staff", "token", "tech"]).await.stdout).unwrap();
    let token = token.split_whitespace().find(|word| word.starts_with("sg_")).unwrap().to_owned();
    for path in ["/api/v1/events", "/api/v1/lists", "/api/v1/me", "/api/v1/audit/head"] {
        let answer = fetch(program.at("API"), path, Some(&token)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        told.push((path.to_owned(), answer.into_bytes()));
    }
    for path in ["/", "/ca", "/ca/authority.pem", "/ca/authority.key", "/var/ca/authority.key"] {
        told.push((path.to_owned(), fetch(program.at("API"), path, Some(&token)).await.into_bytes()));
    }
    for entry in std::fs::read_dir(site.file("var")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == "ca") {
            continue;
        }
        let mut bytes = Vec::new();
        gather(&path, &mut bytes);
        told.push((path.display().to_string(), bytes));
    }
    told
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Invariant 28: of what was decrypted, no cookie, no credential, no field, no body is kept or
/// said anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_that_was_decrypted_is_kept_or_said() {
    let site = always().site().await;
    let mut program = site.serve().await;
    let fields = [
        ("cookie", "s=hidden-cookie"),
        ("authorization", "Bearer hidden-token"),
        ("proxy-authorization", "Basic hidden-proxy"),
        ("x-secret", "hidden-field"),
        ("referer", "https://h2.example/what-led-here"),
        ("user-agent", "hidden-agent"),
    ];
    let browser = site.managed(&program, "ks2");
    for target in ["h2.example", "h1only.example", "games.example", "expired.example", "shared.example"] {
        for offer in ["h2", "http/1.1"] {
            let mut visit = browser.visit(target, &[offer]).await;
            let page = visit.ask("POST", "/token?seen=1", &fields, "hidden-body").await.unwrap();
            let reached = target.starts_with('h') || target == "shared.example";
            assert_eq!(page.text().contains("hidden-body"), reached, "{target}: {}", page.text());
            let _ = visit.ask("GET", "/truncated", &fields, "").await;
        }
    }
    let mut frames = Frames::open(&browser, "h2.example").await;
    let bad =
        [&proper("h2.example", "/")[..], &[("connection", "hidden-hop"), ("x-a", "hidden\nline")]].concat();
    frames.ask(1, &bad).await;
    let told = all_that_is_told(&site, &program).await;
    assert!(told.iter().any(|(_, bytes)| holds(bytes, b"/token?seen=1")), "it looked where it should");
    for (place, bytes) in &told {
        assert!(!holds(bytes, b"hidden-") && !holds(bytes, b"hidden\n"), "in {place}");
    }
    program.signal("TERM").await;
    program.ended().await;
    site.verify().await;
    assert!(!program.said().contains("hidden-"), "{}", program.said());
}

/// Invariant 38: the authority's key is in its file, which nobody else may read, and nowhere else.
#[tokio::test(flavor = "multi_thread")]
async fn the_authoritys_key_is_in_its_file_and_nowhere_else() {
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    use std::os::unix::fs::PermissionsExt;
    let mut site = always().site().await;
    site.variable("SCHOOLGATE_LOG", "debug");
    let mut program = site.serve().await;
    let browser = site.managed(&program, "ks2");
    for target in ["h2.example", "games.example", "expired.example"] {
        browser.visit(target, &BOTH).await.get("/").await;
    }
    let _ = site.browser(&program, "ks2").try_visit("h2.example", &BOTH).await;
    let folder = std::fs::read_dir(site.file("var/ca")).unwrap().map(|entry| entry.unwrap().path());
    let (keys, public): (Vec<_>, Vec<_>) =
        folder.partition(|path| std::fs::read_to_string(path).unwrap().contains("PRIVATE KEY"));
    assert_eq!(keys.len(), 1, "{keys:?} {public:?}");
    assert_eq!(std::fs::metadata(&keys[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let pem = std::fs::read_to_string(&keys[0]).unwrap();
    let raw = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    // The private number of a P-256 key stands at this place of its PKCS #8 form.
    let number = &raw.secret_der()[36..68];
    let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let mut told = all_that_is_told(&site, &program).await;
    told.extend(public.iter().map(|path| (path.display().to_string(), std::fs::read(path).unwrap())));
    for command in [
        &["check"][..],
        &["audit", "query", "--json", "--reason", "a look for the key"],
        &["explain", "https://h2.example/", "--group", "ks2"],
    ] {
        let said = site.run(command).await;
        told.push((command.join(" "), [said.stdout, said.stderr].concat()));
    }
    program.signal("TERM").await;
    program.ended().await;
    told.push(("stderr at the end".to_owned(), program.said().into_bytes()));
    for (place, bytes) in &told {
        assert!(!holds(bytes, number), "the key as bytes in {place}");
        for line in &lines {
            assert!(!holds(bytes, line.as_bytes()), "the key as text in {place}");
        }
        let hex: String = number.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!holds(&bytes.to_ascii_lowercase(), hex.as_bytes()), "the key in hexadecimal in {place}");
        // The key that signs the record is its own, in its own file.
        let own = place.ends_with("audit.key");
        assert!(own || !holds(bytes, b"PRIVATE KEY"), "some key in {place}");
    }
}
