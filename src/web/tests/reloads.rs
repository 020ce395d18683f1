//! What people do while everything is read anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::runtime::Handle;

use super::fixture::{Office, wish};
use crate::audit::Actor;

/// Nothing here takes that long, unless it waits for what waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reload that stands still at the first list of each reading until `go` says so or is gone.
struct Still {
    begun: mpsc::Receiver<usize>,
    go: mpsc::Sender<()>,
    done: tokio::task::JoinHandle<Vec<String>>,
}

fn reload(office: &Office) -> Still {
    let (control, runtime) = (Arc::clone(&office.control), Handle::current());
    let ((begin, begun), (go, went)) = (mpsc::channel(), mpsc::channel());
    let done = tokio::task::spawn_blocking(move || {
        let readings = AtomicUsize::new(0);
        let went = Mutex::new(went);
        let progress = move |_: &str, done: usize, _: usize| {
            if done == 1 {
                let reading = readings.fetch_add(1, Ordering::Relaxed) + 1;
                let _ = begin.send(reading);
                let _ = went.lock().unwrap().recv_timeout(PATIENCE);
            }
        };
        let done = runtime.block_on(control.reload(Actor::Local, None, &progress));
        done.unwrap().value.changes
    });
    Still { begun, go, done }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_lists_to_be_read_and_what_they_did_stays() {
    let office = Office::open().await;
    let id = office.pending().await;
    office.write("lists/school/block.txt", "chat.example\n");
    let still = reload(&office);
    assert_eq!(still.begun.recv_timeout(PATIENCE), Ok(1));

    let path = format!("/unblocks/{id}/approve");
    let act = office.post("headteacher", &path, json!({}));
    let (status, done) = tokio::time::timeout(PATIENCE, act).await.expect("an act waits for a reading");
    assert_eq!((status, &done["state"]), (200, &json!("active")), "{done}");
    let shut = json!({ "target": "stranger.example", "reason": "a stranger writes to pupils there" });
    assert_eq!(office.post("dsl", "/blocks", shut).await.0, 201);
    let entry = json!({ "kind": "entry", "list": "school/block", "op": "add", "entry": "quiz.example" });
    let change = json!({ "change": entry, "reason": "Asked for by the teachers of year 5" });
    let (status, proposed) = office.post("filtering_manager", "/changes", change).await;
    assert_eq!(status, 201, "{proposed}");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "chat.example").await, "allow default", "not read yet");

    drop(still.go);
    assert_eq!(still.done.await.unwrap(), ["school block list: added chat.example"]);
    assert!(still.begun.try_recv().is_err(), "read once");
    for (host, expected) in [
        ("chat.example", "block school_lists"),
        ("quiz.example", "block school_lists"),
        ("stranger.example", "block emergency_block"),
        ("games.example", "allow unblock"),
    ] {
        assert_eq!(office.visit("10.1.2.3", "y5.042", host).await, expected, "{host}");
    }
}

/// Two at once: the second reads after the first, and none puts older lists in force.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_reloads_the_later_says_what_is_in_force() {
    let office = Office::open().await;
    let first = reload(&office);
    assert_eq!(first.begun.recv_timeout(PATIENCE), Ok(1));
    office.write("lists/categories/games.txt", "# list: Games\n# Date: 2026-11-23\nquiz.example\n");
    let second = reload(&office);
    first.go.send(()).unwrap();
    first.done.await.unwrap();
    drop(second.go);
    second.done.await.unwrap();
    assert_eq!(office.visit("10.1.2.3", "y5.042", "quiz.example").await, "block category");
}

/// Statutory lists wait for no reading; what was read before them is read again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statutory_lists_that_come_meanwhile_are_in_force_at_once_and_stay() {
    let office = Office::open().await;
    let still = reload(&office);
    assert_eq!(still.begun.recv_timeout(PATIENCE), Ok(1));
    office.write("statutory/test.txt", "# schoolgate: synthetic\nlisted.example\nlater.example\n");
    let refresh = office.control.refresh_statutory("it is new");
    tokio::time::timeout(PATIENCE, refresh).await.expect("statutory lists wait").unwrap();
    assert_eq!(office.visit("10.1.2.3", "y5.042", "later.example").await, "block statutory");
    drop(still.go);
    still.done.await.unwrap();
    assert_eq!(still.begun.try_recv(), Ok(2), "read again, since statutory lists came meanwhile");
    assert_eq!(office.visit("10.1.2.3", "y5.042", "later.example").await, "block statutory");
    let (_, told) = office.post("teacher", "/unblocks", wish("later.example")).await;
    assert_eq!(told["code"], "statutory", "{told}");
}

/// A reload that leaves every text as it was is a version like any other.
#[tokio::test]
async fn a_version_that_changed_no_text_is_shown_compared_and_gone_back_to() {
    let office = Office::open().await;
    let version = async || office.get("teacher", "/policy").await.1["version"].as_u64().unwrap();
    let first = version().await;
    office.write("lists/categories/games.txt", "# list: Games\ngames.example\nquiz.example\n");
    let mut numbers = vec![first];
    for _ in 0..2 {
        assert_eq!(office.post("technician", "/lists/reload", json!({})).await.0, 200);
        numbers.push(version().await);
    }
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let text = std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap();
    let set = json!({ "kind": "set", "key": "groups.staff.categories.games", "value": "block" });
    let change = json!({ "change": set, "reason": "Asked for by the teachers of year 5" });
    assert_eq!(office.post("filtering_manager", "/changes", change).await.0, 201);
    for number in &numbers {
        let shown = office.get("teacher", &format!("/policy/{number}")).await.1;
        assert_eq!((&shown["version"], &shown["text"]), (&json!(number), &json!(text)), "{shown}");
        let diff = office.get("teacher", &format!("/policy/diff?from={number}&to={first}")).await.1;
        assert_eq!((&diff["edits"], &diff["entries"]), (&json!([]), &json!([])), "{diff}");
    }
    let last = numbers.pop().unwrap();
    let back = json!({ "change": { "kind": "rollback", "version": last }, "reason": "The trial is over now",
        "risk": { "benefit": "Staff use the games in lessons", "risk": "Time is lost with games",
                  "mitigation": "Staff alone, and looked at monthly" } });
    let (status, done) = office.post("filtering_manager", "/changes", back).await;
    assert_eq!((status, &done["changes"][0]["state"]), (201, &json!("pending")), "{done}");
    let office = office.restarted().await;
    assert_eq!(office.get("teacher", &format!("/policy/{last}")).await.1["text"], json!(text));
}
