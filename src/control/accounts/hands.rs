//! In whose hands an account is: two names are not two people because somebody made both.
//!
//! **Invariant:** the account whose set-up link a technician, or whoever opened the sealed code, had in
//! their hands counts as theirs wherever a second person is asked for, until a headteacher confirms it.
//! What is made by an account that counts as somebody's counts as theirs too.

use crate::audit::Act;
use crate::control::accounts::{AccountError, By, reason};
use crate::control::staff::{Kind, Staff};
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{Role, StaffName};

impl Control {
    /// Says that the account of `name` is in the hands of a person of its own: from then on it counts
    /// as nobody else's.
    ///
    /// # Errors
    /// When there is no such account, or `by` is not a headteacher whose own account counts for itself.
    pub async fn confirm_member(
        &self,
        by: &By,
        name: &StaffName,
        why: Option<&str>,
    ) -> Result<Recorded<Staff>, AccountError> {
        const ACTION: &str = "staff.confirmed";
        let why = why.map(reason).transpose()?;
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let acting = by.staff.as_ref().map(|staff| journal.store.acting(staff, now)).transpose()?;
        if let Err(fault) = may_confirm(acting.as_ref(), name) {
            return Err(self.not_allowed(by, ACTION, Some(name), fault).await);
        }
        let staff = journal.store.staff_named(name)?.ok_or(ControlError::NotFound)?;
        let counted_as = staff.counts_as.as_ref().map(StaffName::to_string);
        let act = by.act(ACTION).with("staff", name.as_str()).with("counted_as", counted_as);
        let staff = Staff { counts_as: None, ..staff };
        let audit_seq = self.keep_staff(&mut journal, Act { reason: why, ..act }, &staff, now).await?;
        Ok(Recorded { value: staff, audit_seq })
    }
}

/// As whose the account counts that `by` makes a link for. A headteacher answers for everybody, and
/// whoever may write to the state folder could write there what they liked.
pub(super) fn in_hands_of(by: Option<&Staff>) -> Option<StaffName> {
    by.filter(|by| !answers_for_others(by)).map(|by| by.hands().clone())
}

fn may_confirm(by: Option<&Staff>, name: &StaffName) -> Result<(), AccountError> {
    let Some(by) = by else { return Ok(()) };
    if by.name == *name {
        return Err(AccountError::OwnAccount);
    }
    if !answers_for_others(by) {
        let text = "confirming an account takes a headteacher whose own account counts for itself";
        return Err(ControlError::Forbidden(text).into());
    }
    Ok(())
}

fn answers_for_others(staff: &Staff) -> bool {
    staff.kind == Kind::School && staff.counts_as.is_none() && staff.is_any(&[Role::Headteacher])
}

impl Store {
    /// As whose `name` counts: their own, but for an account that nobody has confirmed.
    pub(in crate::control) fn hands(&self, name: &StaffName) -> Result<StaffName, StoreError> {
        let staff = self.anybody_named(name)?;
        Ok(staff.map_or_else(|| name.clone(), |staff| staff.hands().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_makes_counts_as_theirs_and_a_headteacher_answers_for_it() {
        let of = |name: &str, roles: &[Role]| Staff::of(name.parse().unwrap(), roles);
        let counted =
            |staff: &Staff, whose: &str| Staff { counts_as: Some(whose.parse().unwrap()), ..staff.clone() };
        let technician = of("t.one", &[Role::Technician, Role::FilteringManager]);
        let head = of("h.one", &[Role::Headteacher]);
        let sealed = Staff { kind: Kind::BreakGlass, ..of("break-glass", &[Role::Headteacher]) };
        // Who makes the link; as whose the account counts; whether they may confirm another.
        let rows: [(Option<&Staff>, Option<&str>, bool); 6] = [
            (None, None, true),
            (Some(&head), None, true),
            (Some(&technician), Some("t.one"), false),
            (Some(&counted(&technician, "t.zero")), Some("t.zero"), false),
            (Some(&sealed), Some("break-glass"), false),
            (Some(&counted(&head, "break-glass")), Some("break-glass"), false),
        ];
        let other = "m.jones".parse().unwrap();
        for (by, expected, confirms) in rows {
            assert_eq!(in_hands_of(by).as_ref().map(StaffName::as_str), expected, "{by:?}");
            assert_eq!(may_confirm(by, &other).is_ok(), confirms, "{by:?}");
        }
        assert_eq!(may_confirm(Some(&head), &head.name).unwrap_err().code(), "own_account");
    }
}
