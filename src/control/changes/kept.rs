//! Changes of the school's lists in the store.

use rusqlite::{OptionalExtension, Row};
use serde_json::json;
use uuid::Uuid;

use crate::audit::Actor;
use crate::control::changes::{Change, ChangeState, Op, School, SchoolList, weigh};
use crate::control::journal::{Put, Table};
use crate::control::store::{Store, StoreError};
use crate::model::Timestamp;

const COLUMNS: &str = "id, list, op, entry, line, remark, proposer_kind, proposer, proposed_at, state, stands, \
                       decided_by, decided_at, comment";

impl Store {
    /// The texts of the school's lists that were last in force; none before the first start.
    pub(super) fn school_in_force(&self) -> Result<Option<School>, StoreError> {
        let query = "SELECT allow_list, block_list FROM policies ORDER BY version DESC LIMIT 1";
        let texts = |row: &Row<'_>| Ok(School { allow: row.get(0)?, block: row.get(1)? });
        Ok(self.connection.query_row(query, [], texts).optional()?)
    }

    /// One change.
    pub(super) fn change(&self, id: Uuid) -> Result<Option<Change>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM changes WHERE id = ?1");
        self.connection.query_row(&query, [id.to_string()], |row| Ok(read(row))).optional()?.transpose()
    }

    /// All, the newest first.
    pub(in crate::control) fn changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("ORDER BY id DESC")
    }

    /// Those whose edit still stands in a file and is not in force.
    pub(super) fn standing_changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("WHERE stands = 1 ORDER BY id")
    }

    fn select_changes(&self, rest: &str) -> Result<Vec<Change>, StoreError> {
        let mut query = self.connection.prepare_cached(&format!("SELECT {COLUMNS} FROM changes {rest}"))?;
        let rows = query.query_map([], |row| Ok(read(row)))?;
        rows.map(|change| change?).collect()
    }
}

fn read(row: &Row<'_>) -> Result<Change, StoreError> {
    let text = |at: usize| row.get::<_, String>(at).map_err(StoreError::from);
    let optional = |at: usize| row.get::<_, Option<String>>(at).map_err(StoreError::from);
    let time = |text: String| text.parse::<Timestamp>().map_err(|_| StoreError::Unreadable("time"));
    let name = |text: String| text.parse().map_err(|_| StoreError::Unreadable("name"));
    let list = text(1)?;
    let (op, state) = (text(2)?, text(9)?);
    let proposer = match (text(6)?.as_str(), optional(7)?) {
        ("staff", Some(staff)) => Actor::Staff(name(staff)?),
        ("local", None) => Actor::Local,
        ("system", None) => Actor::System,
        _ => return Err(StoreError::Unreadable("proposer")),
    };
    Ok(Change {
        id: text(0)?.parse().map_err(|_| StoreError::Unreadable("id"))?,
        list: found(&SchoolList::ALL, |known| known.id() == list, "list")?,
        op: found(&[Op::Add, Op::Remove], |known| known.as_str() == op, "change")?,
        entry: text(3)?,
        line: row.get(4)?,
        remark: optional(5)?,
        proposer,
        proposed_at: time(text(8)?)?,
        state: found(&ChangeState::ALL, |known| known.as_str() == state, "state")?,
        stands: row.get(10)?,
        decided_by: optional(11)?.map(name).transpose()?,
        decided_at: optional(12)?.map(time).transpose()?,
        comment: optional(13)?,
    })
}

fn found<T: Copy>(all: &[T], is_it: impl Fn(&T) -> bool, what: &'static str) -> Result<T, StoreError> {
    all.iter().copied().find(|known| is_it(known)).ok_or(StoreError::Unreadable(what))
}

impl Change {
    /// Its row.
    pub(super) fn put(&self) -> Put {
        Put::new(
            Table::Changes,
            [
                ("id", json!(self.id)),
                ("list", json!(self.list.id())),
                ("op", json!(self.op.as_str())),
                ("entry", json!(self.entry)),
                ("line", json!(self.line)),
                ("remark", json!(self.remark)),
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
        let entries = weigh::entries(files.text(self.list));
        match self.op {
            Op::Add => self.entry.split(' ').all(|entry| entries.contains(entry)),
            Op::Remove => !entries.contains(&self.entry),
        }
    }
}
