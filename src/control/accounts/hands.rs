//! In whose hands an account is: two names are not two people because somebody made both.
//!
//! **Invariant:** the account whose set-up link a technician, or whoever opened the sealed code, had in
//! their hands counts as theirs wherever a second person is asked for, until a headteacher confirms it.
//! What is made by an account that counts as somebody's counts as theirs too; so does what somebody made
//! who came to count as another since, and whoever was given more by one who doesn't answer for others.

use rusqlite::params;

use crate::audit::Act;
use crate::control::accounts::{AccountError, By, reason, rules};
use crate::control::staff::Staff;
use crate::control::store::{Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{StaffName, Timestamp};

impl Control {
    /// Says that the account of `name` is in the hands of a person of its own: from then on it counts
    /// as nobody else's.
    ///
    /// # Errors
    /// When there is no such account, its owner has not set a password by its link yet, or `by` is not a
    /// headteacher whose own account counts for itself.
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
        if !journal.store.is_taken(name, now)? {
            let text =
                "nobody has set a password for this account by its link yet: whoever has the link could";
            return Err(ControlError::Conflict("wrong_state", text.to_owned()).into());
        }
        let counted_as = staff.counts_as.as_ref().map(StaffName::to_string);
        let act = by.act(ACTION).with("staff", name.as_str()).with("counted_as", counted_as);
        let staff = Staff { counts_as: None, ..staff };
        let audit_seq = self.keep_staff(&mut journal, Act { reason: why, ..act }, &staff, now).await?;
        Ok(Recorded { value: staff, audit_seq })
    }
}

fn may_confirm(by: Option<&Staff>, name: &StaffName) -> Result<(), AccountError> {
    let Some(by) = by else { return Ok(()) };
    if by.name == *name {
        return Err(AccountError::OwnAccount);
    }
    if !by.answers_for_others() {
        let text = "confirming an account takes a headteacher whose own account counts for itself";
        return Err(ControlError::Forbidden(text).into());
    }
    Ok(())
}

/// The end of the road from `name` over what `counted_as` says of each account. Of accounts that count
/// as one another in a ring it is the first by name, whichever it is asked of.
fn end_of(
    name: &StaffName,
    mut counted_as: impl FnMut(&StaffName) -> Result<Option<StaffName>, StoreError>,
) -> Result<StaffName, StoreError> {
    let mut road = vec![name.clone()];
    let mut last = name.clone();
    while let Some(next) = counted_as(&last)? {
        if let Some(met) = road.iter().position(|known| *known == next) {
            return Ok(road.drain(met..).min().unwrap_or(next));
        }
        road.push(next.clone());
        last = next;
    }
    Ok(last)
}

impl Store {
    /// As whose `name` counts: their own, but for an account that nobody has confirmed. That one counts
    /// as whoever had its link, who may count as somebody else by now. Two with the same hands are one
    /// person where two are asked for.
    pub(in crate::control) fn hands(&self, name: &StaffName) -> Result<StaffName, StoreError> {
        end_of(name, |name| Ok(self.anybody_named(name)?.and_then(|staff| staff.counts_as)))
    }

    /// As whose the account counts that `by` makes a link for. A headteacher answers for everybody, and
    /// whoever may write to the state folder could write there what they liked.
    pub(super) fn in_hands_of(&self, by: Option<&Staff>) -> Result<Option<StaffName>, StoreError> {
        by.filter(|by| !by.answers_for_others()).map(|by| self.hands(&by.name)).transpose()
    }

    /// As whose the account counts that `by` gives roles which a technician can't give. It keeps the
    /// password that it has, so that it stays in the hands that it was in besides.
    pub(super) fn promoted_by(
        &self,
        by: Option<&Staff>,
        before: &Staff,
        after: &Staff,
    ) -> Result<Option<StaffName>, AccountError> {
        let kept = before.counts_as.clone();
        if !rules::gives_more(before, after) {
            return Ok(kept);
        }
        let Some(hands) = self.in_hands_of(by)? else { return Ok(kept) };
        if kept.is_some() && self.hands(&before.name)? != hands {
            let text = "this account counts as somebody else's: a headteacher must confirm it first";
            return Err(ControlError::Forbidden(text).into());
        }
        Ok(Some(hands))
    }

    /// Whether whoever has an account took its link: it has a password, and no link of it is open.
    fn is_taken(&self, name: &StaffName, now: Timestamp) -> Result<bool, StoreError> {
        let text = "SELECT EXISTS (SELECT 1 FROM passwords WHERE staff = ?1)
            AND NOT EXISTS (SELECT 1 FROM invitations WHERE staff = ?1 AND ends_at > ?2)";
        Ok(self.connection.query_row(text, params![name.as_str(), now.as_millis()], |row| row.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::staff::Kind;
    use crate::model::Role;

    #[test]
    fn a_headteacher_whose_account_counts_for_itself_answers_for_others() {
        let of = |name: &str, roles: &[Role]| Staff::of(name.parse().unwrap(), roles);
        let counted =
            |staff: &Staff, whose: &str| Staff { counts_as: Some(whose.parse().unwrap()), ..staff.clone() };
        let technician = of("t.one", &[Role::Technician, Role::FilteringManager]);
        let head = of("h.one", &[Role::Headteacher]);
        let sealed = Staff { kind: Kind::BreakGlass, ..of("break-glass", &[Role::Headteacher]) };
        let rows: [(Option<&Staff>, bool); 6] = [
            (None, true),
            (Some(&head), true),
            (Some(&technician), false),
            (Some(&counted(&technician, "t.zero")), false),
            (Some(&sealed), false),
            (Some(&counted(&head, "break-glass")), false),
        ];
        let other = "m.jones".parse().unwrap();
        for (by, answers) in rows {
            assert_eq!(by.is_none_or(Staff::answers_for_others), answers, "{by:?}");
            assert_eq!(may_confirm(by, &other).is_ok(), answers, "{by:?}");
        }
        assert_eq!(may_confirm(Some(&head), &head.name).unwrap_err().code(), "own_account");
    }

    #[test]
    fn hands_are_followed_to_their_end_and_a_ring_has_one() {
        let counted = [("a", "t.one"), ("t.one", "t.zero"), ("p", "q"), ("q", "r"), ("r", "q"), ("s", "s")];
        let step = |name: &StaffName| {
            let found = counted.iter().find(|(one, _)| *one == name.as_str());
            Ok(found.map(|(_, whose)| whose.parse().unwrap()))
        };
        for (name, end) in [
            ("t.zero", "t.zero"),
            ("t.one", "t.zero"),
            ("a", "t.zero"),
            ("p", "q"),
            ("q", "q"),
            ("r", "q"),
            ("s", "s"),
        ] {
            assert_eq!(end_of(&name.parse().unwrap(), step).unwrap().as_str(), end, "{name}");
        }
    }
}
