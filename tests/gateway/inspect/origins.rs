//! Origins that cannot prove who they are: a page that says so, and not a byte of theirs.

use super::*;
use crate::harness::{BOTH, Visit};
use schoolgate::proxy::Door;

/// The origin's word, in no page of ours.
const CONTENT: &str = "hello from the origin";

/// Site, rule, and the words by which a child is told, in English and in Welsh.
const BAD: [(&str, &str, &str, &str); 14] = [
    ("expired.example", "expired", "too old", "rhy hen"),
    ("early.example", "not_yet_valid", "has not started yet", "ddim wedi dechrau eto"),
    ("wrong-name.example", "wrong_name", "belongs to a different website", "perthyn i wefan arall"),
    ("self-signed.example", "self_signed", "made its own safety certificate", "wedi gwneud ei thystysgrif"),
    ("untrusted.example", "unknown_issuer", "from somebody we don", "ddim yn ei adnabod"),
    ("sha1.example", "weak", "too easy to copy", "rhy hawdd"),
    ("constrained.example", "name_constraint", "not allowed to give it one", "ddim yn cael rhoi un"),
    ("old-tls.example", "old_tls", "an old way of keeping secrets", "hen ffordd o gadw cyfrinachau"),
    ("older-tls.example", "old_tls", "an old way of keeping secrets", "hen ffordd o gadw cyfrinachau"),
    ("not-tls.example", "malformed", "makes no sense to us", "gwneud synnwyr"),
    ("no-common.example", "no_common_protocol", "speak the same safe language", "yr un iaith ddiogel"),
    ("client-cert.example", "wants_client_certificate", "a special pass", "tocyn arbennig"),
    ("client-cert-h2.example", "wants_client_certificate", "a special pass", "tocyn arbennig"),
    ("client-cert-12.example", "wants_client_certificate", "a special pass", "tocyn arbennig"),
];

async fn told_of(visit: &mut Visit, what: &str, english: &str, welsh: &str) {
    let page = visit.ask("POST", "/body", &[("cookie", "secret=1")], "a secret").await.unwrap();
    let text = page.text().replace("&#39;", "'");
    assert_eq!(page.status, 502, "{what}: {text}");
    assert!(text.contains(english) && text.contains(welsh), "{what}: {text}");
    assert!(!text.contains(CONTENT) && !text.contains("a secret"), "{what}: {text}");
    assert_eq!(page.field("cache-control").as_deref(), Some("no-store"), "{what}");
}

/// Invariant 23: every fault of an origin is a page that names it and an event; nothing of the
/// request reaches the origin, and nothing of the origin the client.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_an_origin_is_told_and_recorded() {
    let gateway = always().start().await;
    for (site, rule, english, welsh) in BAD {
        for offer in [&["http/1.1"][..], &BOTH, &["h2"], &[]] {
            let what = format!("{site} {offer:?}");
            if site == "no-common.example" && offer.is_empty() {
                continue;
            }
            let before = gateway.accesses().len();
            let mut visit = gateway.managed("ks2").visit(site, offer).await;
            told_of(&mut visit, &what, english, welsh).await;
            let events: Vec<_> =
                gateway.accesses().split_off(before).into_iter().map(|access| access.event).collect();
            let told = events.iter().find(|event| event["rule"]["id"] == format!("protocol:origin_{rule}"));
            let told = told.unwrap_or_else(|| panic!("{what}: {events:#?}"));
            assert_eq!(told["event"]["action"], "block", "{what} {told:#}");
            assert_eq!(told["url"]["full"], format!("https://{site}/body"), "{what} {told:#}");
            assert_eq!(told["source"]["ip"], "127.1.2.7", "{what} {told:#}");
            let reached =
                events.iter().any(|event| event["schoolgate"]["bytes_up"].as_u64().unwrap_or(0) > 8);
            assert!(!reached, "{what}: {events:#?}");
        }
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "no origin saw a request");
    gateway.stop().await;
}

/// The same where clients are redirected.
#[tokio::test(flavor = "multi_thread")]
async fn redirected_clients_are_told_as_well() {
    let Some(builder) = always().redirected() else { return };
    let gateway = builder.start().await;
    let browser = gateway.managed("ks2").at(gateway.door(Door::TransparentTls));
    for (site, _, english, welsh) in BAD {
        let mut visit = browser.visit_direct(site, &BOTH).await;
        told_of(&mut visit, site, english, welsh).await;
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}

/// A fault does not outlive its connection, and other sites are reached meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_fault_is_of_its_own_site_alone() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    let mut bad = browser.visit("expired.example", &["h2"]).await;
    let mut good = browser.visit("h2.example", &["h2"]).await;
    for _ in 0..3 {
        assert_eq!(bad.get("/").await.status, 502);
        assert_eq!(good.get("/").await.text(), CONTENT);
    }
    // Never opened at all, it is refused by its name whatever its certificate.
    let mut games = browser.visit("games.example", &BOTH).await;
    assert_eq!(games.get("/").await.status, 403);
    let before = gateway.accesses().len();
    let mut gone = browser.visit("closes.example", &BOTH).await;
    assert_eq!(gone.get("/").await.status, 502, "an origin that says nothing");
    assert!(gateway.accesses().len() > before);
    gateway.stop().await;
}

/// A group that is not inspected sees the origin's own certificate, good or bad: the browser says
/// what is wrong with it.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_inspected_judges_certificates_alone() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("staff");
    for site in ["expired.example", "self-signed.example", "wrong-name.example", "untrusted.example"] {
        let fault = browser.try_visit(site, &BOTH).await.err().unwrap();
        assert!(fault.body.contains("invalid peer certificate"), "{site}: {fault:?}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new());
    gateway.stop().await;
}
