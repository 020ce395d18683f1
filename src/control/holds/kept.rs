//! Legal holds in the store.

use rusqlite::{OptionalExtension, Row};
use serde_json::json;
use uuid::Uuid;

use crate::control::holds::{Hold, HoldOf};
use crate::control::journal::{Put, Table};
use crate::control::restrictions::Lifted;
use crate::control::store::{Store, StoreError};
use crate::model::{Justification, StaffName, Timestamp};

const HOLD: &str = "id, kind, of, reason, placed_by, placed_at, until, lifted_by, lifted_at, lifted_why";

impl Hold {
    /// Its row.
    pub(super) fn put(&self) -> Put {
        let lifted = self.lifted.as_ref();
        Put::new(
            Table::Holds,
            [
                ("id", json!(self.id)),
                ("kind", json!(self.of.kind())),
                ("of", json!(self.of.to_string())),
                ("reason", json!(self.reason)),
                ("placed_by", json!(self.by)),
                ("placed_at", json!(self.at)),
                ("until", json!(self.until)),
                ("lifted_by", json!(lifted.map(|lifted| &lifted.by))),
                ("lifted_at", json!(lifted.map(|lifted| lifted.at))),
                ("lifted_why", json!(lifted.map(|lifted| &lifted.reason))),
            ],
        )
    }
}

impl Store {
    /// One hold.
    pub(super) fn hold(&self, id: Uuid) -> Result<Option<Hold>, StoreError> {
        let query = format!("SELECT {HOLD} FROM holds WHERE id = ?1");
        self.connection.query_row(&query, [id.to_string()], |row| Ok(hold(row))).optional()?.transpose()
    }

    /// All holds, the newest first.
    pub(in crate::control) fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let mut query =
            self.connection.prepare_cached(&format!("SELECT {HOLD} FROM holds ORDER BY id DESC"))?;
        let rows = query.query_map([], |row| Ok(hold(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn hold(row: &Row<'_>) -> Result<Hold, StoreError> {
    let text = |at: usize| Ok::<String, StoreError>(row.get(at)?);
    let time = |text: String| text.parse::<Timestamp>().map_err(|_| StoreError::Unreadable("time"));
    let name = |text: String| text.parse::<StaffName>().map_err(|_| StoreError::Unreadable("name"));
    let until: Option<String> = row.get(6)?;
    let lifted = match row.get::<_, Option<String>>(7)? {
        Some(by) => Some(Lifted { by: name(by)?, at: time(text(8)?)?, reason: text(9)? }),
        None => None,
    };
    Ok(Hold {
        id: text(0)?.parse().map_err(|_| StoreError::Unreadable("id"))?,
        of: HoldOf::read(&text(1)?, &text(2)?).ok_or(StoreError::Unreadable("hold"))?,
        reason: Justification::parse(&text(3)?).map_err(|_| StoreError::Unreadable("reason"))?,
        by: name(text(4)?)?,
        at: time(text(5)?)?,
        until: until.map(time).transpose()?,
        lifted,
    })
}
