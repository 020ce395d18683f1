//! Random secrets, as text that people and programs carry, and as the hashes that are kept.
//!
//! **Invariant:** every secret made here has 120 random bits or more, so that a plain hash keeps
//! it (ASVS 5.0, 6.5.2 asks for 112).

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::control::store::StoreError;

/// Letters and digits that nobody mistakes for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// As many random bytes as are asked for.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|fault| StoreError::System(fault.to_string()))?;
    Ok(bytes)
}

/// A new secret of 256 bits behind `prefix`, by which a leaked one can be recognised.
pub(super) fn text(prefix: &str) -> Result<String, StoreError> {
    Ok(format!("{prefix}{}", hex(&random::<32>()?)))
}

/// What is kept of a secret.
pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What is kept of a secret, for one purpose and no other.
pub(super) fn hash_for(purpose: &str, text: &str) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update([0]).chain_update(text).finalize().into()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Base 32 in groups of four, for paper: `K7Q2-…`. Bytes come in fives.
pub(super) fn grouped(bytes: &[u8]) -> String {
    let mut letters = String::new();
    for five in bytes.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for at in (0..8).rev() {
            letters.push(char::from(ALPHABET[(bits >> (at * 5) & 31) as usize]));
        }
    }
    let mut text = String::new();
    for (at, letter) in letters.chars().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(letter);
    }
    text
}

/// What somebody typed of such a text, without groups and in one spelling; nothing, when it holds
/// what no such text does.
pub(super) fn ungrouped(typed: &str) -> Option<String> {
    let kept = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let spelt = kept.map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    });
    spelt.map(|c| u8::try_from(c).ok().filter(|c| ALPHABET.contains(c)).map(char::from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_paper_reads_back_however_it_is_typed() {
        let text = grouped(&[0xff, 0, 0x7f, 3, 9, 1, 2, 3, 4, 5]);
        assert_eq!(text.len(), 16 + 3);
        let plain = ungrouped(&text).unwrap();
        assert_eq!(ungrouped(&text.to_lowercase().replace('-', " ")).as_deref(), Some(plain.as_str()));
        assert_eq!(ungrouped("oil-O"), Some("0110".to_owned()));
        assert_eq!(ungrouped("U"), None);
        assert_eq!(ungrouped("é"), None);
    }

    #[test]
    fn secrets_differ() {
        let (one, other) = (text("sg_").unwrap(), text("sg_").unwrap());
        assert_eq!(one.len(), 3 + 64);
        assert_ne!(hash(&one), hash(&other));
        assert_ne!(hash_for("a", "b"), hash_for("ab", ""));
    }
}
