//! Lists that a technician imports by hand: what was taken and what was refused is on record, whether a
//! gateway runs or not.

use serde_json::Value;

use crate::harness::{Gateway, Site};

fn hosts(count: usize) -> String {
    (0..count).map(|number| format!("game{number}.example\n")).collect()
}

/// What the record has of imports: action, outcome, and details.
fn imports(site: &Site) -> Vec<(String, String, Value)> {
    let trail = site.trail();
    let by_hand = trail.iter().filter(|event| event["schoolgate"]["details"]["by"] == "import");
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let told = by_hand.map(|event| {
        let own = &event["event"];
        (word(&own["action"]), word(&own["outcome"]), event["schoolgate"].clone())
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_by_hand_is_recorded_and_so_is_its_refusal() {
    let site = Gateway::new().site().await;
    let file = site.file("games.txt").display().to_string();
    let import = ["lists", "import", &*file, "--category", "arcade"];
    site.write("games.txt", &hosts(60));
    assert!(site.run(&[&import[..], &["--dry-run"]].concat()).await.status.success());
    assert!(!site.file("var/audit").exists(), "before the first start there is no record to keep it in");
    let mut program = site.serve().await;
    assert!(site.run(&import).await.status.success());
    assert!(site.run(&[&import[..], &["--dry-run"]].concat()).await.status.success());
    site.write("games.txt", &hosts(5));
    assert_eq!(site.run(&import).await.status.code(), Some(1), "it would shrink");
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.write("games.txt", &hosts(70));
    assert!(site.run(&import).await.status.success(), "where no gateway runs");
    let told = imports(&site);
    let outcomes: Vec<(&str, &str)> =
        told.iter().map(|(action, outcome, _)| (&**action, &**outcome)).collect();
    assert_eq!(
        outcomes,
        [("list.refreshed", "success"), ("list.refused", "failure"), ("list.refreshed", "success")]
    );
    for (at, entries) in [(0, 60), (2, 70)] {
        let details = &told[at].2["details"];
        assert_eq!(
            (&details["lists"]["local/arcade"], &details["entries"]),
            (&entries.into(), &entries.into())
        );
        assert_eq!(details["sha256"].as_str().unwrap().len(), 64);
        assert!(details["path"].as_str().unwrap().ends_with("games.txt"));
    }
    assert!(told.iter().all(|(_, _, own)| own["actor"] == "local"), "{told:?}");
    site.verify().await;
}
