//! What people do with their own account: a new password, a second factor.
//!
//! **Invariant:** whoever sits down at somebody's open session can take neither over: both take
//! the password that counts. The first second factor of whoever must have one does not: before it
//! is there the session can do nothing else.

use crate::audit::Entry;
use crate::control::accounts::guessing::{Codes, Turn};
use crate::control::accounts::sessions::must_enrol;
use crate::control::accounts::sign_in::{Attempt, Proved};
use crate::control::accounts::{AccountError, By, Enrolment, password, totp};
use crate::control::staff::Kind;
use crate::control::{Control, ControlError, Recorded};

/// A second factor that counts from now on.
#[derive(Clone, Debug)]
pub struct Confirmed {
    /// For when the phone is lost; each once, shown this once.
    pub recovery_codes: Vec<String>,
}

impl Control {
    /// A new password in the place of the one that counts. Every session ends.
    ///
    /// # Errors
    /// When the old one is wrong, or the new one will not do.
    pub async fn change_password(
        &self,
        by: &By,
        old: &str,
        new: &str,
        school: &str,
    ) -> Result<Recorded<()>, AccountError> {
        let staff = own(by)?;
        password::check(new, staff.name.as_str(), school)?;
        let attempt = Attempt { name: staff.name.as_str(), password: old, code: None, client: by.client };
        let proved = self.proved(&attempt).await?;
        let hash = self.accounts.hasher.hash(new).await?;
        let journal = self.journal.lock().await;
        proved.still_holds(&journal.store, self.clock.now())?;
        let Proved { counted, staff, .. } = proved;
        let audit_seq = self.record(Entry::Auth(by.act("credentials.changed"))).await?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        journal.store.was_no_guess(&counted, self.clock.now())?;
        journal.store.keep_password(&staff.name, &hash, self.clock.now())?;
        transaction.commit()?;
        Ok(Recorded { value: (), audit_seq })
    }

    /// Begins a second factor: with the password, but for the first of whoever must have one.
    ///
    /// # Errors
    /// When the password is needed and wrong.
    pub async fn begin_factor(
        &self,
        by: &By,
        typed: Option<&str>,
        school: &str,
    ) -> Result<Enrolment, AccountError> {
        let staff = own(by)?;
        let has_one = self.journal.lock().await.store.has_factor(&staff.name)?;
        if has_one || !must_enrol(staff) {
            let password = typed.ok_or_else(|| {
                let text = "your password is needed for a new second factor";
                ControlError::Invalid("password", text.to_owned())
            })?;
            let attempt = Attempt { name: staff.name.as_str(), password, code: None, client: by.client };
            let proved = self.proved(&attempt).await?;
            let journal = self.journal.lock().await;
            proved.still_holds(&journal.store, self.clock.now())?;
            journal.store.take_guess_back(&proved.counted)?;
        }
        let (bytes, shown) = totp::begin(&staff.name, school)?;
        self.journal.lock().await.store.begin_factor(&staff.name, &bytes)?;
        Ok(shown)
    }

    /// What was begun counts, if the phone shows its code. Recovery codes are new.
    ///
    /// # Errors
    /// [`AccountError::Unconfirmed`]; [`AccountError::Slow`] after too many of them.
    pub async fn confirm_factor(&self, by: &By, code: &str) -> Result<Recorded<Confirmed>, AccountError> {
        let staff = own(by)?;
        let mut journal = self.journal.lock().await;
        let begun = journal.store.begun_factor(&staff.name)?.ok_or(AccountError::Unconfirmed)?;
        let now = self.clock.now();
        // Whoever sits down at somebody's open session was not shown the secret.
        let counted = match journal.store.begin_code(&staff.name, Codes::Begun, now)? {
            Turn::Go(counted) => counted,
            Turn::Wait(wait) => return Err(AccountError::Slow(wait)),
        };
        let step = totp::step(&begun, code, 0, now).ok_or(AccountError::Unconfirmed)?;
        let recovery_codes = totp::recovery_codes()?;
        let audit_seq = self.record(Entry::Auth(by.act("factor.enrolled"))).await?;
        journal.store.take_guess_back(&counted)?;
        journal.store.confirm_factor(&staff.name, step, &recovery_codes)?;
        Ok(Recorded { value: Confirmed { recovery_codes }, audit_seq })
    }
}

/// The account whose owner asks; whoever opened the sealed code has none.
fn own(by: &By) -> Result<&crate::control::Staff, AccountError> {
    by.staff
        .as_ref()
        .filter(|staff| staff.kind != Kind::BreakGlass)
        .ok_or_else(|| ControlError::Forbidden("this is done in one's own account").into())
}
