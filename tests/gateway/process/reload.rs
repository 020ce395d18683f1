//! Reloaded under load: nothing is lost, and a fault keeps the last good policy in force.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::{Gateway, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_load_loses_no_request_and_takes_effect() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let over = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (browser, over) = (site.browser(&program, "ks2"), Arc::clone(&over));
        clients.spawn(async move {
            let mut asked = 0;
            while !over.load(Ordering::Relaxed) {
                assert_eq!(browser.get("http://maths.example/").await.status, 200);
                assert_eq!(browser.get("http://games.example/").await.status, 403);
                let answer = browser.get("https://maths.example/").await;
                assert_eq!(answer.status, 200, "{answer:?}");
                asked += 3;
            }
            asked
        });
    }
    let browser = site.browser(&program, "ks2");
    for round in 1..=8 {
        let name = format!("new-{round}.example");
        assert_eq!(browser.get(&format!("http://{name}/")).await.status, 200, "open before the reload");
        let block: String = (1..=round).map(|number| format!("new-{number}.example\n")).collect();
        site.write("blocklists/school/block.txt", &format!("school-blocked.example\n{block}"));
        let before = program.said().matches("lists reloaded").count();
        program.signal("HUP").await;
        program.says_again("lists reloaded", before + 1).await;
        assert_eq!(browser.get(&format!("http://{name}/")).await.status, 403, "closed from the reload on");
    }
    over.store(true, Ordering::Relaxed);
    let asked: usize = within(clients.join_all()).await.into_iter().sum();
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
    let accesses =
        site.trail().iter().filter(|event| event["event"]["dataset"] == "schoolgate.access").count();
    assert_eq!(accesses, asked + 2 * 8, "every request of every client is there once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_reload_keeps_the_last_good_policy_and_says_where_the_fault_is() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    site.write("blocklists/school/block.txt", "maths.example\nco.uk\n");
    program.signal("HUP").await;
    let said = program.says("this is a public suffix").await;
    let said = if said.contains("block.txt:2:1") { said } else { program.says("block.txt:2:1").await };
    assert!(said.contains("the last good policy stays in force"), "{said}");
    assert_eq!(
        browser.get("http://maths.example/").await.status,
        200,
        "half of a faulty list is not in force"
    );
    assert_eq!(browser.get("http://school-blocked.example/").await.status, 403, "the last good list is");

    site.write("blocklists/school/block.txt", "maths.example\n");
    program.signal("HUP").await;
    program.says("lists reloaded").await;
    assert_eq!(browser.get("http://maths.example/").await.status, 403, "mended, it takes effect");
}
