//! What stands in a segment where retention removed lines: enough for chain and tree to hold.

use serde::{Deserialize, Serialize};

use crate::audit::chain::LineHash;
use crate::audit::merkle::{Subtree, covering};

const OPENING: &[u8] = b"{\"removed\":";

/// A run of lines that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removed {
    /// The first line's sequence.
    pub(super) from: u64,
    /// The last line's.
    pub(super) to: u64,
    /// What the first line named as the hash of the line before it.
    pub(super) prev: LineHash,
    /// The last line's hash.
    pub(super) hash: LineHash,
    /// The roots of the greatest complete subtrees over the run, in order.
    pub(super) cover: Vec<LineHash>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    removed: Removed,
}

impl Removed {
    /// Reads a line (without its line end); `None` for any other text than [`Removed::write`] makes.
    pub(super) fn read(line: &[u8]) -> Option<Removed> {
        if !line.starts_with(OPENING) {
            return None;
        }
        let Line { removed } = serde_json::from_slice(line).ok()?;
        let is_run = 0 < removed.from && removed.from <= removed.to;
        let same = removed.write().is_ok_and(|text| text.as_bytes() == line);
        (is_run && same).then_some(removed)
    }

    /// The line, without its line end.
    pub(super) fn write(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Line { removed: self.clone() })
    }

    /// What the run adds to the tree of a segment whose first line has this sequence; `None` when
    /// it has not the roots that its place asks for.
    pub(super) fn subtrees(&self, first: u64) -> Option<Vec<Subtree>> {
        let (from, to) = (self.from.checked_sub(first)?, self.to.checked_sub(first)?.checked_add(1)?);
        let places: Vec<(u64, u32)> = covering(from, to).collect();
        let grown = |((_, level), root): (&(u64, u32), &LineHash)| Subtree { level: *level, root: *root };
        (places.len() == self.cover.len()).then(|| places.iter().zip(&self.cover).map(grown).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_reads_back_from_its_own_text_alone() {
        let hash = LineHash::of(b"x");
        let removed = Removed { from: 4, to: 9, prev: LineHash::NONE, hash, cover: vec![hash; 2] };
        let text = removed.write().unwrap();
        assert!(text.starts_with("{\"removed\":{\"from\":4,\"to\":9,\"prev\":\"0000"), "{text}");
        assert_eq!(Removed::read(text.as_bytes()), Some(removed.clone()));
        for bad in [
            text.replace(':', ": "),
            text.replace("4", "04"),
            text.replace("\"to\":9", "\"to\":3"),
            text.clone() + " ",
        ] {
            assert_eq!(Removed::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(removed.subtrees(3), None, "four are needed there");
        let levels: Vec<u32> = removed.subtrees(2).unwrap().iter().map(|subtree| subtree.level).collect();
        assert_eq!(levels, [1, 2], "two leaves and four");
    }
}
