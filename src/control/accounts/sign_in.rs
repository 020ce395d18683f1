//! Signing in: a name, a password, and the code of a second factor.
//!
//! **Invariant:** what is answered to a wrong name, a wrong password, a wrong code and an account
//! that is nobody's just now is the same, and took as long.

use std::net::IpAddr;

use rusqlite::OptionalExtension;

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::accounts::guessing::{Codes, Counted, Turn, Watched};
use crate::control::accounts::sessions::{Begun, LONGEST, must_enrol};
use crate::control::accounts::totp::Code;
use crate::control::accounts::{AccountError, By, Session, csrf};
use crate::control::staff::Staff;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, Recorded};
use crate::model::{StaffName, Timestamp};

/// What somebody signs in with.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// As it was typed.
    pub name: &'a str,
    /// As it was typed.
    pub password: &'a str,
    /// Of the second factor, or a recovery code.
    pub code: Option<&'a str>,
    /// From where.
    pub client: Option<IpAddr>,
}

/// A session, with its secret, in the clear this once.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// What goes into the cookie.
    pub secret: String,
    /// What pages send with their changes.
    pub csrf: String,
    /// Who.
    pub staff: Staff,
    /// Until when.
    pub session: Session,
    /// Whether they must enrol a second factor before anything else.
    pub must_enrol: bool,
    /// How many recovery codes are left, when one was used.
    pub recovery_left: Option<u32>,
}

impl Control {
    /// Signs somebody in.
    ///
    /// # Errors
    /// [`AccountError`]; guesses are recorded, with the name when it is somebody's.
    pub async fn sign_in(&self, attempt: &Attempt<'_>) -> Result<Recorded<SignedIn>, AccountError> {
        let proved = self.proved(attempt).await?;
        let by = By { staff: Some(proved.staff.clone()), client: attempt.client };
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        proved.still_holds(&journal.store, now)?;
        let Proved { counted, staff, .. } = proved;
        let (code, of_code) = match journal.store.code_of(&staff.name, attempt, now) {
            Ok(code) => code.unzip(),
            Err(AccountError::WrongCredentials) => {
                drop(journal);
                return Err(self.guessed(Some(&staff), attempt.client, "code").await);
            }
            Err(not_looked_at) => {
                journal.store.take_guess_back(&counted)?;
                return Err(not_looked_at);
            }
        };
        let act = by.act("session.begun").with("factor", code.as_ref().map(Code::kind));
        let audit_seq = self.record(Entry::Auth(act)).await?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        if let Some(code) = &code
            && !journal.store.use_code(&staff.name, code)?
        {
            return Err(AccountError::WrongCredentials);
        }
        of_code.iter().try_for_each(|counted| journal.store.take_guess_back(counted))?;
        journal.store.was_no_guess(&counted, now)?;
        let begun = journal.store.begin_session(&staff, LONGEST, attempt.client, now)?;
        let must_enrol = must_enrol(&staff) && code.is_none();
        let recovery_left = match code {
            Some(Code::Recovery(_)) => Some(journal.store.recovery_left(&staff.name)?),
            Some(Code::Step(_)) | None => None,
        };
        transaction.commit()?;
        Ok(Recorded { value: SignedIn { must_enrol, recovery_left, ..signed_in(staff, begun) }, audit_seq })
    }

    /// Whether name and password go together; the guess is counted first.
    pub(super) async fn proved(&self, attempt: &Attempt<'_>) -> Result<Proved, AccountError> {
        let name = attempt.name.trim();
        let (counted, staff, kept) = {
            let mut journal = self.journal.lock().await;
            let now = self.clock.now();
            let counted = match journal.store.begin_guess(&Watched::new(name, attempt.client), now)? {
                Turn::Go(counted) => counted,
                Turn::Wait(wait) => return Err(AccountError::Slow(wait)),
            };
            let staff = name.parse().ok().map(|name| journal.store.staff_named(&name)).transpose()?.flatten();
            let kept = staff.as_ref().map(|staff| journal.store.password(&staff.name)).transpose()?.flatten();
            (counted, staff, kept)
        };
        // What is longer than any password is none, and costs no more than one.
        let typed = if attempt.password.len() > 1024 { "" } else { attempt.password };
        let matches = match self.accounts.hasher.matches(typed, kept.clone()).await {
            Ok(matches) => matches,
            // It was not even looked at.
            Err(fault) => {
                self.journal.lock().await.store.take_guess_back(&counted)?;
                return Err(fault);
            }
        };
        let now = self.clock.now();
        match staff {
            Some(staff) if matches && staff.is_active(now) => Ok(Proved { counted, staff, hash: kept }),
            staff => Err(self.guessed(staff.as_ref(), attempt.client, "password").await),
        }
    }

    /// Records a guess; the name, only when it is somebody's.
    async fn guessed(&self, staff: Option<&Staff>, client: Option<IpAddr>, what: &str) -> AccountError {
        let actor = staff.map_or(Actor::System, |staff| Actor::Staff(staff.name.clone()));
        let act = Act::new(actor, "session.refused").with("wrong", what);
        let act = Act { outcome: Outcome::Failure, client, ..act };
        match self.record(Entry::Auth(act)).await {
            Ok(_) => AccountError::WrongCredentials,
            Err(unrecorded) => unrecorded.into(),
        }
    }
}

/// Somebody whose password was right when it was looked at.
pub(super) struct Proved {
    pub(super) counted: Counted,
    pub(super) staff: Staff,
    /// What it was held against.
    hash: Option<String>,
}

impl Proved {
    /// Whether it still is: to look at a password takes a while, in which the account may have been
    /// disabled, or sent back to its start with another password and without a second factor.
    ///
    /// # Errors
    /// [`AccountError::WrongCredentials`]
    pub(super) fn still_holds(&self, store: &Store, now: Timestamp) -> Result<(), AccountError> {
        let active = store.staff_named(&self.staff.name)?.is_some_and(|staff| staff.is_active(now));
        if active && store.password(&self.staff.name)? == self.hash {
            return Ok(());
        }
        Err(AccountError::WrongCredentials)
    }
}

/// What whoever began a session is told.
pub(super) fn signed_in(staff: Staff, begun: Begun) -> SignedIn {
    SignedIn {
        csrf: csrf(&begun.secret),
        secret: begun.secret,
        staff,
        session: begun.session,
        must_enrol: false,
        recovery_left: None,
    }
}

impl Store {
    /// The code that a sign-in comes with, and where it was counted; none where the account has no
    /// second factor.
    fn code_of(
        &mut self,
        name: &StaffName,
        attempt: &Attempt<'_>,
        now: Timestamp,
    ) -> Result<Option<(Code, Counted)>, AccountError> {
        if !self.has_factor(name)? {
            return Ok(None);
        }
        let typed = attempt.code.ok_or(AccountError::CodeNeeded)?;
        let counted = match self.begin_code(name, Codes::Counting(attempt.client), now)? {
            Turn::Go(counted) => counted,
            Turn::Wait(wait) => return Err(AccountError::Slow(wait)),
        };
        let code = self.code(name, typed, now)?.ok_or(AccountError::WrongCredentials)?;
        Ok(Some((code, counted)))
    }

    /// What is kept of somebody's password.
    pub(super) fn password(&self, name: &StaffName) -> Result<Option<String>, StoreError> {
        let text = "SELECT hash FROM passwords WHERE staff = ?1";
        Ok(self.connection.query_row(text, [name.as_str()], |row| row.get(0)).optional()?)
    }

    /// Keeps a new password, and ends every session.
    pub(super) fn keep_password(
        &self,
        name: &StaffName,
        hash: &str,
        now: crate::model::Timestamp,
    ) -> Result<(), StoreError> {
        self.end_sessions(name)?;
        self.connection.execute(
            "INSERT OR REPLACE INTO passwords (staff, hash, set_at) VALUES (?1, ?2, ?3)",
            rusqlite::params![name.as_str(), hash, now.as_millis()],
        )?;
        Ok(())
    }
}
