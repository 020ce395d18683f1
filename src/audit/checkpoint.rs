//! A checkpoint: the gateway's signed word for the lines of a segment so far.
//!
//! **Invariant:** a checkpoint reads back only from the bytes that were signed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audit::chain::{Head, LineHash};
use crate::audit::force::Handle;
use crate::audit::key::{Key, Signer};
use crate::audit::segment::Segment;
use crate::model::Timestamp;

/// The file of a day's checkpoints.
pub(super) const FILE: &str = "checkpoints.jsonl";

const TO_SIGNATURE: &str = ",\"signature\":\"";
const CLOSING: &str = "\"}";

/// What is said of a segment, to be signed.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// The segment.
    pub(super) segment: Segment,
    /// The way to have it on disk, where this process wrote it.
    pub(super) handle: Option<Handle>,
    /// Its last line.
    pub(super) head: Head,
    /// How many lines it has.
    pub(super) size: u64,
    /// The root of the tree over them.
    pub(super) root: LineHash,
    /// When this is said.
    pub(super) time: Timestamp,
}

/// A signed statement as it stands in a day's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// The gateway's name.
    pub gateway: String,
    /// The last line's sequence.
    pub sequence: u64,
    /// The last line's hash.
    pub hash: LineHash,
    /// When it was signed.
    pub time: Timestamp,
    /// The segment: its first line's sequence.
    pub segment: u64,
    /// How many lines of it are covered.
    pub size: u64,
    /// The root of the tree over these lines (RFC 9162).
    pub root: LineHash,
    /// Which key signed: 32 hex digits.
    pub key: String,
}

/// A checkpoint's line taken apart.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    /// What was signed.
    pub(super) checkpoint: Checkpoint,
    bytes: &'a [u8],
    signature: &'a str,
}

impl Statement {
    /// The file in which the signed statement stands.
    pub(super) fn file(&self) -> PathBuf {
        self.segment.path.with_file_name(FILE)
    }

    /// The line, with its line end.
    pub(super) fn sign(&self, gateway: &str, signer: &Signer) -> Result<String, serde_json::Error> {
        let checkpoint = Checkpoint {
            gateway: gateway.to_owned(),
            sequence: self.head.sequence,
            hash: self.head.hash,
            time: self.time,
            segment: self.segment.first,
            size: self.size,
            root: self.root,
            key: signer.key().id(),
        };
        let mut line = serde_json::to_string(&checkpoint)?;
        line.pop();
        let signature = signer.sign(line.as_bytes());
        line.push_str(TO_SIGNATURE);
        line.push_str(&signature);
        line.push_str(CLOSING);
        line.push('\n');
        Ok(line)
    }
}

impl<'a> Signed<'a> {
    /// Reads a line (without its line end).
    pub(super) fn read(line: &'a str) -> Option<Signed<'a>> {
        let (signed, end) = line.rsplit_once(TO_SIGNATURE)?;
        let signature = end.strip_suffix(CLOSING)?;
        let checkpoint = serde_json::from_str(&format!("{signed}}}")).ok()?;
        Some(Signed { checkpoint, bytes: signed.as_bytes(), signature })
    }

    /// Whether one of these keys signed it.
    pub(super) fn is_by(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| key.id() == self.checkpoint.key && key.signed(self.bytes, self.signature))
    }
}

/// The lines of a day's checkpoints, as text; none where the file is not there.
pub(super) fn lines(day: &Path) -> std::io::Result<String> {
    match std::fs::read(day.join(FILE)) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(fault) => Err(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_from_its_own_bytes_alone() {
        let state = tempfile::tempdir().unwrap();
        let signer = Signer::open(&state.path().join("audit.key"), state.path()).unwrap();
        let statement = Statement {
            segment: Segment::new(Path::new("/audit"), "2026-11-24", 61803),
            handle: None,
            head: Head { sequence: 88121, hash: LineHash::of(b"a"), time: Timestamp::from_millis(0) },
            size: 26319,
            root: LineHash::of(b"b"),
            time: "2026-11-24T09:14:03.123Z".parse().unwrap(),
        };
        let line = statement.sign("st-example", &signer).unwrap();
        let line = line.strip_suffix('\n').unwrap();
        let begins = format!(
            "{{\"gateway\":\"st-example\",\"sequence\":88121,\"hash\":\"{}\",\"time\":\"2026-11-24T09:14:03.123Z\",\
             \"segment\":61803,\"size\":26319,\"root\":\"{}\",\"key\":\"{}\",\"signature\":\"",
            LineHash::of(b"a"),
            LineHash::of(b"b"),
            signer.key().id(),
        );
        assert!(line.starts_with(&begins), "{line}");
        let keys = [signer.key().clone()];
        assert!(Signed::read(line).unwrap().is_by(&keys));
        assert_eq!(statement.file(), Path::new("/audit/2026-11-24/checkpoints.jsonl"));
        for at in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            for bit in 0..7 {
                bytes[at] = line.as_bytes()[at] ^ 1 << bit;
                let spoilt = String::from_utf8(bytes.clone()).unwrap();
                let sound = Signed::read(&spoilt).is_some_and(|signed| signed.is_by(&keys));
                assert!(!sound, "{spoilt}");
            }
        }
    }
}
