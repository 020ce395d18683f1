//! What the gateway must remember between starts: staff, tokens, unblocks, the journal.
//!
//! **Invariant:** every change is one transaction, on disk when it returns; the file is the
//! service's alone (0600).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use crate::control::lists::{LastGood, Sizes};
use rusqlite::{Connection, OptionalExtension, params};

mod row;

pub(in crate::control) use row::{Cells, one_of};

/// The newest form of the tables; a step is added for every change of form, none is edited.
const STEPS: [&str; 18] = [
    include_str!("store.sql"),
    include_str!("changes/changes.sql"),
    include_str!("journal/journal.sql"),
    include_str!("changes/road.sql"),
    include_str!("accounts/accounts.sql"),
    include_str!("unblocks/rules.sql"),
    include_str!("restrictions/restrictions.sql"),
    include_str!("accounts/hangs.sql"),
    include_str!("unblocks/asks.sql"),
    include_str!("accounts/promoted.sql"),
    include_str!("journal/open.sql"),
    include_str!("alerts/alerts.sql"),
    include_str!("reports/reports.sql"),
    include_str!("holds/holds.sql"),
    include_str!("accounts/hands.sql"),
    include_str!("unblocks/lapsed.sql"),
    include_str!("journal/texts.sql"),
    include_str!("unblocks/looks.sql"),
];

/// The embedded store.
pub(super) struct Store {
    pub(super) connection: Connection,
}

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// What SQLite says.
    #[error("the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was made by a newer version of this program.
    #[error("the store was made by a newer version ({0}); this one knows up to {1}")]
    Newer(u32, u32),
    /// A value in it is not what this program writes.
    #[error("the store holds a {0} that can't be read")]
    Unreadable(&'static str),
    /// The file can't be opened: its path, and why.
    #[error("{0} can't be opened ({1}): free it if it is in use, or put back your copy of the state folder")]
    Unopened(String, Box<StoreError>),
    /// The system's random numbers, or the file itself.
    #[error("the store: {0}")]
    System(String),
}

impl StoreError {
    /// Whether the disk is full.
    pub(super) fn is_for_want_of_room(&self) -> bool {
        let StoreError::Sqlite(fault) = self else { return false };
        fault.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
    }
}

impl Store {
    /// Opens, or makes, the store at `path`.
    pub(super) fn open(path: &Path) -> Result<Store, StoreError> {
        Store::opened(path).map_err(|fault| match fault {
            StoreError::Sqlite(_) | StoreError::System(_) => {
                StoreError::Unopened(path.display().to_string(), Box::new(fault))
            }
            StoreError::Newer(..) | StoreError::Unreadable(_) | StoreError::Unopened(..) => fault,
        })
    }

    fn opened(path: &Path) -> Result<Store, StoreError> {
        let connection = Connection::open(path)?;
        let own = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, own).map_err(|fault| StoreError::System(fault.to_string()))?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is let go of is overwritten.
        connection.pragma_update(None, "secure_delete", true)?;
        let mut store = Store { connection };
        store.bring_up()?;
        Ok(store)
    }

    fn bring_up(&mut self) -> Result<(), StoreError> {
        let at: u32 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let known = STEPS.len() as u32;
        if at > known {
            return Err(StoreError::Newer(at, known));
        }
        for (number, step) in (1..=known).zip(STEPS).skip(at as usize) {
            let transaction = self.connection.transaction()?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
        Ok(())
    }

    /// A random key of this gateway, made when first asked for.
    pub(super) fn key<const N: usize>(&self, name: &str) -> Result<[u8; N], StoreError> {
        let found: Option<Vec<u8>> = self
            .connection
            .query_row("SELECT value FROM keys WHERE name = ?1", [name], |row| row.get(0))
            .optional()?;
        if let Some(key) = found {
            return key.try_into().map_err(|_| StoreError::Unreadable("key"));
        }
        let mut key = [0; N];
        getrandom::fill(&mut key).map_err(|fault| StoreError::System(fault.to_string()))?;
        self.connection
            .execute("INSERT INTO keys (name, value) VALUES (?1, ?2)", params![name, key.as_slice()])?;
        Ok(key)
    }

    /// The number of the next policy; never given twice.
    pub(super) fn next_generation(&self) -> Result<u64, StoreError> {
        let generation: i64 = self.connection.query_row(
            "INSERT INTO counters (name, value) VALUES ('generation', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            [],
            |row| row.get(0),
        )?;
        u64::try_from(generation).map_err(|_| StoreError::Unreadable("counter"))
    }

    /// The school's lists that were in force last; `None` before the first.
    pub(super) fn last_in_force(&self) -> Result<Option<LastGood>, StoreError> {
        let last = self.connection.query_row(
            "SELECT allow_list, block_list FROM versions ORDER BY version DESC LIMIT 1",
            [],
            |row| Ok(LastGood { allow: row.get(0)?, block: row.get(1)? }),
        );
        Ok(last.optional()?)
    }

    /// How many entries each list had when it was last in force.
    pub(super) fn list_sizes(&self) -> Result<Sizes, StoreError> {
        let mut query = self.connection.prepare_cached("SELECT list, entries FROM list_sizes")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
        rows.map(|row| {
            let (list, entries): (String, i64) = row?;
            Ok((list, usize::try_from(entries).map_err(|_| StoreError::Unreadable("size"))?))
        })
        .collect()
    }

    /// Keeps how many entries each list has, in the place of what was kept before.
    pub(super) fn keep_list_sizes(&self, sizes: &Sizes) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        transaction.execute("DELETE FROM list_sizes", [])?;
        for (list, entries) in sizes {
            let entries = i64::try_from(*entries).map_err(|_| StoreError::Unreadable("size"))?;
            transaction
                .execute("INSERT INTO list_sizes (list, entries) VALUES (?1, ?2)", params![list, entries])?;
        }
        Ok(transaction.commit()?)
    }
}
