//! Checks an archive that was exported: its files, its lines, their proofs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use crate::audit::export::archive::{FORM, MANIFEST, SUMS, hex};
use crate::audit::key::Key;
use crate::audit::line::Place;
use crate::audit::proof::Proof;

/// The largest file of an archive that is read, in bytes.
const MOST: u64 = 4 << 30;

/// What an archive turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many lines of the trail are proven.
    pub proven: usize,
    /// The SHA-256 of the manifest: the gateway's record has it too.
    pub manifest: String,
    /// The fingerprints of the keys that came along.
    pub keys: Vec<String>,
}

/// Why an archive is not what the gateway wrote.
#[derive(Debug, thiserror::Error)]
pub enum Tampered {
    /// It can't be read.
    #[error("the archive can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// A file is not as it was written, is missing, or does not belong.
    #[error("{0}: was changed, is missing, or does not belong to the archive")]
    File(String),
    /// The manifest has a form that this version does not know.
    #[error("the manifest has not the form {FORM}")]
    Form,
    /// A line is not proven.
    #[error("{file}:{line}: {fault}")]
    Line {
        /// The file.
        file: &'static str,
        /// The line in it, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// There is no key to check by.
    #[error("the archive holds no public keys")]
    Keys,
}

/// Checks the archive at `path`, by `keys` or else those that came along. Blocks on the disk.
///
/// # Errors
/// [`Tampered`] names the first thing that is not as it was written.
pub fn check_export(path: &Path, keys: Option<Vec<Key>>) -> Result<Checked, Tampered> {
    let mut zip = ZipArchive::new(File::open(path)?).map_err(io::Error::from)?;
    let digests = digests(&mut zip)?;
    let sums = text(&mut zip, SUMS)?;
    for line in sums.split_terminator('\n') {
        let (digest, name) = line.split_once("  ").ok_or_else(|| Tampered::File(SUMS.to_owned()))?;
        if digests.get(name).map(String::as_str) != Some(digest) {
            return Err(Tampered::File(name.to_owned()));
        }
    }
    let listed =
        |name: &str| sums.lines().any(|line| line.split_once("  ").is_some_and(|(_, is)| is == name));
    if let Some(name) = digests.keys().find(|name| *name != SUMS && !listed(name)) {
        return Err(Tampered::File(name.clone()));
    }
    let manifest: Value =
        serde_json::from_str(&text(&mut zip, MANIFEST)?).map_err(|_| Tampered::File(MANIFEST.to_owned()))?;
    if manifest["form"] != FORM {
        return Err(Tampered::Form);
    }
    let found = digests.get(MANIFEST).cloned().unwrap_or_default();
    if !digests.contains_key("events.jsonl") {
        return Ok(Checked { proven: 0, manifest: found, keys: Vec::new() });
    }
    let keys = match keys {
        Some(keys) => keys,
        None => Key::parse(&text(&mut zip, "key.pem")?).ok_or(Tampered::Keys)?,
    };
    let proven = lines(&mut zip, &keys)?;
    Ok(Checked { proven, manifest: found, keys: keys.iter().map(Key::fingerprint).collect() })
}

/// The SHA-256 of every file.
fn digests(zip: &mut ZipArchive<File>) -> Result<HashMap<String, String>, Tampered> {
    let mut digests = HashMap::new();
    for at in 0..zip.len() {
        let file = zip.by_index(at).map_err(io::Error::from)?;
        let name = file.name().map_err(io::Error::from)?.into_owned();
        let (mut digest, mut file) = (Sha256::new(), file.take(MOST));
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            digest.update(&buffer[..read]);
        }
        digests.insert(name, hex(&digest.finalize()));
    }
    Ok(digests)
}

fn text(zip: &mut ZipArchive<File>, name: &str) -> Result<String, Tampered> {
    let file = zip.by_name(name).map_err(|_| Tampered::File(name.to_owned()))?;
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text)?;
    Ok(text)
}

/// How many lines there are; every one must be proven.
fn lines(zip: &mut ZipArchive<File>, keys: &[Key]) -> Result<usize, Tampered> {
    let mut checkpoints = HashMap::new();
    for (at, line) in text(zip, "checkpoints.jsonl")?.lines().enumerate() {
        let said: Value = read("checkpoints.jsonl", at, line)?;
        checkpoints.insert((said["segment"].as_u64(), said["size"].as_u64()), line.to_owned());
    }
    let mut proofs = HashMap::new();
    for (at, line) in text(zip, "proofs.jsonl")?.lines().enumerate() {
        let mut said: Value = read("proofs.jsonl", at, line)?;
        let checkpoint = checkpoints.get(&(said["segment"].as_u64(), said["size"].as_u64()));
        said["checkpoint"] = checkpoint.cloned().unwrap_or_default().into();
        let proof: Proof = serde_json::from_value(said).map_err(|fault| Tampered::Line {
            file: "proofs.jsonl",
            line: at + 1,
            fault: fault.to_string(),
        })?;
        proofs.insert(proof.sequence, proof);
    }
    let mut proven = 0;
    for file in ["events.jsonl", "closes.jsonl"] {
        for (at, line) in text(zip, file)?.split_terminator('\n').enumerate() {
            let wrong = |fault: String| Tampered::Line { file, line: at + 1, fault };
            let place =
                Place::read(line.as_bytes()).ok_or_else(|| wrong("no line of the trail".to_owned()))?;
            let proof = proofs.get(&place.sequence).ok_or_else(|| wrong("it has no proof".to_owned()))?;
            let held = keys.iter().map(|key| proof.holds(line, key));
            let held = held.reduce(Result::or).unwrap_or(Ok(()));
            held.map_err(|fault| wrong(fault.to_string()))?;
            proven += 1;
        }
    }
    Ok(proven)
}

fn read(file: &'static str, at: usize, line: &str) -> Result<Value, Tampered> {
    serde_json::from_str(line).map_err(|fault| Tampered::Line {
        file,
        line: at + 1,
        fault: fault.to_string(),
    })
}
