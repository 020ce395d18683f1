//! Named staff: who they are, what they may do, and from when until when.
//!
//! **Invariant:** whoever is disabled, not yet there, gone, or a supplier without a window is
//! nobody: [`Staff::is_active`] is asked at every sign-in, session and token.

use rusqlite::OptionalExtension;
use serde_json::json;

use crate::control::ControlError;
use crate::control::journal::{Put, Table};
use crate::control::store::{Cells, Store, StoreError};
use crate::model::{GroupName, Role, StaffName, Timestamp};

const COLUMNS: &str = "name, roles, disabled, kind, starts_at, ends_at, teaches, access_until, counts_as";

/// A member of staff.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Staff {
    /// The sign-in name.
    pub name: StaffName,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether they may no longer sign in.
    pub disabled: bool,
    /// Whose they are.
    pub kind: Kind,
    /// When they start; at once, when absent.
    pub starts_at: Option<Timestamp>,
    /// When they leave: the first moment at which they are nobody.
    pub ends_at: Option<Timestamp>,
    /// The groups that they teach.
    pub groups: Vec<GroupName>,
    /// Until when a supplier may sign in.
    pub access_until: Option<Timestamp>,
    /// As whose it counts where a second person is asked for; its own, when absent.
    pub counts_as: Option<StaffName>,
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One of the school's own.
    School,
    /// Somebody of a supplier, who is let in for a while and a reason.
    Supplier,
    /// Nobody's: whoever opened the sealed code.
    BreakGlass,
}

impl Staff {
    /// One of the school's own, from now on and for good.
    #[must_use]
    pub fn of(name: StaffName, roles: &[Role]) -> Staff {
        Staff {
            name,
            roles: roles.to_vec(),
            disabled: false,
            kind: Kind::School,
            starts_at: None,
            ends_at: None,
            groups: Vec::new(),
            access_until: None,
            counts_as: None,
        }
    }

    /// Whether they may say of others that those are people of their own: a headteacher of the school
    /// whose own account counts for itself.
    #[must_use]
    pub fn answers_for_others(&self) -> bool {
        self.kind == Kind::School && self.counts_as.is_none() && self.is_any(&[Role::Headteacher])
    }

    /// Whether any of `roles` is held.
    #[must_use]
    pub fn is_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Whether they are somebody at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        let started = self.starts_at.is_none_or(|start| start <= now);
        let gone = self.ends_at.is_some_and(|end| end <= now);
        let let_in = match self.kind {
            Kind::School | Kind::BreakGlass => true,
            Kind::Supplier => self.access_until.is_some_and(|until| now < until),
        };
        !self.disabled && started && !gone && let_in
    }
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::School, Kind::Supplier, Kind::BreakGlass];

    /// `school`, `supplier` or `break_glass`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::School => "school",
            Kind::Supplier => "supplier",
            Kind::BreakGlass => "break_glass",
        }
    }
}

impl Store {
    /// The row of a member of staff; of one who is new, as added at `now`.
    pub(super) fn staff_put(&self, staff: &Staff, now: Timestamp) -> Result<Put, StoreError> {
        let query = "SELECT added_at FROM staff WHERE name = ?1";
        let added_at =
            self.connection.query_row(query, [staff.name.as_str()], |row| row.get(0)).optional()?;
        let added_at: String = added_at.unwrap_or_else(|| now.to_string());
        let millis = |moment: Option<Timestamp>| json!(moment.map(Timestamp::as_millis));
        Ok(Put::new(
            Table::Staff,
            [
                ("name", json!(staff.name)),
                ("roles", json!(joined(&staff.roles))),
                ("disabled", json!(staff.disabled)),
                ("added_at", json!(added_at)),
                ("kind", json!(staff.kind.as_str())),
                ("starts_at", millis(staff.starts_at)),
                ("ends_at", millis(staff.ends_at)),
                ("teaches", json!(joined(&staff.groups))),
                ("access_until", millis(staff.access_until)),
                ("counts_as", json!(staff.counts_as)),
            ],
        ))
    }

    /// Everybody, by name.
    pub(super) fn staff(&self) -> Result<Vec<Staff>, StoreError> {
        self.staff_where("kind <> 'break_glass'", "")
    }

    /// Those who could come in if they were active: they have a password, or a token that holds.
    pub(super) fn staff_with_a_way_in(&self, now: Timestamp) -> Result<Vec<Staff>, StoreError> {
        let way_in = "kind <> 'break_glass' AND (
            EXISTS (SELECT 1 FROM passwords WHERE passwords.staff = name)
            OR EXISTS (SELECT 1 FROM tokens WHERE tokens.staff = name AND expires_at > ?1))";
        self.staff_where(way_in, &now.to_string())
    }

    /// One member of staff, active or not.
    pub(super) fn staff_named(&self, name: &StaffName) -> Result<Option<Staff>, StoreError> {
        Ok(self.anybody_named(name)?.filter(|staff| staff.kind != Kind::BreakGlass))
    }

    /// Whoever acts as they are by now: they may have been disabled since they were let in, and their
    /// roles may be others. Ask it under the journal's lock.
    pub(super) fn acting(&self, staff: &Staff, now: Timestamp) -> Result<Staff, ControlError> {
        let current = self.anybody_named(&staff.name)?.filter(|staff| staff.is_active(now));
        current.ok_or(ControlError::Forbidden("this account has ended"))
    }

    /// The same, and whoever opened the sealed code.
    pub(super) fn anybody_named(&self, name: &StaffName) -> Result<Option<Staff>, StoreError> {
        Ok(self.staff_where("name = ?1", name.as_str())?.pop())
    }

    fn staff_where(&self, condition: &str, value: &str) -> Result<Vec<Staff>, StoreError> {
        let text = format!("SELECT {COLUMNS} FROM staff WHERE {condition} ORDER BY name");
        let values: &[&dyn rusqlite::ToSql] = if value.is_empty() { &[] } else { &[&value] };
        self.rows(&text, values, read)
    }
}

fn read(cells: Cells<'_>) -> Result<Staff, StoreError> {
    Ok(Staff {
        name: cells.name(0)?,
        roles: words(&cells.text(1)?, "role")?,
        disabled: cells.cell(2)?,
        kind: cells.word(3, (&Kind::ALL, Kind::as_str), "kind")?,
        starts_at: cells.moment_if(4)?,
        ends_at: cells.moment_if(5)?,
        groups: words(&cells.text(6)?, "group")?,
        access_until: cells.moment_if(7)?,
        counts_as: cells.name_if(8)?,
    })
}

/// Words with commas between, as the store keeps them.
pub(super) fn joined<T: ToString>(words: &[T]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Words with commas between, read.
pub(super) fn words<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<Vec<T>, StoreError> {
    let words = text.split(',').filter(|text| !text.is_empty());
    words.map(|text| text.parse().map_err(|_| StoreError::Unreadable(what))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_somebody_outside_their_time() {
        let at = Timestamp::from_millis;
        let whole = Staff::of("j.evans".parse().unwrap(), &[Role::Teacher]);
        let rows: [(Staff, [bool; 3]); 7] = [
            (whole.clone(), [true, true, true]),
            (Staff { disabled: true, ..whole.clone() }, [false, false, false]),
            (Staff { starts_at: Some(at(10)), ..whole.clone() }, [false, true, true]),
            (Staff { ends_at: Some(at(20)), ..whole.clone() }, [true, true, false]),
            (Staff { starts_at: Some(at(10)), ends_at: Some(at(20)), ..whole.clone() }, [false, true, false]),
            (Staff { kind: Kind::Supplier, ..whole.clone() }, [false, false, false]),
            (Staff { kind: Kind::Supplier, access_until: Some(at(20)), ..whole }, [true, true, false]),
        ];
        for (staff, expected) in rows {
            assert_eq!([9, 10, 20].map(|now| staff.is_active(at(now))), expected, "{staff:?}");
        }
    }
}
