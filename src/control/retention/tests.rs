//! What the store keeps goes in its time, and not before; never while somebody is held.

use rusqlite::Connection;

use super::*;

/// One row each, all over at the same moment.
const ROWS: &str = r#"
INSERT INTO staff (name, roles, added_at) VALUES ('a.teacher', 'teacher', '2026-01-01T00:00:00.000Z');
INSERT INTO alerts VALUES ('a1', 'adult', 'danger', 'pupil', 'user:y5.042', 'ks2', 'new', 0, 'statutory', 1, 0, MS, 7, NULL, 0, NULL, NULL);
INSERT INTO alert_events VALUES ('a1/7', 'a1', 7);
INSERT INTO alert_steps VALUES ('s1', 'a1', 'alert.seen', 'dsl', MS, 'spoke with y5.042');
INSERT INTO suppressions VALUES ('p1', 'adult', 'pupil', 'term', 'zz', NULL, 'why', 'dsl', 0, MS, NULL, NULL, 0);
INSERT INTO outbox VALUES ('o1', 'mail', 'dsl@school.county.sch.uk', '{}', 0, 0, 0, 1, MS, NULL);
INSERT INTO asks VALUES ('k1', '10.1.2.3', 'ks2', 'site.example', 'games', 'y5.042 please let me', 'AT', 'AT', 'awaited', NULL, NULL, NULL);
INSERT INTO unblocks (id, target, audience, starts_at, ends_at, reason, requester, decided, announced, asked_at)
    VALUES ('u1', 'site.example', '{"groups":[],"users":["y5.042"],"devices":[]}', 'AT', 'AT', 'r', 'a.teacher', 'approved', 'ended', 'AT');
INSERT INTO suggestions VALUES ('g1', 'site.example', 'AT', 'AT', 'manager', 'r');
INSERT INTO suspensions VALUES ('x1', '{"users":["y5.042"],"devices":["CB-2-017"]}', 'nothing', '[]', 'AT', 'AT', 'r', 'dsl', 'AT', NULL, NULL, NULL, 'ended');
INSERT INTO blocks VALUES ('b1', 'site.example', 'r', 'dsl', 'AT', 'head', 'AT', 'w');
INSERT INTO holds VALUES ('h1', 'user', 'y5.042', 'r', 'dsl', 'AT', NULL, 'head', 'AT', 'w');
INSERT INTO journal (number, id, at, actor, action, puts, audit_seq) VALUES
    (1, 'j1', 'AT', 'system', 'alert.raised', '[{"table":"alerts","row":{"person":"user:y5.042"}}]', 1),
    (2, 'j2', 'AT', 'dsl', 'suspension.imposed', '[{"table":"suspensions","row":{"covers":"{\"users\":[\"y5.042\"]}"}}]', 2),
    (3, 'j3', 'AT', 'dsl', 'hold.lifted', '[]', 3);
INSERT INTO idempotency VALUES ('k', 'dsl', 'x', 'y5.042', 'AT');
INSERT INTO alert_tries VALUES ('t1', 'user:y5.042', 'adult', MS);
"#;

const OVER: &str = "2026-07-01T10:00:00.000Z";
const TERMS: Terms = Terms { accesses: 2, acts: 10, alerts: 20, system: 2 };

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn store(folder: &Path) -> Store {
    let store = Store::open(&folder.join("state.db")).unwrap();
    let rows = ROWS.replace("AT'", &format!("{OVER}'")).replace("MS", &at(OVER).as_millis().to_string());
    store.connection.execute_batch(&rows).unwrap();
    store
}

/// The tables that hold something, among those that hold something of people.
fn left(connection: &Connection) -> Vec<String> {
    let tables = TABLES.iter().flat_map(|past| [&[past.table], past.with].concat());
    let mut tables: Vec<&str> = tables.chain(["journal", "idempotency", "alert_tries"]).collect();
    tables.retain(|table| {
        let count = format!("SELECT count(*) FROM {table}");
        connection.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap() > 0
    });
    tables.iter().map(|table| (*table).to_owned()).collect()
}

fn journal(store: &Store) -> Vec<i64> {
    let mut query = store.connection.prepare("SELECT number FROM journal ORDER BY number").unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn everything_goes_by_the_clock_of_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let alerts = ["alerts", "alert_events", "alert_steps", "suppressions", "outbox"];
    let acts = ["asks", "unblocks", "suggestions", "suspensions", "blocks", "holds"];
    let all = [&alerts[..], &acts[..]].concat();
    for (now, kept, acts_of_record) in [
        (
            "2026-07-01T23:00:00Z",
            [&all[..], &["journal", "idempotency", "alert_tries"]].concat(),
            vec![1, 2, 3],
        ),
        ("2026-07-11T23:59:59Z", [&all[..], &["journal"]].concat(), vec![1, 2, 3]),
        ("2026-07-12T00:00:00Z", [&alerts[..], &["journal"]].concat(), vec![1, 3]),
        ("2026-07-21T23:59:59Z", [&alerts[..], &["journal"]].concat(), vec![1, 3]),
        ("2026-07-22T00:00:00Z", vec!["journal"], vec![3]),
    ] {
        store.forget_past(&TERMS, &Held::default(), at(now)).unwrap();
        assert_eq!(left(&store.connection), kept, "{now}");
        assert_eq!(journal(&store), acts_of_record, "{now}");
        let refused = store.connection.execute("DELETE FROM journal", []).unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    for file in ["state.db", "state.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"y5.042"), "{file} still holds the name");
    }
}

#[test]
fn what_is_about_somebody_who_is_held_stays() {
    for (held, kept) in [
        (
            "y5.042",
            vec!["alerts", "alert_events", "alert_steps", "unblocks", "suspensions", "holds", "journal"],
        ),
        ("10.1.2.3", vec!["asks", "journal"]),
        ("CB-2-017", vec!["suspensions", "journal"]),
        ("a.teacher", vec!["unblocks", "journal"]),
        ("y5.04", vec!["journal"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let mut names = Held::default();
        names.name(held);
        store.forget_past(&TERMS, &names, at("2030-01-01T00:00:00Z")).unwrap();
        assert_eq!(left(&store.connection), kept, "{held}");
        assert_eq!(journal(&store), if held == "y5.042" { vec![1, 2, 3] } else { vec![3] }, "{held}");
    }
}

#[test]
fn what_is_in_force_or_to_be_told_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store
        .connection
        .execute_batch(
            "UPDATE outbox SET sent_at = NULL;
             UPDATE unblocks SET rules = json_object('report', 'due');
             UPDATE suspensions SET announced = 'active';
             UPDATE blocks SET lifted_at = NULL;
             UPDATE holds SET lifted_at = NULL;
             UPDATE suggestions SET dismissed_at = NULL;
             UPDATE suppressions SET ends_at = 9000000000000;
             UPDATE alert_steps SET at = 9000000000000;",
        )
        .unwrap();
    let before = left(&store.connection);
    store.forget_past(&TERMS, &Held::default(), at("2030-01-01T00:00:00Z")).unwrap();
    let gone = ["asks", "idempotency", "alert_tries"];
    let expected: Vec<String> = before.into_iter().filter(|table| !gone.contains(&table.as_str())).collect();
    assert_eq!(left(&store.connection), expected);
}
