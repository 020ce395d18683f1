//! Who may do what with whose account. Pure.
//!
//! A headteacher answers for everybody. A technician looks after the accounts of those who can't
//! open anything alone: were a technician to give `filtering_manager`, `dsl` or `headteacher`, or
//! to send a new link to somebody who holds one, a second account in the technician's own hands
//! would be the second pair of eyes. Nobody touches their own account: they would give themselves
//! what they lack. A supplier touches none: they would leave themselves a way in.

use crate::control::ControlError;
use crate::control::accounts::AccountError;
use crate::control::staff::{Kind, Staff};
use crate::model::{Role, StaffName, Timestamp};

/// Who looks after accounts.
pub const ADMINISTRATORS: [Role; 2] = [Role::Headteacher, Role::Technician];
/// The roles of accounts that a technician looks after.
const TECHNICIANS: [Role; 3] = [Role::Technician, Role::Governor, Role::Teacher];
/// The roles without whose last holder nobody could set the filter right again.
const KEPT: [Role; 2] = [Role::Headteacher, Role::FilteringManager];

/// Whether `by`, or whoever may write to the local socket, may touch the account of `name`, which
/// holds or is to hold `roles`.
pub(super) fn may_touch(by: Option<&Staff>, name: &StaffName, roles: &[Role]) -> Result<(), AccountError> {
    let Some(by) = by else { return Ok(()) };
    if by.kind == Kind::Supplier {
        return Err(ControlError::Forbidden("a supplier looks after no accounts").into());
    }
    if !by.is_any(&ADMINISTRATORS) {
        return Err(ControlError::Forbidden("accounts take a headteacher or technician").into());
    }
    if by.name == *name {
        return Err(AccountError::OwnAccount);
    }
    if !by.is_any(&[Role::Headteacher]) && roles.iter().any(|role| !TECHNICIANS.contains(role)) {
        return Err(ControlError::Forbidden("this account takes a headteacher").into());
    }
    Ok(())
}

/// Whether `after` may open what `before` could not: it has a role that a technician can't give.
pub(super) fn gives_more(before: &Staff, after: &Staff) -> bool {
    after.roles.iter().any(|role| !before.roles.contains(role) && !TECHNICIANS.contains(role))
}

/// Whether somebody still holds every role that must be held, after `before` becomes `after`.
/// `others` are those who have a way in.
pub(super) fn leaves_a_holder(
    others: &[Staff],
    before: &Staff,
    after: &Staff,
    now: Timestamp,
) -> Result<(), AccountError> {
    let holds = |staff: &Staff, role: Role| {
        let for_good = staff.kind == Kind::School && staff.ends_at.is_none();
        for_good && staff.is_active(now) && staff.roles.contains(&role)
    };
    for role in KEPT {
        let other = others.iter().any(|other| other.name != before.name && holds(other, role));
        if holds(before, role) && !holds(after, role) && !other {
            return Err(AccountError::LastHolder(role));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(name: &str, roles: &[Role]) -> Staff {
        Staff::of(name.parse().unwrap(), roles)
    }

    #[test]
    fn every_role_touches_what_it_may() {
        use Role::{Dsl, FilteringManager, Governor, Headteacher, Teacher, Technician};
        // In the order of `Role::ALL`: the account that is touched.
        let rows: [(&[Role], [&str; 6]); 7] = [
            (&[Headteacher], ["ok"; 6]),
            (&[Technician], ["ok", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
            (&[Headteacher, Technician], ["ok"; 6]),
            (&[FilteringManager], ["forbidden"; 6]),
            (&[Dsl], ["forbidden"; 6]),
            (&[Governor], ["forbidden"; 6]),
            (&[Teacher], ["forbidden"; 6]),
        ];
        for (roles, expected) in rows {
            let by = staff("a.doer", roles);
            let told = Role::ALL.map(|role| {
                let name = "b.other".parse().unwrap();
                may_touch(Some(&by), &name, &[role]).map_or_else(|fault| fault.code(), |()| "ok")
            });
            assert_eq!(told, expected, "{roles:?}");
            let own = may_touch(Some(&by), &by.name, &[Teacher]).unwrap_err().code();
            assert_eq!(own, if expected[5] == "ok" { "own_account" } else { "forbidden" });
            let supplier = Staff { kind: Kind::Supplier, ..by };
            assert!(may_touch(Some(&supplier), &"b.other".parse().unwrap(), &[Teacher]).is_err());
        }
        assert!(may_touch(None, &"b.other".parse().unwrap(), &Role::ALL).is_ok());
    }

    #[test]
    fn the_last_who_can_set_the_filter_right_stays() {
        let now = Timestamp::from_millis(1000);
        let head = staff("head", &[Role::Headteacher, Role::FilteringManager]);
        let disabled = Staff { disabled: true, ..head.clone() };
        let demoted = Staff { roles: vec![Role::FilteringManager], ..head.clone() };
        let leaving = Staff { ends_at: Some(Timestamp::from_millis(9_000_000)), ..head.clone() };
        let later = Staff { starts_at: Some(Timestamp::from_millis(2000)), ..head.clone() };
        let deputy = staff("deputy", &[Role::Headteacher]);
        let manager = staff("manager", &[Role::FilteringManager]);
        let supplier = Staff {
            kind: Kind::Supplier,
            access_until: Some(Timestamp::from_millis(5000)),
            ..staff("supplier", &[Role::Headteacher, Role::FilteringManager])
        };
        let gone = Staff { disabled: true, ..deputy.clone() };
        let rows: [(&[&Staff], &Staff, Option<Role>); 9] = [
            (&[&head], &disabled, Some(Role::Headteacher)),
            (&[&head], &demoted, Some(Role::Headteacher)),
            (&[&head], &leaving, Some(Role::Headteacher)),
            (&[&head], &later, Some(Role::Headteacher)),
            (&[&head, &deputy], &disabled, Some(Role::FilteringManager)),
            (&[&head, &deputy], &demoted, None),
            (&[&head, &deputy, &manager], &leaving, None),
            (&[&head, &supplier], &disabled, Some(Role::Headteacher)),
            (&[&head, &gone, &manager], &disabled, Some(Role::Headteacher)),
        ];
        for (others, after, expected) in rows {
            let others: Vec<Staff> = others.iter().map(|staff| (*staff).clone()).collect();
            let told = match leaves_a_holder(&others, &head, after, now) {
                Ok(()) => None,
                Err(AccountError::LastHolder(role)) => Some(role),
                Err(other) => panic!("{other}"),
            };
            assert_eq!(told, expected, "{after:?}");
        }
        assert!(leaves_a_holder(&[], &staff("t", &[Role::Teacher]), &disabled, now).is_ok());
    }
}
