//! Statutory lists: the last good form holds through everything, and nothing shows an entry.

use serde_json::Value;

use super::Publisher;
use crate::harness::Gateway;

const LIST: &str = "# Date: 2026-11-22\nlisted-host.example\nshared.example/wiki/listed-article\n192.0.2.77\n\
                    fourth-host.example\nfifth-host.example\n";
const REFUSED: [&str; 3] = [
    "http://listed-host.example/",
    "http://shared.example/wiki/listed-article",
    "http://fifth-host.example/",
];

/// What only an entry holds.
const WORDS: [&str; 8] = [
    "listed-host",
    "listed-article",
    "192.0.2.77",
    "fourth-host",
    "fifth-host",
    "pulled-host",
    "pulled-page",
    "3221226061",
];

/// The commands that have to do with lists.
const COMMANDS: [&[&str]; 14] = [
    &["lists", "status"],
    &["lists", "status", "--json"],
    &["lists", "fetch"],
    &["lists", "fetch", "--json"],
    &["lists", "build"],
    &["lists", "build", "--json"],
    &["lists", "lookup", "other.example"],
    &["check"],
    &["check", "--json"],
    &["audit", "query", "--reason", "a look at the list"],
    &["audit", "query", "--json", "--reason", "a look at the list"],
    &["explain", "http://shared.example/", "--group", "ks2"],
    &["explain", "http://shared.example/", "--group", "ks2", "--json"],
    &["staff", "list"],
];

fn source(publisher: &Publisher) -> String {
    format!("{{ name = \"iwf\", url = \"{}\", timeout = \"1s\" }}", publisher.url("/iwf.txt"))
}

async fn refuses_all(gateway: &Gateway, when: &str) {
    for group in ["ks2", "staff"] {
        for url in REFUSED {
            let answer = gateway.browser(group).get(url).await;
            assert_eq!(answer.status, 403, "{when}: {group} {url}");
        }
    }
    assert_eq!(gateway.browser("ks2").get("http://shared.example/wiki/other").await.status, 200, "{when}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetched_statutory_list_holds_through_failures_and_restarts() {
    let publisher = Publisher::start().await;
    publisher.file("/iwf.txt", LIST);
    let mut gateway = Gateway::new().statutory(&source(&publisher)).start().await;
    refuses_all(&gateway, "at the first start").await;
    for (what, reply, reason) in [
        (
            "a web page",
            "<html><p>listed-host.example",
            "refused: the file is a web page, not a list (a failed download?)",
        ),
        (
            "fewer",
            "listed-host.example\nshared.example/wiki/listed-article\n",
            "refused: the list statutory/iwf shrank from 5 to 2 entries",
        ),
        (
            "a bad line",
            "listed-host..example\nco.uk\n",
            "refused: line 1: the host has an empty label, and 1 more fault",
        ),
    ] {
        publisher.file("/iwf.txt", reply);
        assert_eq!(gateway.look("iwf").await.reason.as_deref(), Some(reason), "{what}");
        refuses_all(&gateway, what).await;
        gateway = gateway.restarted().await;
        refuses_all(&gateway, what).await;
        assert_eq!(gateway.alarms().await, [format!("statutory/iwf: {reason}")], "{what}");
    }
    publisher.file("/iwf.txt", format!("{LIST}sixth-host.example\n"));
    assert_eq!(gateway.browser("staff").get("http://sixth-host.example/").await.status, 200);
    // A policy that can't be read keeps no statutory entry out.
    std::fs::write(gateway.file("policy.toml"), "nonsense").unwrap();
    assert_eq!(gateway.look("statutory/iwf").await.entries, Some(6));
    assert_eq!(gateway.browser("staff").get("http://sixth-host.example/").await.status, 403);
    assert_eq!(gateway.alarms().await, Vec::<String>::new());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_first_version_the_gateway_does_not_start() {
    let publisher = Publisher::start().await;
    let Err(fault) = Gateway::new().statutory(&source(&publisher)).try_start().await else {
        panic!("it started without a list that it must hold")
    };
    assert!(fault.contains("statutory/iwf was never taken"), "{fault}");
    assert!(fault.contains("the server answered 404"), "{fault}");
}

/// December 2008: one article of an encyclopaedia was listed, and much of a country could read and
/// edit nothing of it.
#[tokio::test(flavor = "multi_thread")]
async fn one_article_listed_leaves_the_encyclopaedia_reachable() {
    let gateway = Gateway::new()
        .file(
            "blocklists/statutory/synthetic-test.txt",
            "# schoolgate: synthetic\nhttp://shared.example/wiki/One_Article\n",
        )
        .start()
        .await;
    for group in ["ks2", "staff"] {
        let browser = gateway.browser(group);
        for path in [
            "/wiki/One_Article",
            "/wiki/one_article",
            "/wiki/One%5FArticle?action=edit",
            "/wiki/One_Article/Talk",
        ] {
            let answer = browser.get(&format!("http://shared.example{path}")).await;
            assert_eq!(answer.status, 403, "{group} {path}");
        }
        for path in
            ["/", "/wiki/", "/wiki/One_Articles", "/wiki/Other", "/w/index.php?title=Other", "/wiki/One"]
        {
            let answer = browser.get(&format!("http://shared.example{path}")).await;
            assert_eq!(answer.status, 200, "{group} {path}");
        }
        assert!(browser.tls("shared.example:443", "shared.example").await.is_ok(), "CONNECT is not refused");
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_raises_an_alarm_while_the_gateway_runs_and_the_entries_hold() {
    let gateway = Gateway::new().file("blocklists/statutory/iwf.txt", LIST).start().await;
    refuses_all(&gateway, "at start").await;
    let file = gateway.file("blocklists/statutory/iwf.txt");
    std::fs::remove_file(&file).unwrap();
    // Said once it is on record.
    let (status, ready) = gateway.becomes("an alarm", |_, said| said["degraded"] == true).await;
    let alarm = ("list.alarm".to_owned(), "its file is missing".to_owned());
    assert_eq!(gateway.list_events(), [alarm]);
    assert_eq!(gateway.number("list_alarm{list=\"statutory/iwf\"}"), "1");
    assert_eq!((status, &ready["ready"]), (200, &Value::from(true)));
    assert_eq!(ready["alarms"][0]["list"], "statutory/iwf");
    gateway.rewrite("blocklists/school/block.txt", "school-blocked.example\n").await.unwrap();
    refuses_all(&gateway, "after a reload").await;
    let gateway = gateway.restarted().await;
    refuses_all(&gateway, "after a restart").await;
    assert_eq!(gateway.list_events().len(), 1, "the same alarm is told once");
    gateway.rewrite("blocklists/statutory/iwf.txt", LIST).await.unwrap();
    assert_eq!(gateway.list_events().last().unwrap().0, "list.mended");
    assert_eq!(gateway.number("list_alarm{list=\"statutory/iwf\"}"), "0");
    gateway.stop().await;
}

/// Nothing but the slot's own file may show an entry: no file of the state folder, no command, no
/// answer, no metric, no line of the log.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_shows_an_entry() {
    let publisher = Publisher::start().await;
    publisher.file("/pulled.txt", "pulled-host.example\nshared.example/pulled-page\n");
    let pulled = format!("{{ name = \"pulled\", url = \"{}\" }}", publisher.url("/pulled.txt"));
    let mut site = Gateway::new().statutory(&pulled).file("blocklists/statutory/iwf.txt", LIST).site().await;
    site.variable("SCHOOLGATE_LOG", "trace");
    let mut said = Vec::new();
    let mut run = async |arguments: &[&str]| {
        let output = site.run(arguments).await;
        said.extend([output.stdout, output.stderr].concat());
    };
    run(&["lists", "fetch"]).await;
    let mut program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    for url in REFUSED.into_iter().chain(["http://pulled-host.example/", "http://shared.example/pulled-page"])
    {
        assert_eq!(browser.get(url).await.status, 403, "{url}");
    }
    assert!(browser.connect("listed-host.example:443").await.is_err());
    for command in COMMANDS {
        run(command).await;
    }
    // Faults of a damaged list are told at its line, and nothing of the line.
    site.write("blocklists/statutory/iwf.txt", &LIST.replace("fourth-host.", "fourth-host.."));
    for command in [&["check"][..], &["lists", "build"], &["lists", "status"]] {
        run(command).await;
    }
    program.signal("HUP").await;
    program.says("a statutory list is not in order").await;
    let log = program.said();
    for path in ["/metrics", "/readyz"] {
        let answer = crate::harness::fetch(program.at("metrics"), path, None).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        said.extend(answer.into_bytes());
    }
    site.run(&["staff", "add", "tech", "--role", "technician"]).await;
    let token = String::from_utf8(site.run(&["staff", "token", "tech"]).await.stdout).unwrap();
    let token = token.split_whitespace().find(|word| word.starts_with("sg_")).unwrap().to_owned();
    for path in ["/api/v1/lists", "/api/v1/lists/lookup?q=other.example", "/api/v1/events"] {
        let answer = crate::harness::fetch(program.at("API"), path, Some(&token)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        said.extend(answer.into_bytes());
    }
    program.kill().await;
    let mut kept = Vec::new();
    crate::harness::gather(&site.file("var"), &mut kept);
    for (place, bytes) in
        [("a command or answer", said), ("the log", log.into_bytes()), ("the state folder", kept)]
    {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        assert!(text.len() > 100, "{place} was looked at");
        for word in WORDS {
            let line = text.lines().find(|line| line.contains(word));
            assert!(line.is_none(), "{place}: {word} in {line:?}");
        }
    }
}
