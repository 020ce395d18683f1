//! Accounts: who has one, how they come in, and what comes with it.
//!
//! **Invariant:** what is done with an account is recorded on disk before it counts; no secret is
//! recorded or journalled, and none is read back; and no password is worked on while the journal is held.

use std::net::IpAddr;
use std::time::Duration;

use crate::audit::{Act, Actor, Entry, RecordError};
use crate::control::journal::{Journal, Mutation};
use crate::control::staff::Staff;
use crate::control::store::StoreError;
use crate::control::{Control, ControlError};
use crate::model::{Justification, Role, StaffName, Timestamp};

mod administer;
mod break_glass;
mod guessing;
mod hands;
mod invitations;
mod own;
mod password;
mod rules;
mod secret;
mod sessions;
mod sign_in;
mod supplier;
mod tokens;
mod totp;

pub use administer::{MemberChanges, NewMember};
pub use break_glass::{Seal, Sealed};
pub use invitations::{Founder, Invitation, Invited};
pub use own::Confirmed;
pub use password::{Cost, WeakPassword};
pub use rules::ADMINISTRATORS;
pub use sessions::{Session, Signed, csrf};
pub use sign_in::{Attempt, SignedIn};
pub use tokens::{Bearer, KeptToken, NewToken, Scope, Token};
pub use totp::Enrolment;

#[cfg(test)]
pub(crate) use totp::code as code_at;

use password::Hasher;

/// The roles that take a second factor: who has one of them can open something.
pub const FACTOR_ROLES: [Role; 4] = [Role::FilteringManager, Role::Dsl, Role::Headteacher, Role::Technician];

/// Why something with an account was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Name, password and code don't go together. Which of them is wrong is not said.
    #[error("name, password or code is wrong")]
    WrongCredentials,
    /// The password was right, and there is a second factor.
    #[error("a code of the second factor is needed too")]
    CodeNeeded,
    /// Too many guesses: when the next may be made.
    #[error("too many tries: wait before the next")]
    Slow(Duration),
    /// Too many are signing in at once.
    #[error("too many are signing in at this moment: try again")]
    Busy,
    /// The password will not do.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// Nobody does this to their own account.
    #[error("nobody does this to their own account: ask somebody else")]
    OwnAccount,
    /// Nobody else holds that role for good.
    #[error("nobody else holds the role {0} for good: give it to somebody first")]
    LastHolder(Role),
    /// The link was used, ran out, or never was.
    #[error("this link was used, or has run out: ask for a new one")]
    NoInvitation,
    /// The code has a slip of the pen.
    #[error("this code was mistyped: its last group doesn't fit the others")]
    Mistyped,
    /// No second factor was begun, or the code is not of it.
    #[error("this is not the code that the phone shows for this secret now")]
    Unconfirmed,
    /// Argon2 or the code's parameters; never what was typed.
    #[error("the password or code could not be worked on")]
    Unhashed,
    /// As of every act.
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Who does something with an account, and from where.
#[derive(Clone, Debug)]
pub struct By {
    /// The member of staff; whoever may write to the local socket, when absent.
    pub staff: Option<Staff>,
    /// The address, when over the network.
    pub client: Option<IpAddr>,
}

/// What control keeps in memory of accounts.
pub(super) struct Accounts {
    hasher: Hasher,
}

impl Accounts {
    /// Passwords cost what `cost` says.
    pub(super) fn new(cost: Cost) -> Accounts {
        Accounts { hasher: Hasher::new(cost) }
    }
}

impl By {
    /// Whoever may write to the gateway's local socket.
    #[must_use]
    pub fn local() -> By {
        By { staff: None, client: None }
    }

    /// As the record names them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.staff.as_ref().map_or(Actor::Local, |staff| Actor::Staff(staff.name.clone()))
    }

    /// An act of theirs.
    fn act(&self, action: &'static str) -> Act {
        Act { client: self.client, ..Act::new(self.actor(), action) }
    }
}

impl AccountError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            AccountError::WrongCredentials => "invalid_credentials",
            AccountError::CodeNeeded => "code_needed",
            AccountError::Slow(_) => "too_many_tries",
            AccountError::Busy => "busy",
            AccountError::Weak(_) => "weak_password",
            AccountError::OwnAccount => "own_account",
            AccountError::LastHolder(_) => "last_holder",
            AccountError::NoInvitation => "no_invitation",
            AccountError::Mistyped => "mistyped",
            AccountError::Unconfirmed => "wrong_code",
            AccountError::Unhashed => "password",
            AccountError::Control(fault) => fault.code(),
        }
    }

    /// Whether the one who asked may not: that is recorded.
    fn is_refusal(&self) -> bool {
        matches!(
            self,
            AccountError::OwnAccount
                | AccountError::LastHolder(_)
                | AccountError::Control(ControlError::Forbidden(_))
        )
    }
}

impl From<StoreError> for AccountError {
    fn from(fault: StoreError) -> AccountError {
        AccountError::Control(fault.into())
    }
}

impl From<RecordError> for AccountError {
    fn from(fault: RecordError) -> AccountError {
        AccountError::Control(fault.into())
    }
}

impl From<rusqlite::Error> for AccountError {
    fn from(fault: rusqlite::Error) -> AccountError {
        StoreError::from(fault).into()
    }
}

impl Control {
    /// The same, with passwords at another cost than OWASP's.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with_password_cost(mut self, cost: Cost) -> Control {
        self.accounts = Accounts::new(cost);
        self
    }

    /// Does to an account what `act` says: keeps it, records it, applies it. What hangs on the account
    /// goes with it: see `hangs.sql`.
    async fn keep_staff(
        &self,
        journal: &mut Journal,
        act: Act,
        staff: &Staff,
        now: Timestamp,
    ) -> Result<u64, ControlError> {
        let mutation = Mutation::new(now, vec![journal.store.staff_put(staff, now)?]);
        let audit_seq = self.keep(journal, Entry::Change, act, mutation).await?;
        if !staff.is_active(now) {
            journal.store.end_sessions(&staff.name)?;
        }
        Ok(audit_seq)
    }

    /// Records that somebody was not allowed what they asked, and hands on why.
    async fn not_allowed(
        &self,
        by: &By,
        action: &'static str,
        name: Option<&StaffName>,
        fault: AccountError,
    ) -> AccountError {
        if !fault.is_refusal() {
            return fault;
        }
        let act = by.act(action).with("staff", name.map(StaffName::as_str));
        match self.record_refused(act, Entry::Change, fault.code()).await {
            Ok(_) => fault,
            Err(unrecorded) => unrecorded.into(),
        }
    }
}

/// A reason that says something.
fn reason(text: &str) -> Result<String, AccountError> {
    let reason = Justification::parse(text);
    let reason = reason.map_err(|fault| ControlError::Invalid("reason", fault.to_string()))?;
    Ok(reason.as_str().to_owned())
}
