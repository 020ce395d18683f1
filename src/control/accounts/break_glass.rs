//! The sealed code in the safe: one way in for the day when nobody else has one.
//!
//! **Invariant:** the code opens once, for an hour, with a written reason; opening it raises an
//! alarm until a new one is sealed; all that is done after it is recorded as done so; and it opens
//! no statutory list, since nothing does.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::accounts::guessing::{Turn, Watched};
use crate::control::accounts::sign_in::{SignedIn, signed_in};
use crate::control::accounts::{AccountError, By, reason, secret};
use crate::control::feeds::Alarm;
use crate::control::staff::Kind;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, StaffName, Timestamp};

/// How long what it opens stays open.
const OPEN: Duration = Duration::from_secs(60 * 60);
/// Characters of a code: 160 random bits, and 20 that show a slip of the pen.
const LENGTH: usize = 36;
/// What guesses are counted under; no sign-in name has a space.
const PURPOSE: &str = "break glass";

/// How the seal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// Nothing was ever sealed.
    Never,
    /// A code lies in the safe since then.
    Sealed(Timestamp),
    /// It was opened then, and none is sealed anew.
    Opened(Timestamp),
}

/// A code that was sealed, in the clear this once.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// For the safe: `K7Q2-…`, nine groups of four.
    pub code: String,
}

impl Control {
    /// How the seal is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn seal(&self) -> Result<Seal, ControlError> {
        Ok(self.journal.lock().await.store.seal()?)
    }

    /// What a person must be told of the seal.
    ///
    /// # Errors
    /// What the store says.
    pub async fn seal_alarm(&self) -> Result<Option<Alarm>, ControlError> {
        Ok(match self.seal().await? {
            Seal::Never | Seal::Sealed(_) => None,
            Seal::Opened(since) => Some(Alarm {
                list: "break-glass".to_owned(),
                problem: "the sealed code was opened: find out why, and seal a new one".to_owned(),
                since,
            }),
        })
    }

    /// Makes a new code for the safe; the one before is dead, with what it opened.
    ///
    /// # Errors
    /// When `by` is neither a headteacher nor at the local socket; whoever opened the last code may
    /// not keep the door open with another.
    pub async fn seal_anew(&self, by: &By, why: Option<&str>) -> Result<Recorded<Sealed>, AccountError> {
        let may = by
            .staff
            .as_ref()
            .is_none_or(|staff| staff.kind == Kind::School && staff.is_any(&[Role::Headteacher]));
        if !may {
            let fault = ControlError::Forbidden("sealing a code takes a headteacher").into();
            return Err(self.not_allowed(by, "break_glass.sealed", None, fault).await);
        }
        let why = why.map(reason).transpose()?;
        let (code, nobody) = (new_code()?, break_glass()?);
        let journal = self.journal.lock().await;
        let act = Act { reason: why, ..by.act("break_glass.sealed") };
        let audit_seq = self.record(Entry::Auth(act)).await?;
        let hash = secret::ungrouped(&code).map(|plain| secret::hash_for(PURPOSE, &plain));
        let hash = hash.ok_or(AccountError::Mistyped)?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        transaction.execute(
            "INSERT OR REPLACE INTO break_glass (one, hash, sealed_at) VALUES (1, ?1, ?2)",
            params![hash.as_slice(), self.clock.now().as_millis()],
        )?;
        journal.store.end_sessions(&nobody)?;
        transaction.commit()?;
        Ok(Recorded { value: Sealed { code }, audit_seq })
    }

    /// Opens the sealed code.
    ///
    /// # Errors
    /// When the code is wrong, was used, or the reason says nothing.
    pub async fn break_the_glass(
        &self,
        typed: &str,
        why: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<SignedIn>, AccountError> {
        let why = reason(why)?;
        let plain = read(typed)?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let counted = match journal.store.begin_guess(&Watched::of_code(PURPOSE, client), now)? {
            Turn::Go(counted) => counted,
            Turn::Wait(wait) => return Err(AccountError::Slow(wait)),
        };
        let hash = secret::hash_for(PURPOSE, &plain);
        let text = "SELECT EXISTS (SELECT 1 FROM break_glass WHERE hash = ?1 AND opened_at IS NULL)";
        let fits: bool = journal.store.connection.query_row(text, [hash.as_slice()], |row| row.get(0))?;
        let name = break_glass()?;
        let staff = journal.store.anybody_named(&name)?.filter(|_| fits);
        let Some(staff) = staff else {
            let act = Act::new(Actor::System, "break_glass.refused");
            let act = Act { outcome: Outcome::Failure, client, reason: Some(why), ..act };
            self.record(Entry::Auth(act)).await?;
            return Err(AccountError::WrongCredentials);
        };
        let act = Act { client, reason: Some(why), ..Act::new(Actor::Staff(name), "break_glass.opened") };
        let audit_seq = self.record(Entry::Auth(act)).await?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        transaction.execute("UPDATE break_glass SET opened_at = ?1", [now.as_millis()])?;
        journal.store.take_guess_back(&counted)?;
        let begun = journal.store.begin_session(&staff, OPEN, client, now)?;
        transaction.commit()?;
        self.metrics.break_glass_opened();
        tracing::warn!(audit_seq, "the sealed break-glass code was opened; the audit trail says why");
        Ok(Recorded { value: signed_in(staff, begun), audit_seq })
    }
}

impl Store {
    fn seal(&self) -> Result<Seal, StoreError> {
        let text = "SELECT sealed_at, opened_at FROM break_glass";
        let row: Option<(i64, Option<i64>)> =
            self.connection.query_row(text, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        Ok(match row {
            None => Seal::Never,
            Some((_, Some(opened))) => Seal::Opened(Timestamp::from_millis(opened)),
            Some((sealed, None)) => Seal::Sealed(Timestamp::from_millis(sealed)),
        })
    }
}

/// The name that everything is recorded under.
fn break_glass() -> Result<StaffName, StoreError> {
    StaffName::BREAK_GLASS.parse().map_err(|_| StoreError::Unreadable("name"))
}

fn new_code() -> Result<String, StoreError> {
    let code = secret::grouped(&secret::random::<20>()?);
    let check = check(&secret::ungrouped(&code).unwrap_or_default());
    Ok(format!("{code}-{check}"))
}

/// What was typed, when its last group fits: a slip of the pen is no guess.
fn read(typed: &str) -> Result<String, AccountError> {
    let plain = secret::ungrouped(typed).filter(|plain| plain.len() == LENGTH);
    let plain = plain.ok_or(AccountError::Mistyped)?;
    let (code, last) = plain.split_at(LENGTH - 4);
    if check(code) != last {
        return Err(AccountError::Mistyped);
    }
    Ok(plain)
}

/// Four characters that a slip of the pen changes.
fn check(code: &str) -> String {
    let hash = secret::hash_for("break-glass check", code);
    secret::grouped(&hash[..5]).chars().take(4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_told_from_a_guess() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), LENGTH + 8);
        assert!(read(&code).is_ok());
        assert!(read(&code.to_lowercase().replace('-', " ")).is_ok());
        for at in 0..code.len() {
            let mut slip: Vec<char> = code.chars().collect();
            if slip[at] == '-' {
                continue;
            }
            slip[at] = if slip[at] == '7' { '8' } else { '7' };
            assert!(read(&slip.into_iter().collect::<String>()).is_err(), "character {at}");
        }
        assert!(read("").is_err() && read(&code[..40]).is_err());
    }
}
