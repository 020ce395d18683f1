//! Pages of other sites inside an address: judged as though they had been asked for.

use crate::harness::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_carrier_brings_no_blocked_page() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let allowed = "http://maths.example/body?url=http%3A%2F%2Fhistory.example%2Ftudors";
    assert_eq!(browser.get(allowed).await.status, 200);
    assert_eq!(gateway.origin.heads().len(), 1);
    let blocked = [
        ("http://maths.example/body?url=http%3A%2F%2Fgames.example%2F", "category:games"),
        ("http://maths.example/read/http://www.games.example/a/b", "category:games"),
        ("http://maths.example/read/http:/mixed.example/games/chess", "category:games"),
        ("http://games-example.translate.goog/", "category:games"),
        ("http://maths.example/?u=https%253A%252F%252Fadult.example", "category:adult"),
        ("http://maths.example/?u=http://school-blocked.example/", "school:block"),
    ];
    for (at, (url, rule)) in blocked.iter().enumerate() {
        let answer = browser.get(url).await;
        assert_eq!(answer.status, 403, "{url}: {answer:?}");
        let event = &gateway.accesses()[at + 1].event;
        assert_eq!(event["rule"]["id"], *rule, "{event:#}");
        assert_eq!(event["url"]["full"], *url, "{event:#}");
    }
    let answer = browser.connect("games-example.translate.goog:443").await.unwrap_err();
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(gateway.origin.heads().len(), 1, "nothing else reached the origin");
    gateway.stop().await;
}

/// Invariants 1 and 2: also inside another address, and the record says no more than for the
/// page itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_statutory_page_inside_an_address_is_refused_and_its_address_recorded_nowhere() {
    let gateway = Gateway::new().file("blocklists/school/allow.txt", "maths.example\n").start().await;
    let urls = [
        "http://maths.example/?url=http%3A%2F%2Fstatutory.example%2F",
        "http://maths.example/web/2020/http://shared.example/listed/page",
        "http://statutory-example.translate.goog/",
    ];
    for group in ["ks2", "staff"] {
        for url in urls {
            let answer = gateway.browser(group).get(url).await;
            assert_eq!(answer.status, 403, "{group} {url}: {answer:?}");
            assert!(answer.body.contains("Access denied"), "{answer:?}");
            assert!(!answer.body.contains("maths.example"), "{answer:?}");
        }
    }
    let accesses = gateway.accesses();
    assert_eq!(accesses.len(), 6);
    for access in accesses {
        let event = access.event;
        assert_eq!(event["rule"]["id"], "statutory:synthetic-test", "{event:#}");
        for hidden in ["/url/full", "/url/domain", "/url/path", "/destination/domain", "/destination/ip"] {
            assert!(event.pointer(hidden).is_none_or(serde_json::Value::is_null), "{hidden} {event:#}");
        }
    }
    let trail = gateway.trail();
    for secret in ["statutory.example", "statutory-example", "statutory%2eexample", "listed/page"] {
        assert!(!trail.contains(secret), "{secret} in the trail");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}
