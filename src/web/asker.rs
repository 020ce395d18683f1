//! Whoever asked, and whether they still wait for the answer.
//!
//! **Invariant:** what was begun for somebody who left is done or refused, but no further line of the
//! trail is read for them.

use std::future::Future;

use crate::audit::Halt;

tokio::task_local! {
    static HALT: Halt;
}

/// Calls its halt when it is dropped: when whoever asked is gone, or has the answer.
pub(super) struct Waiting(pub(super) Halt);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.call();
    }
}

/// Does this for whoever waits for it: what it reads of the trail, `halt` breaks off.
pub(super) async fn heeding<F: Future>(halt: Halt, work: F) -> F::Output {
    HALT.scope(halt, work).await
}

/// What breaks off readings for whoever asked; none where nobody did.
pub(super) fn halt() -> Option<Halt> {
    HALT.try_with(Clone::clone).ok()
}
