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

    let copy = copied(&site, "copy").await;
    let (good, said) = run(&site, &["audit", "query", "--dir", &copy]).await;
    assert!(good && said.contains("nothing is recorded") && said.contains("games.example"), "{said}");
    let (good, said) = run(&site, &["audit", "tail", "--no-follow", "--dir", &copy]).await;
    assert!(good && said.contains("nothing is recorded"), "{said}");
    let archive = site.file("copied.zip").display().to_string();
    let (good, said) = run(&site, &["audit", "export", "--dir", &copy, "--out", &archive]).await;
    assert!(good && said.contains("nothing is recorded"), "{said}");
    let (good, said) = run(&site, &["audit", "verify-export", &archive]).await;
    assert!(good && said.contains("are proven"), "{said}");
    let mut zip = zip::ZipArchive::new(std::fs::File::open(&archive).unwrap()).unwrap();
    let manifest: Value = serde_json::from_reader(zip.by_name("manifest.json").unwrap()).unwrap();
    let last = &site.trail().pop().unwrap();
    let (sequence, hash) = (&last["event"]["sequence"], last["schoolgate"]["hash"].as_str().unwrap());
    assert_eq!(manifest["head"]["anchor"], format!("{sequence}:{hash}"), "the end of the copy");
    assert_eq!(looks(&site).len(), before + 1, "a copy is nobody's trail");
    let own = site.file("own.zip").display().to_string();
    let (good, said) = run(&site, &[&["audit", "export", "--pages", "--out", &own][..], &WHY].concat()).await;
    assert!(good && !said.contains("nothing is recorded"), "{said}");
    let recorded: Vec<String> = looks(&site).into_iter().skip(before + 1).map(|(action, _)| action).collect();
    assert_eq!(recorded, ["events.export", "events.exported"]);
    site.verify().await;
}

/// A copy of the record, as somebody takes it away.
async fn copied(site: &Site, name: &str) -> String {
    let copy = site.file(name);
    let mut command = tokio::process::Command::new("cp");
    let copied = command.arg("-r").arg(site.file("var/audit")).arg(&copy).status();
    assert!(copied.await.unwrap().success());
    copy.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_around_an_event_is_told_with_and_without_a_gateway() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let browser = site.browser(&program, "ks2");
    assert_eq!(browser.get("http://maths.example/before").await.status, 200);
    assert_eq!(browser.get("http://games.example/chess").await.status, 403);
    let blocks = ["audit", "tail", "--after", "0", "--action", "block", "--no-follow"];
    let (good, said) = run(&site, &[&blocks[..], &WHY].concat()).await;
    assert!(good && said.lines().count() == 1 && said.contains("http://games.example/chess"), "{said}");
    let line = said.lines().next().unwrap();
    let block = serde_json::from_str::<Value>(line).unwrap()["event"]["sequence"].to_string();
    let around = [&["audit", "around", &block][..], &WHY].concat();
    let (good, said) = run(&site, &around).await;
    assert!(good && said.contains("The same person, 30 minutes"), "{said}");
    assert!(said.contains("maths.example") && said.contains("Others at the same host: 0\n"), "{said}");
    let (good, served) = run(&site, &[&around[..], &["--json"]].concat()).await;
    assert!(good, "{served}");
    program.signal("TERM").await;
    program.ended().await;
    let (good, read) = run(&site, &[&around[..], &["--json"]].concat()).await;
    assert!(good, "{read}");
    let mut served: Value = serde_json::from_str(&served).unwrap();
    served.as_object_mut().unwrap().remove("audit_seq").unwrap();
    assert_eq!(served, serde_json::from_str::<Value>(&read).unwrap(), "the same, whoever reads it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_verified_with_the_public_key_and_a_noted_head_alone() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    assert_eq!(site.browser(&program, "ks2").get("http://games.example/").await.status, 403);
    program.signal("TERM").await;
    program.ended().await;
    let copy = copied(&site, "copy").await;
    let (key, head) = (site.file("noted.pem"), site.file("noted.head"));
    std::fs::rename(site.file("copy/key.pem"), &key).unwrap();
    let (key, head) = (key.display().to_string(), head.display().to_string());
    let verify = ["audit", "verify", "--dir", &copy, "--json"];
    let with_key = [&verify[..], &["--key", &key]].concat();
    let (good, said) = run(&site, &with_key).await;
    let report: Value = serde_json::from_str(&said).unwrap();
    assert!(good && report["sound"] == true, "{said}");
    std::fs::write(&head, report["head"].as_str().unwrap()).unwrap();
    let day = site.trail()[0]["@timestamp"].as_str().unwrap()[..10].to_owned();
    let noted = [&with_key[..], &["--head", &head, "--since", &day]].concat();
    let (good, said) = run(&site, &noted).await;
    assert!(good && said.contains("\"sound\":true"), "{said}");
    let (good, said) = run(&site, &verify).await;
    assert!(!good && said.contains("signed by no known key"), "{said}");
    // The last line and what was signed of it are cut off: the chain holds, and the noted head tells.
    let folder = site.file("copy").join(&day);
    for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
        if file.extension().is_some_and(|ending| ending == "jsonl") {
            let text = std::fs::read_to_string(&file).unwrap();
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            std::fs::write(&file, lines[..lines.len() - 1].concat()).unwrap();
        }
    }
    let (_, said) = run(&site, &with_key).await;
    assert!(!said.contains("noted head"), "{said}");
    let (good, said) = run(&site, &noted).await;
    assert!(!good && said.contains("the trail ends before the noted head"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_made_anew_and_what_is_due_is_told_while_no_gateway_runs() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let (good, said) = run(&site, &["audit", "reindex"]).await;
    assert!(!good && said.contains("gateway"), "one that runs does it itself: {said}");
    program.signal("TERM").await;
    program.ended().await;
    let indexes = || {
        let segments = site.segments();
        let days = segments.iter().map(|segment| segment.parent().unwrap().join("index.db"));
        days.collect::<std::collections::BTreeSet<_>>()
    };
    let mut made: Vec<Vec<Vec<u8>>> = Vec::new();
    for _ in 0..2 {
        indexes().iter().for_each(|index| std::fs::remove_file(index).unwrap());
        let (good, said) = run(&site, &["audit", "reindex"]).await;
        assert!(good && said.contains("indexed"), "{said}");
        made.push(indexes().iter().map(|index| std::fs::read(index).unwrap()).collect());
    }
    assert!(made[0] == made[1], "the same lines make the same bytes");
    let (good, said) = run(&site, &["audit", "retention", "--dry-run"]).await;
    assert!(good, "{said}");
    site.verify().await;
}
