//! The log from the command line: every look is recorded, whether or not a gateway runs.

use serde_json::Value;

use crate::harness::{Gateway, Site};

const WHY: [&str; 2] = ["--reason", "looking into a report"];

async fn run(site: &Site, arguments: &[&str]) -> (bool, String) {
    let said = site.run(arguments).await;
    (said.status.success(), String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned())
}

/// The looks that are recorded, the oldest first.
fn looks(site: &Site) -> Vec<(String, Value)> {
    let of = |event: &Value, place: &str| event.pointer(place).cloned().unwrap_or_default();
    let trail = site.trail().into_iter().filter(|event| of(event, "/event/dataset") == "schoolgate.read");
    trail
        .map(|event| (of(&event, "/event/action").as_str().unwrap().to_owned(), of(&event, "/event/reason")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_look_from_the_command_line_is_recorded() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    assert_eq!(browser.get("http://games.example/chess").await.status, 403);
    let with = |words: &[&'static str]| [words, &WHY].concat();

    let (good, said) = run(&site, &["audit", "query"]).await;
    assert!(!good && said.contains("purpose_needed"), "{said}");
    let (good, said) = run(&site, &with(&["audit", "query", "--action", "block"])).await;
    assert!(good && said.contains("games.example"), "{said}");
    let (good, said) = run(&site, &with(&["audit", "tail", "-n", "4", "--no-follow"])).await;
    assert!(good && said.lines().count() == 4, "{said}");
    let line = said.lines().find(|line| line.contains("events.read")).unwrap();
    assert!(line.contains(",\"hash\":\""), "the line itself: {line}");
    let archive = site.file("matter.zip").display().to_string();
    let (good, said) = run(&site, &[&["audit", "export", "--out", &archive][..], &WHY].concat()).await;
    assert!(good && said.contains("matter.zip"), "{said}");
    let (good, said) = run(&site, &["audit", "verify-export", &archive]).await;
    assert!(good && said.contains("are proven"), "{said}");
    let (good, said) = run(&site, &[&["audit", "export", "--out", &archive][..], &WHY].concat()).await;
    assert!(!good && said.contains("exists"), "nothing is written over: {said}");
    program.signal("TERM").await;
    program.ended().await;
    let recorded: Vec<String> = looks(&site).into_iter().map(|(action, _)| action).collect();
    for action in ["events.read", "events.stream", "events.stream_ended", "events.export", "events.exported"]
    {
        assert!(recorded.iter().any(|found| found == action), "{action} is not in {recorded:?}");
    }

    let before = looks(&site).len();
    let (good, said) = run(&site, &["audit", "query"]).await;
    assert!(!good && said.contains("--reason"), "{said}");
    let (good, said) = run(&site, &with(&["audit", "query", "--action", "block"])).await;
    assert!(good && said.contains("games.example"), "{said}");
    let after = looks(&site);
    assert_eq!(after.len(), before + 1);
    assert_eq!(after[before], ("events.read".to_owned(), Value::from(WHY[1])));

    let copy = site.file("copy");
    let copied = tokio::process::Command::new("cp").arg("-r").arg(site.file("var/audit")).arg(&copy).status();
    assert!(copied.await.unwrap().success());
    let copy = copy.display().to_string();
    let (good, said) = run(&site, &["audit", "query", "--dir", &copy]).await;
    assert!(good && said.contains("nothing is recorded") && said.contains("games.example"), "{said}");
    let (good, said) = run(&site, &["audit", "tail", "--no-follow", "--dir", &copy]).await;
    assert!(good && said.contains("nothing is recorded"), "{said}");
    let archive = site.file("copied.zip").display().to_string();
    let (good, said) = run(&site, &["audit", "export", "--dir", &copy, "--out", &archive]).await;
    assert!(good && said.contains("nothing is recorded"), "{said}");
    let (good, said) = run(&site, &["audit", "verify-export", &archive]).await;
    assert!(good && said.contains("are proven"), "{said}");
    assert_eq!(looks(&site).len(), before + 1, "a copy is nobody's trail");
    let own = site.file("own.zip").display().to_string();
    let (good, said) = run(&site, &[&["audit", "export", "--pages", "--out", &own][..], &WHY].concat()).await;
    assert!(good && !said.contains("nothing is recorded"), "{said}");
    let recorded: Vec<String> = looks(&site).into_iter().skip(before + 1).map(|(action, _)| action).collect();
    assert_eq!(recorded, ["events.export", "events.exported"]);
    site.verify().await;
}
