//! Whatever staff call, technicians edit, clocks say and starts interrupt, in whatever order.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::Office;
use crate::model::{GroupName, Host, Subject, Url};
use crate::policy::{Asked, Content, Destination, OnRequest, Rung, Shown};

const WHO: [&str; 7] =
    ["technician", "filtering_manager", "dsl", "headteacher", "governor", "teacher", "asker"];
const TARGETS: [&str; 6] = [
    "games.example",
    "listed.example",
    "category:games",
    "adult.example",
    "http://games.example/chess/",
    "help.example",
];
const ALLOW: [&str; 4] =
    ["# none\n", "games.example\n", "listed.example\nadult.example\n", "http://games.example/a/\n"];
const BLOCK: [&str; 3] = ["# none\n", "news.example\n", "news.example\nother.example\n"];
const GAMES: [&str; 4] =
    ["games = \"block\"", "games = \"allow\"", "games = \"alert\"", "adult = \"allow\"\ngames = \"block\""];

/// One step.
#[derive(Clone, Debug)]
enum Step {
    /// Somebody calls; `{unblock}` and `{change}` stand for one that there is.
    Call(usize, usize, usize),
    /// A technician edits a file and has it read.
    Edit(usize, usize),
    /// Time passes, or the clock is set back.
    Minutes(i64),
    /// The gateway ends and starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..WHO.len(), 0..CALLS, 0..4usize).prop_map(|(who, call, which)| Step::Call(who, call, which)),
        3 => (0..3usize, 0..4usize).prop_map(|(file, text)| Step::Edit(file, text)),
        2 => prop_oneof![Just(1i64), Just(61), Just(26 * 60), Just(-30)].prop_map(Step::Minutes),
        1 => Just(Step::Restart),
    ]
}

const CALLS: usize = 16;

/// A call: method, path, body.
fn call(number: usize, which: usize) -> (&'static str, &'static str, Value) {
    let target = TARGETS[which % TARGETS.len()];
    let said = json!({ "comment": "seen with the class, it is fine" });
    let (reason, none) = ("for the maths topic of this week", Value::Null);
    let risk = json!({
        "benefit": "chess teaches thinking ahead", "risk": "other games are near at hand",
        "mitigation": "the teacher walks round the class",
    });
    let change = |change: Value| json!({ "change": change, "reason": reason, "risk": risk });
    match number {
        0 | 1 => {
            let target = TARGETS[(which + number * 3) % TARGETS.len()];
            let wish = json!({ "target": target, "groups": ["ks2"], "minutes": 60, "reason": reason });
            ("POST", "/unblocks", wish)
        }
        2 | 3 => ("POST", "/unblocks/{unblock}/approve", said),
        4 => ("POST", "/unblocks/{unblock}/refuse", said),
        5 => ("POST", "/unblocks/{unblock}/revoke", said),
        6 => {
            let value = ["allow", "block", "alert", "allow"][which];
            (
                "POST",
                "/changes",
                change(json!({ "kind": "set", "key": "groups.pupils.categories.games", "value": value })),
            )
        }
        7 => {
            let (list, op) = (["school/allow", "school/block"][which % 2], ["add", "remove"][which / 2]);
            let entry = json!({ "kind": "entry", "list": list, "op": op, "entry": "games.example" });
            ("POST", "/changes", change(entry))
        }
        8 => {
            let entry =
                json!({ "kind": "entry", "list": "school/allow", "op": "add", "entry": "listed.example" });
            ("POST", "/changes", change(entry))
        }
        9 | 10 => {
            ("POST", "/changes/{change}/approve", json!({ "comment": "it is fine with me", "risk": risk }))
        }
        11 => ("POST", "/changes/{change}/refuse", said),
        12 => ("POST", "/lists/reload", json!({ "reason": "the lists were edited" })),
        13 => ("POST", "/blocks", json!({ "target": target, "reason": "a parent has told us of it" })),
        14 => {
            let suspension = json!({ "users": ["y5.042"], "to": "nothing", "minutes": 60,
                                     "reason": "was rude to others online today" });
            ("POST", "/suspensions", suspension)
        }
        _ => ("GET", "/me", none),
    }
}

async fn take(office: Office, step: &Step) -> Office {
    match step {
        Step::Call(who, number, which) => {
            let (method, path, body) = call(*number, *which);
            let path = filled(&office, path, *which).await;
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let (status, answer) =
                office.send(WHO[*who], method, &path, "application/json", body.as_bytes()).await;
            assert!(status < 500, "{} {method} {path}: {status} {answer}", WHO[*who]);
        }
        Step::Edit(file, text) => {
            match file {
                0 => office.write("lists/school/allow.txt", ALLOW[text % ALLOW.len()]),
                1 => office.write("lists/school/block.txt", BLOCK[text % BLOCK.len()]),
                _ => {
                    let policy = super::fixture::POLICY.replace(GAMES[0], GAMES[text % GAMES.len()]);
                    office.write("policy.toml", &policy);
                }
            }
            let (status, answer) = office.post("technician", "/lists/reload", json!({})).await;
            assert!(status < 500, "{answer}");
        }
        Step::Minutes(minutes) if *minutes < 0 => {
            let span = Duration::from_secs(minutes.unsigned_abs() * 60);
            office.clock.set(office.clock.now().minus(span));
        }
        Step::Minutes(minutes) => {
            office.clock.advance(Duration::from_secs(minutes.unsigned_abs() * 60));
            office.control.sweep().await.unwrap();
        }
        Step::Restart => return office.restarted().await,
    }
    office
}

/// The path with ids of things that there are.
async fn filled(office: &Office, path: &str, which: usize) -> String {
    let mut path = path.to_owned();
    for (word, list) in [("{unblock}", "/unblocks"), ("{change}", "/changes")] {
        if path.contains(word) {
            let (_, page) = office.get("headteacher", list).await;
            let items = page["items"].as_array().unwrap();
            let id = items.get(which % items.len().max(1)).and_then(|item| item["id"].as_str());
            path = path.replace(word, id.unwrap_or("018f0000-0000-7000-8000-000000000000"));
        }
    }
    path
}

/// What a pupil who asks for a page gets: the rung, and whether it is refused.
async fn answer(office: &Office, url: &str) -> (Rung, bool) {
    let group: GroupName = "ks2".parse().unwrap();
    let subject = Subject { group: Some(group), ..Subject::unknown([10, 1, 2, 3].into()) };
    let url = Url::parse(url).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
    let (shown, content) = (Shown::Request, Content::unseen());
    let asked = Asked { subject: &subject, destination: &destination, shown, content };
    let verdict = office.control.live().snapshot().on_request(&asked, office.clock.now());
    (verdict.reason.rung, verdict.answer == OnRequest::Block)
}

/// What must hold, whatever was done.
async fn holds(office: &Office) {
    for url in ["http://listed.example/", "http://listed.example/a", "https://www.listed.example/"] {
        assert_eq!(answer(office, url).await, (Rung::Statutory, true), "{url}");
    }
    assert!(Host::parse("listed.example").is_ok());
    let (_, unblocks) = office.get("headteacher", "/unblocks?limit=500").await;
    let (_, changes) = office.get("headteacher", "/changes?limit=500").await;
    let mut opened = false;
    for unblock in unblocks["items"].as_array().unwrap() {
        let (by, asker) = (unblock["decided_by"].as_str(), unblock["requester"].as_str());
        assert!(by.is_none() || by != asker || own(unblock), "{unblock}");
        opened |= ["active", "scheduled"].contains(&unblock["state"].as_str().unwrap());
    }
    for change in changes["items"].as_array().unwrap() {
        let (by, proposer) = (change["decided_by"].as_str(), change["proposer"]["name"].as_str());
        // Whoever proposed a change may take it back.
        assert!(by.is_none() || by != proposer || change["state"] == "withdrawn", "{change}");
        let passed = change["state"] == "approved";
        assert!(!passed || by.is_some(), "{change}");
        opened |= passed;
    }
    let (_, refused) = answer(office, "http://games.example/chess/").await;
    assert!(refused || opened, "games are open, and nobody has opened them");
    recorded(office).await;
}

/// Whether an unblock was ended by its own asker, who may.
fn own(unblock: &Value) -> bool {
    unblock["state"] == "ended"
}

/// Every act of the journal has its record, and every record of an act stands in the journal.
async fn recorded(office: &Office) {
    let journal = office.control.journalled().await;
    let trail = office.trail().await;
    let told: BTreeMap<String, u64> = trail
        .iter()
        .filter_map(|event| {
            let id = event["schoolgate"]["details"]["journal"].as_str()?;
            Some((id.to_owned(), event["event"]["sequence"].as_u64()?))
        })
        .collect();
    assert_eq!(journal, told);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    /// No sequence makes a statutory entry reachable, lets anybody approve their own request, opens
    /// anything that nobody has opened, or leaves a change in force without its record.
    #[test]
    fn nothing_is_opened_unasked_and_nothing_goes_unrecorded(steps in prop::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut office = Office::open().await;
            for step in &steps {
                office = take(office, step).await;
                holds(&office).await;
            }
        });
    }
}
