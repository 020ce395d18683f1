//! Changes of the school's lists in the store.

use rusqlite::{OptionalExtension, Row};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Actor;
use crate::control::changes::{Change, ChangeState, Op, Record, School, weigh};
use crate::control::journal::{Put, Table};
use crate::control::store::{Cells, Store, StoreError};
use crate::policy::Effect;

const COLUMNS: &str = "id, what, effect, reason, risk, owner, review_on, proposer_kind, proposer, proposed_at, \
                       state, stands, decided_by, decided_at, comment";

impl Store {
    /// The school's files as they were last in force; none before the first start.
    pub(in crate::control) fn school_in_force(&self) -> Result<Option<School>, StoreError> {
        let query = "SELECT allow_list, block_list FROM versions ORDER BY version DESC LIMIT 1";
        Ok(self.connection.query_row(query, [], school).optional()?)
    }

    /// What staff have put on the school's lists besides the files.
    pub(in crate::control) fn school_added(&self) -> Result<School, StoreError> {
        let query = "SELECT allow_added, block_added FROM versions ORDER BY version DESC LIMIT 1";
        Ok(self.connection.query_row(query, [], school).optional()?.unwrap_or_default())
    }

    /// The policy of record: the text in force, and the file as it was last read.
    pub(in crate::control) fn record(&self) -> Result<Option<Record>, StoreError> {
        let query = "SELECT version, policy, file FROM versions ORDER BY version DESC LIMIT 1";
        let columns = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?));
        let Some((version, policy, file)) = self.connection.query_row(query, [], columns).optional()? else {
            return Ok(None);
        };
        let version = u64::try_from(version).map_err(|_| StoreError::Unreadable("counter"))?;
        Ok(Some(Record { version, policy, file }))
    }

    /// One change.
    pub(super) fn change(&self, id: Uuid) -> Result<Option<Change>, StoreError> {
        self.row(&format!("SELECT {COLUMNS} FROM changes WHERE id = ?1"), [id.to_string()], read)
    }

    /// All, the newest first.
    pub(in crate::control) fn changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("ORDER BY id DESC")
    }

    /// Those whose edit still stands in a file and is not in force.
    pub(super) fn standing_changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("WHERE stands = 1 ORDER BY id")
    }

    /// Those that nobody has decided on.
    pub(in crate::control) fn pending_changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("WHERE state = 'pending' ORDER BY id")
    }

    fn select_changes(&self, rest: &str) -> Result<Vec<Change>, StoreError> {
        self.rows(&format!("SELECT {COLUMNS} FROM changes {rest}"), [], read)
    }
}

fn read(cells: Cells<'_>) -> Result<Change, StoreError> {
    let proposer = match (cells.text(7)?.as_str(), cells.name_if(8)?) {
        ("staff", Some(staff)) => Actor::Staff(staff),
        ("local", None) => Actor::Local,
        ("system", None) => Actor::System,
        _ => return Err(StoreError::Unreadable("proposer")),
    };
    let risk: Option<String> = cells.cell(4)?;
    let risk = risk.map(|risk| serde_json::from_str(&risk)).transpose();
    Ok(Change {
        id: cells.id(0)?,
        what: serde_json::from_str(&cells.text(1)?).map_err(|_| StoreError::Unreadable("change"))?,
        effect: cells.word(2, (&Effect::ALL, Effect::as_str), "effect")?,
        reason: cells.cell(3)?,
        risk: risk.map_err(|_| StoreError::Unreadable("risk assessment"))?,
        owner: cells.name_if(5)?,
        review_on: cells.cell(6)?,
        proposer,
        proposed_at: cells.time(9)?,
        state: cells.word(10, (&ChangeState::ALL, ChangeState::as_str), "state")?,
        stands: cells.cell(11)?,
        decided_by: cells.name_if(12)?,
        decided_at: cells.time_if(13)?,
        comment: cells.cell(14)?,
    })
}

fn school(row: &Row<'_>) -> rusqlite::Result<School> {
    Ok(School { allow: row.get(0)?, block: row.get(1)? })
}

impl Change {
    /// Its row.
    pub(super) fn put(&self) -> Put {
        let text = |value: Value| json!(value.to_string());
        Put::new(
            Table::Changes,
            [
                ("id", json!(self.id)),
                ("what", text(json!(self.what))),
                ("effect", json!(self.effect.as_str())),
                ("reason", json!(self.reason)),
                ("risk", self.risk.as_ref().map_or(Value::Null, |risk| text(json!(risk)))),
                ("owner", json!(self.owner)),
                ("review_on", json!(self.review_on)),
                ("proposer_kind", json!(self.proposer.as_str())),
                ("proposer", json!(self.proposer.name())),
                ("proposed_at", json!(self.proposed_at)),
                ("state", json!(self.state.as_str())),
                ("stands", json!(self.stands)),
                ("decided_by", json!(self.decided_by)),
                ("decided_at", json!(self.decided_at)),
                ("comment", json!(self.comment)),
            ],
        )
    }

    /// Whether the files, as they were read, say so.
    pub(super) fn is_made_in(&self, files: &School) -> bool {
        let Some(change) = self.entry() else { return false };
        let entries = weigh::entries(files.text(change.list));
        match change.op {
            Op::Add => change.entry.split(' ').all(|entry| entries.contains(entry)),
            Op::Remove => !entries.contains(&change.entry),
        }
    }
}
