//! Tells whoever reads for long that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A call to end; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    called: Arc<AtomicBool>,
    above: Option<Arc<Halt>>,
    /// How many more lines may be judged, where they are counted.
    left: Option<Arc<AtomicU64>>,
}

impl Halt {
    /// A further one, which ends nothing but its own, and is called when this one is.
    #[must_use]
    pub fn beneath(&self) -> Halt {
        Halt { called: Arc::default(), above: Some(Arc::new(self.clone())), left: None }
    }

    /// As [`Halt::beneath`], and called of itself when more lines than this would be judged: those of
    /// the time that is asked for, whether they match or not.
    #[must_use]
    pub fn after(&self, lines: u64) -> Halt {
        Halt { left: Some(Arc::new(AtomicU64::new(lines))), ..self.beneath() }
    }

    /// Ends what reads, at its next line.
    pub fn call(&self) {
        self.called.store(true, Ordering::Relaxed);
    }

    /// Whether it was called.
    #[must_use]
    pub fn is_called(&self) -> bool {
        self.called.load(Ordering::Relaxed) || self.above.as_ref().is_some_and(|above| above.is_called())
    }

    /// Takes note of a line that is to be judged; whether it may still be.
    pub(super) fn admits(&self) -> bool {
        let take = |left: &AtomicU64| {
            left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
        };
        if self.left.as_ref().is_some_and(|left| !take(left)) {
            self.call();
        }
        self.above.as_ref().is_none_or(|above| above.admits()) && !self.is_called()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_ends_what_is_beneath_it_and_nothing_beside_or_above() {
        let all = Halt::default();
        let (one, other) = (all.beneath(), all.beneath());
        one.call();
        assert_eq!([&all, &one, &other].map(Halt::is_called), [false, true, false]);
        all.call();
        assert!(other.is_called());
    }

    #[test]
    fn a_halt_that_counts_calls_itself_and_nothing_above() {
        let all = Halt::default();
        let counting = all.after(2);
        let beneath = counting.beneath();
        assert_eq!([counting.admits(), beneath.admits(), beneath.admits()], [true, true, false]);
        assert!(counting.is_called() && beneath.is_called() && !counting.admits());
        assert!(!all.is_called() && all.admits());
    }
}
