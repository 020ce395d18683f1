//! Page views as rows: one for what somebody did, instead of one for every event of it.
//!
//! **Invariant:** every event is named in exactly one row, so that its line can be found and checked.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use crate::audit::pages::{View, Visit, collapse, lead};

/// The events of which views are to be made, in the order of the trail.
#[derive(Default)]
pub(super) struct Visits {
    visits: Vec<Visit>,
    /// `event.id`, by which ends are found.
    ids: Vec<Option<Uuid>>,
}

/// Views, by the sequences of the events that lead them.
pub(super) struct Views {
    visits: Vec<Visit>,
    views: HashMap<u64, View>,
}

impl Visits {
    /// Takes in an event as it may be shown.
    pub(super) fn add(&mut self, event: &Value, id: Option<Uuid>) {
        if let Some(visit) = Visit::of(event) {
            self.visits.push(visit);
            self.ids.push(id);
        }
    }

    /// Collapses them; `bytes` says how many an access brought, where it has ended.
    pub(super) fn collapse(self, bytes: impl Fn(Uuid) -> Option<u64>) -> Views {
        let Visits { mut visits, ids } = self;
        for (visit, id) in visits.iter_mut().zip(ids) {
            visit.bytes_down = id.and_then(&bytes).unwrap_or(visit.bytes_down);
        }
        let views = collapse(&visits).into_iter().map(|view| (visits[view.lead].sequence, view)).collect();
        Views { visits, views }
    }
}

impl Views {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.views.len() as u64
    }

    /// The view that this event leads, as a row; none where it is inside another's.
    pub(super) fn row(&self, sequence: u64, event: Value) -> Option<Value> {
        let Some(view) = self.views.get(&sequence) else {
            return Visit::of(&event).is_none().then_some(event);
        };
        Some(lead(view, &self.visits, event))
    }
}
