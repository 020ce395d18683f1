//! How many connections there may be, of one client and of all.
//!
//! **Invariant:** a place is given back when its holder is dropped, whatever ended it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Connections at one time, of one client and of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of one client.
    pub(super) each: usize,
    /// Of all together.
    pub(super) all: usize,
}

/// Who is here.
#[derive(Debug)]
pub(super) struct Crowd {
    bounds: Bounds,
    here: Mutex<HashMap<IpAddr, usize>>,
}

/// Room for one connection.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Arc<Crowd>,
    client: IpAddr,
}

impl Crowd {
    /// Nobody yet.
    pub(super) fn new(bounds: Bounds) -> Arc<Crowd> {
        Arc::new(Crowd { bounds, here: Mutex::default() })
    }

    /// A place for one more, if there is room.
    pub(super) fn admit(self: &Arc<Crowd>, client: IpAddr) -> Option<Place> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = here.values().sum();
        let own = here.get(&client).copied().unwrap_or_default();
        if all >= self.bounds.all || own >= self.bounds.each {
            return None;
        }
        here.insert(client, own + 1);
        Some(Place { crowd: Arc::clone(self), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.crowd.here.lock().unwrap_or_else(PoisonError::into_inner);
        match here.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) | None => drop(here.remove(&self.client)),
        }
    }
}

#[cfg(test)]
mod tests {
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
