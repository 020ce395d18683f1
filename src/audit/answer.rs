//! Who waits for the trail, since when, and the way to tell them.
//!
//! **Invariant:** an event waits from the moment somebody asks for it to be recorded until they are
//! told what became of it, wherever it is meanwhile, and whether or not they are still there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::audit::recorder::RecordError;

/// What is told: the sequence of the line, or why there is none.
pub(super) type Told = Result<u64, RecordError>;

/// All events that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    asked: u64,
    since: BTreeSet<(Instant, u64)>,
}

/// One event that waits, for as long as this lives.
#[derive(Debug)]
pub(super) struct Place {
    waiting: Waiting,
    key: (Instant, u64),
}

/// The way to tell somebody that a line counts.
#[derive(Debug)]
pub(super) struct Answer {
    to: oneshot::Sender<Told>,
    /// None for whoever waits for a segment and not for an event.
    _place: Option<Place>,
}

impl Waiting {
    /// From now on one more waits.
    pub(super) fn place(&self) -> Place {
        let mut queue = self.held();
        queue.asked += 1;
        let key = (Instant::now(), queue.asked);
        queue.since.insert(key);
        Place { waiting: self.clone(), key }
    }

    /// How long the oldest has waited.
    pub(super) fn longest(&self) -> Duration {
        self.held().since.first().map_or(Duration::ZERO, |(since, _)| since.elapsed())
    }

    fn held(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.held().since.remove(&self.key);
    }
}

impl Answer {
    /// An answer, and where it comes out.
    pub(super) fn channel(place: Option<Place>) -> (Answer, oneshot::Receiver<Told>) {
        let (to, answered) = oneshot::channel();
        (Answer { to, _place: place }, answered)
    }

    /// Tells it, where somebody is still there.
    pub(super) fn send(self, told: Told) {
        let _ = self.to.send(told);
    }
}
