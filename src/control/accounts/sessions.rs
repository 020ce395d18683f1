//! Sessions: who is signed in, from where, and until when.
//!
//! **Invariant:** a session is kept as a hash, ends after 10 minutes without a request and after
//! 12 hours whatever is done, and is over at once when its account is disabled, its roles change
//! or its password does. Its time is the gateway's own, which a restart doesn't turn back.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::accounts::{AccountError, By, FACTOR_ROLES, secret};
use crate::control::staff::{Kind, Staff};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{StaffName, Timestamp};

/// How long a session may lie idle.
pub(super) const IDLE: Duration = Duration::from_secs(10 * 60);
/// How long one lasts at most.
pub(super) const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How often a use is kept: a session may so end this much earlier than [`IDLE`], never later.
const KEPT_EVERY: Duration = Duration::from_secs(30);
/// How every session's secret starts.
const PREFIX: &str = "sgs_";

/// A session as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Session {
    /// What to end it by; it signs nobody in.
    pub id: Uuid,
    /// When it began.
    pub made_at: Timestamp,
    /// When it was last used, to half a minute.
    pub seen_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// The address that it was begun from.
    pub client: Option<String>,
}

/// Whoever is signed in.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Who.
    pub staff: Staff,
    /// By which session.
    pub session: Session,
    /// Whether they must enrol a second factor before anything else.
    pub must_enrol: bool,
}

/// A session that was begun, with its secret, in the clear this once.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) secret: String,
    pub(super) session: Session,
}

/// What a page must send with every change that it asks for in a session's name. It says nothing
/// of the session's secret.
#[must_use]
pub fn csrf(session_secret: &str) -> String {
    secret::hex(&secret::hash_for("csrf", session_secret))
}

impl Control {
    /// Who is signed in by this secret.
    ///
    /// # Errors
    /// What the store says.
    pub async fn session(&self, session_secret: &str) -> Result<Option<Signed>, ControlError> {
        if !session_secret.starts_with(PREFIX) {
            return Ok(None);
        }
        Ok(self.journal.lock().await.store.signed_in(session_secret, self.clock.now())?)
    }

    /// Whose a session is, if it still holds; that it was asked does not prolong it.
    ///
    /// # Errors
    /// What the store says.
    pub async fn still_signed_in(&self, session_secret: &str) -> Result<Option<Staff>, ControlError> {
        let found = self.journal.lock().await.store.holder(session_secret, self.clock.now())?;
        Ok(found.map(|(staff, _)| staff))
    }

    /// The sessions of somebody, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn sessions(&self, name: &StaffName) -> Result<Vec<Session>, ControlError> {
        Ok(self.journal.lock().await.store.sessions(name, self.clock.now())?)
    }

    /// Ends a session of one's own: a sign-out, when it is the one that asks.
    ///
    /// # Errors
    /// When there is no such session of theirs.
    pub async fn end_session(
        &self,
        staff: &Staff,
        id: Uuid,
        client: Option<IpAddr>,
    ) -> Result<Recorded<()>, AccountError> {
        let journal = self.journal.lock().await;
        let own = journal.store.sessions(&staff.name, self.clock.now())?;
        if !own.iter().any(|session| session.id == id) {
            return Err(ControlError::NotFound.into());
        }
        let by = By { staff: Some(staff.clone()), client };
        let act = by.act("session.ended").with("session", id.to_string());
        let audit_seq = self.record(Entry::Auth(act)).await?;
        journal.store.connection.execute("DELETE FROM sessions WHERE id = ?1", [id.to_string()])?;
        Ok(Recorded { value: (), audit_seq })
    }
}

impl Store {
    /// Begins a session, and lets go of those that are over.
    pub(super) fn begin_session(
        &self,
        staff: &Staff,
        longest: Duration,
        client: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Begun, StoreError> {
        self.connection.execute(
            "DELETE FROM sessions WHERE ends_at <= ?1 OR seen_at <= ?2",
            params![now.as_millis(), now.minus(IDLE).as_millis()],
        )?;
        let secret = secret::text(PREFIX)?;
        let window = staff.access_until.filter(|_| staff.kind == Kind::Supplier);
        let ends_at = window.into_iter().chain(staff.ends_at).fold(now.plus(longest), Timestamp::min);
        let client = client.map(|client| client.to_canonical().to_string());
        let session = Session { id: Uuid::now_v7(), made_at: now, seen_at: now, ends_at, client };
        self.connection.execute(
            "INSERT INTO sessions (hash, id, staff, made_at, seen_at, ends_at, client)
             VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)",
            params![
                secret::hash(&secret).as_slice(),
                session.id.to_string(),
                staff.name.as_str(),
                now.as_millis(),
                ends_at.as_millis(),
                session.client,
            ],
        )?;
        Ok(Begun { secret, session })
    }

    /// Ends every session of somebody.
    pub(super) fn end_sessions(&self, name: &StaffName) -> Result<(), StoreError> {
        self.connection.execute("DELETE FROM sessions WHERE staff = ?1", [name.as_str()])?;
        Ok(())
    }

    fn signed_in(&self, session_secret: &str, now: Timestamp) -> Result<Option<Signed>, StoreError> {
        let Some((staff, session)) = self.holder(session_secret, now)? else { return Ok(None) };
        if now.since(session.seen_at) >= KEPT_EVERY {
            let text = "UPDATE sessions SET seen_at = ?2 WHERE hash = ?1";
            let hash = secret::hash(session_secret);
            self.connection.execute(text, params![hash.as_slice(), now.as_millis()])?;
        }
        let must_enrol = must_enrol(&staff) && !self.has_factor(&staff.name)?;
        Ok(Some(Signed { staff, session, must_enrol }))
    }

    /// A session that is not over, and whose it is.
    fn holder(&self, session_secret: &str, now: Timestamp) -> Result<Option<(Staff, Session)>, StoreError> {
        let hash = secret::hash(session_secret);
        let text = "SELECT staff, id, made_at, seen_at, ends_at, client FROM sessions WHERE hash = ?1";
        let row = self.connection.prepare_cached(text)?.query_row([hash.as_slice()], row).optional()?;
        let Some((name, session)) = row else { return Ok(None) };
        let session = session?;
        if now >= session.ends_at || now.since(session.seen_at) >= IDLE {
            return Ok(None);
        }
        let name = name.parse().map_err(|_| StoreError::Unreadable("name"))?;
        let staff = self.anybody_named(&name)?.filter(|staff| staff.is_active(now));
        Ok(staff.map(|staff| (staff, session)))
    }

    fn sessions(&self, name: &StaffName, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let text = "SELECT staff, id, made_at, seen_at, ends_at, client FROM sessions
                    WHERE staff = ?1 AND ends_at > ?2 AND seen_at > ?3 ORDER BY made_at DESC, id DESC";
        let mut query = self.connection.prepare_cached(text)?;
        let idle = now.minus(IDLE).as_millis();
        let rows = query.query_map(params![name.as_str(), now.as_millis(), idle], row)?;
        rows.map(|row| row?.1).collect()
    }
}

/// Whoever can open something, and whoever comes from outside.
pub(super) fn must_enrol(staff: &Staff) -> bool {
    match staff.kind {
        Kind::School => staff.is_any(&FACTOR_ROLES),
        Kind::Supplier => true,
        Kind::BreakGlass => false,
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, Result<Session, StoreError>)> {
    let id: String = row.get(1)?;
    let moment = |at: usize| row.get(at).map(Timestamp::from_millis);
    let (made_at, seen_at, ends_at) = (moment(2)?, moment(3)?, moment(4)?);
    let client = row.get(5)?;
    let id = id.parse().map_err(|_| StoreError::Unreadable("session"));
    Ok((row.get(0)?, id.map(|id| Session { id, made_at, seen_at, ends_at, client })))
}
