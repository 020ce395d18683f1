//! The second factor: a code of six digits that changes every 30 seconds (RFC 6238).
//!
//! **Invariant:** a step counts once, and none before the last that counted; no read returns a
//! secret once it is confirmed.
//!
//! The secret is kept as it is: the store is the service's alone (0600), and a key to encrypt it
//! with would lie beside it.

use rusqlite::{OptionalExtension, params};
use totp_rs::{Builder, Totp};

use crate::control::accounts::AccountError;
use crate::control::accounts::secret;
use crate::control::store::{Store, StoreError};
use crate::model::{StaffName, Timestamp};

/// How many recovery codes there are.
const RECOVERY: usize = 10;
/// Characters of a recovery code: 120 bits.
const RECOVERY_LENGTH: usize = 24;

/// A second factor that is not confirmed yet, shown this once.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// The secret in base 32, for whoever types it.
    pub secret: String,
    /// The same as `otpauth://`, for a phone's camera.
    pub uri: String,
}

/// A code that was right.
#[derive(Clone, Debug)]
pub(super) enum Code {
    /// Of this step of time.
    Step(u64),
    /// One of the recovery codes, by its hash.
    Recovery([u8; 32]),
}

/// A new secret for `name` at `school`.
pub(super) fn begin(name: &StaffName, school: &str) -> Result<([u8; 20], Enrolment), AccountError> {
    let bytes = secret::random::<20>()?;
    let issuer = format!("{school} web filter").replace(':', " ");
    let totp = Builder::new().with_secret(bytes.to_vec()).with_issuer(Some(issuer));
    let totp = totp.with_account_name(name.as_str().to_owned()).build();
    let totp = totp.map_err(|_| AccountError::Unhashed)?;
    let uri = totp.to_url().map_err(|_| AccountError::Unhashed)?;
    Ok((bytes, Enrolment { secret: totp.secret().to_base32(), uri }))
}

/// The step of which `code` is, if it is of one about `now` and after `last`.
pub(super) fn step(secret: &[u8], code: &str, last: u64, now: Timestamp) -> Option<u64> {
    let seconds = u64::try_from(now.as_millis() / 1000).ok()?;
    totp(secret)?.check(code.trim(), seconds).filter(|step| *step > last)
}

/// What a phone that was shown `secret` shows at `now`, for tests.
#[cfg(test)]
pub(crate) fn code(secret: &str, now: Timestamp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    totp(secret.as_bytes()).unwrap().generate(u64::try_from(now.as_millis() / 1000).unwrap()).to_string()
}

fn totp(secret: &[u8]) -> Option<Totp> {
    Builder::new().with_secret(secret.to_vec()).build().ok()
}

impl Code {
    /// `totp` or `recovery`, as recorded.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Code::Step(_) => "totp",
            Code::Recovery(_) => "recovery",
        }
    }
}

impl Store {
    /// Whether somebody has a factor that counts.
    pub(super) fn has_factor(&self, name: &StaffName) -> Result<bool, StoreError> {
        let text = "SELECT EXISTS (SELECT 1 FROM factors WHERE staff = ?1 AND secret IS NOT NULL)";
        Ok(self.connection.prepare_cached(text)?.query_row([name.as_str()], |row| row.get(0))?)
    }

    /// What `typed` is of, if it is a code of this person that still counts.
    pub(super) fn code(
        &self,
        name: &StaffName,
        typed: &str,
        now: Timestamp,
    ) -> Result<Option<Code>, StoreError> {
        if let Some(plain) = secret::ungrouped(typed).filter(|plain| plain.len() == RECOVERY_LENGTH) {
            let hash = secret::hash_for(name.as_str(), &plain);
            let text = "SELECT EXISTS (SELECT 1 FROM recovery_codes WHERE hash = ?1 AND staff = ?2)";
            let found: bool =
                self.connection.query_row(text, params![hash.as_slice(), name.as_str()], |row| row.get(0))?;
            return Ok(found.then_some(Code::Recovery(hash)));
        }
        let text = "SELECT secret, last_step FROM factors WHERE staff = ?1 AND secret IS NOT NULL";
        let kept: Option<(Vec<u8>, i64)> = self
            .connection
            .query_row(text, [name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(kept.and_then(|(secret, last)| step(&secret, typed, last.unsigned_abs(), now)).map(Code::Step))
    }

    /// Uses a code up; false when it was used meanwhile.
    pub(super) fn use_code(&self, name: &StaffName, code: &Code) -> Result<bool, StoreError> {
        let used = match code {
            Code::Step(step) => self.connection.execute(
                "UPDATE factors SET last_step = ?2 WHERE staff = ?1 AND last_step < ?2",
                params![name.as_str(), step.cast_signed()],
            )?,
            Code::Recovery(hash) => {
                self.connection.execute("DELETE FROM recovery_codes WHERE hash = ?1", [hash.as_slice()])?
            }
        };
        Ok(used == 1)
    }

    /// Keeps a secret that is to be confirmed.
    pub(super) fn begin_factor(&self, name: &StaffName, secret: &[u8]) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO factors (staff, begun) VALUES (?1, ?2)
             ON CONFLICT (staff) DO UPDATE SET begun = excluded.begun",
            params![name.as_str(), secret],
        )?;
        Ok(())
    }

    /// The secret that is to be confirmed.
    pub(super) fn begun_factor(&self, name: &StaffName) -> Result<Option<Vec<u8>>, StoreError> {
        let text = "SELECT begun FROM factors WHERE staff = ?1";
        let begun = self.connection.query_row(text, [name.as_str()], |row| row.get(0)).optional()?;
        Ok(begun.flatten())
    }

    /// The secret that was begun counts from now on, with new recovery codes.
    pub(super) fn confirm_factor(
        &mut self,
        name: &StaffName,
        step: u64,
        codes: &[String],
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "UPDATE factors SET secret = begun, begun = NULL, last_step = ?2 WHERE staff = ?1",
            params![name.as_str(), step.cast_signed()],
        )?;
        transaction.execute("DELETE FROM recovery_codes WHERE staff = ?1", [name.as_str()])?;
        for code in codes {
            let plain = secret::ungrouped(code).unwrap_or_default();
            let hash = secret::hash_for(name.as_str(), &plain);
            transaction.execute(
                "INSERT INTO recovery_codes (hash, staff) VALUES (?1, ?2)",
                params![hash.as_slice(), name.as_str()],
            )?;
        }
        Ok(transaction.commit()?)
    }

    /// How many recovery codes are left.
    pub(super) fn recovery_left(&self, name: &StaffName) -> Result<u32, StoreError> {
        let text = "SELECT count(*) FROM recovery_codes WHERE staff = ?1";
        Ok(self.connection.query_row(text, [name.as_str()], |row| row.get(0))?)
    }
}

/// Ten new recovery codes.
pub(super) fn recovery_codes() -> Result<Vec<String>, StoreError> {
    (0..RECOVERY).map(|_| Ok(secret::grouped(&secret::random::<15>()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_standard_and_count_once() {
        // RFC 6238, appendix B, cut to six digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            let now = Timestamp::from_millis(seconds * 1000);
            let at = u64::try_from(seconds).unwrap() / 30;
            assert_eq!(step(secret, code, 0, now), Some(at));
            assert_eq!(step(secret, code, at, now), None, "a code counts once");
            let near = |steps: i64| Timestamp::from_millis((seconds + steps * 30) * 1000);
            assert_eq!(step(secret, code, 0, near(1)), Some(at), "a phone may be slow");
            assert_eq!(step(secret, code, 0, near(-1)), Some(at), "or fast");
            assert_eq!(step(secret, code, 0, near(2)), None);
            for wrong in ["", "287081", "28708", "2870822", "abcdef", "２８７０８２"] {
                assert_eq!(step(secret, wrong, 0, now), None, "{wrong}");
            }
        }
    }

    #[test]
    fn what_a_phone_is_shown_names_school_and_person() {
        let (_, shown) = begin(&"j.evans".parse().unwrap(), "St: Example").unwrap();
        assert!(
            shown.uri.starts_with("otpauth://totp/St%20%20Example%20web%20filter:j.evans?"),
            "{}",
            shown.uri
        );
        assert_eq!(shown.secret.len(), 32);
    }
}
