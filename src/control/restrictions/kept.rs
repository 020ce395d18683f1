//! Emergency blocks and suspensions in the store.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::control::journal::{Put, Table};
use crate::control::restrictions::{KeptBlock, KeptSuspension};
use crate::control::store::{Cells, Store, StoreError};
use crate::model::{DeviceName, UserName, Window};
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
        self.row(&format!("SELECT {BLOCK} FROM blocks WHERE id = ?1"), [id.to_string()], block)
    }

    /// All emergency blocks, the newest first.
    pub(super) fn blocks(&self) -> Result<Vec<KeptBlock>, StoreError> {
        self.rows(&format!("SELECT {BLOCK} FROM blocks ORDER BY id DESC"), [], block)
    }

    /// The emergency blocks that are in force.
    pub(in crate::control) fn blocks_in_force(&self) -> Result<Vec<KeptBlock>, StoreError> {
        self.rows(&format!("SELECT {BLOCK} FROM blocks WHERE lifted_at IS NULL ORDER BY id"), [], block)
    }

    /// One suspension.
    pub(super) fn suspension(&self, id: Uuid) -> Result<Option<KeptSuspension>, StoreError> {
        let query = format!("SELECT {SUSPENSION} FROM suspensions WHERE id = ?1");
        self.row(&query, [id.to_string()], suspension)
    }

    /// All suspensions, the newest first.
    pub(super) fn suspensions(&self) -> Result<Vec<KeptSuspension>, StoreError> {
        self.rows(&format!("SELECT {SUSPENSION} FROM suspensions ORDER BY id DESC"), [], suspension)
    }

    /// The suspensions that are not over, as far as the audit trail knows.
    pub(in crate::control) fn open_suspensions(&self) -> Result<Vec<KeptSuspension>, StoreError> {
        let rest = "WHERE announced NOT IN ('ended', 'lifted') ORDER BY id";
        self.rows(&format!("SELECT {SUSPENSION} FROM suspensions {rest}"), [], suspension)
    }
}

fn block(cells: Cells<'_>) -> Result<KeptBlock, StoreError> {
    let block = EmergencyBlock {
        id: cells.id(0)?,
        target: cells.target(1)?,
        reason: cells.reason(2)?,
        by: cells.name(3)?,
        at: cells.time(4)?,
    };
    Ok(KeptBlock { block, lifted: cells.lifted(5)? })
}

fn suspension(cells: Cells<'_>) -> Result<KeptSuspension, StoreError> {
    let Covers { users, devices } =
        serde_json::from_str(&cells.text(1)?).map_err(|_| StoreError::Unreadable("audience"))?;
    let exceptions: Vec<String> =
        serde_json::from_str(&cells.text(3)?).map_err(|_| StoreError::Unreadable("exception"))?;
    let exceptions = exceptions.iter().map(|text| Target::parse(text)).collect::<Result<_, _>>();
    let window = Window::new(cells.time(4)?, cells.time(5)?);
    let lifted = cells.lifted(9)?;
    let suspension = Suspension {
        id: cells.id(0)?,
        users,
        devices,
        to: cells.parsed(2, "suspension")?,
        exceptions: exceptions.map_err(|_| StoreError::Unreadable("target"))?,
        window: window.map_err(|_| StoreError::Unreadable("window"))?,
        reason: cells.reason(6)?,
        by: cells.name(7)?,
        lifted: lifted.as_ref().map(|lifted| lifted.at),
    };
    Ok(KeptSuspension {
        suspension,
        imposed_at: cells.time(8)?,
        lifted,
        announced: cells.word(12, (&SuspensionState::ALL, SuspensionState::as_str), "state")?,
    })
}
