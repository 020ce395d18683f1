//! The commands and the start of the real program: what they say of lists and their sources.

use serde_json::Value;

use super::{Publisher, hosts};
use crate::harness::{Gateway, Reply};

fn source(publisher: &Publisher) -> String {
    format!(
        "{{ name = \"feed\", category = \"bad\", url = \"{}\", licence = \"MIT\", attribution = \"Somebody\" }}",
        publisher.url("/list.txt?token=secret")
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_looked_at_by_command_with_and_without_a_gateway() {
    let publisher = Publisher::start().await;
    publisher.file("/list.txt?token=secret", hosts(60));
    let site = Gateway::new().lists(&source(&publisher)).site().await;
    let json = async |arguments: &[&str]| -> Value {
        let output = site.run(arguments).await;
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    };
    let before = json(&["lists", "status", "--json"]).await;
    assert_eq!(before["sources"][0]["looked"], Value::Null);
    let fetched = json(&["lists", "fetch", "--json"]).await;
    assert_eq!(
        (&fetched["items"][0]["outcome"], &fetched["items"][0]["entries"]),
        (&"refreshed".into(), &60.into())
    );
    let again = site.run(&["lists", "fetch", "feed"]).await;
    assert!(again.status.success() && text(&again.stdout).contains("unchanged"), "{}", text(&again.stdout));
    let unknown = site.run(&["lists", "fetch", "nothing"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("no source \"nothing\": feed"), "{}", text(&unknown.stderr));

    let program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    assert_eq!(browser.get("http://h59.example/").await.status, 403, "what was fetched is in force at start");
    publisher.file("/list.txt?token=secret", hosts(61));
    let through = json(&["lists", "fetch", "feed", "--json"]).await;
    assert_eq!(through["items"][0]["entries"], 61);
    assert_eq!(browser.get("http://h60.example/").await.status, 403, "and at once where the gateway runs");
    publisher.file("/list.txt?token=secret", hosts(10));
    let shrunk = site.run(&["lists", "fetch"]).await;
    assert_eq!(shrunk.status.code(), Some(1));
    let status = json(&["lists", "status", "--json"]).await;
    assert!(
        status["alarms"][0]["problem"].as_str().unwrap().starts_with("refused: lists would shrink"),
        "{status:#}"
    );
    let row = status["lists"].as_array().unwrap().iter().find(|row| row["id"] == "feed/bad").unwrap();
    assert_eq!(
        (&row["licence"], &row["source"], &row["entries"]),
        (&"MIT".into(), &"feed".into(), &61.into())
    );
    assert!(
        row["alarm"].is_string() && row["age_seconds"].is_u64() && row["next_look"].is_string(),
        "{row:#}"
    );
    let shown = text(&site.run(&["lists", "status"]).await.stdout);
    assert!(shown.contains("ALARM feed: refused") && shown.contains("Somebody"), "{shown}");
    assert!(!format!("{status} {shown}").contains("token"), "what follows the ? may be a secret: {shown}");
    let accepted = json(&["lists", "fetch", "feed", "--accept-shrink", "feed/bad", "--json"]).await;
    assert_eq!(accepted["items"][0]["entries"], 10);
    assert_eq!(browser.get("http://h59.example/").await.status, 200);
    assert_eq!(browser.get("http://h9.example/").await.status, 403);
    drop(program);
    site.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_says_how_old_statutory_lists_are_and_what_they_cannot_do() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let welcome = program.all_of_the_banner().await;
    assert!(welcome.contains("statutory/synthetic-test 3 entries, looked at 0 h ago"), "{welcome}");
    assert!(welcome.contains("NOT ENFORCED: single pages of 1 host are listed"), "{welcome}");
    program.kill().await;
    site.write("blocklists/statutory/synthetic-test.txt", "<html>");
    let status = site.run(&["lists", "status"]).await;
    assert!(
        text(&status.stdout).contains("ALARM statutory/synthetic-test: the file is a web page"),
        "{}",
        text(&status.stdout)
    );
    let checked = site.run(&["check"]).await;
    assert!(checked.status.success(), "the gateway starts: {}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("the last good one is in force"), "{}", text(&checked.stdout));
    let mut program = site.serve().await;
    let welcome = program.all_of_the_banner().await;
    assert!(welcome.contains("ALARM statutory/synthetic-test: the file is a web page"), "{welcome}");
    assert_eq!(site.browser(&program, "staff").get("http://statutory.example/").await.status, 403);
    program.says("a statutory list is not in order").await;
    assert!(program.said().contains("ERROR"));
    program.kill().await;
}

/// Serving goes on while a server keeps the gateway waiting, and a stop does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_publisher_holds_up_nothing() {
    let publisher = Publisher::start().await;
    publisher.put("/list.txt?token=secret", Reply::Drip);
    let gateway = Gateway::new().lists(&source(&publisher)).start().await;
    gateway.eventually("a look", |_| !publisher.asked("/list.txt?token=secret").is_empty()).await;
    assert_eq!(gateway.browser("ks2").get("http://maths.example/").await.status, 200);
    gateway.rewrite("blocklists/school/block.txt", "maths.example\n").await.unwrap();
    assert_eq!(gateway.browser("ks2").get("http://maths.example/").await.status, 403);
    assert_eq!(gateway.ready().await.0, 200);
    crate::harness::within(gateway.stop()).await;
}
