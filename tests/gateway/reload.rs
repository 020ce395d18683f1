//! Reloads under load, and policies and lists that must not come in force.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{Gateway, POLICY};

/// Invariant 40: a hundred reloads lose no connection and no request; invariant 3: and let
/// nothing slip.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_reloads_under_load_lose_and_leak_nothing() {
    let gateway = Gateway::new().start().await;
    let over = AtomicBool::new(false);
    let reloads = async {
        for round in 0..100 {
            gateway.rewrite("blocklists/school/block.txt", &format!("b{round}.example\n")).await.unwrap();
        }
        over.store(true, Ordering::Relaxed);
    };
    let allowed = |group: &'static str| {
        let (gateway, over) = (&gateway, &over);
        async move {
            let mut talk = gateway.browser(group).talk().await;
            let mut served = 0;
            while !over.load(Ordering::Relaxed) {
                let answer = talk.get("http://maths.example/").await.expect("a kept connection was dropped");
                assert_eq!(answer.status, 200, "{answer:?}");
                served += 1;
            }
            served
        }
    };
    let blocked = async {
        let mut refused = 0;
        while !over.load(Ordering::Relaxed) {
            let answer = gateway.browser("ks2").get("http://games.example/").await;
            assert_eq!(answer.status, 403, "{answer:?}");
            refused += 1;
        }
        refused
    };
    let tunnel = gateway.browser("ks2").tls("maths.example:443", "maths.example").await.unwrap();
    let ((), ks2, staff, refused) = tokio::join!(reloads, allowed("ks2"), allowed("staff"), blocked);
    assert!(ks2 > 10 && staff > 10 && refused > 10, "{ks2} {staff} {refused}");
    assert!(gateway.origin.heads().iter().all(|head| head.contains("maths.example")));
    assert_eq!(gateway.accesses().len(), ks2 + staff + refused + 1);
    drop(tunnel);
    gateway.stop().await;
}

/// What must not come in force: the file, its text or nothing at all, and what the fault names.
const FAULTY: [(&str, Option<&str>, &str); 7] = [
    ("policy.toml", Some("[groups.ks2]\nname = 7\n"), "policy.toml:2"),
    ("policy.toml", Some("[groups.ks2\n"), "policy.toml:1"),
    ("policy.toml", Some(""), "policy.toml"),
    ("policy.toml", None, "policy.toml"),
    ("blocklists/categories/games.txt", Some(""), "games.txt"),
    ("blocklists/categories/games.txt", None, "games.txt"),
    (
        "blocklists/categories/games.txt",
        Some("<!doctype html>\n<html><body>502 Bad Gateway</body></html>\n"),
        "games.txt",
    ),
];

/// A statutory list is a fault at the first start alone: later its last good form stays in force.
const FAULTY_STATUTORY: (&str, Option<&str>, &str) = (
    "blocklists/statutory/synthetic-test.txt",
    Some("# schoolgate: synthetic\nstatutory.exa mple\n"),
    "synthetic-test.txt",
);

/// Invariant 3: what is faulty, empty, missing or no list at all changes nothing, and the fault
/// says where.
#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_reload_leaves_the_last_good_policy_in_force() {
    let gateway = Gateway::new().start().await;
    for (path, text, named) in FAULTY {
        let file = gateway.file(path);
        let good = std::fs::read_to_string(&file).unwrap();
        let fault = match text {
            Some(text) => gateway.rewrite(path, text).await,
            None => {
                std::fs::remove_file(&file).unwrap();
                gateway.rewrite("blocklists/school/allow.txt", "x.example\n").await
            }
        };
        let fault = fault.expect_err(&format!("{path} {text:?}"));
        assert!(fault.contains(named), "{path} {text:?}: {fault}");
        let browser = gateway.browser("ks2");
        assert_eq!(browser.get("http://games.example/").await.status, 403, "{path} {text:?}");
        assert_eq!(browser.get("http://statutory.example/").await.status, 403, "{path} {text:?}");
        assert_eq!(browser.get("http://maths.example/").await.status, 200, "{path} {text:?}");
        std::fs::write(&file, good).unwrap();
    }
    let failed = gateway.events("schoolgate.system").into_iter();
    let failed = failed.filter(|record| record.event["event"]["action"] == "policy.reload_failed").count();
    assert_eq!(failed, FAULTY.len(), "every failure is in the record");
    let (path, text, _) = FAULTY_STATUTORY;
    gateway.rewrite(path, text.unwrap()).await.unwrap();
    assert_eq!(gateway.browser("ks2").get("http://statutory.example/").await.status, 403);
    let alarms = gateway.running.control.feeds().await.alarms;
    assert!(alarms[0].problem.starts_with("line 2: "), "{alarms:?}");
    gateway.rewrite("policy.toml", &POLICY.replace("games = \"block\"", "games = \"allow\"")).await.unwrap();
    assert_eq!(gateway.browser("ks2").get("http://games.example/").await.status, 200);
    gateway.stop().await;
}

/// What a reload changes is in the record, a list's size as well as the school's own entries.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_records_which_lists_changed() {
    let gateway = Gateway::new().start().await;
    gateway
        .rewrite("blocklists/categories/adult.txt", "adult.example\nmore.example\nthird.example\n")
        .await
        .unwrap();
    gateway.rewrite("blocklists/school/block.txt", "school-blocked.example\nnew.example\n").await.unwrap();
    let told: Vec<_> = gateway.events("schoolgate.change").into_iter().map(|record| record.event).collect();
    let changes = |at: usize| told[at]["schoolgate"]["details"]["changes"].clone();
    assert_eq!(changes(1), serde_json::json!(["list seed/adult: had 2 entries, has 3"]));
    assert_eq!(changes(2), serde_json::json!(["school block list: added new.example"]));
    gateway.stop().await;
}

/// Invariant 3: with no last good policy, nothing is served.
#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_with_a_faulty_list_does_not_serve() {
    for (path, text, named) in FAULTY.into_iter().chain([FAULTY_STATUTORY]) {
        // What is missing here is the list that the policy names.
        let fault = match text {
            Some(text) if path == "policy.toml" => Gateway::new().policy(text).try_start().await,
            Some(text) => Gateway::new().file(path, text).try_start().await,
            None => Gateway::new().policy(&POLICY.replace("seed/games", "seed/missing")).try_start().await,
        };
        let fault = fault.map(|_| ()).expect_err(&format!("{path} {text:?}"));
        let named = if text.is_none() { "missing" } else { named };
        assert!(fault.contains(named), "{path} {text:?}: {fault}");
    }
}

/// Invariant 3, at a start: whatever became of policy or lists overnight, what was in force is in
/// force again, and the alarm shows; nothing opens.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_start_with_a_faulty_list_serves_the_last_good_one_and_says_so() {
    let mut gateway = Gateway::new().start().await;
    for (path, text, _) in FAULTY {
        let file = gateway.file(path);
        let good = std::fs::read_to_string(&file).unwrap();
        match text {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        gateway = gateway.restarted().await;
        let answer = gateway.browser("ks2").get("http://games.example/").await;
        assert_eq!(answer.status, 403, "{path} {text:?}: {answer:?}");
        assert_eq!(gateway.browser("ks2").get("http://maths.example/").await.status, 200, "{path} {text:?}");
        let alarms = gateway.events("schoolgate.system");
        assert!(
            alarms.iter().any(|event| format!("{event:?}").contains("what was in force last is in force")),
            "{path} {text:?}"
        );
        std::fs::write(&file, good).unwrap();
        gateway = gateway.restarted().await;
    }
    gateway.stop().await;
}
