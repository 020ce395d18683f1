//! Looking after accounts: adding, changing, disabling, letting back in.
//!
//! **Invariant:** every change is recorded with what was before and after; a change of roles, an
//! end or a disabling ends the sessions at once; and what is refused is recorded too.

use serde_json::{Value, json};

use crate::audit::Act;
use crate::control::accounts::invitations::{Invitation, Whose};
use crate::control::accounts::{AccountError, By, reason, rules};
use crate::control::requests::are_groups;
use crate::control::staff::{Kind, Staff, joined};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{GroupName, Role, StaffName, Timestamp};

/// An account that is to be.
#[derive(Clone, Debug)]
pub struct NewMember {
    /// Who: all but whether they are disabled, or let in.
    pub staff: Staff,
    /// Why.
    pub reason: Option<String>,
}

/// What is to be other than it is; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct MemberChanges {
    /// What they may do.
    pub roles: Option<Vec<Role>>,
    /// When they start; `Some(None)` for at once.
    pub starts_at: Option<Option<Timestamp>>,
    /// When they leave; `Some(None)` for never.
    pub ends_at: Option<Option<Timestamp>>,
    /// The groups that they teach.
    pub groups: Option<Vec<GroupName>>,
    /// Whether they may not sign in.
    pub disabled: Option<bool>,
}

impl MemberChanges {
    fn of(self, before: &Staff) -> Staff {
        Staff {
            roles: self.roles.unwrap_or_else(|| before.roles.clone()),
            starts_at: self.starts_at.unwrap_or(before.starts_at),
            ends_at: self.ends_at.unwrap_or(before.ends_at),
            groups: self.groups.unwrap_or_else(|| before.groups.clone()),
            disabled: self.disabled.unwrap_or(before.disabled),
            ..before.clone()
        }
    }

    /// As the record names it.
    fn action(&self) -> &'static str {
        match self.disabled {
            Some(true) => "staff.disabled",
            Some(false) => "staff.enabled",
            None => "staff.changed",
        }
    }
}

impl Control {
    /// Adds a member of staff with neither password nor link: for whoever may write to the
    /// gateway's local socket.
    ///
    /// # Errors
    /// When the name is taken.
    pub async fn add_staff(&self, name: &StaffName, roles: &[Role]) -> Result<Recorded<()>, ControlError> {
        let staff = Staff::of(name.clone(), roles);
        let mut journal = self.journal.lock().await;
        check(&staff)?;
        if journal.store.anybody_named(name)?.is_some() {
            return Err(ControlError::Taken);
        }
        let (act, now) = (added(&By::local(), &staff), self.clock.now());
        let audit_seq = self.keep_staff(&mut journal, act, &staff, now).await?;
        Ok(Recorded { value: (), audit_seq })
    }

    /// Ends an account at once, with its sessions and tokens: for the local socket.
    ///
    /// # Errors
    /// When there is no such account, or it is the last that can set the filter right.
    pub async fn disable_staff(&self, name: &StaffName) -> Result<Recorded<Staff>, AccountError> {
        let changes = MemberChanges { disabled: Some(true), ..MemberChanges::default() };
        self.change_member(&By::local(), name, changes, None).await
    }

    /// Everybody who has an account.
    ///
    /// # Errors
    /// What the store says.
    pub async fn staff(&self) -> Result<Vec<Staff>, ControlError> {
        Ok(self.journal.lock().await.store.staff()?)
    }

    /// Somebody's account.
    ///
    /// # Errors
    /// When there is none of that name.
    pub async fn member(&self, name: &StaffName) -> Result<Staff, ControlError> {
        self.journal.lock().await.store.staff_named(name)?.ok_or(ControlError::NotFound)
    }

    /// Adds a member of staff, and makes the link by which they set their password.
    ///
    /// # Errors
    /// When the name is taken, or `by` may not.
    pub async fn add_member(&self, by: &By, new: &NewMember) -> Result<Recorded<Invitation>, AccountError> {
        let staff = &new.staff;
        if let Err(fault) = rules::may_touch(by.staff.as_ref(), &staff.name, &staff.roles) {
            return Err(self.not_allowed(by, "staff.added", Some(&staff.name), fault).await);
        }
        check(staff)?;
        are_groups("groups", &staff.groups, &self.live.snapshot())?;
        let why = new.reason.as_deref().map(reason).transpose()?;
        let mut journal = self.journal.lock().await;
        if journal.store.anybody_named(&staff.name)?.is_some() {
            return Err(ControlError::Taken.into());
        }
        let now = self.clock.now();
        let staff = Staff { counts_as: journal.store.in_hands_of(by.staff.as_ref())?, ..staff.clone() };
        let act = Act { reason: why, ..added(by, &staff) };
        let audit_seq = self.keep_staff(&mut journal, act, &staff, now).await?;
        let invitation = journal.store.invite(Whose::Member(&staff), now)?;
        Ok(Recorded { value: invitation, audit_seq })
    }

    /// Changes an account.
    ///
    /// # Errors
    /// When there is none, `by` may not, or nobody else would hold a role that must be held.
    pub async fn change_member(
        &self,
        by: &By,
        name: &StaffName,
        changes: MemberChanges,
        why: Option<&str>,
    ) -> Result<Recorded<Staff>, AccountError> {
        let mut journal = self.journal.lock().await;
        let (now, action) = (self.clock.now(), changes.action());
        let before = journal.store.staff_named(name)?;
        let held = before.as_ref().map_or(&[][..], |before| &before.roles);
        let roles = [held, changes.roles.as_deref().unwrap_or_default()].concat();
        if let Err(fault) = rules::may_touch(by.staff.as_ref(), name, &roles) {
            return Err(self.not_allowed(by, action, Some(name), fault).await);
        }
        let before = before.ok_or(ControlError::NotFound)?;
        let after = changes.of(&before);
        check(&after)?;
        // A group that is gone by now may stay with whoever taught it.
        let new = after.groups.iter().filter(|name| !before.groups.contains(name));
        are_groups("groups", new, &self.live.snapshot())?;
        let others = journal.store.staff_with_a_way_in(now)?;
        if let Err(fault) = rules::leaves_a_holder(&others, &before, &after, now) {
            return Err(self.not_allowed(by, action, Some(name), fault).await);
        }
        let after = match journal.store.promoted_by(by.staff.as_ref(), &before, &after) {
            Ok(counts_as) => Staff { counts_as, ..after },
            Err(fault) => return Err(self.not_allowed(by, action, Some(name), fault).await),
        };
        let why = why.map(reason).transpose()?;
        let act = by.act(action).with("staff", name.as_str());
        let act = act.with("before", shown(&before)).with("after", shown(&after));
        let act = Act { reason: why, ..act };
        let audit_seq = self.keep_staff(&mut journal, act, &after, now).await?;
        Ok(Recorded { value: after, audit_seq })
    }

    /// Sends somebody back to the start: password, second factor, sessions and tokens are gone, and
    /// a new link is made.
    ///
    /// # Errors
    /// When there is no such account, it is disabled, or `by` may not.
    pub async fn reset_member(
        &self,
        by: &By,
        name: &StaffName,
        why: Option<&str>,
    ) -> Result<Recorded<Invitation>, AccountError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let staff = journal.store.staff_named(name)?;
        let roles = staff.as_ref().map_or(&[][..], |staff| &staff.roles);
        if let Err(fault) = rules::may_touch(by.staff.as_ref(), name, roles) {
            return Err(self.not_allowed(by, "staff.reset", Some(name), fault).await);
        }
        let staff = staff.ok_or(ControlError::NotFound)?;
        if staff.disabled {
            return Err(ControlError::Forbidden("the account is disabled").into());
        }
        let why = why.map(reason).transpose()?;
        let staff = Staff { counts_as: journal.store.in_hands_of(by.staff.as_ref())?, ..staff };
        let act = by.act("staff.reset").with("staff", name.as_str());
        let act = act.with("counts_as", staff.counts_as.as_ref().map(StaffName::to_string));
        let act = Act { reason: why, ..act };
        let audit_seq = self.keep_staff(&mut journal, act, &staff, now).await?;
        let transaction = journal.store.connection.unchecked_transaction()?;
        for table in ["passwords", "factors", "recovery_codes", "sessions", "tokens", "invitations"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE staff = ?1"), [name.as_str()])?;
        }
        let invitation = journal.store.invite(Whose::Member(&staff), now)?;
        transaction.commit()?;
        Ok(Recorded { value: invitation, audit_seq })
    }
}

/// What an account must be.
pub(super) fn check(staff: &Staff) -> Result<(), ControlError> {
    if staff.roles.is_empty() {
        return Err(ControlError::Invalid("roles", "a member of staff needs a role".to_owned()));
    }
    if staff.kind == Kind::BreakGlass {
        return Err(ControlError::Invalid("kind", "an account is of the school or a supplier".to_owned()));
    }
    if staff.starts_at.zip(staff.ends_at).is_some_and(|(start, end)| end <= start) {
        return Err(ControlError::Invalid("ends_at", "the end is not after the start".to_owned()));
    }
    Ok(())
}

/// The record of an account that is added.
pub(super) fn added(by: &By, staff: &Staff) -> Act {
    by.act("staff.added")
        .with("staff", staff.name.as_str())
        .with("roles", staff.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>())
        .with("after", shown(staff))
}

fn shown(staff: &Staff) -> Value {
    json!({
        "roles": staff.roles,
        "kind": staff.kind,
        "disabled": staff.disabled,
        "starts_at": staff.starts_at,
        "ends_at": staff.ends_at,
        "groups": joined(&staff.groups),
        "counts_as": staff.counts_as,
    })
}
