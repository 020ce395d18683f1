//! What keeps its own certificate: help lines, the no-inspect list, groups that are not inspected.

use super::*;
use crate::harness::{AUTHORITY, BOTH, Browser, Visit};
use x509_parser::prelude::{FromDer, X509Certificate};

const NO_INSPECT: &str = "no-inspect.txt";
const STATUTORY: &str = "blocklists/statutory/synthetic-test.txt";

/// Whose certificate a client was shown.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    /// The origin's own: nobody looks inside.
    Own,
    /// One of the school's authority: decrypted.
    School,
}

fn shown(visit: &Visit) -> Shown {
    let (_, leaf) = X509Certificate::from_der(&visit.leaf).unwrap();
    let issuer = leaf.issuer().iter_common_name().next().unwrap().as_str().unwrap();
    if issuer == AUTHORITY { Shown::Own } else { Shown::School }
}

async fn site(browser: &Browser, site: &str) -> Shown {
    shown(&browser.visit(site, &BOTH).await)
}

/// Invariant 24: what a pupil tells a help line stays between the two, whatever the group.
#[tokio::test(flavor = "multi_thread")]
async fn help_lines_are_never_decrypted() {
    let lines =
        ["www.childline.org.uk", "childline.org.uk", "www.nspcc.org.uk", "www.samaritans.org", "111.nhs.uk"];
    let mut hosts: Vec<String> = lines.iter().map(|line| format!("\"{line}\" = \"127.0.0.1\"")).collect();
    hosts.push("\"*.example\" = \"127.0.0.1\"".to_owned());
    let hosts = format!("{{ {} }}", hosts.join(", "));
    for builder in [
        always(),
        inspected(),
        always().file(NO_INSPECT, "# none\n").setting("INSPECT__NO_INSPECT", NO_INSPECT),
    ] {
        let gateway = builder.setting("RESOLVER__HOSTS", &hosts).start().await;
        for group in ["ks2", "staff"] {
            for line in lines {
                assert_eq!(site(&gateway.managed(group), line).await, Shown::Own, "{group} {line}");
            }
        }
        for access in gateway.accesses() {
            assert_eq!(access.event["schoolgate"]["visibility"], "host", "{:#}", access.event);
            assert_ne!(access.event["schoolgate"]["mode"], "inspect", "{:#}", access.event);
        }
        gateway.stop().await;
    }
}

/// Invariant 24: the school's own list frees a host from decryption, also where a list holds a
/// page of it; but not from being blocked, and not where a statutory list holds a page of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_no_inspect_list_frees_all_but_statutory_pages() {
    let listed = "maths.example\nmixed.example\ngames.example\nh2.example\nshared.example\n";
    let builder = always().file(NO_INSPECT, listed).setting("INSPECT__NO_INSPECT", NO_INSPECT);
    let gateway = builder.start().await;
    let browser = gateway.managed("ks2");
    for (host, expected) in [
        ("maths.example", Shown::Own),
        ("www.maths.example", Shown::Own),
        ("mixed.example", Shown::Own),
        ("h2.example", Shown::Own),
        ("phonics.example", Shown::School),
        ("notmaths.example", Shown::School),
        ("shared.example", Shown::School),
    ] {
        assert_eq!(site(&browser, host).await, expected, "{host}");
    }
    assert_eq!(browser.get("https://shared.example/listed/page").await.status, 403);
    assert_eq!(browser.get("https://shared.example/other").await.status, 200);
    let refused = browser.try_visit("games.example", &BOTH).await.err().unwrap();
    assert!(refused.status == 403 || refused.body.contains("AccessDenied"), "{refused:?}");
    let entries = std::fs::read_to_string(gateway.file(STATUTORY)).unwrap();
    gateway.rewrite(STATUTORY, &format!("{entries}h2.example/later\n")).await.unwrap();
    assert_eq!(site(&browser, "h2.example").await, Shown::School, "since a statutory list holds a page");
    assert_eq!(browser.get("https://h2.example/later").await.status, 403);
    gateway.stop().await;
}

/// A group that is never inspected keeps certificates whatever lists hold; what is refused is
/// refused without a page, and no leaf is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_never_inspected_sees_no_leaf() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("staff");
    for host in ["shared.example", "mixed.example", "maths.example", "h2.example"] {
        assert_eq!(site(&browser, host).await, Shown::Own, "{host}");
    }
    for host in ["adult.example", "statutory.example"] {
        let refused = browser.try_visit(host, &BOTH).await.err().unwrap();
        assert!(refused.status == 403 || refused.body.contains("AccessDenied"), "{host}: {refused:?}");
    }
    assert_eq!(gateway.running.leaves_minted(), 0);
    gateway.stop().await;
}

/// Surgical: those hosts of which a rule needs the URL, those that the school names, and those
/// refused, to say why; nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn surgical_inspection_opens_what_rules_need() {
    let pupils = "[groups.pupils]\n";
    let named = format!("{pupils}inspect = \"surgical\"\ninspect_hosts = [\"h2.example\"]\n");
    let gateway = Gateway::new().policy(&POLICY.replace(pupils, &named)).start().await;
    let browser = gateway.managed("ks2");
    for (host, expected) in [
        ("maths.example", Shown::Own),
        ("phonics.example", Shown::Own),
        ("other.shared.example", Shown::Own),
        ("shared.example", Shown::School),
        ("www.shared.example", Shown::School),
        ("mixed.example", Shown::School),
        ("h2.example", Shown::School),
        ("www.h2.example", Shown::School),
        ("nearlyh2.example", Shown::Own),
        ("games.example", Shown::School),
        ("school-blocked.example", Shown::School),
        ("statutory.example", Shown::School),
    ] {
        assert_eq!(site(&browser, host).await, expected, "{host}");
    }
    // An entry that is added needs the URL from then on; one taken out no longer.
    let block = "blocklists/school/block.txt";
    gateway.rewrite(block, "maths.example/no\n").await.unwrap();
    assert_eq!(site(&browser, "maths.example").await, Shown::School);
    gateway.rewrite(block, "# nothing\n").await.unwrap();
    assert_eq!(site(&browser, "maths.example").await, Shown::Own);
    gateway.stop().await;
}
