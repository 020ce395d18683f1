//! What the store keeps of people, and when it goes: by the same clock as the trail's lines of its kind.
//!
//! **Invariant:** what is in force, or is still to be told, stays; so does every row in which somebody
//! stands as a value who is under a legal hold; and what goes can't be read back from the file.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Row, ToSql, params};
use serde_json::Value;

use crate::audit::{Held, Terms};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError};
use crate::model::Timestamp;

#[cfg(test)]
mod tests;

/// How long answers to requests that may be repeated are kept, and tries that raise alerts at most.
const DAY: Duration = Duration::from_secs(24 * 3600);
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

/// A table whose rows are over at some time.
struct Past {
    table: &'static str,
    /// Whether a row has been over since before `?1`.
    is_over: &'static str,
    written: Written,
    /// The lines of the trail whose clock it goes by.
    dataset: &'static str,
    /// Tables whose rows go with it, by their column `alert`.
    with: &'static [&'static str],
}

const TABLES: [Past; 9] = [
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
];

/// The journal's acts but the last, by which the next one is numbered. `?1` is the clock of alerts and of
/// what was mailed of them, `?2` that of all other acts.
const JOURNAL: &str = "audit_seq IS NOT NULL AND number < (SELECT max(number) FROM journal)
    AND at < CASE WHEN action LIKE 'alert.%' OR action = 'report.sent' THEN ?1 ELSE ?2 END";
/// What keeps the journal whole; it is put back before anybody else comes to the store.
const GUARD: &str = "journal_is_whole";

/// Forgets what is past its time in a store, where no gateway runs.
///
/// # Errors
/// What the store says.
pub fn forget_in(store: &Path, terms: &Terms, held: &Held, now: Timestamp) -> Result<(), StoreError> {
    if store.exists() { Store::open(store)?.forget_past(terms, held, now) } else { Ok(()) }
}

impl Control {
    /// Forgets what the store keeps of people past its time at `now`.
    ///
    /// # Errors
    /// What the store says: nothing is forgotten then.
    pub async fn forget_past(&self, terms: &Terms, held: &Held, now: Timestamp) -> Result<(), ControlError> {
        Ok(self.journal.lock().await.store.forget_past(terms, held, now)?)
    }
}

impl Past {
    const fn of(table: &'static str, is_over: &'static str, written: Written, dataset: &'static str) -> Past {
        Past { table, is_over, written, dataset, with: &[] }
    }
}

impl Store {
    /// All or nothing, in one transaction.
    fn forget_past(&self, terms: &Terms, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        for past in &TABLES {
            let until = terms.until(past.dataset, now);
            let rows = match past.written {
                Written::Millis => self.over(past.table, past.is_over, &[&until.as_millis()], held)?,
                Written::Text => self.over(past.table, past.is_over, &[&until.to_string()], held)?,
            };
            for row in rows {
                self.forget_row(past, row)?;
            }
        }
        self.forget_acts(terms, held, now)?;
        let day_ago = now.minus(DAY);
        self.connection.execute("DELETE FROM idempotency WHERE at < ?1", [day_ago.to_string()])?;
        self.connection.execute("DELETE FROM alert_tries WHERE at < ?1", [day_ago.as_millis()])?;
        transaction.commit()?;
        // Nor is anything left in the file that writes go to first.
        Ok(self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    /// The rows that are over and about nobody who is held.
    fn over(
        &self,
        table: &str,
        is_over: &str,
        values: &[&dyn ToSql],
        held: &Held,
    ) -> Result<Vec<i64>, StoreError> {
        let query = format!("SELECT rowid, {table}.* FROM {table} WHERE {is_over}");
        let mut query = self.connection.prepare(&query)?;
        let columns = query.column_count();
        let mut rows = query.query(values)?;
        let mut over = Vec::new();
        while let Some(row) = rows.next()? {
            if !is_held(row, columns, held)? {
                over.push(row.get(0)?);
            }
        }
        Ok(over)
    }

    fn forget_row(&self, past: &Past, row: i64) -> Result<(), StoreError> {
        for table in past.with {
            let statement =
                format!("DELETE FROM {table} WHERE alert = (SELECT id FROM {} WHERE rowid = ?1)", past.table);
            self.connection.prepare_cached(&statement)?.execute([row])?;
        }
        let statement = format!("DELETE FROM {} WHERE rowid = ?1", past.table);
        self.connection.prepare_cached(&statement)?.execute([row])?;
        Ok(())
    }

    /// The journal holds every row that was ever put, word for word.
    fn forget_acts(&self, terms: &Terms, held: &Held, now: Timestamp) -> Result<(), StoreError> {
        let (alerts, acts) = (terms.until(ALERT, now).to_string(), terms.until(ACT, now).to_string());
        let over = self.over("journal", JOURNAL, &[&alerts, &acts], held)?;
        if over.is_empty() {
            return Ok(());
        }
        let guard: String = self.connection.query_row(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?1",
            [GUARD],
            |row| row.get(0),
        )?;
        self.connection.execute_batch(&format!("DROP TRIGGER {GUARD}"))?;
        for row in over {
            self.connection.prepare_cached("DELETE FROM journal WHERE number = ?1")?.execute(params![row])?;
        }
        Ok(self.connection.execute_batch(&guard)?)
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
