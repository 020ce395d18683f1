//! The policy in force, shared: readers take a snapshot, one publisher replaces it.
//!
//! **Invariant:** a reader sees a whole policy, old or new; and whoever waits is woken by every
//! new one, which is how open tunnels come to be asked again.

use std::sync::Arc;

use tokio::sync::watch;

use crate::policy::Policy;

/// The reading side; clone it for every connection.
#[derive(Clone)]
pub struct Live(watch::Receiver<Arc<Policy>>);

/// The writing side; there is one.
pub struct Publisher(watch::Sender<Arc<Policy>>);

/// Puts a first policy in force.
#[must_use]
pub fn put_in_force(first: Policy) -> (Publisher, Live) {
    let (sender, receiver) = watch::channel(Arc::new(first));
    (Publisher(sender), Live(receiver))
}

impl Live {
    /// The policy of this moment; one per decision.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Policy> {
        self.0.borrow().clone()
    }

    /// Waits for a policy that this handle has not seen; false once there will be none.
    pub async fn changed(&mut self) -> Renewed {
        match self.0.changed().await {
            Ok(()) => Renewed::Yes,
            Err(_) => Renewed::Never,
        }
    }
}

/// Whether a new policy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// There is one.
    Yes,
    /// The publisher is gone: the one in force stays.
    Never,
}

impl Publisher {
    /// Replaces the policy for every decision from now on.
    pub fn publish(&self, policy: Policy) {
        self.0.send_replace(Arc::new(policy));
    }

    /// A reading handle.
    #[must_use]
    pub fn live(&self) -> Live {
        Live(self.0.subscribe())
    }
}
