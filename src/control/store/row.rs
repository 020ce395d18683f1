//! The rows of a query, read cell by cell.
//!
//! **Invariant:** what can't be read is a fault that says what it should have been, never a guess.

use std::str::FromStr;

use rusqlite::types::FromSql;
use rusqlite::{OptionalExtension, Params, Row};
use uuid::Uuid;

use crate::control::restrictions::Lifted;
use crate::control::store::{Store, StoreError};
use crate::model::{Justification, StaffName, Timestamp};
use crate::policy::Target;

/// A row, by the places of its cells in the query.
#[derive(Clone, Copy)]
pub(in crate::control) struct Cells<'r>(&'r Row<'r>);

impl Store {
    /// The first row that `query` finds.
    pub(in crate::control) fn row<T>(
        &self,
        query: &str,
        values: impl Params,
        read: fn(Cells<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut query = self.connection.prepare_cached(query)?;
        query.query_row(values, |row| Ok(read(Cells(row)))).optional()?.transpose()
    }

    /// All rows that `query` finds.
    pub(in crate::control) fn rows<T>(
        &self,
        query: &str,
        values: impl Params,
        read: fn(Cells<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut query = self.connection.prepare_cached(query)?;
        let rows = query.query_map(values, |row| Ok(read(Cells(row))))?;
        rows.map(|row| row?).collect()
    }
}

impl Cells<'_> {
    /// A cell that is read as it is.
    pub(in crate::control) fn cell<T: FromSql>(self, at: usize) -> Result<T, StoreError> {
        Ok(self.0.get(at)?)
    }

    /// A text.
    pub(in crate::control) fn text(self, at: usize) -> Result<String, StoreError> {
        self.cell(at)
    }

    /// A text that stands for `what`.
    pub(in crate::control) fn parsed<T: FromStr>(
        self,
        at: usize,
        what: &'static str,
    ) -> Result<T, StoreError> {
        parsed(&self.text(at)?, what)
    }

    /// The same, where there is one.
    pub(in crate::control) fn parsed_if<T: FromStr>(
        self,
        at: usize,
        what: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.cell::<Option<String>>(at)?.map(|text| parsed(&text, what)).transpose()
    }

    /// One of `all`, as `name` writes them.
    pub(in crate::control) fn word<T: Copy>(
        self,
        at: usize,
        (all, name): (&[T], fn(T) -> &'static str),
        what: &'static str,
    ) -> Result<T, StoreError> {
        let text = self.text(at)?;
        one_of(all, name, &text).ok_or(StoreError::Unreadable(what))
    }

    /// An id.
    pub(in crate::control) fn id(self, at: usize) -> Result<Uuid, StoreError> {
        self.parsed(at, "id")
    }

    /// A moment that is kept as text.
    pub(in crate::control) fn time(self, at: usize) -> Result<Timestamp, StoreError> {
        self.parsed(at, "time")
    }

    /// The same, where there is one.
    pub(in crate::control) fn time_if(self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        self.parsed_if(at, "time")
    }

    /// A moment that is kept in milliseconds.
    pub(in crate::control) fn moment(self, at: usize) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.cell(at)?))
    }

    /// The same, where there is one.
    pub(in crate::control) fn moment_if(self, at: usize) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.cell::<Option<i64>>(at)?.map(Timestamp::from_millis))
    }

    /// How many.
    pub(in crate::control) fn count(self, at: usize) -> Result<u64, StoreError> {
        Ok(self.cell::<i64>(at)?.unsigned_abs())
    }

    /// A member of staff.
    pub(in crate::control) fn name(self, at: usize) -> Result<StaffName, StoreError> {
        self.parsed(at, "name")
    }

    /// The same, where there is one.
    pub(in crate::control) fn name_if(self, at: usize) -> Result<Option<StaffName>, StoreError> {
        self.parsed_if(at, "name")
    }

    /// A host or page.
    pub(in crate::control) fn target(self, at: usize) -> Result<Target, StoreError> {
        Target::parse(&self.text(at)?).map_err(|_| StoreError::Unreadable("target"))
    }

    /// A reason that says something.
    pub(in crate::control) fn reason(self, at: usize) -> Result<Justification, StoreError> {
        Justification::parse(&self.text(at)?).map_err(|_| StoreError::Unreadable("reason"))
    }

    /// By whom something was lifted, when and why: three cells from `at` on.
    pub(in crate::control) fn lifted(self, at: usize) -> Result<Option<Lifted>, StoreError> {
        let Some(by) = self.name_if(at)? else { return Ok(None) };
        Ok(Some(Lifted { by, at: self.time(at + 1)?, reason: self.text(at + 2)? }))
    }
}

/// The one of `all` that `name` writes so.
pub(in crate::control) fn one_of<T: Copy>(all: &[T], name: fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|one| name(*one) == text)
}

fn parsed<T: FromStr>(text: &str, what: &'static str) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::asks::AskState;

    /// What a query over constants reads as.
    fn read<T>(cells: &str, read: fn(Cells<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        Ok(store.row(&format!("SELECT {cells}"), [], read)?.unwrap())
    }

    #[test]
    fn what_is_not_there_is_none_and_what_is_wrong_is_a_fault_of_its_kind() {
        let lifted = read("'m.jones', '2026-11-24T09:00:00Z', 'it was a mistake'", |cells| cells.lifted(0));
        assert_eq!(lifted.unwrap().unwrap().reason, "it was a mistake");
        assert_eq!(read("NULL, NULL, NULL", |cells| cells.lifted(0)).unwrap(), None);
        assert_eq!(read("NULL", |cells| cells.time_if(0)).unwrap(), None);
        assert_eq!(read("7", |cells| cells.moment_if(0)).unwrap(), Some(Timestamp::from_millis(7)));
        let state = |cells: Cells<'_>| cells.word(0, (&AskState::ALL, AskState::as_str), "state");
        assert_eq!(read("'lapsed'", state).unwrap(), AskState::Lapsed);
        let faults = [
            (read("'gone'", state).map(drop), "state"),
            (read("'x'", |cells| cells.id(0)).map(drop), "id"),
            (read("'noon'", |cells| cells.time_if(0)).map(drop), "time"),
            (read("'m.jones', 'noon', 'w'", |cells| cells.lifted(0)).map(drop), "time"),
            (read("'a b c'", |cells| cells.name_if(0)).map(drop), "name"),
            (read("'..'", |cells| cells.target(0)).map(drop), "target"),
        ];
        for (found, expected) in faults {
            assert!(matches!(found, Err(StoreError::Unreadable(what)) if what == expected), "{expected}");
        }
        assert!(matches!(read("NULL", |cells| cells.text(0)), Err(StoreError::Sqlite(_))));
    }
}
