//! What becomes of an act that is cut off at each of its steps, and what the journal comes to.

use serde_json::json;
use tempfile::TempDir;

use super::keep::close;
use super::{Mutation, Put, Table};
use crate::audit::{Act, Actor, Entry, Observer, Recorder};
use crate::control::store::Store;
use crate::model::Timestamp;

fn at() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn recorder(folder: &TempDir) -> Recorder {
    let observer = Observer { name: "test".into(), version: "0".into() };
    Recorder::open(&folder.path().join("audit"), observer, at).unwrap().0
}

fn store(folder: &TempDir) -> Store {
    Store::open(&folder.path().join("state.db")).unwrap()
}

fn change(id: u128, state: &str) -> Put {
    let what =
        json!({ "kind": "entry", "list": "school/allow", "op": "add", "entry": "chess.example", "line": 7 });
    let row = [
        ("id", json!(uuid::Uuid::from_u128(id))),
        ("what", json!(what.to_string())),
        ("effect", json!("loosens")),
        ("proposer_kind", json!("local")),
        ("proposed_at", json!(at())),
        ("state", json!(state)),
        ("stands", json!(true)),
    ];
    Put::new(Table::Changes, row)
}

fn act() -> Act {
    Act::new(Actor::Local, "change.held")
}

fn states(store: &Store) -> Vec<&'static str> {
    store.changes().unwrap().iter().map(|change| change.state.as_str()).collect()
}

#[tokio::test]
async fn an_act_that_was_cut_off_happened_when_it_was_recorded_and_else_did_not() {
    let folder = TempDir::new().unwrap();
    let recorder = recorder(&folder);
    let (lost, done) = (change(1, "pending"), change(2, "pending"));

    let unrecorded = Mutation::new(at(), vec![lost]);
    store(&folder).intend(&unrecorded, &act()).unwrap();
    assert_eq!(states(&store(&folder)), [""; 0], "intended is not done");
    close(&store(&folder), &recorder).unwrap();
    assert_eq!(states(&store(&folder)), [""; 0]);
    assert_eq!(store(&folder).unsettled().unwrap(), None, "and forgotten");

    let recorded = Mutation::new(at(), vec![done]);
    store(&folder).intend(&recorded, &act()).unwrap();
    let entry = Entry::Change(act().with("journal", recorded.id().to_string()));
    recorder.record(entry).await.unwrap();
    assert_eq!(states(&store(&folder)), [""; 0], "recorded is not applied yet");
    close(&store(&folder), &recorder).unwrap();
    assert_eq!(states(&store(&folder)), ["pending"]);
    close(&store(&folder), &recorder).unwrap();
    assert_eq!(store(&folder).journalled().unwrap().len(), 1, "once");
}

#[test]
fn the_journal_can_be_neither_edited_nor_shortened() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let mutation = Mutation::new(at(), vec![change(1, "pending")]);
    store.intend(&mutation, &act()).unwrap();
    store.settle(&mutation, 1).unwrap();
    for statement in
        ["DELETE FROM journal", "UPDATE journal SET puts = '[]'", "UPDATE journal SET audit_seq = 9"]
    {
        let refused = store.connection.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    store.forget(mutation.id()).unwrap_err();
}

#[test]
fn whoever_replays_a_journal_comes_to_the_same_tables() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (from, to) = (store(&one), store(&other));
    let acts = [
        vec![change(1, "pending"), change(2, "pending")],
        vec![change(2, "refused")],
        vec![change(1, "approved"), change(3, "pending")],
    ];
    for (number, puts) in (1..).zip(acts) {
        let mutation = Mutation::new(at(), puts);
        from.intend(&mutation, &act()).unwrap();
        from.settle(&mutation, number).unwrap();
    }
    for puts in from.journalled().unwrap() {
        puts.iter().try_for_each(|put| to.put(put)).unwrap();
    }
    assert_eq!(to.changes().unwrap(), from.changes().unwrap());
    assert_eq!(states(&to), ["pending", "refused", "approved"], "newest first");
}
