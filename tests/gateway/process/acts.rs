//! Killed in the middle of acts of staff, again and again: each happened and is recorded, or it did
//! not happen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schoolgate::web::local::call;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::{Gateway, Site};

const ROUNDS: usize = 8;
const WORKERS: usize = 4;
const REASON: &str = "for the maths topic of this week";

/// One who calls the gateway in their own name.
#[derive(Clone)]
struct Caller {
    socket: PathBuf,
    token: String,
}

impl Caller {
    async fn new(site: &Site, name: &str, role: &str) -> Caller {
        let said = site.run(&["staff", "add", name, "--role", role]).await;
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let said = site.run(&["staff", "token", name]).await;
        let token = String::from_utf8(said.stdout).unwrap().trim().to_owned();
        Caller { socket: site.file("var/schoolgate.sock"), token }
    }

    /// The answer; none when the gateway is gone.
    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Option<Value> {
        let path = format!("/api/v1{path}");
        let (status, answer) = call(&self.socket, method, &path, Some(&self.token), body).await.ok()?;
        assert!(status < 500, "{path}: {status} {answer}");
        Some(answer)
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let mut page = self.ask("GET", &format!("{path}?limit=500{cursor}"), None).await.unwrap();
            items.append(page["items"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

/// Asks, approves and proposes until the gateway is gone; tells of every answer.
async fn work(teacher: Caller, head: Caller, manager: Caller, number: usize, told: mpsc::Sender<Value>) {
    for turn in 0.. {
        let host = format!("w{number}-{turn}.games.example");
        let wish = json!({ "target": host, "groups": ["ks2"], "minutes": 60, "reason": REASON });
        let Some(asked) = teacher.ask("POST", "/unblocks", Some(wish)).await else { return };
        let id = asked["id"].as_str().unwrap().to_owned();
        let _ = told.send(asked).await;
        let comment = Some(json!({ "comment": "seen, it is fine" }));
        let Some(done) = head.ask("POST", &format!("/unblocks/{id}/approve"), comment).await else { return };
        let _ = told.send(done).await;
        let change = json!({ "kind": "entry", "list": "school/block", "op": "add", "entry": host });
        let proposal = Some(json!({ "change": change, "reason": REASON }));
        let Some(done) = manager.ask("POST", "/changes", proposal).await else { return };
        let _ = told.send(done["changes"][0].clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_an_act_happened_and_is_recorded_or_it_did_not() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let teacher = Caller::new(&site, "a.teacher", "teacher").await;
    let head = Caller::new(&site, "the.head", "headteacher").await;
    let manager = Caller::new(&site, "m.jones", "filtering_manager").await;
    let mut answered: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..ROUNDS {
        let (tell, mut told) = mpsc::channel(64);
        let mut workers = JoinSet::new();
        for number in 0..WORKERS {
            let number = round * WORKERS + number;
            workers.spawn(work(teacher.clone(), head.clone(), manager.clone(), number, tell.clone()));
        }
        drop(tell);
        // Another number of answers in each round: the others are somewhere on their way then.
        for _ in 0..3 + 2 * round {
            note(told.recv().await.unwrap(), &mut answered);
        }
        program.kill().await;
        while let Some(more) = told.recv().await {
            note(more, &mut answered);
        }
        while let Some(worker) = workers.join_next().await {
            worker.unwrap();
        }
        program = site.serve().await;
        is_whole(&site, &head, &answered).await;
    }
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
}

fn note(answer: Value, answered: &mut BTreeMap<String, String>) {
    let word = |field: &str| answer[field].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    answered.insert(word("id"), word("state"));
}

/// What stands is what the trail says, and holds all that anybody was answered.
async fn is_whole(site: &Site, head: &Caller, answered: &BTreeMap<String, String>) {
    let mut recorded: BTreeMap<String, String> = BTreeMap::new();
    let mut journalled = BTreeSet::new();
    for event in site.trail() {
        let (action, details) =
            (event["event"]["action"].as_str().unwrap_or(""), &event["schoolgate"]["details"]);
        if event["event"]["outcome"] != "success" {
            continue;
        }
        if let Some(id) = details["journal"].as_str() {
            assert!(journalled.insert(id.to_owned()), "{action} is recorded twice");
        }
        match action {
            "unblock.requested" => {
                recorded.insert(details["unblock_id"].as_str().unwrap().to_owned(), "pending".to_owned());
            }
            "unblock.approved" => {
                recorded.insert(details["unblock_id"].as_str().unwrap().to_owned(), "active".to_owned());
            }
            "change.proposed" => {
                for change in details["changes"].as_array().unwrap() {
                    recorded.insert(change["change_id"].as_str().unwrap().to_owned(), "at_once".to_owned());
                }
            }
            _ => {}
        }
    }
    let mut standing: BTreeMap<String, String> = BTreeMap::new();
    for item in [head.items("/unblocks").await, head.items("/changes").await].concat() {
        let word = |field: &str| item[field].as_str().unwrap().to_owned();
        standing.insert(word("id"), word("state"));
    }
    assert_eq!(standing, recorded, "what is in force, and what is on record");
    for (id, state) in answered {
        let stands = standing.get(id);
        let kept = stands == Some(state) || (state == "pending" && stands.is_some());
        assert!(kept, "{id} was answered as {state} and is {stands:?}");
    }
}
