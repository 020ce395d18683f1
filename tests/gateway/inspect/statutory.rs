//! Statutory pages over https: every spelling, every inspected group, and a record that names none.

use super::*;
use crate::harness::{BOTH, Browser, Frames, Outcome, Talk, proper, within};
use crate::statutory::{SECRETS, URLS};
use schoolgate::model::Host;

const GROUPS: [&str; 4] = ["eyfs_ks1", "ks2", "staff", "nobody knows"];
const LIST: &str = "blocklists/statutory/synthetic-test.txt";

fn everywhere() -> Builder {
    let hosts = r#"{ "*.example" = "127.0.0.1", "resolves-there.test" = "198.51.100.7" }"#;
    always().setting("RESOLVER__HOSTS", hosts)
}

/// The parts of a URL as they are spelled.
fn parts(url: &str) -> (String, String) {
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    (authority.replace(":80", ":443"), format!("/{path}"))
}

/// What a client of HTTP/1.1 is answered, at CONNECT or inside; 403 too where TLS itself is refused.
async fn asked(browser: &Browser, authority: &str, path: &str) -> u16 {
    let bare = authority.strip_suffix(":443").unwrap_or(authority);
    let tunnel = match browser.connect(&format!("{bare}:443")).await {
        Ok(tunnel) => tunnel,
        Err(answer) => return answer.status,
    };
    let name = Host::parse(bare).unwrap().to_string();
    let secure = match browser.secure(tunnel, name.trim_matches(['[', ']']), &["http/1.1"]).await {
        Ok(secure) => secure,
        Err(fault) if fault.body.contains("AccessDenied") => return 403,
        Err(fault) => panic!("{authority}: {fault:?}"),
    };
    let mut talk = Talk::new(secure);
    talk.say(format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
    talk.answer().await.unwrap().status
}

/// Invariants 1, 2 and 7 at the URL level over https; the record names list and entry, and
/// never what was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn no_group_reaches_a_statutory_page_over_https() {
    let gateway =
        everywhere().file("blocklists/school/allow.txt", "statutory.example\nshared.example\n").start().await;
    for group in GROUPS {
        let browser = gateway.managed(group);
        for url in URLS {
            let (authority, path) = parts(url);
            assert_eq!(asked(&browser, &authority, &path).await, 403, "{group} {url}");
        }
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    let trail = gateway.trail();
    let store = std::fs::read(gateway.file("var/state.db")).unwrap();
    let store = String::from_utf8_lossy(&store);
    for secret in SECRETS {
        // A connection that is to be looked into shows its name before it is known what for.
        let named = |line: &&str| line.contains(secret) && !line.contains("walled_garden");
        let lines: Vec<&str> = trail.lines().filter(named).collect();
        assert!(lines.is_empty(), "{secret} in the trail: {lines:#?}");
        // The allow list above is the school's own text, kept as it was written.
        assert!(secret == "statutory.example" || !store.contains(secret), "{secret} in the store");
    }
    gateway.stop().await;
}

/// The same over HTTP/2, whose paths come as they were typed.
#[tokio::test(flavor = "multi_thread")]
async fn no_spelling_of_a_page_passes_over_http2() {
    let gateway = everywhere().start().await;
    for group in ["ks2", "staff"] {
        let browser = gateway.managed(group);
        for url in URLS.into_iter().filter(|url| url.to_lowercase().contains("shared.example")) {
            let (authority, path) = parts(url);
            let mut frames = Frames::open(&browser, "shared.example").await;
            let outcome = frames.ask(1, &proper(&authority, &path)).await;
            let refused =
                matches!(outcome, Outcome::Status(400 | 403) | Outcome::Reset(_) | Outcome::Away(_));
            assert!(refused, "{group} {url}: {outcome:?}");
            assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "{group} {url}");
        }
    }
    gateway.stop().await;
}

/// The page that says so, for whoever's device trusts the school; it names nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_statutory_refusal_says_what_it_is_and_names_nothing() {
    let gateway = everywhere().start().await;
    for group in GROUPS {
        for (site, path) in [("statutory.example", "/"), ("shared.example", "/listed/page")] {
            if site == "shared.example" && ["eyfs_ks1", "nobody knows"].contains(&group) {
                continue;
            }
            let page = gateway.managed(group).visit(site, &BOTH).await.get(path).await;
            let text = page.text();
            assert_eq!(page.status, 403, "{group} {site}");
            assert!(
                text.contains("Access denied") && text.contains("Gwrthodwyd mynediad"),
                "{group}: {text}"
            );
            assert!(!text.contains(site) && !text.contains("listed"), "{group}: {text}");
        }
    }
    gateway.stop().await;
}

/// Invariant 7, the other side: the neighbours of a listed page stay within reach.
#[tokio::test(flavor = "multi_thread")]
async fn near_misses_pass_over_https() {
    let gateway = everywhere().start().await;
    let browser = gateway.managed("ks2");
    for (authority, path) in [
        ("shared.example", "/"),
        ("shared.example", "/listed"),
        ("shared.example", "/listed/"),
        ("shared.example", "/listed/pages"),
        ("shared.example", "/listed/other"),
        ("shared.example", "/listed/page/../other"),
        ("shared.example", "/?/listed/page"),
        ("unstatutory.example", "/"),
        ("example.statutory.example.example", "/"),
    ] {
        assert_eq!(asked(&browser, authority, path).await, 200, "{authority}{path}");
    }
    gateway.stop().await;
}

/// Invariant 1 while things are open: a list that grows bites the next request on a connection
/// that is open, and what is under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_entry_bites_on_an_open_connection() {
    let gateway = everywhere().start().await;
    let mut visit = gateway.managed("staff").visit("h2.example", &["h2"]).await;
    assert_eq!(visit.get("/later").await.status, 200);
    let stream = visit.beside().open("GET", "/stream", &[], "").await.unwrap();
    let entries = std::fs::read_to_string(gateway.file(LIST)).unwrap();
    gateway.rewrite(LIST, &format!("{entries}h2.example/later\nh2.example/stream\n")).await.unwrap();
    assert!(within(http_body_util::BodyExt::collect(stream.into_body())).await.is_err(), "cut");
    for path in ["/later", "/lat%65r", "//later", "/x/../later", "/later?x"] {
        let page = visit.get(path).await;
        assert_eq!(page.status, 403, "{path}: {}", page.text());
    }
    assert_eq!(visit.get("/other").await.status, 200);
    gateway.stop().await;
}
