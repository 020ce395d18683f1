//! What becomes of an act that is cut off at each of its steps, and what the journal comes to.

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::keep::close;
use super::{Mutation, Put, Table, Version};
use crate::audit::{Act, Actor, Entry, Observer, Recorder};
use crate::control::changes::School;
use crate::control::staff::{Kind, Staff};
use crate::control::store::Store;
use crate::model::{Role, Timestamp};

fn at() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn recorder(folder: &TempDir) -> Recorder {
    let observer = Observer { name: "test".into(), version: "0".into() };
    Recorder::open(&folder.path().join("audit"), observer, None, at).unwrap().0
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

/// A gateway that reads its lists anew every hour for years has its texts once.
#[test]
fn versions_with_the_same_texts_keep_them_once() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let text = |length: usize| "x".repeat(length);
    let put = |generation: u64, policy: &str, added: &str| {
        let files = School { allow: text(1000), block: text(1000) };
        let added = School { allow: added.to_owned(), block: String::new() };
        let changes = [format!("seed/games: {generation} entries")];
        let version =
            Version { generation, changes: &changes, policy, file: policy, files: &files, added: &added };
        store.put(&version.put(&store, (at(), &Actor::System, "")).unwrap()).unwrap();
    };
    let (first, second) = (text(1001), text(1002));
    (1..100).for_each(|number| put(number, &first, ""));
    (100..200).for_each(|number| put(number, &second, ""));
    put(200, &second, "quiz.example\n");
    put(201, &second, "");
    put(202, &first, "");
    for (version, expected) in [(1, &first), (99, &first), (100, &second), (199, &second), (202, &first)] {
        assert_eq!(store.policy_text(version).unwrap().as_ref(), Some(expected), "{version}");
    }
    assert_eq!(store.record().unwrap().unwrap().policy, first);
    assert_eq!(store.last_in_force().unwrap().unwrap().allow, text(1000));
    assert_eq!(store.policy_versions(None, 1000).unwrap().len(), 202, "every version is listed");
    let kept = "SELECT sum(length(policy) + length(file) + length(allow_list) + length(block_list))
                FROM policies";
    let kept: usize = store.connection.query_row(kept, [], |row| row.get(0)).unwrap();
    assert!(kept < 6 * 4100, "{kept} characters");
}

/// Whatever was done to accounts, whoever replays the journal has the same people.
#[test]
fn whoever_replays_a_journal_comes_to_the_same_staff() {
    let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (from, to) = (store(&one), store(&other));
    let evans = Staff::of("j.evans".parse().unwrap(), &[Role::Teacher]);
    let supplier =
        Staff { kind: Kind::Supplier, ..Staff::of("it.help".parse().unwrap(), &[Role::Technician]) };
    let acts = [
        evans.clone(),
        supplier.clone(),
        Staff {
            roles: vec![Role::Dsl, Role::Teacher],
            groups: vec!["ks2".parse().unwrap()],
            ..evans.clone()
        },
        Staff { access_until: Some(at()), ..supplier.clone() },
        Staff { starts_at: Some(at()), ends_at: Some(at().plus(Duration::from_secs(9))), ..supplier },
        Staff { disabled: true, counts_as: "it.help".parse().ok(), ..evans },
    ];
    for (number, staff) in (1..).zip(&acts) {
        let mutation = Mutation::new(at(), vec![from.staff_put(staff, at()).unwrap()]);
        from.intend(&mutation, &act()).unwrap();
        from.settle(&mutation, number).unwrap();
    }
    for puts in from.journalled().unwrap() {
        puts.iter().try_for_each(|put| to.put(put)).unwrap();
    }
    let people = from.staff().unwrap();
    assert_eq!(people, [acts[4].clone(), acts[5].clone()]);
    assert_eq!(to.staff().unwrap(), people);
}

/// A kill behind the record and before the change: at the next start the account is disabled, and
/// nothing that opened it is left; the account that was never recorded is not there.
#[tokio::test]
async fn an_account_is_what_its_record_says_after_a_sudden_end_and_keeps_no_way_in() {
    let folder = TempDir::new().unwrap();
    let recorder = recorder(&folder);
    let evans = Staff::of("j.evans".parse().unwrap(), &[Role::Teacher]);
    let put = |staff: &Staff| store(&folder).staff_put(staff, at()).unwrap();
    store(&folder).put(&put(&evans)).unwrap();
    let ways_in = "INSERT INTO tokens (hash, staff, made_at, expires_at, id)
                       VALUES (x'01', 'j.evans', '2026-11-24', '2027-11-24', 'one');
                   INSERT INTO invitations (hash, staff, ends_at) VALUES (x'02', 'j.evans', 9);
                   INSERT INTO sessions (hash, id, staff, made_at, seen_at, ends_at)
                       VALUES (x'03', 'two', 'j.evans', 1, 1, 9);";
    store(&folder).connection.execute_batch(ways_in).unwrap();
    let left = || -> i64 {
        let count = "SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM invitations)
                          + (SELECT count(*) FROM sessions)";
        store(&folder).connection.query_row(count, [], |row| row.get(0)).unwrap()
    };

    let unrecorded = Staff::of("n.body".parse().unwrap(), &[Role::Headteacher]);
    let lost = Mutation::new(at(), vec![put(&unrecorded)]);
    store(&folder).intend(&lost, &act()).unwrap();
    close(&store(&folder), &recorder).unwrap();
    assert_eq!(store(&folder).staff().unwrap(), std::slice::from_ref(&evans));
    assert_eq!(left(), 3);

    let disabled = Staff { disabled: true, ..evans };
    let done = Mutation::new(at(), vec![put(&disabled)]);
    store(&folder).intend(&done, &act()).unwrap();
    let entry = Entry::Change(act().with("journal", done.id().to_string()));
    recorder.record(entry).await.unwrap();
    close(&store(&folder), &recorder).unwrap();
    assert_eq!(store(&folder).staff().unwrap(), [disabled]);
    assert_eq!(left(), 0);
}
