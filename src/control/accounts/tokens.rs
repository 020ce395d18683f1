//! Tokens: how scripts come in, in somebody's name.
//!
//! **Invariant:** a token is shown once and kept as a hash; it ends within a year; and it never
//! does more than its owner may at that moment, or than its scopes say.

use std::time::Duration;

use rusqlite::params;
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::accounts::{AccountError, By, secret};
use crate::control::staff::{Staff, joined, words};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{StaffName, Timestamp};

/// How long a token lives unless its maker says otherwise, in days.
const DAYS: u32 = 90;
/// How long one may live, in days.
const MOST_DAYS: u32 = 365;
/// The longest label, in characters.
const MAX_LABEL: usize = 60;
/// Tokens that one account may have.
const MOST_TOKENS: usize = 50;
/// How every token starts, so that a leaked one can be recognised.
const PREFIX: &str = "sg_";

/// What a token may be used for; it narrows what its owner may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Looking.
    Read,
    /// Asking for unblocks, and deciding on them.
    Unblock,
    /// Changing what is filtered.
    Change,
    /// Looking after accounts.
    Staff,
}

/// A token that is to be.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// What it is for, in its maker's words.
    pub label: String,
    /// What it may be used for; everything, when empty.
    pub scopes: Vec<Scope>,
    /// How long it lives; 90 days, when absent.
    pub days: Option<u32>,
}

/// A token, in the clear this once.
#[derive(Clone, Debug)]
pub struct Token {
    /// What to put behind `Authorization: Bearer`.
    pub text: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What to revoke it by.
    pub id: String,
}

/// A token as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct KeptToken {
    /// What to revoke it by.
    pub id: String,
    /// What it is for.
    pub label: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Whoever calls with a token.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Whose it is.
    pub staff: Staff,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Unblock, Scope::Change, Scope::Staff];

    /// As written in the API and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Unblock => "unblock",
            Scope::Change => "change",
            Scope::Staff => "staff",
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        Scope::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or_else(|| {
            let scopes = Scope::ALL.map(Scope::as_str).join(", ");
            format!("there is no scope “{text}”; the scopes are {scopes}")
        })
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Control {
    /// Whose token this is, if it holds, whatever its scopes.
    ///
    /// # Errors
    /// What the store says.
    pub async fn bearer(&self, token: &str) -> Result<Option<Staff>, ControlError> {
        Ok(self.bearing(token).await?.map(|bearer| bearer.staff))
    }

    /// Whose token this is, if it holds, and what it may be used for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn bearing(&self, token: &str) -> Result<Option<Bearer>, ControlError> {
        Ok(self.journal.lock().await.store.bearing(token, self.clock.now())?)
    }

    /// Makes a token for everything, for whoever may write to the local socket.
    ///
    /// # Errors
    /// When there is no such account, or it is disabled.
    pub async fn make_token(&self, name: &StaffName) -> Result<Recorded<Token>, ControlError> {
        match self.issue_token(&By::local(), name, &NewToken::default()).await {
            Ok(made) => Ok(made),
            Err(AccountError::Control(fault)) => Err(fault),
            Err(other) => Err(ControlError::Invalid("token", other.to_string())),
        }
    }

    /// Makes a token: of one's own, or any for whoever may write to the local socket.
    ///
    /// # Errors
    /// When it is not one's own, the account is nobody's, or label or days will not do.
    pub async fn issue_token(
        &self,
        by: &By,
        name: &StaffName,
        new: &NewToken,
    ) -> Result<Recorded<Token>, AccountError> {
        let journal = self.journal.lock().await;
        let now = self.clock.now();
        let staff = journal.store.staff_named(name)?.ok_or(ControlError::NotFound)?;
        if by.staff.as_ref().is_some_and(|by| by.name != staff.name) {
            return Err(ControlError::Forbidden("a token is made by its owner").into());
        }
        if staff.disabled {
            return Err(ControlError::Forbidden("the account is disabled").into());
        }
        let days = new.days.unwrap_or(DAYS);
        if !(1..=MOST_DAYS).contains(&days) {
            let text = format!("a token lives 1 to {MOST_DAYS} days");
            return Err(ControlError::Invalid("days", text).into());
        }
        if new.label.chars().count() > MAX_LABEL || new.label.chars().any(char::is_control) {
            let text = format!("a label has {MAX_LABEL} characters at most");
            return Err(ControlError::Invalid("label", text).into());
        }
        if journal.store.tokens(name, now)?.len() >= MOST_TOKENS {
            let text = format!("an account has {MOST_TOKENS} tokens at most: revoke one first");
            return Err(ControlError::Invalid("label", text).into());
        }
        let scopes = if new.scopes.is_empty() { &Scope::ALL[..] } else { &new.scopes };
        let expires_at = now.plus(Duration::from_secs(u64::from(days) * 24 * 3600));
        let id = Uuid::now_v7().to_string();
        let act = by.act("token.made").with("staff", name.as_str()).with("id", id.as_str());
        let act = act.with("scopes", joined(scopes)).with("label", new.label.as_str());
        let audit_seq = self.record(Entry::Auth(act.with("ends_at", expires_at.to_string()))).await?;
        let text = secret::text(PREFIX)?;
        journal.store.connection.execute(
            "INSERT INTO tokens (hash, staff, made_at, expires_at, id, label, scopes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                secret::hash(&text).as_slice(),
                name.as_str(),
                now.to_string(),
                expires_at.to_string(),
                id,
                new.label,
                joined(scopes),
            ],
        )?;
        Ok(Recorded { value: Token { text, expires_at, id }, audit_seq })
    }

    /// The tokens of somebody that hold, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tokens(&self, name: &StaffName) -> Result<Vec<KeptToken>, ControlError> {
        Ok(self.journal.lock().await.store.tokens(name, self.clock.now())?)
    }

    /// Ends a token of one's own.
    ///
    /// # Errors
    /// When there is no such token of theirs.
    pub async fn revoke_token(
        &self,
        by: &By,
        name: &StaffName,
        id: &str,
    ) -> Result<Recorded<()>, AccountError> {
        let journal = self.journal.lock().await;
        let own = journal.store.tokens(name, self.clock.now())?;
        if !own.iter().any(|token| token.id == id) {
            return Err(ControlError::NotFound.into());
        }
        let act = by.act("token.revoked").with("staff", name.as_str()).with("id", id);
        let audit_seq = self.record(Entry::Auth(act)).await?;
        let text = "DELETE FROM tokens WHERE staff = ?1 AND id = ?2";
        journal.store.connection.execute(text, params![name.as_str(), id])?;
        Ok(Recorded { value: (), audit_seq })
    }
}

impl Store {
    /// Whose token this is, if it holds.
    fn bearing(&self, token: &str, now: Timestamp) -> Result<Option<Bearer>, StoreError> {
        let text = "SELECT staff, expires_at, scopes FROM tokens WHERE hash = ?1";
        let kept = self.row(text, [secret::hash(token).as_slice()], |cells| {
            Ok((cells.name(0)?, cells.time(1)?, words(&cells.text(2)?, "scope")?))
        })?;
        let Some((name, _, scopes)) = kept.filter(|(_, expires_at, _)| now < *expires_at) else {
            return Ok(None);
        };
        let staff = self.staff_named(&name)?.filter(|staff| staff.is_active(now));
        Ok(staff.map(|staff| Bearer { staff, scopes }))
    }

    fn tokens(&self, name: &StaffName, now: Timestamp) -> Result<Vec<KeptToken>, StoreError> {
        let text = "SELECT id, label, scopes, made_at, expires_at FROM tokens
                    WHERE staff = ?1 AND expires_at > ?2 ORDER BY made_at DESC, id DESC";
        self.rows(text, params![name.as_str(), now.to_string()], |cells| {
            Ok(KeptToken {
                id: cells.text(0)?,
                label: cells.text(1)?,
                scopes: words(&cells.text(2)?, "scope")?,
                made_at: cells.time(3)?,
                expires_at: cells.time(4)?,
            })
        })
    }
}
