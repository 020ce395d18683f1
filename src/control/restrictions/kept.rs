//! Emergency blocks and suspensions in the store.

use rusqlite::{OptionalExtension, Row};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::control::journal::{Put, Table};
use crate::control::restrictions::{KeptBlock, KeptSuspension, Lifted};
use crate::control::store::{Store, StoreError};
use crate::model::{DeviceName, Justification, StaffName, Timestamp, UserName, Window};
use crate::policy::{EmergencyBlock, Suspension, SuspensionState, Target};

const BLOCK: &str = "id, target, reason, placed_by, placed_at, lifted_by, lifted_at, lifted_why";
const SUSPENSION: &str = "id, covers, reduced, exceptions, starts_at, ends_at, reason, imposed_by, imposed_at, \
                          lifted_by, lifted_at, lifted_why, announced";

/// Whom a suspension is of.
#[derive(Deserialize)]
struct Covers {
    users: Vec<UserName>,
    devices: Vec<DeviceName>,
}

impl KeptBlock {
    /// Its row.
    pub(in crate::control) fn put(&self) -> Put {
        let (block, lifted) = (&self.block, self.lifted.as_ref());
        Put::new(
            Table::Blocks,
            [
                ("id", json!(block.id)),
                ("target", json!(block.target.to_string())),
                ("reason", json!(block.reason)),
                ("placed_by", json!(block.by)),
                ("placed_at", json!(block.at)),
                ("lifted_by", json!(lifted.map(|lifted| &lifted.by))),
                ("lifted_at", json!(lifted.map(|lifted| lifted.at))),
                ("lifted_why", json!(lifted.map(|lifted| &lifted.reason))),
            ],
        )
    }
}

impl KeptSuspension {
    /// Its row.
    pub(super) fn put(&self) -> Put {
        let (suspension, lifted) = (&self.suspension, self.lifted.as_ref());
        let covers = json!({ "users": suspension.users, "devices": suspension.devices });
        let exceptions: Vec<String> = suspension.exceptions.iter().map(ToString::to_string).collect();
        Put::new(
            Table::Suspensions,
            [
                ("id", json!(suspension.id)),
                ("covers", json!(covers.to_string())),
                ("reduced", json!(suspension.to.as_str())),
                ("exceptions", json!(json!(exceptions).to_string())),
                ("starts_at", json!(suspension.window.starts_at())),
                ("ends_at", json!(suspension.window.ends_at())),
                ("reason", json!(suspension.reason)),
                ("imposed_by", json!(suspension.by)),
                ("imposed_at", json!(self.imposed_at)),
                ("lifted_by", json!(lifted.map(|lifted| &lifted.by))),
                ("lifted_at", json!(lifted.map(|lifted| lifted.at))),
                ("lifted_why", json!(lifted.map(|lifted| &lifted.reason))),
                ("announced", json!(self.announced.as_str())),
            ],
        )
    }
}

impl Store {
    /// One emergency block.
    pub(in crate::control) fn block(&self, id: Uuid) -> Result<Option<KeptBlock>, StoreError> {
        let query = format!("SELECT {BLOCK} FROM blocks WHERE id = ?1");
        self.connection.query_row(&query, [id.to_string()], |row| Ok(block(row))).optional()?.transpose()
    }

    /// All emergency blocks, the newest first.
    pub(super) fn blocks(&self) -> Result<Vec<KeptBlock>, StoreError> {
        self.select_laid(&format!("SELECT {BLOCK} FROM blocks ORDER BY id DESC"), block)
    }

    /// The emergency blocks that are in force.
    pub(in crate::control) fn blocks_in_force(&self) -> Result<Vec<KeptBlock>, StoreError> {
        self.select_laid(&format!("SELECT {BLOCK} FROM blocks WHERE lifted_at IS NULL ORDER BY id"), block)
    }

    /// One suspension.
    pub(super) fn suspension(&self, id: Uuid) -> Result<Option<KeptSuspension>, StoreError> {
        let query = format!("SELECT {SUSPENSION} FROM suspensions WHERE id = ?1");
        self.connection.query_row(&query, [id.to_string()], |row| Ok(suspension(row))).optional()?.transpose()
    }

    /// All suspensions, the newest first.
    pub(super) fn suspensions(&self) -> Result<Vec<KeptSuspension>, StoreError> {
        self.select_laid(&format!("SELECT {SUSPENSION} FROM suspensions ORDER BY id DESC"), suspension)
    }

    /// The suspensions that are not over, as far as the audit trail knows.
    pub(in crate::control) fn open_suspensions(&self) -> Result<Vec<KeptSuspension>, StoreError> {
        let rest = "WHERE announced NOT IN ('ended', 'lifted') ORDER BY id";
        self.select_laid(&format!("SELECT {SUSPENSION} FROM suspensions {rest}"), suspension)
    }

    fn select_laid<T>(
        &self,
        query: &str,
        read: fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut query = self.connection.prepare_cached(query)?;
        let rows = query.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }
}

fn block(row: &Row<'_>) -> Result<KeptBlock, StoreError> {
    let block = EmergencyBlock {
        id: text(row, 0)?.parse().map_err(|_| StoreError::Unreadable("id"))?,
        target: target(&text(row, 1)?)?,
        reason: justification(&text(row, 2)?)?,
        by: name(&text(row, 3)?)?,
        at: time(&text(row, 4)?)?,
    };
    Ok(KeptBlock { block, lifted: lifted(row, 5)? })
}

fn suspension(row: &Row<'_>) -> Result<KeptSuspension, StoreError> {
    let Covers { users, devices } =
        serde_json::from_str(&text(row, 1)?).map_err(|_| StoreError::Unreadable("audience"))?;
    let exceptions: Vec<String> =
        serde_json::from_str(&text(row, 3)?).map_err(|_| StoreError::Unreadable("exception"))?;
    let (starts_at, ends_at) = (time(&text(row, 4)?)?, time(&text(row, 5)?)?);
    let (lifted, announced) = (lifted(row, 9)?, text(row, 12)?);
    let suspension = Suspension {
        id: text(row, 0)?.parse().map_err(|_| StoreError::Unreadable("id"))?,
        users,
        devices,
        to: text(row, 2)?.parse().map_err(|_| StoreError::Unreadable("suspension"))?,
        exceptions: exceptions.iter().map(|text| target(text)).collect::<Result<_, _>>()?,
        window: Window::new(starts_at, ends_at).map_err(|_| StoreError::Unreadable("window"))?,
        reason: justification(&text(row, 6)?)?,
        by: name(&text(row, 7)?)?,
        lifted: lifted.as_ref().map(|lifted| lifted.at),
    };
    let announced = SuspensionState::ALL.into_iter().find(|state| state.as_str() == announced);
    Ok(KeptSuspension {
        suspension,
        imposed_at: time(&text(row, 8)?)?,
        lifted,
        announced: announced.ok_or(StoreError::Unreadable("state"))?,
    })
}

/// Who, when and why, from three columns on.
fn lifted(row: &Row<'_>, at: usize) -> Result<Option<Lifted>, StoreError> {
    let Some(by) = row.get::<_, Option<String>>(at)? else { return Ok(None) };
    let (at, reason) = (time(&text(row, at + 1)?)?, text(row, at + 2)?);
    Ok(Some(Lifted { by: name(&by)?, at, reason }))
}

fn text(row: &Row<'_>, at: usize) -> Result<String, StoreError> {
    Ok(row.get(at)?)
}

fn time(text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable("time"))
}

fn name(text: &str) -> Result<StaffName, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable("name"))
}

fn target(text: &str) -> Result<Target, StoreError> {
    Target::parse(text).map_err(|_| StoreError::Unreadable("target"))
}

fn justification(text: &str) -> Result<Justification, StoreError> {
    Justification::parse(text).map_err(|_| StoreError::Unreadable("reason"))
}
