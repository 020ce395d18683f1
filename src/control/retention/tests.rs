//! What the store keeps goes in its time, and not before; never while somebody is held.

use rusqlite::Connection;

use super::*;

impl Store {
    fn forget_past(&self, terms: Terms, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        self.pass(&Round { terms, now }, held, Pass::Forget)?;
        self.forget_day_old(now)?;
        self.wipe()
    }
}

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
    let mut tables: Vec<&str> = tables.chain(["idempotency", "alert_tries"]).collect();
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
        store.forget_past(TERMS, &Held::default(), at(now)).unwrap();
        assert_eq!(left(&store.connection), kept, "{now}");
        assert_eq!(journal(&store), acts_of_record, "{now}");
        let refused = store.connection.execute("DELETE FROM journal", []).unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert!(!is_in_files(folder.path(), "y5.042"));
}

fn is_in_files(folder: &Path, name: &str) -> bool {
    ["state.db", "state.db-wal"].iter().any(|file| {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_default();
        bytes.windows(name.len()).any(|window| window == name.as_bytes())
    })
}

/// A bug: versions that overwrote nothing left words in the file, and no later one took them out.
#[test]
fn what_earlier_versions_let_go_of_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state.db")).unwrap();
    store.connection.pragma_update(None, "secure_delete", false).unwrap();
    let written = "INSERT INTO idempotency VALUES ('k', 'dsl', 'x', 'y5.042', '2026-07-01T10:00:00.000Z');
        DELETE FROM idempotency;";
    store.connection.execute_batch(written).unwrap();
    drop(store);
    let store = Store::open(&folder.path().join("state.db")).unwrap();
    assert!(is_in_files(folder.path(), "y5.042"), "the test has something to find");
    store.forget_past(TERMS, &Held::default(), at(OVER)).unwrap();
    assert!(!is_in_files(folder.path(), "y5.042"));
}

/// A bug: while another program read the file, its old words stayed, and all was said to be well.
#[test]
fn a_reader_in_the_way_is_told_and_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let reader = Connection::open(folder.path().join("state.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM alerts").unwrap();
    let forget = || store.forget_past(TERMS, &Held::default(), at("2030-01-01T00:00:00Z"));
    assert!(matches!(forget(), Err(StoreError::BeingRead)));
    reader.execute_batch("COMMIT").unwrap();
    forget().unwrap();
    assert!(!is_in_files(folder.path(), "y5.042"));
}

#[test]
fn a_table_is_gone_through_a_few_rows_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state.db")).unwrap();
    let rows = AT_A_TIME * 2 + 1;
    for row in 0..rows {
        let of = if row % 2 == 0 { "y5.042" } else { "y5.043" };
        store
            .connection
            .execute(
                "INSERT INTO holds VALUES (?1, 'user', ?2, 'r', 'dsl', ?3, NULL, 'head', ?3, 'w')",
                params![row.to_string(), of, OVER],
            )
            .unwrap();
    }
    let mut held = Held::default();
    held.name("y5.042");
    let round = Round { terms: TERMS, now: at("2030-01-01T00:00:00Z") };
    let holds = TABLES.iter().position(|past| past.table == "holds").unwrap();
    let first = Place { table: holds, after: 0 };
    let (gone, next) = store.step(first, &round, &held, Pass::Forget).unwrap();
    assert_eq!((gone, next.unwrap().after), (AT_A_TIME as u64 / 2, AT_A_TIME));
    assert_eq!(store.pass(&round, &held, Pass::Count).unwrap(), AT_A_TIME as u64 / 2);
    assert_eq!(store.pass(&round, &held, Pass::Forget).unwrap(), AT_A_TIME as u64 / 2);
    let left: i64 = store.connection.query_row("SELECT count(*) FROM holds", [], |row| row.get(0)).unwrap();
    assert_eq!(left, rows / 2 + 1);
}

/// The trail's line of the act goes by the same clock.
#[test]
fn an_act_goes_by_its_own_time_though_what_it_did_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    store.connection.execute_batch("UPDATE blocks SET lifted_at = NULL").unwrap();
    store.forget_past(TERMS, &Held::default(), at("2030-01-01T00:00:00Z")).unwrap();
    assert_eq!(journal(&store), [3]);
    assert!(left(&store.connection).contains(&"blocks".to_owned()));
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
        store.forget_past(TERMS, &names, at("2030-01-01T00:00:00Z")).unwrap();
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
    store.forget_past(TERMS, &Held::default(), at("2030-01-01T00:00:00Z")).unwrap();
    let gone = ["asks", "idempotency", "alert_tries"];
    let expected: Vec<String> = before.into_iter().filter(|table| !gone.contains(&table.as_str())).collect();
    assert_eq!(left(&store.connection), expected);
}
