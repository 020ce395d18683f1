//! Who has an archive on its way.
//!
//! **Invariant:** nobody has more than one: an archive takes room on the disk until its reader has it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;

use crate::audit::Actor;
use crate::web::problem::Problem;

/// Those who have one.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Takers(Arc<Mutex<HashSet<String>>>);

/// One on its way, for as long as this lives.
#[derive(Debug)]
pub(super) struct Taking {
    takers: Takers,
    who: String,
}

impl Takers {
    /// Begins one, unless `actor` has one already.
    pub(super) fn begin(&self, actor: &Actor) -> Option<Taking> {
        let who = match actor {
            Actor::Staff(name) => name.to_string(),
            // No name of staff has a space in it.
            Actor::Local | Actor::System => format!("{} itself", actor.as_str()),
        };
        let is_first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(who.clone());
        is_first.then(|| Taking { takers: self.clone(), who })
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.takers.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.who);
    }
}

/// What is answered to whoever must wait.
pub(super) fn busy() -> Problem {
    let detail = "another archive is being written, or is on its way to you: ask again in a moment";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail).with("retry_after", 10)
}
