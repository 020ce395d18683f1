//! What a page needs from other hosts, as the trail tells it.

use std::time::Duration;

use serde_json::json;

use super::fixture::Office;

async fn items(office: &Office, who: &str, path: &str) -> Vec<(String, u64, bool)> {
    let (status, answer) = office.get(who, path).await;
    assert_eq!(status, 200, "{answer}");
    assert!(!answer.to_string().contains("y5."), "no pupil is named: {answer}");
    let of = |item: &serde_json::Value| {
        let host = item["host"].as_str().unwrap().to_owned();
        (host, item["denied"].as_u64().unwrap(), item["locked"].as_bool().unwrap())
    };
    answer["items"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn what_was_refused_near_a_page_is_offered() {
    let office = Office::open().await;
    office.write(
        "lists/categories/games.txt",
        "# list: Games\n# Date: 2026-11-22\ngames.example\ncdn.example\nfar.example\n",
    );
    office.post("technician", "/lists/reload", json!({})).await;
    let pause = |seconds: u64| office.clock.advance(Duration::from_secs(seconds));
    office.visit("10.1.2.3", "y5.042", "far.example").await;
    pause(60);
    office.visit("10.1.2.3", "y5.042", "early.cdn.example").await;
    pause(1);
    office.visit("10.1.2.3", "y5.042", "www.games.example").await;
    pause(1);
    for host in ["cdn.example", "cdn.example", "adult.example", "listed.example", "maths.example"] {
        office.visit("10.1.2.3", "y5.042", host).await;
    }
    // Another pupil, who never asked for the page.
    office.visit("10.1.2.4", "y5.043", "far.example").await;
    let path = "/unblocks/dependencies?target=https://www.games.example/chess&group=ks2";
    let expected = [("cdn.example", 2, false), ("adult.example", 1, true), ("early.cdn.example", 1, false)];
    let expected = expected.map(|(host, denied, locked)| (host.to_owned(), denied, locked));
    assert_eq!(items(&office, "dsl", path).await, expected);
    let by_client = "/unblocks/dependencies?target=www.games.example&client=10.1.2.3";
    assert_eq!(items(&office, "filtering_manager", by_client).await, expected);
    let nothing = "/unblocks/dependencies?target=www.games.example&client=10.1.2.4";
    assert_eq!(items(&office, "dsl", nothing).await, []);
    let (_, answer) = office.get("dsl", path).await;
    assert_eq!(answer["items"][0]["categories"], json!(["games"]), "{answer}");

    for (who, path, status, code) in [
        ("teacher", path, 403, "forbidden"),
        ("teacher", by_client, 403, "forbidden"),
        ("governor", path, 403, "forbidden"),
        ("dsl", "/unblocks/dependencies?target=listed.example&group=ks2", 403, "statutory"),
        ("dsl", "/unblocks/dependencies?target=category:games&group=ks2", 422, "invalid"),
        ("dsl", "/unblocks/dependencies?target=games.example&group=year9", 422, "invalid"),
        ("dsl", "/unblocks/dependencies?target=games.example", 422, "invalid"),
        ("dsl", "/unblocks/dependencies?group=ks2", 422, "invalid"),
    ] {
        let (found, answer) = office.get(who, path).await;
        assert_eq!((found, answer["code"].as_str()), (status, Some(code)), "{who} {path}: {answer}");
    }
    pause(601);
    assert_eq!(items(&office, "dsl", path).await, [], "ten minutes back, and no more");
    let looks = office.trail().await;
    assert!(looks.iter().any(|event| event["event"]["action"] == "unblock.dependencies_read"));
    assert!(!serde_json::to_string(&looks).unwrap().contains("listed.example"));
}
