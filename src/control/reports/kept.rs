//! The numbers of days that are over, kept so that a term is counted once.

use std::collections::BTreeSet;

use jiff::civil::Date;
use rusqlite::{OptionalExtension, params};

use crate::control::reports::count::Counts;
use crate::control::store::{Store, StoreError};

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

    /// Which digests have gone out: `daily 2026-07-01`.
    pub(super) fn digests(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT name FROM digests")?;
        let rows = query.query_map([], |row| row.get(0))?;
        rows.map(|row| Ok(row?)).collect()
    }
}

#[cfg(test)]
impl crate::control::Control {
    /// Of how many days the numbers are kept.
    pub(crate) async fn kept_days(&self) -> u64 {
        let store = &self.journal.lock().await.store;
        store.connection.query_row("SELECT count(*) FROM day_counts", [], |row| row.get(0)).unwrap()
    }
}
