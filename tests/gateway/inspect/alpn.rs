//! Which protocol is spoken on each side: what the origin chose, where the client can speak it.

use super::*;
use crate::harness::{BOTH, Browser, Visit};
use schoolgate::proxy::Door;

const OFFERS: [&[&str]; 4] = [&["http/1.1"], &["h2"], &BOTH, &[]];
/// Sites that speak HTTP/1.1 alone, HTTP/2 alone, both; and one that knows nothing of ALPN.
const SITES: [&str; 4] = ["h1only.example", "h2only.example", "h2.example", "maths.example"];

/// What the client is answered with and what the origin is asked in.
fn expected(offer: &[&str], site: &str) -> (Option<&'static str>, &'static str) {
    let (h2, h1) = (offer.contains(&"h2"), offer.contains(&"http/1.1"));
    let origin = match site {
        // With a client that names no protocol it is asked without one, and speaks HTTP/1.1 then.
        "h2only.example" if !offer.is_empty() => "HTTP/2",
        "h2.example" if h2 => "HTTP/2",
        _ => "HTTP/1.1",
    };
    let client = match (h2, h1) {
        (false, false) => None,
        (true, false) => Some("h2"),
        (false, true) => Some("http/1.1"),
        (true, true) => Some(if origin == "HTTP/2" { "h2" } else { "http/1.1" }),
    };
    (client, origin)
}

async fn both_sides_understand(mut visit: Visit, offer: &[&str]) {
    let (client, origin) = expected(offer, &visit.site);
    let what = format!("{} {offer:?}", visit.site);
    assert_eq!(visit.protocol.as_deref(), client, "{what}");
    for round in ["first", "second"] {
        let page = visit.get("/head?x=1").await;
        let head = page.text();
        assert_eq!(page.status, 200, "{what} {round}");
        assert!(head.starts_with(&format!("GET /head?x=1 {origin}\r\n")), "{what} {round}: {head}");
        let sent = format!("{what} {round}");
        let page = visit.ask("POST", "/body", &[("content-type", "text/plain")], sent.clone()).await.unwrap();
        assert_eq!((page.status, page.text()), (200, sent), "{what}");
    }
}

/// Every offer of a client meets every kind of origin at the explicit door.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_origin_chose_is_spoken_where_the_client_can() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for offer in OFFERS {
        for site in SITES {
            both_sides_understand(browser.visit(site, offer).await, offer).await;
        }
    }
    let signed_by_us = OFFERS.len() * SITES.len();
    assert_eq!(gateway.metric("connections_total"), i64::try_from(signed_by_us).unwrap());
    gateway.stop().await;
}

/// The same where clients are redirected.
#[tokio::test(flavor = "multi_thread")]
async fn redirected_clients_are_spoken_with_likewise() {
    let Some(builder) = always().redirected() else { return };
    let gateway = builder.start().await;
    let browser: Browser = gateway.managed("ks2").at(gateway.door(Door::TransparentTls));
    for offer in OFFERS {
        for site in SITES {
            both_sides_understand(browser.visit_direct(site, offer).await, offer).await;
        }
    }
    let page = browser.visit_direct("games.example", &BOTH).await.get("/").await;
    assert_eq!(page.status, 403, "refused with a page here too");
    gateway.stop().await;
}

/// What leaves names one site, the judged one, in the form of its protocol; and nothing of this
/// hop.
#[tokio::test(flavor = "multi_thread")]
async fn what_leaves_names_the_judged_site_once() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let fields = [
        ("x-kept", "1"),
        ("accept-encoding", "gzip"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
        ("te", "trailers"),
    ];
    for (offer, site) in [("h2", "h2only.example"), ("h2", "h1only.example"), ("http/1.1", "h2only.example")]
    {
        let mut visit = browser.visit(site, &[offer]).await;
        let head = visit.ask("GET", "/head", &fields, "").await.unwrap().text().to_lowercase();
        let count = |line: &str| head.matches(line).count();
        let named = if site.starts_with("h2") { ":authority: " } else { "host: " };
        assert_eq!(count(&format!("\r\n{named}{site}\r\n")), 1, "{offer} {site}: {head}");
        assert_eq!(count("\r\nhost: ") + count("\r\n:authority: "), 1, "{offer} {site}: {head}");
        for kept in ["x-kept: 1", "accept-encoding: gzip", "cookie: a=1; b=2"] {
            assert_eq!(count(&format!("\r\n{kept}\r\n")), 1, "{offer} {site} {kept}: {head}");
        }
        for hop in ["via:", "connection:", "upgrade:", "forwarded", "proxy-"] {
            assert_eq!(count(&format!("\r\n{hop}")), 0, "{offer} {site} {hop}: {head}");
        }
    }
    gateway.stop().await;
}
