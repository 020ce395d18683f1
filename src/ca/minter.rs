//! Leaves for inspected hosts, made on first asking and kept for half their life.
//!
//! **Invariant:** however many ask for one host at once, one leaf is made. All leaves of one run
//! have one key, which is made at its start, never written, and not the authority's.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::future::Cache;
use moka::ops::compute::{CompResult, Op};
use rcgen::{KeyPair, PublicKeyData, SubjectPublicKeyInfo};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use zeroize::Zeroizing;

use super::authority::Authority;
use super::error::MintError;
use super::leaf;
use super::public::Public;
use crate::model::{Host, Timestamp};

/// How many hosts' leaves are kept; the least asked for go first.
const HOSTS: u64 = 10_000;

/// Makes leaves; clones share them.
#[derive(Clone)]
pub struct Minter {
    shared: Arc<Shared>,
}

struct Shared {
    authority: Authority,
    key: Arc<dyn SigningKey>,
    key_info: SubjectPublicKeyInfo,
    kept: Cache<Host, Kept>,
    minted: AtomicU64,
}

/// A leaf, and the span in which it is given out.
#[derive(Clone)]
struct Kept {
    certified: Arc<CertifiedKey>,
    from: Timestamp,
    renew_at: Timestamp,
}

impl Minter {
    /// Makes the key of this run's leaves.
    ///
    /// # Errors
    /// [`MintError`] when the system gives no key.
    pub fn new(authority: Authority) -> Result<Minter, MintError> {
        let pair = Zeroizing::new(KeyPair::generate()?);
        let key_info = SubjectPublicKeyInfo::from_der(&pair.subject_public_key_info())?;
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.serialized_der()));
        let key = any_supported_type(&der)?;
        let kept = Cache::builder().max_capacity(HOSTS).build();
        let shared = Shared { authority, key, key_info, kept, minted: AtomicU64::new(0) };
        Ok(Minter { shared: Arc::new(shared) })
    }

    /// The leaf of a host at this moment, and its key.
    ///
    /// # Errors
    /// [`MintError::Excluded`] when the authority can't sign for it; else when it can't be made.
    pub async fn leaf(&self, host: &Host, now: Timestamp) -> Result<Arc<CertifiedKey>, MintError> {
        if let Some(kept) = self.shared.kept.get(host).await.filter(|kept| kept.serves(now)) {
            return Ok(kept.certified);
        }
        // One at a time per host: those who waited find what the first has made.
        let entry = self.shared.kept.entry_by_ref(host);
        let done = entry.and_try_compute_with(|there| async move {
            match there {
                Some(there) if there.value().serves(now) => Ok(Op::Nop),
                Some(_) | None => self.shared.mint(host, now).map(Op::Put),
            }
        });
        match done.await? {
            CompResult::Inserted(entry)
            | CompResult::ReplacedWith(entry)
            | CompResult::Unchanged(entry)
            | CompResult::Removed(entry) => Ok(entry.into_value().certified),
            CompResult::StillNone(_) => Ok(self.shared.mint(host, now)?.certified),
        }
    }

    /// How many leaves were made since the start.
    #[must_use]
    pub fn minted(&self) -> u64 {
        self.shared.minted.load(Ordering::Relaxed)
    }

    /// What everybody may know of the authority.
    #[must_use]
    pub fn public(&self) -> &Public {
        self.shared.authority.public()
    }
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter").field("minted", &self.minted()).finish_non_exhaustive()
    }
}

impl Shared {
    fn mint(&self, host: &Host, now: Timestamp) -> Result<Kept, MintError> {
        let authority = &self.authority;
        let leaf = leaf::sign(authority.issuer(), authority.public(), &self.key_info, host, now)?;
        self.minted.fetch_add(1, Ordering::Relaxed);
        let chain = std::iter::once(leaf.certificate).chain(authority.chain().iter().cloned()).collect();
        Ok(Kept {
            certified: Arc::new(CertifiedKey::new(chain, Arc::clone(&self.key))),
            from: leaf.not_before,
            renew_at: now.plus(leaf.not_after.since(now) / 2),
        })
    }
}

impl Kept {
    /// Also not before it begins: a clock that was put right may have gone back.
    fn serves(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.renew_at
    }
}
