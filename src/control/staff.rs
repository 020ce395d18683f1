//! Named staff and their tokens.
//!
//! **Invariant:** a token is shown once and kept as a hash; a disabled member of staff is
//! nobody from that moment on.

use std::fmt::Write;

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::control::store::{Store, StoreError};
use crate::model::{Role, StaffName, Timestamp};

/// How long a token lives.
const TOKEN_LIFE: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 3600);
/// How every token starts, so that a leaked one can be recognised.
const PREFIX: &str = "sg_";

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Staff {
    /// The sign-in name.
    pub name: StaffName,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether they may no longer sign in.
    pub disabled: bool,
}

/// A token, in the clear this once.
#[derive(Clone, Debug)]
pub struct Token {
    /// What to put behind `Authorization: Bearer`.
    pub text: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Staff {
    /// Whether any of `roles` is held.
    #[must_use]
    pub fn is_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }
}

impl Store {
    /// Adds a member of staff; false when the name is taken.
    pub(super) fn add_staff(
        &self,
        name: &StaffName,
        roles: &[Role],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let added = self.connection.execute(
            "INSERT OR IGNORE INTO staff (name, roles, added_at) VALUES (?1, ?2, ?3)",
            params![name.as_str(), roles.join(","), now.to_string()],
        )?;
        Ok(added == 1)
    }

    /// Everybody, by name.
    pub(super) fn staff(&self) -> Result<Vec<Staff>, StoreError> {
        let mut query =
            self.connection.prepare_cached("SELECT name, roles, disabled FROM staff ORDER BY name")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.map(|row| read(row?)).collect()
    }

    /// One member of staff, disabled or not.
    pub(super) fn staff_named(&self, name: &StaffName) -> Result<Option<Staff>, StoreError> {
        let row = self
            .connection
            .prepare_cached("SELECT name, roles, disabled FROM staff WHERE name = ?1")?
            .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        row.map(read).transpose()
    }

    /// Ends an account and every token of it.
    pub(super) fn disable_staff(&mut self, name: &StaffName) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        transaction.execute("UPDATE staff SET disabled = 1 WHERE name = ?1", [name.as_str()])?;
        transaction.execute("DELETE FROM tokens WHERE staff = ?1", [name.as_str()])?;
        Ok(transaction.commit()?)
    }

    /// Makes a token.
    pub(super) fn make_token(&self, name: &StaffName, now: Timestamp) -> Result<Token, StoreError> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|fault| StoreError::System(fault.to_string()))?;
        let text = secret.iter().fold(String::from(PREFIX), |mut text, byte| {
            // Writing to a string can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        let expires_at = now.plus(TOKEN_LIFE);
        self.connection.execute(
            "INSERT INTO tokens (hash, staff, made_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![hash(&text).as_slice(), name.as_str(), now.to_string(), expires_at.to_string()],
        )?;
        Ok(Token { text, expires_at })
    }

    /// Whose token this is, if it holds.
    pub(super) fn bearer(&self, token: &str, now: Timestamp) -> Result<Option<Staff>, StoreError> {
        let row: Option<(String, String, bool, String)> = self
            .connection
            .prepare_cached(
                "SELECT staff.name, roles, disabled, expires_at FROM tokens
                 JOIN staff ON staff.name = tokens.staff WHERE hash = ?1",
            )?
            .query_row([hash(token).as_slice()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((name, roles, disabled, expires_at)) = row else { return Ok(None) };
        let expires_at: Timestamp = expires_at.parse().map_err(|_| StoreError::Unreadable("time"))?;
        if disabled || now >= expires_at {
            return Ok(None);
        }
        read((name, roles, disabled)).map(Some)
    }
}

fn read((name, roles, disabled): (String, String, bool)) -> Result<Staff, StoreError> {
    Ok(Staff {
        name: name.parse().map_err(|_| StoreError::Unreadable("name"))?,
        roles: roles
            .split(',')
            .filter(|role| !role.is_empty())
            .map(|role| role.parse().map_err(|_| StoreError::Unreadable("role")))
            .collect::<Result<_, _>>()?,
        disabled,
    })
}

/// The token has 256 random bits, so that a plain hash keeps it.
fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
