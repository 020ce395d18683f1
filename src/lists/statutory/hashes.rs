//! Expressions, their keyed hashes, and the filter in front of them.
//!
//! **Invariant:** no type here can be displayed, debugged or serialised: hashes leave as bytes
//! to `sealed` alone; an [`Expression`] borrows its text and lives only while one look-up or one
//! line lasts.

use std::hash::Hasher as _;

use bloomfilter::Bloom;
use siphasher::sip::SipHasher13;

/// The rate at which the filter says "perhaps" in vain.
const FALSE_POSITIVES: f64 = 0.001;

/// A keyed hash, 128 bits of it: enough that no two expressions ever share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash(u128);

/// A quick keyed hash, for the filter only.
#[derive(Clone, Copy)]
pub(super) struct Quick(u64);

/// Which key something was hashed under; it says nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyId(u64);

/// A canonical text that an entry covers.
#[derive(Clone, Copy)]
pub(super) struct Expression<'t> {
    kind: Kind,
    host: &'t str,
    path: &'t str,
    parameter: &'t str,
}

#[derive(Clone, Copy)]
enum Kind {
    Subtree = 1,
    Exact = 2,
    Paged = 3,
    Page = 4,
    Parameter = 5,
}

/// Hashes expressions under the gateway's key.
pub(super) struct Hasher {
    key: [u8; 32],
    quick: SipHasher13,
}

/// A Bloom filter over expressions: "surely not" or "perhaps".
pub(super) struct Front(Bloom<u64>);

impl<'t> Expression<'t> {
    /// A name and everything below it.
    pub(super) fn subtree(name: &'t str) -> Expression<'t> {
        Expression { kind: Kind::Subtree, host: name, path: "", parameter: "" }
    }

    /// One host.
    pub(super) fn exact(host: &'t str) -> Expression<'t> {
        Expression { kind: Kind::Exact, host, path: "", parameter: "" }
    }

    /// A host of which some pages are listed.
    pub(super) fn paged(host: &'t str) -> Expression<'t> {
        Expression { kind: Kind::Paged, host, path: "", parameter: "" }
    }

    /// A page and everything below it.
    pub(super) fn page(host: &'t str, path: &'t str) -> Expression<'t> {
        Expression { kind: Kind::Page, host, path, parameter: "" }
    }

    /// This page with a parameter.
    pub(super) fn with(self, parameter: &'t str) -> Expression<'t> {
        Expression { kind: Kind::Parameter, parameter, ..self }
    }

    /// The parts that are hashed one after the other: `?` stands in no host and in no path.
    fn parts(&self) -> [&[u8]; 5] {
        let kind: &'static [u8; 1] = match self.kind {
            Kind::Subtree => &[Kind::Subtree as u8],
            Kind::Exact => &[Kind::Exact as u8],
            Kind::Paged => &[Kind::Paged as u8],
            Kind::Page => &[Kind::Page as u8],
            Kind::Parameter => &[Kind::Parameter as u8],
        };
        [kind, self.host.as_bytes(), self.path.as_bytes(), b"?", self.parameter.as_bytes()]
    }
}

impl Hash {
    /// The half that names the entry in the record.
    pub(super) fn id(self) -> u64 {
        // The other half is cut off on purpose.
        (self.0 >> 64) as u64
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 16]) -> Hash {
        Hash(u128::from_be_bytes(bytes))
    }
}

impl Quick {
    pub(super) fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 8]) -> Quick {
        Quick(u64::from_be_bytes(bytes))
    }
}

impl KeyId {
    pub(super) fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl Hasher {
    pub(super) fn new(key: [u8; 32]) -> Hasher {
        let mut quick = [0; 16];
        quick.copy_from_slice(&blake3::derive_key("schoolgate 2026 statutory quick hash", &key)[..16]);
        Hasher { key, quick: SipHasher13::new_with_key(&quick) }
    }

    /// The key's name.
    pub(super) fn id(&self) -> KeyId {
        let mut id = [0; 8];
        id.copy_from_slice(&blake3::derive_key("schoolgate 2026 statutory key id", &self.key)[..8]);
        KeyId(u64::from_be_bytes(id))
    }

    pub(super) fn hash(&self, expression: &Expression<'_>) -> Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in expression.parts() {
            hasher.update(part);
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Hash(u128::from_be_bytes(half))
    }

    pub(super) fn quick(&self, expression: &Expression<'_>) -> Quick {
        let mut hasher = self.quick;
        for part in expression.parts() {
            hasher.write(part);
        }
        Quick(hasher.finish())
    }

    /// A filter that holds these, seeded from the key.
    pub(super) fn front(&self, held: &[Quick]) -> Front {
        let mut seed = blake3::derive_key("schoolgate 2026 statutory front filter", &self.key);
        // The crate makes two hash functions of the two halves: equal halves would be one.
        if seed[..16] == seed[16..] {
            seed[0] ^= 1;
        }
        let count = held.len().max(64);
        let size = Bloom::<u64>::compute_bitmap_size(count, FALSE_POSITIVES);
        // Fails for a size of 0 only, and 64 entries need more than that.
        let mut filter = Bloom::new_with_seed(size, count, &seed).expect("the size is not 0");
        for quick in held {
            filter.set(&quick.0);
        }
        Front(filter)
    }
}

impl Front {
    pub(super) fn may_hold(&self, quick: Quick) -> bool {
        self.0.check(&quick.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_keeps_its_rate_and_misses_nothing() {
        let hasher = Hasher::new([7; 32]);
        let names = |from: u32| (from..from + 20_000).map(|n| format!("host{n}.example"));
        let quick = |name: &String| hasher.quick(&Expression::subtree(name));
        let held: Vec<Quick> = names(0).map(|name| quick(&name)).collect();
        let front = hasher.front(&held);
        assert!(held.iter().all(|&quick| front.may_hold(quick)));
        let vain = names(1_000_000).filter(|name| front.may_hold(quick(name))).count();
        assert!(vain < 60, "{vain} of 20,000: the two hash functions are not two");
    }

    #[test]
    fn kinds_and_keys_part_hashes() {
        let all = [
            Expression::subtree("a.example"),
            Expression::exact("a.example"),
            Expression::paged("a.example"),
            Expression::page("a.example", ""),
            Expression::page("a.example", "").with("x"),
            Expression::page("a.example", "/x"),
        ];
        let mut hashes: Vec<Hash> = [1, 2]
            .iter()
            .flat_map(|&key| all.iter().map(move |expression| Hasher::new([key; 32]).hash(expression)))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 12);
    }
}
