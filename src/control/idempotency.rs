//! Answers kept for requests that may be repeated (`Idempotency-Key`).

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::control::ControlError;
use crate::control::store::{Store, StoreError};
use crate::model::{StaffName, Timestamp};

/// What tells one request from another: the SHA-256 of its parts, each with its length before it.
#[must_use]
pub fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// The answer given before under this key, if the request was the same.
    pub(super) fn repeated(
        &self,
        staff: &StaffName,
        key: &str,
        asked: &str,
    ) -> Result<Option<String>, ControlError> {
        let found: Option<(String, String)> = self
            .connection
            .query_row(
                "SELECT asked, answer FROM idempotency WHERE key = ?1 AND staff = ?2",
                params![key, staff.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(StoreError::from)?;
        match found {
            None => Ok(None),
            Some((before, answer)) if before == asked => Ok(Some(answer)),
            Some(_) => Err(ControlError::KeyReused),
        }
    }

    /// Keeps an answer under a key; answers of more than a day ago are let go.
    pub(super) fn remember(
        &self,
        staff: &StaffName,
        key: &str,
        asked: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let day_ago = Timestamp::from_millis(now.as_millis() - 24 * 3600 * 1000);
        self.connection.execute("DELETE FROM idempotency WHERE at < ?1", [day_ago.to_string()])?;
        self.connection.execute(
            "INSERT OR REPLACE INTO idempotency (key, staff, asked, answer, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![key, staff.as_str(), asked, answer, now.to_string()],
        )?;
        Ok(())
    }
}
