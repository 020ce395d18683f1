//! Reading the log: recorded, paged, pseudonymised.

use serde_json::{Value, json};

use super::fixture::Office;
use crate::audit::{Fetch, Seen};

#[tokio::test]
async fn a_read_is_recorded_before_it_is_answered() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "listed.example").await;
    let (status, page) =
        office.get("dsl", "/events?user=y5.042&action=block&reason=worried+about+them").await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["url"]["domain"], "games.example");
    assert_eq!((&page["items"][0]["user"]["name"], &page["next"]), (&json!("y5.042"), &Value::Null));
    let trail = office.trail().await;
    let read = trail.last().unwrap();
    assert_eq!(read["event"]["sequence"], page["audit_seq"]);
    assert_eq!(read["event"]["dataset"], "schoolgate.read");
    assert_eq!(
        (&read["user"]["name"], &read["event"]["reason"]),
        (&json!("dsl"), &json!("worried about them"))
    );
    assert_eq!(read["schoolgate"]["details"], json!({ "user": "y5.042", "action": "block" }));

    let (_, all) = office.get("headteacher", "/events?dataset=access&reason=a+weekly+review").await;
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    assert!(!all.to_string().contains("listed.example"), "statutory matches stay masked for all");
    let (status, _) = office.get("governor", "/events").await;
    assert_eq!(status, 403);
    let trail = office.trail().await;
    let read = trail.last().unwrap();
    assert_eq!(
        (&read["event"]["action"], &read["event"]["outcome"]),
        (&json!("events.read"), &json!("failure"))
    );
}

#[tokio::test]
async fn a_technician_sees_what_happened_and_not_to_whom() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "games.example").await;
    office.visit("10.1.2.3", "y5.042", "other.example").await;
    let mut wish = super::fixture::wish("games.example");
    wish["users"] = json!(["y5.042"]);
    office.post("teacher", "/unblocks", wish).await;
    office.get("dsl", "/events?user=y5.042&client=10.1.2.3&reason=about+y5.042").await;

    let (_, page) = office.get("technician", "/events").await;
    let text = page.to_string();
    for name in ["y5.04", "10.1.2.", "CB-2-017", "\"hash\"", "\"prev\"", "topic week"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    let seen = page["items"].as_array().unwrap();
    let (_, named) = office.get("dsl", "/events?reason=a+weekly+review").await;
    assert!(named.to_string().contains("y5.042") && named.to_string().contains("\"hash\""));
    let accesses: Vec<&Value> =
        seen.iter().filter(|event| event["event"]["dataset"] == "schoolgate.access").collect();
    let user = |at: usize| accesses[at]["user"]["name"].as_str().unwrap();
    assert_eq!((user(0), accesses.len()), (user(2), 3), "the same person has the same pseudonym");
    assert_ne!(user(0), user(1));
    assert!(user(0).starts_with("user-") && accesses[0]["user"]["group"]["name"] == "ks2");
    let asked = seen.iter().find(|event| event["event"]["action"] == "unblock.requested").unwrap();
    assert_eq!(asked["schoolgate"]["details"]["users"], json!([user(0)]));
    assert_eq!(asked["user"]["name"], "teacher", "staff are no pupils");

    let (_, theirs) = office.get("technician", &format!("/events?limit=1&user={}", user(0))).await;
    assert_eq!(theirs["items"][0]["url"]["domain"], "other.example");
    let next = theirs["next"].as_str().unwrap();
    let (_, more) = office.get("technician", &format!("/events?user={}&cursor={next}", user(0))).await;
    assert_eq!(more["items"].as_array().unwrap().len(), 1);
    assert_eq!(more["items"][0]["url"]["domain"], "games.example");
    for guess in ["user=y5.042", "client=10.1.2.3", "device=CB-2-017"] {
        let (status, none) = office.get("technician", &format!("/events?{guess}")).await;
        assert_eq!((status, &none["items"]), (200, &json!([])), "a guess says nothing");
    }
}

#[tokio::test]
async fn pages_of_events_miss_none_and_repeat_none() {
    let office = Office::open().await;
    for number in 0..7 {
        office.visit("10.1.2.3", &format!("y5.{number}"), "games.example").await;
    }
    for (who, count) in [("dsl", 7), ("technician", 10)] {
        let (mut found, mut path) =
            (Vec::new(), "/events?dataset=schoolgate.access&limit=3&reason=a+weekly+review".to_owned());
        loop {
            let (_, page) = office.get(who, &path).await;
            // What comes meanwhile moves nothing from one page to another.
            office.visit("10.1.2.3", "y5.042", "games.example").await;
            found.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["event"]["sequence"].as_u64()),
            );
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/events?dataset=schoolgate.access&limit=3&reason=a+weekly+review&cursor={next}");
        }
        assert_eq!(found.len(), count);
        assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "{found:?}");
    }
}

/// What a browser says of a fetch: site, mode, dest, user; and the page that led to it.
async fn fetched(office: &Office, user: &str, host: &str, said: [&str; 4], referrer: Option<&str>) {
    let [site, mode, dest, by] = said.map(|word| (!word.is_empty()).then(|| word.to_owned()));
    let seen = Seen {
        fetch: Some(Fetch { site, mode, dest, user: by }),
        referrer: referrer.map(str::to_owned),
        ..Seen::default()
    };
    office.see("10.1.2.3", user, host, seen).await;
}

const TYPED: [&str; 4] = ["none", "navigate", "document", "?1"];
const CLICK: [&str; 4] = ["cross-site", "navigate", "document", "?1"];
const PART: [&str; 4] = ["cross-site", "no-cors", "image", ""];

#[tokio::test]
async fn a_log_collapses_to_pages_and_a_page_opens_to_its_events() {
    let office = Office::open().await;
    for number in 0..5 {
        let (host, referrer) = (format!("site-{number}.example"), format!("https://site-{number}.example/"));
        fetched(&office, "y5.042", &host, TYPED, None).await;
        for _ in 0..6 {
            fetched(&office, "y5.042", "cdn.pictures.example", PART, Some(&referrer)).await;
        }
        office.visit("10.1.2.3", "y5.042", "games.example").await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/events?view=pages&user=y5.042&limit=3&reason=a+weekly+review{cursor}");
        let (status, page) = office.get("dsl", &path).await;
        assert_eq!(status, 200, "{page}");
        seen.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let told: Vec<(Value, Value)> =
        seen.iter().map(|lead| (lead["url"]["domain"].clone(), lead["page"]["events"].clone())).collect();
    let pages: Vec<_> = told.iter().filter(|(host, _)| host != "games.example").collect();
    assert_eq!(pages.len(), 5, "{told:?}");
    assert!(pages.iter().all(|(_, events)| *events == 7), "{told:?}");
    let blocked: u64 = seen.iter().filter_map(|lead| lead["page"]["blocked"].as_u64()).sum();
    assert_eq!(blocked, 5, "{told:?}");
    let lead = seen.iter().find(|lead| lead["url"]["domain"] == "site-2.example").unwrap();
    let number = lead["page"]["sequence"].as_u64().unwrap();
    let (_, events) = office.get("dsl", &format!("/events?page={number}&reason=a+weekly+review")).await;
    let hosts: Vec<&Value> =
        events["items"].as_array().unwrap().iter().map(|event| &event["url"]["domain"]).collect();
    assert_eq!(
        (hosts.len(), hosts[0], hosts[6]),
        (7, &json!("site-2.example"), &json!("cdn.pictures.example"))
    );
    for wrong in ["view=lines", "page=x"] {
        let (status, _) = office.get("dsl", &format!("/events?{wrong}&reason=a+weekly+review")).await;
        assert_eq!(status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn what_was_around_a_moment_is_told_and_recorded() {
    let office = Office::open().await;
    office.visit("10.1.2.4", "y5.043", "games.example").await;
    fetched(&office, "y5.042", "www.example.org", TYPED, None).await;
    fetched(&office, "y5.042", "games.example", CLICK, Some("https://www.example.org/list")).await;
    office.visit("10.1.2.3", "y5.042", "listed.example").await;
    let trail = office.trail().await;
    let of = |host: &str| {
        let found =
            trail.iter().rfind(|event| event["url"]["domain"] == host && event["user"]["name"] == "y5.042");
        found.unwrap()["event"]["sequence"].as_u64().unwrap()
    };
    let path = format!("/events/{}/around?reason=a+worry+about+them", of("games.example"));
    let (status, around) = office.get("dsl", &path).await;
    assert_eq!(status, 200, "{around}");
    assert_eq!(
        around["told"],
        "Reached by a link from www.example.org, which was typed in, or opened from a bookmark."
    );
    let reached: Vec<&Value> =
        around["chain"].as_array().unwrap().iter().map(|step| &step["reached"]).collect();
    assert_eq!(reached, ["link", "typed"]);
    assert_eq!(around["person"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&around["others"][0]["user"], &around["others"][0]["accesses"]),
        (&json!("y5.043"), &json!(1))
    );
    assert!(!around.to_string().contains("listed.example"), "statutory matches stay masked");
    let read = office.trail().await;
    let read = read.last().unwrap();
    assert_eq!(
        (&read["event"]["action"], &read["event"]["sequence"]),
        (&json!("events.around"), &around["audit_seq"])
    );
    assert_eq!(read["schoolgate"]["details"]["sequence"], of("games.example"));

    let statutory = trail.iter().rfind(|event| event["schoolgate"]["rung"] == "statutory").unwrap();
    let number = &statutory["event"]["sequence"];
    let (_, around) =
        office.get("dsl", &format!("/events/{number}/around?view=pages&reason=a+worry+about+them")).await;
    assert_eq!((&around["others"], &around["chain"][0]["host"]), (&json!([]), &Value::Null));

    let (_, around) = office.get("technician", &format!("/events/{}/around", of("games.example"))).await;
    let text = around.to_string();
    assert!(["y5.04", "10.1.2.", "CB-2-017", "\"hash\""].iter().all(|name| !text.contains(name)), "{text}");
    assert!(around["others"][0]["user"].as_str().unwrap().starts_with("user-"));
    for (who, path, status) in [
        ("dsl", "/events/1/around", 422),
        ("dsl", "/events/9999/around?reason=a+worry+about+them", 404),
        ("teacher", "/events/1/around", 403),
    ] {
        assert_eq!(office.get(who, path).await.0, status, "{who} {path}");
    }
    let (_, own) = office.get("dsl", "/events/1/around?reason=a+worry+about+them").await;
    let nobodys = [&own["told"], &own["chain"], &own["person"], &own["others"]];
    assert_eq!(nobodys, [&json!(""), &json!([]), &json!([]), &json!([])], "what nobody did: {own}");
    let path = format!("/events/{}/around?minutes=0&reason=a+worry+about+them", of("games.example"));
    assert_eq!(office.get("dsl", &path).await.0, 422);
}

#[tokio::test]
async fn words_of_a_search_are_found() {
    let office = Office::open().await;
    for words in ["How to hide a bruise", "hide and seek", "bread"] {
        let seen = Seen { search: Some(words.to_owned()), ..Seen::default() };
        office.see("10.1.2.3", "y5.042", "search.example", seen).await;
    }
    for (asked, count) in [("hide", 2), ("HIDE+bruise", 1), ("hid", 2), ("nothing", 0)] {
        let (_, page) = office.get("dsl", &format!("/events?search={asked}&reason=a+weekly+review")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{asked}");
    }
}

/// A search that can find nothing whatever happened is refused: nobody is to conclude from it that
/// nothing happened.
#[tokio::test]
async fn words_that_no_event_holds_are_refused_and_names_that_are_none_today_are_noted() {
    let office = Office::open().await;
    for (asked, field) in [
        ("action=bogus", "action"),
        ("rung=nonsense", "rung"),
        ("dataset=nonsense", "dataset"),
        ("from=2026-11-25T09:00:00Z&to=2026-11-24T09:00:00Z", "to"),
        ("from=2026-11-24T09:00:00Z&to=2026-11-24T09:00:00Z", "to"),
    ] {
        let (status, problem) =
            office.get("dsl", &format!("/events?{asked}&reason=a+worry+about+them")).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{asked}: {problem}");
    }
    for (asked, notes) in [
        ("group=ks2&category=games&action=block&rung=category&dataset=access", 0),
        ("group=nope", 1),
        ("group=nope&category=gmaes", 2),
    ] {
        let (status, page) = office.get("dsl", &format!("/events?{asked}&reason=a+worry+about+them")).await;
        let noted = page["notes"].as_array().map_or(0, Vec::len);
        assert_eq!((status, noted), (200, notes), "{asked}: {page}");
    }
}
