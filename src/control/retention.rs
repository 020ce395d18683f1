//! What the store keeps of people, and when it goes: by the same clock as the trail's lines of its kind.
//!
//! **Invariant:** what is in force, or is still to be told, stays; so does every row in which somebody
//! stands as a value who is under a legal hold when it would go; the trail is told before anything
//! goes; and what goes can't be read back from the file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use serde_json::Value;

use crate::audit::{Act, Actor, Entry, Held, Recorder, Terms};
use crate::control::holds::held;
use crate::control::store::{BUSY, Store, StoreError};
use crate::control::{Control, ControlError};
use crate::model::Timestamp;

mod leap;
#[cfg(test)]
mod tests;

/// How long answers to requests that may be repeated are kept, and tries that raise alerts at most.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many rows of a table are judged at a time: acts come in between.
const AT_A_TIME: i64 = 200;
/// The trail's lines about alerts, and about acts.
const ALERT: &str = "schoolgate.alert";
const ACT: &str = "schoolgate.unblock";

/// How a table writes moments.
#[derive(Clone, Copy)]
enum Written {
    /// Milliseconds since 1970.
    Millis,
    /// RFC 3339, which sorts as text.
    Text,
}

/// A table whose rows are over at some time; its `rowid` only grows.
struct Past {
    table: &'static str,
    /// Whether a row has been over since before `?1`; `?2` is the clock of acts, as text.
    is_over: &'static str,
    written: Written,
    /// The lines of the trail whose clock it goes by.
    dataset: &'static str,
    /// Tables whose rows go with it, by their column `alert`.
    with: &'static [&'static str],
}

const TABLES: [Past; 10] = [
    Past {
        table: "alerts",
        is_over: "max(last_at, coalesce(closed_at, 0),
                      coalesce((SELECT max(at) FROM alert_steps WHERE alert = alerts.id), 0)) < ?1",
        written: Written::Millis,
        dataset: ALERT,
        with: &["alert_events", "alert_steps"],
    },
    Past::of("suppressions", "coalesce(ended_at, ends_at) < ?1", Written::Millis, ALERT),
    Past::of("outbox", "sent_at < ?1", Written::Millis, ALERT),
    Past::of("asks", "max(asked_at, lapses_at) < ?1", Written::Text, ACT),
    Past::of(
        "unblocks",
        "max(asked_at, ends_at) < ?1 AND announced IN ('ended', 'refused')
         AND coalesce(json_extract(rules, '$.report'), '') <> 'due'",
        Written::Text,
        ACT,
    ),
    Past::of("suggestions", "dismissed_at < ?1", Written::Text, ACT),
    Past::of(
        "suspensions",
        "coalesce(lifted_at, ends_at) < ?1 AND announced IN ('ended', 'lifted')",
        Written::Text,
        ACT,
    ),
    Past::of("blocks", "lifted_at < ?1", Written::Text, ACT),
    Past::of("holds", "coalesce(lifted_at, until) < ?1", Written::Text, ACT),
    // All acts but the last, by which the next one is numbered. Those about alerts, and what was mailed
    // of them, go by the clock of alerts.
    Past::of(
        JOURNAL,
        "audit_seq IS NOT NULL AND number < (SELECT max(number) FROM journal)
         AND at < CASE WHEN action LIKE 'alert.%' OR action = 'report.sent' THEN ?1 ELSE ?2 END",
        Written::Text,
        ALERT,
    ),
];

/// The journal holds every row that was ever put, word for word.
const JOURNAL: &str = "journal";

/// What keeps the journal whole; it is put back before anybody else comes to the store.
const GUARD: &str = "journal_is_whole";

/// One removal: by which clocks, and when.
#[derive(Clone, Copy)]
struct Round {
    terms: Terms,
    now: Timestamp,
}

/// What is done with rows past their time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Count,
    Forget,
}

/// How far a pass has come: a table, and its last row that was judged.
#[derive(Clone, Copy, Default)]
struct Place {
    table: usize,
    after: i64,
}

/// Forgets what is past its time in a store, where no gateway runs.
///
/// # Errors
/// What the store says, or when it can't be recorded: nothing is forgotten then.
pub async fn forget_in(
    store: &Path,
    terms: Terms,
    now: Timestamp,
    recorder: &Recorder,
) -> Result<(), ControlError> {
    if !store.exists() {
        return Ok(());
    }
    let (store, round) = (Store::open(store)?, Round { terms, now });
    store.note_retention(now)?;
    let held = held(&store.holds()?, now);
    let rows = store.pass(&round, &held, Pass::Count)?;
    if rows > 0 {
        recorder.record(round.told(rows)).await?;
    }
    store.pass(&round, &held, Pass::Forget)?;
    store.forget_day_old(now)?;
    Ok(store.wipe()?)
}

impl Control {
    /// Forgets what the store keeps of people past its time at `now`, a few rows at a time.
    ///
    /// # Errors
    /// What the store says, or when it can't be recorded: what is left goes at the next call.
    pub async fn forget_past(self: &Arc<Self>, terms: Terms, now: Timestamp) -> Result<(), ControlError> {
        let round = Round { terms, now };
        self.on_store(move |store| store.note_retention(now)).await?;
        let rows = self.pass(round, Pass::Count).await?;
        if rows > 0 {
            self.record(round.told(rows)).await?;
        }
        self.pass(round, Pass::Forget).await?;
        self.on_store(move |store| store.forget_day_old(now)).await?;
        self.on_store(Store::wipe).await
    }

    async fn pass(self: &Arc<Self>, round: Round, pass: Pass) -> Result<u64, ControlError> {
        let (mut rows, mut place) = (0, Some(Place::default()));
        while let Some(from) = place {
            // The holds are those at the moment when a row would go.
            let step = move |store: &Store| {
                let held = held(&store.holds()?, round.now);
                store.step(from, &round, &held, pass)
            };
            let (found, next) = self.on_store(step).await?;
            rows += found;
            place = next;
        }
        Ok(rows)
    }

    /// Works on the store where no access waits for it.
    async fn on_store<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ControlError> {
        let control = Arc::clone(self);
        let worked = tokio::task::spawn_blocking(move || work(&control.journal.blocking_lock().store)).await;
        Ok(worked.map_err(|fault| StoreError::System(fault.to_string()))??)
    }
}

impl Past {
    const fn of(table: &'static str, is_over: &'static str, written: Written, dataset: &'static str) -> Past {
        Past { table, is_over, written, dataset, with: &[] }
    }
}

impl Round {
    /// One number of all tables: how many there were about alerts is not for everybody who reads this.
    fn told(&self, rows: u64) -> Entry {
        let act = Act::new(Actor::System, "store.removed")
            .with("rows", rows)
            .with("acts_before", self.terms.until(ACT, self.now).to_string())
            .with("alerts_before", self.terms.until(ALERT, self.now).to_string());
        Entry::System(act)
    }
}

impl Store {
    /// Every step of a pass; how many rows are past their time.
    fn pass(&self, round: &Round, held: &Held, pass: Pass) -> Result<u64, StoreError> {
        let (mut rows, mut place) = (0, Some(Place::default()));
        while let Some(from) = place {
            let (found, next) = self.step(from, round, held, pass)?;
            rows += found;
            place = next;
        }
        Ok(rows)
    }

    /// Some rows of one table, in one transaction: how many are past their time, and where to go on.
    fn step(
        &self,
        place: Place,
        round: &Round,
        held: &Held,
        pass: Pass,
    ) -> Result<(u64, Option<Place>), StoreError> {
        let Some(past) = TABLES.get(place.table) else { return Ok((0, None)) };
        let end = format!(
            "SELECT max(rowid) FROM (SELECT rowid FROM {} WHERE rowid > ?1 ORDER BY rowid LIMIT ?2)",
            past.table
        );
        let end: Option<i64> =
            self.connection.query_row(&end, params![place.after, AT_A_TIME], |row| row.get(0))?;
        let Some(end) = end else { return Ok((0, Some(Place { table: place.table + 1, after: 0 }))) };
        let over = self.over(past, round, held, (place.after, end))?;
        if pass == Pass::Forget && !over.is_empty() {
            self.forget_rows(past, &over)?;
        }
        Ok((over.len() as u64, Some(Place { after: end, ..place })))
    }

    /// The rows after the first number and up to the second that are over and about nobody who is held.
    fn over(
        &self,
        past: &Past,
        round: &Round,
        held: &Held,
        (after, end): (i64, i64),
    ) -> Result<Vec<i64>, StoreError> {
        let (table, is_over) = (past.table, past.is_over);
        let query = format!(
            "SELECT rowid, {table}.* FROM {table}
             WHERE rowid > ?3 AND rowid <= ?4 AND ({is_over}) AND ?2 IS NOT NULL"
        );
        let until = round.terms.until(past.dataset, round.now);
        let own = match past.written {
            Written::Millis => rusqlite::types::Value::Integer(until.as_millis()),
            Written::Text => rusqlite::types::Value::Text(until.to_string()),
        };
        let acts = round.terms.until(ACT, round.now).to_string();
        let mut query = self.connection.prepare(&query)?;
        let columns = query.column_count();
        let mut rows = query.query(params![own, acts, after, end])?;
        let mut over = Vec::new();
        while let Some(row) = rows.next()? {
            if !is_held(row, columns, held)? {
                over.push(row.get(0)?);
            }
        }
        Ok(over)
    }

    fn forget_rows(&self, past: &Past, rows: &[i64]) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        let guard = if past.table == JOURNAL { Some(self.unguarded()?) } else { None };
        for row in rows {
            for table in past.with {
                let statement = format!(
                    "DELETE FROM {table} WHERE alert = (SELECT id FROM {} WHERE rowid = ?1)",
                    past.table
                );
                transaction.prepare_cached(&statement)?.execute([row])?;
            }
            let statement = format!("DELETE FROM {} WHERE rowid = ?1", past.table);
            transaction.prepare_cached(&statement)?.execute([row])?;
        }
        if let Some(guard) = guard {
            transaction.execute_batch(&guard)?;
        }
        Ok(transaction.commit()?)
    }

    /// Takes the journal's guard away; what puts it back.
    fn unguarded(&self) -> Result<String, StoreError> {
        let guard = self.connection.query_row(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?1",
            [GUARD],
            |row| row.get(0),
        )?;
        self.connection.execute_batch(&format!("DROP TRIGGER {GUARD}"))?;
        Ok(guard)
    }

    fn forget_day_old(&self, now: Timestamp) -> Result<(), StoreError> {
        let day_ago = now.minus(DAY);
        self.connection.execute("DELETE FROM idempotency WHERE at < ?1", [day_ago.to_string()])?;
        self.connection.execute("DELETE FROM alert_tries WHERE at < ?1", [day_ago.as_millis()])?;
        Ok(())
    }

    /// Leaves nothing of what went, in the file and in the one that writes go to first.
    fn wipe(&self) -> Result<(), StoreError> {
        let rewritten = self.rewrite_once();
        // No act waits for whoever else reads the file: the next round tries again.
        self.connection.busy_timeout(Duration::ZERO)?;
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        self.connection.busy_timeout(BUSY)?;
        rewritten?;
        if busy? { Err(StoreError::BeingRead) } else { Ok(()) }
    }

    /// What earlier versions let go of was not overwritten: the file is written anew, once.
    fn rewrite_once(&self) -> Result<(), StoreError> {
        let is_done: bool = self.connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM counters WHERE name = 'rewritten')",
            [],
            |row| row.get(0),
        )?;
        if !is_done {
            self.connection.execute_batch("VACUUM")?;
            self.connection.execute("INSERT INTO counters (name, value) VALUES ('rewritten', 1)", [])?;
        }
        Ok(())
    }
}

/// Whether somebody who is held stands in one of a row's columns.
fn is_held(row: &Row<'_>, columns: usize, held: &Held) -> Result<bool, StoreError> {
    for column in 1..columns {
        if let ValueRef::Text(text) = row.get_ref(column)?
            && names(&String::from_utf8_lossy(text), held)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a text is somebody's name, as it is or as `user:NAME`, or data in which one is a value.
fn names(text: &str, held: &Held) -> bool {
    let is_data = text.starts_with(['{', '[']);
    held.has(text)
        || text.split_once(':').is_some_and(|(_, name)| held.has(name))
        || is_data && serde_json::from_str(text).is_ok_and(|value: Value| stands_in(&value, held))
}

fn stands_in(value: &Value, held: &Held) -> bool {
    match value {
        Value::String(text) => names(text, held),
        Value::Array(values) => values.iter().any(|value| stands_in(value, held)),
        Value::Object(map) => map.values().any(|value| stands_in(value, held)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
