//! One act in the journal: the rows that it puts in the place of those that were.
//!
//! **Invariant:** an act is intended on disk, then recorded in the audit trail, then applied. The
//! record decides: what was intended and not recorded did not happen; what was recorded is applied,
//! now or at the next start. So no change is in force without its record, and none is half done.

use rusqlite::types::Value as Cell;
use rusqlite::{OptionalExtension, params, params_from_iter};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::audit::Act;
use crate::control::store::{Store, StoreError};
use crate::model::Timestamp;

/// The tables that acts change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::control) enum Table {
    /// The versions of the policy of record.
    Policies,
    /// Changes under change control.
    Changes,
    /// Temporary unblocks.
    Unblocks,
    /// Emergency blocks.
    Blocks,
    /// Suspensions.
    Suspensions,
    /// Legal holds.
    Holds,
    /// Accounts, without anything that is secret.
    Staff,
    /// Suggestions to review a category.
    Suggestions,
    /// What pupils asked for.
    Asks,
    /// Safeguarding alerts.
    Alerts,
    /// The events of an alert.
    AlertEvents,
    /// What was done about an alert.
    AlertSteps,
    /// Blocked tries of the last minutes.
    AlertTries,
    /// What raises no alert.
    Suppressions,
    /// How far readers of the trail have read.
    Cursors,
    /// What is to be told outside the gateway.
    Outbox,
    /// The digests that have gone out.
    Digests,
}

/// A row to stand in the place of the one that has its key.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(in crate::control) struct Put {
    table: Table,
    row: Map<String, Value>,
}

/// All that one act puts.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::control) struct Mutation {
    id: Uuid,
    at: Timestamp,
    puts: Vec<Put>,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Table::Policies => "policies",
            Table::Changes => "changes",
            Table::Unblocks => "unblocks",
            Table::Blocks => "blocks",
            Table::Suspensions => "suspensions",
            Table::Holds => "holds",
            Table::Staff => "staff",
            Table::Suggestions => "suggestions",
            Table::Asks => "asks",
            Table::Alerts => "alerts",
            Table::AlertEvents => "alert_events",
            Table::AlertSteps => "alert_steps",
            Table::AlertTries => "alert_tries",
            Table::Suppressions => "suppressions",
            Table::Cursors => "cursors",
            Table::Outbox => "outbox",
            Table::Digests => "digests",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Table::Policies => "version",
            Table::Staff | Table::Cursors | Table::Digests => "name",
            Table::Changes
            | Table::Unblocks
            | Table::Blocks
            | Table::Suspensions
            | Table::Holds
            | Table::Suggestions
            | Table::Asks
            | Table::Alerts
            | Table::AlertEvents
            | Table::AlertSteps
            | Table::AlertTries
            | Table::Suppressions
            | Table::Outbox => "id",
        }
    }
}

impl Put {
    /// A row by the names of its columns.
    pub(in crate::control) fn new<const N: usize>(table: Table, row: [(&str, Value); N]) -> Put {
        Put { table, row: row.into_iter().map(|(column, value)| (column.to_owned(), value)).collect() }
    }
}

impl Mutation {
    /// What an act at `at` puts.
    pub(in crate::control) fn new(at: Timestamp, puts: Vec<Put>) -> Mutation {
        Mutation { id: Uuid::now_v7(), at, puts }
    }

    /// Its id, which stands in the audit event too.
    pub(in crate::control) fn id(&self) -> Uuid {
        self.id
    }

    /// When it was.
    pub(in crate::control) fn at(&self) -> Timestamp {
        self.at
    }
}

impl Store {
    /// Keeps what `act` is about to do; nothing of it is done yet.
    pub(in crate::control) fn intend(&self, mutation: &Mutation, act: &Act) -> Result<(), StoreError> {
        let puts = serde_json::to_string(&mutation.puts).map_err(|_| StoreError::Unreadable("row"))?;
        self.connection.execute(
            "INSERT INTO journal (id, at, actor, action, reason, puts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                mutation.id.to_string(),
                mutation.at.to_string(),
                act.actor.name().unwrap_or(act.actor.as_str()),
                act.action,
                act.reason,
                puts,
            ],
        )?;
        Ok(())
    }

    /// Lets go of what was intended and not recorded: it did not happen.
    pub(in crate::control) fn forget(&self, id: Uuid) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM journal WHERE id = ?1", [id.to_string()])?;
        Ok(())
    }

    /// Does what was intended, now that it is recorded under `audit_seq`.
    pub(in crate::control) fn settle(&self, mutation: &Mutation, audit_seq: u64) -> Result<(), StoreError> {
        let sequence = i64::try_from(audit_seq).map_err(|_| StoreError::Unreadable("counter"))?;
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute(
            "UPDATE journal SET audit_seq = ?2 WHERE id = ?1",
            params![mutation.id.to_string(), sequence],
        )?;
        mutation.puts.iter().try_for_each(|put| self.put(put))?;
        Ok(transaction.commit()?)
    }

    /// What was intended last and neither applied nor let go of: there was no time for it.
    pub(in crate::control) fn unsettled(&self) -> Result<Option<Mutation>, StoreError> {
        let found: Option<(String, String, String)> = self
            .connection
            .prepare_cached("SELECT id, at, puts FROM journal WHERE audit_seq IS NULL ORDER BY number DESC")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, at, puts)) = found else { return Ok(None) };
        Ok(Some(Mutation {
            id: id.parse().map_err(|_| StoreError::Unreadable("id"))?,
            at: at.parse().map_err(|_| StoreError::Unreadable("time"))?,
            puts: serde_json::from_str(&puts).map_err(|_| StoreError::Unreadable("row"))?,
        }))
    }

    /// The id of the last act that was applied, and the number of its record.
    pub(in crate::control) fn last_settled(&self) -> Result<Option<(String, u64)>, StoreError> {
        let last = self
            .connection
            .prepare(
                "SELECT id, audit_seq FROM journal WHERE audit_seq IS NOT NULL ORDER BY number DESC LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())));
        Ok(last.optional()?)
    }

    /// Every act, with the number of its record.
    #[cfg(test)]
    pub(in crate::control) fn recorded_acts(
        &self,
    ) -> Result<std::collections::BTreeMap<String, u64>, StoreError> {
        let mut query = self.connection.prepare("SELECT id, audit_seq FROM journal")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
        rows.map(|row| Ok(row?)).collect()
    }

    /// The rows that every act put, in order: what another gateway replays.
    #[cfg(test)]
    pub(in crate::control) fn journalled(&self) -> Result<Vec<Vec<Put>>, StoreError> {
        let mut query = self
            .connection
            .prepare("SELECT puts FROM journal WHERE audit_seq IS NOT NULL ORDER BY number")?;
        let rows = query.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|puts| serde_json::from_str(&puts?).map_err(|_| StoreError::Unreadable("row"))).collect()
    }

    /// Puts one row in the place of the one that has its key.
    pub(in crate::control) fn put(&self, put: &Put) -> Result<(), StoreError> {
        let (table, key) = (put.table.name(), put.table.key());
        let columns: Vec<&str> = put.row.keys().map(String::as_str).collect();
        if !columns.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')) {
            return Err(StoreError::Unreadable("column"));
        }
        let places: Vec<String> = (1..=columns.len()).map(|number| format!("?{number}")).collect();
        let renewed: Vec<String> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        let statement = format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({key}) DO UPDATE SET {}",
            columns.join(", "),
            places.join(", "),
            renewed.join(", "),
        );
        let cells = put.row.values().map(cell).collect::<Result<Vec<Cell>, _>>()?;
        self.connection.prepare_cached(&statement)?.execute(params_from_iter(cells))?;
        Ok(())
    }
}

fn cell(value: &Value) -> Result<Cell, StoreError> {
    match value {
        Value::Null => Ok(Cell::Null),
        Value::Bool(value) => Ok(Cell::Integer((*value).into())),
        Value::Number(number) => number.as_i64().map(Cell::Integer).ok_or(StoreError::Unreadable("number")),
        Value::String(text) => Ok(Cell::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => Err(StoreError::Unreadable("row")),
    }
}
