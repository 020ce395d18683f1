//! The lists as the API tells of them: how old, from where, what is wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn iwf(office: &Office) -> Value {
    let (status, lists) = office.get("technician", "/lists").await;
    assert_eq!(status, 200, "{lists}");
    let found = lists["statutory"].as_array().unwrap().iter().find(|list| list["name"] == "iwf").cloned();
    json!({ "list": found, "alarms": lists["alarms"], "inspection": lists["inspection"] })
}

#[tokio::test]
async fn a_statutory_list_grows_old_and_raises_an_alarm_after_a_day() {
    let office = Office::open().await;
    office.write("statutory/iwf.txt", "# Date: 2026-11-22\nhost.example\npaged.example/a\npaged.example/b\n");
    let (status, _) = office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!(status, 200);
    let told = iwf(&office).await;
    let (list, sentence) = (&told["list"], told["inspection"]["sentence"].as_str().unwrap());
    assert_eq!((&list["entries"], &list["pages"], &list["age_seconds"]), (&json!(3), &json!(2), &json!(0)));
    assert_eq!((&list["alarm"], &told["inspection"]["hosts"]), (&Value::Null, &json!(1)));
    assert!(sentence.contains("1 host") && sentence.contains("not enforced"), "{sentence}");

    office.clock.advance(DAY);
    assert!(office.control.watch().await.unwrap().is_empty(), "a day is the most, and not too old");
    office.clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        let alarms = office.control.watch().await.unwrap();
        assert_eq!((alarms.len(), alarms[0].list.as_str()), (1, "statutory/iwf"), "the test list is not old");
    }
    let told = iwf(&office).await;
    assert_eq!(told["list"]["alarm"], "it was not refreshed for more than 24 hours");
    assert_eq!(told["list"]["age_seconds"], 24 * 3600 + 1);
    let number = office.metrics.render().unwrap();
    assert!(number.contains("schoolgate_list_age_seconds{list=\"statutory/iwf\"} 86401"), "{number}");
    assert!(number.contains("schoolgate_list_alarm{list=\"statutory/iwf\"} 1"), "{number}");

    // The same list brought again is a list that was looked at.
    office.write("statutory/iwf.txt", "# Date: 2026-11-24\nhost.example\npaged.example/a\npaged.example/b\n");
    office.post("technician", "/lists/reload", json!({})).await;
    assert_eq!(iwf(&office).await["alarms"], json!([]));
    let trail = office.trail().await;
    let actions: Vec<&str> = trail.iter().filter_map(|event| event["event"]["action"].as_str()).collect();
    let of_lists: Vec<&&str> = actions.iter().filter(|action| action.starts_with("list.")).collect();
    assert_eq!(of_lists, [&"list.alarm", &"list.mended"], "each is told once");
    let trail = format!("{trail:?}");
    assert!(["host.example", "paged.example"].iter().all(|entry| !trail.contains(entry)));
}
