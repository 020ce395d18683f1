//! Legal holds: whose lines of the trail are kept past their time, for an inquiry or the police.
//!
//! **Invariant:** a hold is recorded on disk before it counts; who placed one does not lift it
//! alone, unless it is a headteacher whose account counts for itself.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry, Held};
use crate::control::journal::Mutation;
use crate::control::restrictions::{Lifted, reason};
use crate::control::staff::Staff;
use crate::control::store::Store;
use crate::control::{Control, ControlError, Recorded, StoreError};
use crate::model::{DeviceName, Justification, Role, StaffName, Timestamp, UserName};

mod kept;

/// Who places and lifts a hold, and who may see them: they name pupils.
pub const HOLDERS: [Role; 2] = [Role::Headteacher, Role::Dsl];

/// Whose lines are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldOf {
    /// A person's.
    User(UserName),
    /// A device's.
    Device(DeviceName),
    /// An address's.
    Client(IpAddr),
}

/// A hold as it is asked for.
#[derive(Clone, Debug)]
pub struct HoldRequest {
    /// Whose lines.
    pub of: HoldOf,
    /// Why.
    pub reason: String,
    /// When it ends by itself; never, when absent.
    pub until: Option<Timestamp>,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// UUIDv7.
    pub id: Uuid,
    /// Whose lines.
    pub of: HoldOf,
    /// Why.
    pub reason: Justification,
    /// Who placed it.
    pub by: StaffName,
    /// When.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// How it was lifted, if it was.
    pub lifted: Option<Lifted>,
}

/// Whose lines are held by the holds in a store, where no gateway need run.
///
/// # Errors
/// What the store says.
pub fn held_in(store: &Path, now: Timestamp) -> Result<Held, StoreError> {
    if !store.exists() {
        return Ok(Held::default());
    }
    Ok(held(&Store::open(store)?.holds()?, now))
}

impl Control {
    /// Places a hold.
    ///
    /// # Errors
    /// When `staff` may not, or the reason or end is not what it must be.
    pub async fn place_hold(
        &self,
        staff: &Staff,
        request: HoldRequest,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Hold>, ControlError> {
        const ACTION: &str = "hold.placed";
        self.must_be(staff, &HOLDERS, ACTION, client).await?;
        let reason = reason(&request.reason)?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        if request.until.is_some_and(|until| until <= now) {
            return Err(ControlError::Invalid("until", "the end must lie ahead".to_owned()));
        }
        let by = staff.name.clone();
        let hold = Hold {
            id: Uuid::now_v7(),
            of: request.of,
            reason,
            by,
            at: now,
            until: request.until,
            lifted: None,
        };
        let act = Act { reason: Some(hold.reason.to_string()), client, ..hold.described(staff, ACTION) };
        let mutation = Mutation::new(now, vec![hold.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        Ok(Recorded { value: hold, audit_seq })
    }

    /// Lifts a hold: what it kept goes when retention next looks.
    ///
    /// # Errors
    /// When there is no such hold, it is over, or `staff` may not: [`ControlError::FourEyes`] for
    /// whoever placed it, unless they answer for others.
    pub async fn lift_hold(
        &self,
        staff: &Staff,
        id: Uuid,
        why: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Hold>, ControlError> {
        const ACTION: &str = "hold.lifted";
        self.must_be(staff, &HOLDERS, ACTION, client).await?;
        let why = reason(why)?.to_string();
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let hold = journal.store.hold(id)?.ok_or(ControlError::NotFound)?;
        if !hold.is_in_force(now) {
            return Err(ControlError::Conflict("over", "this hold is over already".to_owned()));
        }
        let staff = &journal.store.acting(staff, now)?;
        let are_one = journal.store.hands(&hold.by)? == journal.store.hands(&staff.name)?;
        if are_one && !staff.answers_for_others() {
            let act = Act { client, ..Act::new(Actor::Staff(staff.name.clone()), ACTION) };
            return Err(self.refused(act, Entry::Change, ControlError::FourEyes).await);
        }
        let lifted = Lifted { by: staff.name.clone(), at: now, reason: why.clone() };
        let hold = Hold { lifted: Some(lifted), ..hold };
        let act = Act { reason: Some(why), client, ..hold.described(staff, ACTION) };
        let mutation = Mutation::new(now, vec![hold.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        Ok(Recorded { value: hold, audit_seq })
    }

    /// Every hold, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn holds(&self) -> Result<Vec<Hold>, ControlError> {
        Ok(self.journal.lock().await.store.holds()?)
    }

    /// Whose lines retention must keep now.
    ///
    /// # Errors
    /// What the store says.
    pub async fn held(&self) -> Result<Held, ControlError> {
        Ok(held(&self.holds().await?, self.clock.now()))
    }
}

impl Hold {
    /// Whether it keeps lines at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.until.is_none_or(|until| now < until)
    }

    fn described(&self, staff: &Staff, action: &'static str) -> Act {
        Act::new(Actor::Staff(staff.name.clone()), action)
            .with("hold_id", self.id.to_string())
            .with("kind", self.of.kind())
            .with("of", self.of.to_string())
            .with("until", self.until.map(|until| until.to_string()))
            .with("placed_by", self.by.as_str())
    }
}

impl HoldOf {
    /// `user`, `device` or `client`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            HoldOf::User(_) => "user",
            HoldOf::Device(_) => "device",
            HoldOf::Client(_) => "client",
        }
    }

    /// Reads what [`HoldOf::kind`] and `to_string` say.
    fn read(kind: &str, of: &str) -> Option<HoldOf> {
        match kind {
            "user" => of.parse().ok().map(HoldOf::User),
            "device" => of.parse().ok().map(HoldOf::Device),
            "client" => of.parse().ok().map(HoldOf::Client),
            _ => None,
        }
    }
}

impl fmt::Display for HoldOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HoldOf::User(user) => user.fmt(f),
            HoldOf::Device(device) => device.fmt(f),
            HoldOf::Client(client) => client.fmt(f),
        }
    }
}

/// Whose lines and rows some holds keep at `now`.
pub(super) fn held(holds: &[Hold], now: Timestamp) -> Held {
    let mut held = Held::default();
    for hold in holds.iter().filter(|hold| hold.is_in_force(now)) {
        match &hold.of {
            HoldOf::User(user) => held.name(user.as_str()),
            HoldOf::Device(device) => held.name(device.as_str()),
            HoldOf::Client(client) => held.client(*client),
        }
    }
    held
}
