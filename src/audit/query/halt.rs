//! Tells whoever reads for long that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A call to end; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    called: Arc<AtomicBool>,
    above: Option<Arc<Halt>>,
}

impl Halt {
    /// A further one, which ends nothing but its own, and is called when this one is.
    #[must_use]
    pub fn beneath(&self) -> Halt {
        Halt { called: Arc::default(), above: Some(Arc::new(self.clone())) }
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
}
