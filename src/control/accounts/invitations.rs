//! One-time links: by one somebody sets the password of an account, or sets up the first.
//!
//! **Invariant:** a link works once, for a while, and is kept as a hash; the one for the first
//! account works only while there is none.

use std::net::IpAddr;
use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::audit::Entry;
use crate::control::accounts::sessions::{LONGEST, must_enrol};
use crate::control::accounts::sign_in::{SignedIn, signed_in};
use crate::control::accounts::{AccountError, By, administer, password, secret};
use crate::control::staff::Staff;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, StaffName, Timestamp};

/// How long a link for an account works, from its first day on.
const MEMBER: Duration = Duration::from_secs(72 * 3600);
/// How long the link for the first account works.
const FOUNDER: Duration = Duration::from_secs(24 * 3600);
/// What whoever has no account may send along: longer is no link.
const LINK: std::ops::RangeInclusive<usize> = 64..=128;

/// A link, in the clear this once.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// What stands behind `/setup/`.
    pub token: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// Whom a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invited {
    /// Somebody who has an account.
    Member(StaffName),
    /// Whoever sets up the first account.
    Founder,
}

/// Who is to have the first account.
#[derive(Clone, Debug)]
pub struct Founder {
    /// The sign-in name.
    pub name: StaffName,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// Whose link is made.
pub(super) enum Whose<'a> {
    Member(&'a Staff),
    Founder,
}

impl Control {
    /// The link by which the first account is set up; none, when there is an account. Those made
    /// before are dead.
    ///
    /// # Errors
    /// What the store says.
    pub async fn first_link(&self) -> Result<Option<Invitation>, AccountError> {
        let journal = self.journal.lock().await;
        if !journal.store.staff()?.is_empty() {
            return Ok(None);
        }
        journal.store.connection.execute("DELETE FROM invitations WHERE staff IS NULL", [])?;
        Ok(Some(journal.store.invite(Whose::Founder, self.clock.now())?))
    }

    /// Whom a link is for, while it works.
    ///
    /// # Errors
    /// [`AccountError::NoInvitation`].
    pub async fn invited(&self, token: &str) -> Result<Invited, AccountError> {
        let journal = self.journal.lock().await;
        journal.store.invited(token, self.clock.now())?.ok_or(AccountError::NoInvitation)
    }

    /// Sets the password that a link is for, and signs its owner in. `founder` says whose the first
    /// account is.
    ///
    /// # Errors
    /// When the link works no more, or the password will not do.
    pub async fn redeem(
        &self,
        token: &str,
        founder: Option<&Founder>,
        password: &str,
        school: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<SignedIn>, AccountError> {
        let invited = self.invited(token).await?;
        let staff = match (&invited, founder) {
            (Invited::Member(name), _) => self.member(name).await?,
            (Invited::Founder, Some(founder)) => Staff::of(founder.name.clone(), &founder.roles),
            (Invited::Founder, None) => {
                return Err(ControlError::Invalid("name", "say who you are".to_owned()).into());
            }
        };
        administer::check(&staff)?;
        password::check(password, staff.name.as_str(), school)?;
        let hash = self.accounts.hasher.hash(password).await?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        // Time has passed: the link may have been used meanwhile.
        if journal.store.invited(token, now)?.as_ref() != Some(&invited) || !staff.is_active(now) {
            return Err(AccountError::NoInvitation);
        }
        if invited == Invited::Founder && journal.store.anybody_named(&staff.name)?.is_some() {
            return Err(ControlError::Taken.into());
        }
        let by = By { staff: Some(staff.clone()), client };
        if invited == Invited::Founder {
            self.keep_staff(&mut journal, administer::added(&by, &staff), &staff, now).await?;
        }
        let audit_seq = self.record(Entry::Auth(by.act("credentials.set"))).await?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        match invited {
            Invited::Founder => {
                transaction.execute("DELETE FROM invitations WHERE staff IS NULL", [])?;
            }
            Invited::Member(name) => {
                transaction.execute("DELETE FROM invitations WHERE staff = ?1", [name.as_str()])?;
            }
        }
        journal.store.keep_password(&staff.name, &hash, now)?;
        journal.store.was_let_in(&staff.name, client, now)?;
        let begun = journal.store.begin_session(&staff, LONGEST, client, now)?;
        let must_enrol = must_enrol(&staff) && !journal.store.has_factor(&staff.name)?;
        transaction.commit()?;
        Ok(Recorded { value: SignedIn { must_enrol, ..signed_in(staff, begun) }, audit_seq })
    }
}

impl Store {
    /// Makes a link.
    pub(super) fn invite(&self, whose: Whose<'_>, now: Timestamp) -> Result<Invitation, StoreError> {
        self.connection.execute("DELETE FROM invitations WHERE ends_at <= ?1", [now.as_millis()])?;
        let token = secret::text("")?;
        let (name, expires_at) = match whose {
            // Before the first day it opens nothing.
            Whose::Member(staff) => {
                (Some(staff.name.as_str()), staff.starts_at.unwrap_or(now).max(now).plus(MEMBER))
            }
            Whose::Founder => (None, now.plus(FOUNDER)),
        };
        self.connection.execute(
            "INSERT INTO invitations (hash, staff, ends_at) VALUES (?1, ?2, ?3)",
            params![secret::hash(&token).as_slice(), name, expires_at.as_millis()],
        )?;
        Ok(Invitation { token, expires_at })
    }

    fn invited(&self, token: &str, now: Timestamp) -> Result<Option<Invited>, StoreError> {
        if !LINK.contains(&token.len()) {
            return Ok(None);
        }
        let text = "SELECT staff FROM invitations WHERE hash = ?1 AND ends_at > ?2";
        let hash = secret::hash(token);
        let found: Option<Option<String>> = self
            .connection
            .query_row(text, params![hash.as_slice(), now.as_millis()], |row| row.get(0))
            .optional()?;
        match found {
            None => Ok(None),
            Some(Some(name)) => {
                let name: StaffName = name.parse().map_err(|_| StoreError::Unreadable("name"))?;
                let staff = self.staff_named(&name)?.filter(|staff| staff.is_active(now));
                Ok(staff.map(|_| Invited::Member(name)))
            }
            Some(None) => Ok(self.staff()?.is_empty().then_some(Invited::Founder)),
        }
    }
}
