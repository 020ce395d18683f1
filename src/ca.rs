//! The school's signing authority: the certificate that devices trust, the leaves that it signs
//! for inspected sites, and how the sites' own certificates are verified.
//!
//! **Invariant:** the authority's key is in one file (0600) and in the library that signs with it:
//! no text, log, error or answer holds it. A leaf's key is never the authority's, and never on
//! disk. No leaf is signed for a name that the authority excludes.

mod authority;
mod error;
mod file;
mod leaf;
mod minter;
mod origin_fault;
mod origins;
mod profile;
mod public;
mod signatory;

pub use authority::Authority;
pub use error::{AuthorityError, MintError, OriginsError};
pub use minter::Minter;
pub use origin_fault::OriginFault;
pub use origins::{Offer, Origins};
pub use public::Public;

use std::sync::Arc;
use std::time::Duration;

use rcgen::SerialNumber;
use rustls::crypto::{CryptoProvider, aws_lc_rs};

use crate::model::Timestamp;

/// How far back a certificate begins, in milliseconds, two days: a device whose clock is behind
/// would refuse one that begins now.
const BACKDATED: i64 = 2 * 86_400_000;
/// The last second that a certificate can name (RFC 5280 section 4.1.2.5), since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// The one library that keys and signatures come from.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// When a certificate made at `now` begins.
fn backdated(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(BACKDATED))
}

/// A moment as whole seconds since 1970, within what certificates can say.
fn since_epoch(moment: Timestamp) -> Duration {
    let seconds = moment.since(Timestamp::from_millis(0)).as_secs();
    Duration::from_secs(seconds.min(LAST_SECOND))
}

/// A positive serial number of 127 random bits (RFC 5280 section 4.1.2.2).
fn serial_number() -> Result<SerialNumber, rustls::Error> {
    let mut bytes = [0; 16];
    provider().secure_random.fill(&mut bytes).map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
    bytes[0] &= 0x7f;
    Ok(SerialNumber::from_slice(&bytes))
}

#[cfg(test)]
mod tests;
