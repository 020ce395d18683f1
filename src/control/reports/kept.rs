//! The numbers of days that are over, kept so that a term is counted once.

use jiff::civil::Date;
use rusqlite::{OptionalExtension, params};
use serde_json::json;

use crate::control::journal::{Put, Table};
use crate::control::reports::count::Counts;
use crate::control::reports::days::Kind;
use crate::control::store::{Store, StoreError};
use crate::model::Timestamp;

impl Store {
    /// The numbers of a day that is over, if they were counted before.
    pub(super) fn day_counts(&self, day: Date) -> Result<Option<Counts>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT counts FROM day_counts WHERE day = ?1")?;
        let found: Option<String> = query.query_row([day.to_string()], |row| row.get(0)).optional()?;
        found.map(|text| serde_json::from_str(&text).map_err(|_| StoreError::Unreadable("count"))).transpose()
    }

    /// Keeps the numbers of a day that is over.
    pub(super) fn keep_day_counts(&self, day: Date, counts: &Counts) -> Result<(), StoreError> {
        let text = serde_json::to_string(counts).map_err(|_| StoreError::Unreadable("count"))?;
        self.connection.execute(
            "INSERT INTO day_counts (day, counts) VALUES (?1, ?2) ON CONFLICT (day) DO UPDATE SET counts = excluded.counts",
            params![day.to_string(), text],
        )?;
        Ok(())
    }

    /// The last day up to `today` whose digest of a kind is settled: `weekly 2026-07-06`. What a clock
    /// that was ahead left behind does not count.
    pub(super) fn last_digest(&self, kind: Kind, today: Date) -> Result<Option<Date>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT max(name) FROM digests WHERE name BETWEEN ?1 AND ?2")?;
        let values = params![format!("{} ", kind.as_str()), digest_name(kind, today)];
        let found: Option<String> = query.query_row(values, |row| row.get(0))?;
        let day = found.as_deref().and_then(|name| name.rsplit_once(' ')).map(|(_, day)| day.parse());
        day.transpose().map_err(|_| StoreError::Unreadable("day"))
    }
}

/// That the digest that is due on a day is settled.
pub(super) fn digest_put(kind: Kind, day: Date, now: Timestamp) -> Put {
    Put::new(Table::Digests, [("name", json!(digest_name(kind, day))), ("at", json!(now.as_millis()))])
}

fn digest_name(kind: Kind, day: Date) -> String {
    format!("{} {day}", kind.as_str())
}

#[cfg(test)]
impl crate::control::Control {
    /// Of how many days the numbers are kept.
    pub(crate) async fn kept_days(&self) -> u64 {
        let store = &self.journal.lock().await.store;
        store.connection.query_row("SELECT count(*) FROM day_counts", [], |row| row.get(0)).unwrap()
    }
}
