//! Category lists: everything that can go wrong between publisher and gateway.

use sha2::Digest;

use super::hosts;
use crate::harness::{Gateway, Publisher, Reply};

const SIGNED: &str = include_str!("../../fixtures/signed-list/list.txt");
const SIGNATURE: &str = include_str!("../../fixtures/signed-list/list.txt.minisig");
const KEY: &str = include_str!("../../fixtures/signed-list/minisign.pub");

fn source(url: &str, more: &str) -> String {
    format!("{{ name = \"feed\", category = \"bad\", url = \"{url}\", timeout = \"1s\"{more} }}")
}

/// What a publisher may send, what is made of it, and what is said.
fn mishaps() -> [(&'static str, Reply, &'static str, &'static str); 11] {
    let raw = |text: &str| Reply::Raw(text.as_bytes().to_vec());
    let file = |text: String| Reply::File(text.into_bytes(), "");
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", hosts(100).len(), hosts(50));
    let cut_chunk = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nh1.example\n";
    let web_page = "refused: the file is a web page, not a list (a failed download?)";
    [
        ("a web page", file("<!DOCTYPE html><p>Sign in".to_owned()), "refused", web_page),
        ("nothing", file(String::new()), "refused", "refused: the file is empty"),
        ("bytes", file("\0\u{1}\u{2}".repeat(50)), "refused", "refused: the file is binary, not a list"),
        ("half a body", raw(&cut), "refused", "refused: it was cut short: 590 of 1190 bytes came"),
        ("half a chunk", raw(cut_chunk), "refused", "refused: it was cut short after 11 bytes"),
        (
            "too few",
            file(hosts(79)),
            "refused",
            "refused: lists would shrink more than they may: feed/bad from 100 to 79",
        ),
        ("too large", file(hosts(1000)), "refused", "refused: it is larger than max_bytes, 8192"),
        (
            "a loop",
            Reply::Redirect("/list.txt".to_owned()),
            "failed",
            "not fetched: it points elsewhere more than 5 times",
        ),
        ("drops", Reply::Drip, "failed", "not fetched: it took longer than 1 s"),
        (
            "an error",
            raw("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
            "failed",
            "not fetched: the server answered 500",
        ),
        ("no answer", raw(""), "failed", "not fetched: "),
    ]
}

async fn status(gateway: &Gateway, host: &str) -> u16 {
    gateway.browser("ks2").get(&format!("http://{host}/")).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_keeps_the_last_good_list_and_is_told_until_it_is_mended() {
    let publisher = Publisher::start().await;
    publisher.put("/list.txt", Reply::File(hosts(100).into(), "v1"));
    let gateway = Gateway::new()
        .lists(&source(&publisher.url("/list.txt"), ", max_bytes = 8192, licence = \"MIT\""))
        .start()
        .await;
    gateway.has_looked().await;
    assert_eq!((status(&gateway, "h7.example").await, status(&gateway, "new.example").await), (403, 200));
    assert_eq!(gateway.look("feed").await.outcome, "unchanged");
    assert!(publisher.asked("/list.txt")[1].contains("\"v1\""), "it says what it has");

    for (count, (what, reply, outcome, reason)) in (1..).zip(mishaps()) {
        publisher.put("/list.txt", reply);
        let looked = gateway.look("feed").await;
        let told = looked.reason.unwrap_or_default();
        assert_eq!(looked.outcome, outcome, "{what}: {told}");
        assert!(told.starts_with(reason), "{what}: {told}");
        assert_eq!(status(&gateway, "h7.example").await, 403, "{what}: the last good list is in force");
        assert_eq!(status(&gateway, "new.example").await, 200, "{what}");
        assert_eq!(gateway.alarms().await, [format!("feed: {told}")], "{what}");
        assert_eq!(gateway.number("list_alarm{list=\"feed\"}"), "1", "{what}");
        let refused: Vec<_> =
            gateway.list_events().into_iter().filter(|(action, _)| action == "list.refused").collect();
        assert_eq!((refused.len(), refused.last().unwrap().1.as_str()), (count, told.as_str()), "{what}");
    }
    assert_eq!(gateway.number("list_refresh_total{outcome=\"refused\",source=\"feed\"}"), "7");
    assert_eq!(gateway.number("list_refresh_total{outcome=\"failed\",source=\"feed\"}"), "4");

    publisher.file("/list.txt", hosts(90) + "new.example\n");
    let looked = gateway.look("feed").await;
    assert_eq!((looked.outcome, looked.entries), ("refreshed", Some(91)));
    assert_eq!((status(&gateway, "h7.example").await, status(&gateway, "new.example").await), (403, 403));
    assert_eq!(gateway.alarms().await, Vec::<String>::new());
    assert_eq!(gateway.number("list_alarm{list=\"feed\"}"), "0");
    assert_eq!(gateway.list_events().last().unwrap().0, "list.mended");
    assert!(!gateway.file("var/fetch/feed").exists(), "nothing is left lying about");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_taken_under_its_signature_and_checksum_alone() {
    let publisher = Publisher::start().await;
    let key = KEY.lines().nth(1).unwrap();
    publisher.file("/list.txt", SIGNED);
    publisher.file("/list.txt.minisig", SIGNATURE);
    let signed = source(&publisher.url("/list.txt"), &format!(", minisign_key = \"{key}\""));
    let gateway = Gateway::new().lists(&signed).start().await;
    gateway.has_looked().await;
    assert_eq!(status(&gateway, "signed-two.example").await, 403);
    let cases: [(&str, &str, &str); 4] = [
        ("more.example\n", SIGNATURE, "refused: its signature does not hold under minisign_key"),
        ("more.example\n", "no signature", "refused: its signature is not one of minisign"),
        ("more.example\n", "", "refused: its signature is not one of minisign"),
        ("more.example\n", "gone", "not fetched: the signature: the server answered 404"),
    ];
    for (more, signature, reason) in cases {
        publisher.file("/list.txt", format!("{SIGNED}{more}"));
        publisher.file("/list.txt.minisig", signature);
        if signature == "gone" {
            publisher.remove("/list.txt.minisig");
        }
        assert_eq!(gateway.look("feed").await.reason.as_deref(), Some(reason));
        assert_eq!(status(&gateway, "signed-two.example").await, 403);
        assert_eq!(status(&gateway, "more.example").await, 200);
    }
    gateway.stop().await;

    let sum = |text: &str| -> String {
        sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let list = hosts(3);
    publisher.file("/hosts.txt", &list);
    publisher.file("/SHA256SUMS", format!("{}  other.txt\n{}  hosts.txt\n", "0".repeat(64), sum(&list)));
    let summed =
        source(&publisher.url("/hosts.txt"), &format!(", sha256_url = \"{}\"", publisher.url("/SHA256SUMS")));
    let gateway = Gateway::new().lists(&summed).start().await;
    gateway.has_looked().await;
    assert_eq!(status(&gateway, "h2.example").await, 403);
    publisher.file("/hosts.txt", hosts(4));
    let reason = gateway.look("feed").await.reason;
    assert_eq!(reason.as_deref(), Some("refused: its SHA-256 is not the one that it must have"));
    publisher.file("/SHA256SUMS", "nothing of it");
    let reason = gateway.look("feed").await.reason;
    assert_eq!(reason.as_deref(), Some("refused: the published checksums don't name it"));
    assert_eq!((status(&gateway, "h2.example").await, status(&gateway, "h3.example").await), (403, 200));
    publisher.file("/SHA256SUMS", sum(&hosts(4)));
    assert_eq!(gateway.look("feed").await.outcome, "refreshed");
    assert_eq!(status(&gateway, "h3.example").await, 403);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_verified_and_never_turns_into_http() {
    let publisher = Publisher::start().await;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("publisher.pem");
    publisher.write_certificate(&root);
    publisher.file("/list.txt", hosts(3));
    let roots = format!("[\"{}\"]", root.display());
    let gateway = Gateway::new()
        .lists(&source(&publisher.secure_url("/list.txt"), ""))
        .setting("UPSTREAM__EXTRA_ROOTS", &roots)
        .start()
        .await;
    gateway.has_looked().await;
    assert_eq!(status(&gateway, "h2.example").await, 403);
    publisher.put("/list.txt", Reply::Redirect(publisher.url("/other.txt")));
    publisher.file("/other.txt", hosts(4));
    let reason = gateway.look("feed").await.reason;
    assert_eq!(reason.as_deref(), Some("refused: it points from https to http"));
    assert!(publisher.asked("/other.txt").is_empty());
    publisher.put("/list.txt", Reply::Redirect(publisher.secure_url("/other.txt")));
    assert_eq!(gateway.look("feed").await.outcome, "refreshed");
    gateway.stop().await;

    let gateway = Gateway::new().lists(&source(&publisher.secure_url("/other.txt"), "")).start().await;
    gateway.eventually("a look", |gateway| gateway.metric("list_refresh_total") == 1).await;
    let reason = gateway.look("feed").await.reason.unwrap();
    assert!(reason.starts_with("not fetched: TLS with the server failed"), "{reason}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_folders_of_this_machine_are_sources_too() {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("tree/bad/domains", "h1.example\n");
    let tree = format!("{{ name = \"feed\", path = \"{}\" }}", folder.path().join("tree").display());
    let gateway = Gateway::new().lists(&tree).start().await;
    gateway.has_looked().await;
    assert_eq!(status(&gateway, "h1.example").await, 403);
    assert_eq!(gateway.look("feed").await.outcome, "unchanged");
    put("tree/bad/domains", "h1.example\nh2.example\n");
    assert_eq!(gateway.look("feed").await.outcome, "refreshed");
    assert_eq!(status(&gateway, "h2.example").await, 403);
    std::fs::remove_dir_all(folder.path().join("tree")).unwrap();
    let reason = gateway.look("feed").await.reason.unwrap();
    let gone =
        format!("not fetched: {} can't be read: entity not found", folder.path().join("tree").display());
    assert_eq!(reason, gone, "and what was taken stays in force");
    assert_eq!(status(&gateway, "h2.example").await, 403);
    gateway.stop().await;
}
