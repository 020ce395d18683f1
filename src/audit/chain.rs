//! The chain: a hash for every line, and the names of a place in it.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::model::Timestamp;

/// The SHA-256 of a line, or of a node of the tree over lines, as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LineHash([u8; 32]);

/// A place in the chain that somebody has noted: `88121:0f3a…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The line's `event.sequence`; 0 stands for the moment before the first.
    pub sequence: u64,
    /// The line's hash.
    pub hash: LineHash,
}

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last line's `event.sequence`; 0 when there is none yet.
    pub sequence: u64,
    /// The last line's hash; zeros when there is none yet.
    pub hash: LineHash,
    /// The last line's `@timestamp`; 1970 when there is none yet.
    pub time: Timestamp,
}

/// Why a text is no anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a head is written as SEQUENCE:HASH, the hash being 64 lower-case hex digits")]
pub struct AnchorError;

impl LineHash {
    /// What the first line of all names as the one before it.
    pub const NONE: LineHash = LineHash([0; 32]);

    /// The hash of a line's bytes before `,"hash":"`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> LineHash {
        LineHash(Sha256::digest(bytes).into())
    }

    pub(super) fn from_bytes(bytes: [u8; 32]) -> LineHash {
        LineHash(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The 64 hex digits.
    #[must_use]
    pub fn hex(self) -> [u8; 64] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }

    /// Reads exactly 64 lower-case hex digits.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<LineHash> {
        let mut hash = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(LineHash(hash))
    }
}

impl Head {
    /// Before the first line.
    pub(super) const NONE: Head = Head { sequence: 0, hash: LineHash::NONE, time: Timestamp::from_millis(0) };

    /// The place without its time: what to note down for a later `audit verify`.
    #[must_use]
    pub fn anchor(self) -> Anchor {
        Anchor { sequence: self.sequence, hash: self.hash }
    }
}

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hex().iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl fmt::Debug for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for LineHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for LineHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<LineHash, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        LineHash::read(text.as_bytes())
            .ok_or_else(|| serde::de::Error::custom("a hash is 64 lower-case hex digits"))
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Anchor, AnchorError> {
        let (sequence, hash) = text.split_once(':').ok_or(AnchorError)?;
        let sequence = sequence.parse().map_err(|_| AnchorError)?;
        let hash = LineHash::read(hash.as_bytes()).ok_or(AnchorError)?;
        Ok(Anchor { sequence, hash })
    }
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_reads_back_as_written() {
        let anchor = Anchor { sequence: 88121, hash: LineHash::of(b"abc") };
        assert_eq!(
            anchor.to_string(),
            "88121:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(anchor.to_string().parse(), Ok(anchor));
        for bad in ["", "1", "1:", "x:00", &anchor.to_string().to_uppercase()] {
            assert_eq!(bad.parse::<Anchor>(), Err(AnchorError), "{bad}");
        }
    }
}
