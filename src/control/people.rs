//! Who is where, and the names that stand for people where theirs may not be shown.
//!
//! **Invariant:** no read returns the key that pseudonyms are made with.

use std::net::IpAddr;

use crate::control::{Control, ControlError};
use crate::model::Subject;

pub use crate::audit::Pseudonyms;

impl Control {
    /// Who is at `address`, as the decision takes it.
    pub async fn attribute(&self, address: IpAddr) -> Subject {
        self.journal.lock().await.directory.attribute(address)
    }

    /// This gateway's pseudonyms.
    ///
    /// # Errors
    /// What the store says.
    pub async fn pseudonyms(&self) -> Result<Pseudonyms, ControlError> {
        Ok(Pseudonyms::of_key(self.journal.lock().await.store.key("pseudonym")?))
    }
}
