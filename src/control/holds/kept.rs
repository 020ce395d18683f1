//! Legal holds in the store.

use serde_json::json;
use uuid::Uuid;

use crate::control::holds::{Hold, HoldOf};
use crate::control::journal::{Put, Table};
use crate::control::store::{Cells, Store, StoreError};

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
        self.row(&format!("SELECT {HOLD} FROM holds WHERE id = ?1"), [id.to_string()], hold)
    }

    /// All holds, the newest first.
    pub(super) fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.rows(&format!("SELECT {HOLD} FROM holds ORDER BY id DESC"), [], hold)
    }
}

fn hold(cells: Cells<'_>) -> Result<Hold, StoreError> {
    Ok(Hold {
        id: cells.id(0)?,
        of: HoldOf::read(&cells.text(1)?, &cells.text(2)?).ok_or(StoreError::Unreadable("hold"))?,
        reason: cells.reason(3)?,
        by: cells.name(4)?,
        at: cells.time(5)?,
        until: cells.time_if(6)?,
        lifted: cells.lifted(7)?,
    })
}
