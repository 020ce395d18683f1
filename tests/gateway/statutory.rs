//! Statutory lists are absolute: every way in, every group, whatever else the school says.

use schoolgate::control::UnblockRequest;
use schoolgate::model::Role;
use schoolgate::proxy::Door;

use crate::harness::{Answer, Gateway};

const GROUPS: [&str; 4] = ["eyfs_ks1", "ks2", "staff", "nobody knows"];

/// What is asked for by name, in every spelling.
pub(crate) const URLS: [&str; 21] = [
    "http://statutory.example/",
    "http://STATUTORY.Example./any/page?q=1",
    "http://deep.down.statutory.example/",
    "http://statutory.example:80/",
    "http://198.51.100.7/",
    "http://3325256711/",
    "http://0xc6.0x33.0x64.0x7/",
    "http://[::ffff:198.51.100.7]/",
    "http://resolves-there.test/",
    "http://shared.example/listed/page",
    "http://SHARED.example./listed/page",
    "http://shared.example:80/listed/page",
    "http://shared.example/listed/page?x=1",
    "http://shared.example/listed/page/",
    "http://shared.example/listed//page",
    "http://shared.example/listed/./page",
    "http://shared.example/listed/x/../page",
    "http://shared.example/listed/x/%2e%2e/page",
    "http://shared.example/%6cisted/p%61ge",
    "http://shared.example/listed\\page",
    "http://shared.example/listed/page/deeper",
];

const TARGETS: [&str; 5] = [
    "statutory.example:443",
    "www.statutory.example:443",
    "STATUTORY.example.:443",
    "198.51.100.7:443",
    "resolves-there.test:443",
];

/// The test's own names are the only ones that a record may give away.
pub(crate) const SECRETS: [&str; 5] =
    ["statutory.example", "198.51.100.7", "listed/page", "resolves-there", "shared.example/listed"];

fn refused(answer: &Answer) -> bool {
    answer.status == 403
        && answer.body.contains("Access denied")
        && !answer.body.contains("statutory.example")
}

/// Asks where redirected clients come in; how often it asked.
async fn refused_at_the_transparent_doors(gateway: &Gateway, group: &str) -> usize {
    let browser = gateway.browser(group);
    let plain = browser.at(gateway.door(Door::TransparentHttp));
    for (host, path) in
        [("statutory.example", "/"), ("shared.example", "/listed/./page"), ("198.51.100.7", "/")]
    {
        let answer = plain.send(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert!(refused(&answer), "{group} {host}{path}: {answer:?}");
    }
    let secure = browser.at(gateway.door(Door::TransparentTls));
    let answer = secure.tls_direct("www.statutory.example").await.unwrap_err();
    assert!(answer.body.contains("AccessDenied"), "{group}: {answer:?}");
    4
}

async fn gateway(allow: &str) -> Gateway {
    let hosts = r#"{ "*.example" = "127.0.0.1", "resolves-there.test" = "198.51.100.7" }"#;
    let gateway = Gateway::new().setting("RESOLVER__HOSTS", hosts).file("blocklists/school/allow.txt", allow);
    gateway.start().await
}

/// Invariants 1 and 2: every group, every way in; and the record names the list and the entry,
/// never what was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn no_group_reaches_a_statutory_entry_and_no_record_names_it() {
    let gateway = gateway("times-tables.games.example\n").await;
    let mut asked = 0;
    for group in GROUPS {
        let browser = gateway.browser(group);
        for url in URLS {
            // A bare address and an unlisted name are not approved in a walled garden either.
            let answer = browser.get(url).await;
            assert_eq!(answer.status, 403, "{group} {url}: {answer:?}");
            asked += 1;
        }
        for target in TARGETS {
            // A name is resolved once the hello agrees with it: then its address is judged.
            let answer = browser.tls(target, target.trim_end_matches(":443").trim_end_matches('.')).await;
            let answer = answer.unwrap_err();
            let refused = answer.status == 403 || answer.body.contains("AccessDenied");
            assert!(refused, "{group} {target}: {answer:?}");
            asked += 1;
        }
    }
    for group in GROUPS {
        asked += refused_at_the_transparent_doors(&gateway, group).await;
    }
    for group in &GROUPS[1..3] {
        let answer = gateway.browser(group).tls("maths.example:443", "statutory.example").await.unwrap_err();
        assert!(answer.body.contains("AccessDenied"), "{group}: {answer:?}");
        asked += 1;
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    let accesses = gateway.accesses();
    assert_eq!(accesses.len(), asked);
    let by_name = accesses.iter().filter(|access| access.event["schoolgate"]["rung"] == "statutory");
    let by_name: Vec<_> = by_name.map(|access| &access.event).collect();
    // All but what two walled gardens ask for a name that only resolves to a listed address.
    assert_eq!(by_name.len(), asked - 4);
    for event in by_name {
        assert_eq!(event["rule"]["id"], "statutory:synthetic-test", "{event:#}");
        assert!(event["schoolgate"]["list"]["entry"].as_str().is_some_and(|id| id.len() >= 8), "{event:#}");
        for hidden in ["/url/full", "/url/domain", "/destination/domain", "/destination/ip"] {
            assert!(event.pointer(hidden).is_none_or(serde_json::Value::is_null), "{hidden} {event:#}");
        }
    }
    let trail = gateway.trail();
    let store = std::fs::read(gateway.file("var/state.db")).unwrap();
    let store = String::from_utf8_lossy(&store);
    for secret in SECRETS {
        // The walled garden's own refusals name what they refuse, as they must.
        let named = trail.lines().filter(|line| line.contains(secret) && !line.contains("walled_garden"));
        assert_eq!(named.count(), 0, "{secret} in the trail");
        assert!(!store.contains(secret), "{secret} in the store");
    }
    gateway.stop().await;
}

/// Invariant 1, the other side: what stands beside a listed page stays within reach.
#[tokio::test(flavor = "multi_thread")]
async fn the_neighbours_of_a_listed_page_stay_reachable() {
    let gateway = gateway("").await;
    for url in [
        "http://shared.example/",
        "http://shared.example/listed",
        "http://shared.example/listed/",
        "http://shared.example/listed/pages",
        "http://shared.example/listed/other",
        "http://shared.example/listed/page/../other",
        "http://unstatutory.example/",
        "http://example.statutory.example.example/",
    ] {
        let answer = gateway.browser("ks2").get(url).await;
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
    }
    gateway.stop().await;
}

/// Invariant 2: neither the school's allow list nor a headteacher's unblock lifts an entry.
#[tokio::test(flavor = "multi_thread")]
async fn no_allow_entry_and_no_unblock_lifts_a_statutory_entry() {
    let gateway = gateway("statutory.example\nshared.example\nshared.example/listed/page\n").await;
    let control = &gateway.running.control;
    control.add_staff(&"head".parse().unwrap(), &[Role::Headteacher]).await.unwrap();
    let head = control.staff().await.unwrap().remove(0);
    let ask = |target: &str| UnblockRequest {
        target: target.to_owned(),
        groups: vec!["ks2".to_owned()],
        minutes: Some(30),
        reason: "Year six looks at this in the lesson".to_owned(),
        ..UnblockRequest::default()
    };
    for target in ["statutory.example", "www.statutory.example", "http://shared.example/listed/page"] {
        assert!(control.request_unblock(&head, &ask(target), None).await.is_err(), "{target}");
    }
    // The host of a listed page may be opened; the page is not.
    let _ = control.request_unblock(&head, &ask("shared.example"), None).await;
    for group in GROUPS {
        let browser = gateway.browser(group);
        for url in ["http://statutory.example/", "http://shared.example/listed/page"] {
            let answer = browser.get(url).await;
            assert!(refused(&answer), "{group} {url}: {answer:?}");
        }
        let answer = browser.connect("statutory.example:443").await.unwrap_err();
        assert!(refused(&answer), "{group}: {answer:?}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// Invariant 1, during and after a change of policy.
#[tokio::test(flavor = "multi_thread")]
async fn a_statutory_entry_holds_during_and_after_reloads() {
    let gateway = gateway("").await;
    let browser = gateway.browser("staff");
    let reloads = async {
        for round in 0..20 {
            gateway.rewrite("blocklists/school/allow.txt", &format!("r{round}.example\n")).await.unwrap();
        }
    };
    let asking = async {
        for _ in 0..60 {
            for url in ["http://statutory.example/", "http://shared.example/listed/page"] {
                let answer = browser.get(url).await;
                assert!(refused(&answer), "{url}: {answer:?}");
            }
        }
    };
    tokio::join!(reloads, asking);
    let answer = browser.get("http://statutory.example/").await;
    assert!(refused(&answer), "{answer:?}");
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}
