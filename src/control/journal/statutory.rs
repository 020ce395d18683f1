//! The statutory lists alone, read again and put in force: without the policy text and the other
//! lists, so that no fault in those keeps a statutory entry out.

use std::sync::Arc;

use crate::control::feeds::View;
use crate::control::lists::{self, Held, Keys, Sizes, Standing, StatutoryRead};
use crate::control::store::StoreError;
use crate::control::{ControlError, StartError};
use crate::document::{Fault, Faults};
use crate::model::Timestamp;
use crate::policy::Policy;

use super::{Journal, Sources, Unlicensed};
use crate::control::changes::sizes_changed;

/// Statutory lists, read and sound, not yet in force.
pub(in crate::control) struct PreparedStatutory {
    pub(in crate::control) read: StatutoryRead,
    pub(in crate::control) changes: Vec<String>,
    sizes: Sizes,
}

impl Journal {
    /// How each statutory list stands, and whether its file is still there.
    pub(in crate::control) fn standing(&self) -> Vec<Standing> {
        lists::standing_now(&self.sources.places, &self.standing)
    }

    /// Tells the gauges how long ago each list was last looked at with success, and what is wrong.
    pub(in crate::control) fn tell_ages(&self, view: &View, now: Timestamp) {
        for (id, taken) in &self.taken {
            let looked = view.source_of(id).and_then(|source| source.looked);
            self.metrics.list_age_seconds(id, now.since(looked.unwrap_or(*taken)));
        }
        for (id, looked) in &view.looked {
            self.metrics.list_age_seconds(id, now.since(*looked));
        }
        let sources = view.sources.iter().map(|source| source.source.clone());
        for id in sources.chain(self.standing.iter().map(Standing::id)) {
            match view.alarm_of(&id) {
                Some(_) => self.metrics.list_alarms(&id),
                None => self.metrics.list_is_in_order(&id),
            }
        }
    }

    /// What fetched lists are taken in under, and held against.
    pub(in crate::control) fn index_keys(&self) -> Result<(Keys, Sizes), StoreError> {
        Ok((self.keys.clone(), self.store.list_sizes()?))
    }

    /// Keeps sizes that a person has accepted.
    pub(in crate::control) fn accept_sizes(&self, accepted: &Sizes) -> Result<(), StoreError> {
        if accepted.is_empty() {
            return Ok(());
        }
        let mut sizes = self.store.list_sizes()?;
        sizes.extend(accepted.clone());
        self.store.keep_list_sizes(&sizes)
    }

    /// Reads the statutory lists anew; nothing is changed yet.
    pub(in crate::control) fn prepare_statutory(&self) -> Result<PreparedStatutory, StartError> {
        let before = self.store.list_sizes()?;
        let read = lists::read_statutory(&self.sources.places, &self.keys, &before);
        let read = read.map_err(StartError::Faults)?;
        if read.held != Held::Licensed
            && let Some(fault) = no_statutory_list(&self.sources)
        {
            return Err(StartError::Faults(fault));
        }
        let mut sizes = before.clone();
        sizes.retain(|id, _| !id.starts_with("statutory/"));
        sizes.extend(read.sizes());
        Ok(PreparedStatutory { changes: sizes_changed(&before, &sizes), read, sizes })
    }

    /// Puts them in force beside everything else as it is.
    pub(in crate::control) fn put_statutory_in_force(
        &mut self,
        prepared: PreparedStatutory,
        now: Timestamp,
    ) -> Result<(), ControlError> {
        let PreparedStatutory { read, sizes, .. } = prepared;
        self.taken_times += 1;
        self.standing = lists::keep(&self.sources.places, &self.keys, (&read.standing, &read.retired), now);
        for (id, entries) in sizes.iter().filter(|(id, _)| id.starts_with("statutory/")) {
            self.metrics.list_entries(id, *entries);
        }
        self.parts.statutory = Arc::new(read.statutory);
        let generation = self.store.next_generation()?;
        let policy = Policy::compile(self.parts.clone(), generation).map_err(|_| ControlError::Policy)?;
        self.metrics.policy_generation(generation);
        self.publisher.publish(policy);
        // In force first: a full disk keeps no statutory entry out.
        Ok(self.store.keep_list_sizes(&sizes)?)
    }
}

/// The fault of a box that holds no statutory list under licence, unless it may.
pub(super) fn no_statutory_list(sources: &Sources) -> Option<Faults> {
    if sources.unlicensed == Unlicensed::Accepted {
        return None;
    }
    let fault = Fault::of_file(&sources.places.statutory.display().to_string(), "no statutory list is held");
    let help = "put the list that your licence gives you there, or set statutory.unlicensed = true";
    let mut faults = Faults::new();
    faults.push(fault.help(help));
    Some(faults)
}
