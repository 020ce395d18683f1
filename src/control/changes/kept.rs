//! Changes of the school's lists in the store.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use crate::audit::Actor;
use crate::control::changes::{Change, ChangeState, Op, School, SchoolList, weigh};
use crate::control::store::{Store, StoreError};
use crate::model::Timestamp;

const COLUMNS: &str = "id, list, op, entry, line, remark, proposer_kind, proposer, proposed_at, state, stands, \
                       decided_by, decided_at, comment";

impl Store {
    /// The texts of the school's lists that were last in force; none before the first start.
    pub(super) fn school_in_force(&self) -> Result<Option<School>, StoreError> {
        let query = "SELECT allow_list, block_list FROM journal ORDER BY version DESC LIMIT 1";
        let texts = |row: &Row<'_>| Ok(School { allow: row.get(0)?, block: row.get(1)? });
        Ok(self.connection.query_row(query, [], texts).optional()?)
    }

    /// Keeps a change, new or decided.
    pub(super) fn keep_change(&self, change: &Change) -> Result<(), StoreError> {
        self.connection.execute(
            &format!(
                "INSERT OR REPLACE INTO changes ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
            ),
            params![
                change.id.to_string(),
                change.list.id(),
                change.op.as_str(),
                change.entry,
                change.line,
                change.remark,
                change.proposer.as_str(),
                change.proposer.name(),
                change.proposed_at.to_string(),
                change.state.as_str(),
                change.stands,
                change.decided_by.as_ref().map(crate::model::StaffName::as_str),
                change.decided_at.map(|at| at.to_string()),
                change.comment,
            ],
        )?;
        Ok(())
    }

    /// One change.
    pub(super) fn change(&self, id: Uuid) -> Result<Option<Change>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM changes WHERE id = ?1");
        self.connection.query_row(&query, [id.to_string()], |row| Ok(read(row))).optional()?.transpose()
    }

    /// All, the newest first.
    pub(super) fn changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("ORDER BY id DESC")
    }

    /// Those whose edit still stands in a file and is not in force.
    pub(super) fn standing_changes(&self) -> Result<Vec<Change>, StoreError> {
        self.select_changes("WHERE stands = 1 ORDER BY id")
    }

    /// Enters the lists as they are now in force, under the policy that is.
    pub(in crate::control) fn enter_school(
        &self,
        version: u64,
        (at, actor, reason): (Timestamp, &Actor, &str),
        changes: &[String],
        (allow, block): (&str, &str),
    ) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO journal (version, at, actor, reason, changes, policy, allow_list, block_list)
             SELECT ?1, ?2, ?3, ?4, ?5, policy, ?6, ?7 FROM journal ORDER BY version DESC LIMIT 1",
            params![
                i64::try_from(version).map_err(|_| StoreError::Unreadable("counter"))?,
                at.to_string(),
                actor.name().unwrap_or(actor.as_str()),
                reason,
                serde_json::Value::from(changes.to_vec()).to_string(),
                allow,
                block,
            ],
        )?;
        Ok(())
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
    /// Whether the files, as they were read, say so.
    pub(super) fn is_made_in(&self, files: &School) -> bool {
        let entries = weigh::entries(files.text(self.list));
        match self.op {
            Op::Add => self.entry.split(' ').all(|entry| entries.contains(entry)),
            Op::Remove => !entries.contains(&self.entry),
        }
    }
}
