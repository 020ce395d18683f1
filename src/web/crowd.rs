//! How many there may be at one time, of one and of all: connections of a client, streams of a person.
//!
//! **Invariant:** a place is given back when its holder is dropped, whatever ended it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// How many at one time, of one and of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of one.
    pub(super) each: usize,
    /// Of all together.
    pub(super) all: usize,
}

/// Who is here.
#[derive(Debug)]
pub(super) struct Crowd<K: Eq + Hash> {
    bounds: Bounds,
    here: Mutex<HashMap<K, usize>>,
}

/// Room for one more.
#[derive(Debug)]
pub(super) struct Place<K: Eq + Hash> {
    crowd: Arc<Crowd<K>>,
    whose: K,
}

impl<K: Eq + Hash + Clone> Crowd<K> {
    /// Nobody yet.
    pub(super) fn new(bounds: Bounds) -> Arc<Crowd<K>> {
        Arc::new(Crowd { bounds, here: Mutex::default() })
    }

    /// A place for one more, if there is room.
    pub(super) fn admit(self: &Arc<Crowd<K>>, whose: K) -> Option<Place<K>> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = here.values().sum();
        let own = here.get(&whose).copied().unwrap_or_default();
        if all >= self.bounds.all || own >= self.bounds.each {
            return None;
        }
        here.insert(whose.clone(), own + 1);
        Some(Place { crowd: Arc::clone(self), whose })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut here = self.crowd.here.lock().unwrap_or_else(PoisonError::into_inner);
        match here.get_mut(&self.whose) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(here.remove(&self.whose)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn one_client_cannot_take_every_place() {
        let crowd = Crowd::new(Bounds { each: 2, all: 3 });
        let address = |last| IpAddr::from([10, 0, 0, last]);
        let places = [crowd.admit(address(1)), crowd.admit(address(1)), crowd.admit(address(2))];
        assert!(places.iter().all(Option::is_some));
        assert!(crowd.admit(address(1)).is_none() && crowd.admit(address(3)).is_none());
        drop(places);
        assert!(crowd.admit(address(3)).is_some());
        assert!(crowd.here.lock().unwrap().is_empty());
    }
}
