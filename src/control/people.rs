//! Who is where, and the names that stand for people where theirs may not be shown.
//!
//! **Invariant:** a pseudonym says nothing of a name to anybody without this gateway's key, and
//! no read returns the key.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::control::{Control, ControlError};
use crate::model::Subject;

/// Makes the names that stand for people, devices and addresses; the same for as long as the
/// gateway keeps its store.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

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
        Ok(Pseudonyms(self.journal.lock().await.store.key("pseudonym")?))
    }
}

impl Pseudonyms {
    /// What stands for `name`, which is a `kind` (`user`, `device`, `client`): `user-3f0c…`.
    #[must_use]
    pub fn of(&self, kind: &str, name: &str) -> String {
        let hash = Sha256::new().chain_update(self.0).chain_update(kind).chain_update([0]);
        let hash = hash.chain_update(name).finalize();
        hash.iter().take(8).fold(format!("{kind}-"), |text, byte| format!("{text}{byte:02x}"))
    }
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_stable_keyed_and_of_its_kind() {
        let (one, other) = (Pseudonyms([1; 32]), Pseudonyms([2; 32]));
        let name = one.of("user", "y5.042");
        assert_eq!(name, one.of("user", "y5.042"));
        assert_eq!(name.len(), "user-".len() + 16);
        assert_ne!(name, other.of("user", "y5.042"));
        assert_ne!(name[5..], one.of("device", "y5.042")[7..]);
        assert_eq!(format!("{one:?}"), "Pseudonyms");
    }
}
