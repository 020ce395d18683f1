//! The key that signs checkpoints, and the public keys that tell whether it did.
//!
//! **Invariant:** the secret half is written once, readable by the gateway alone, and shown
//! nowhere; every public half that ever signed stays in `key.pem`.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::whole;

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const SECRET: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// Signs checkpoints.
#[derive(Debug)]
pub struct Signer {
    pair: Ed25519KeyPair,
    key: Key,
}

/// A public key of checkpoints.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    der: Vec<u8>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file can't be read or written.
    #[error("{}: {fault}: checkpoints of the audit trail can't be signed or checked without it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        fault: io::Error,
    },
    /// A file holds no Ed25519 key as PEM.
    #[error(
        "{}: holds no Ed25519 key as PEM: put back the one from a backup, or move it away so that a new one is made",
        .0.display()
    )]
    NoKey(PathBuf),
    /// No key could be made.
    #[error("no key could be made")]
    Unmade,
}

impl Signer {
    /// The key in `secret`, made where there is none; its public half is added to `key.pem` in the
    /// trail's folder, where it stands with those before it.
    ///
    /// # Errors
    /// [`KeyError`] when a file can't be read or written, or holds something else.
    pub fn open(secret: &Path, dir: &Path) -> Result<Signer, KeyError> {
        let unreadable = |fault| KeyError::Unreadable { path: secret.to_owned(), fault };
        let pair = match fs::read_to_string(secret) {
            Ok(text) => {
                let der = blocks(&text, SECRET).and_then(|blocks| blocks.into_iter().next());
                der.and_then(|der| Ed25519KeyPair::from_pkcs8(&der).ok())
                    .ok_or_else(|| KeyError::NoKey(secret.to_owned()))?
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Unmade)?;
                let der = pair.to_pkcs8v1().map_err(|_| KeyError::Unmade)?;
                whole::write(secret, pem(SECRET, der.as_ref()).as_bytes(), 0o600).map_err(unreadable)?;
                pair
            }
            Err(fault) if fault.kind() == io::ErrorKind::InvalidData => {
                return Err(KeyError::NoKey(secret.to_owned()));
            }
            Err(fault) => return Err(unreadable(fault)),
        };
        let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Unmade)?;
        let key = Key { der: der.as_ref().to_vec() };
        key.publish(dir)?;
        Ok(Signer { pair, key })
    }

    /// The public half.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The signature of some bytes, as base64.
    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(bytes).as_ref())
    }
}

impl Key {
    /// The name of the file of public keys in the trail's folder.
    pub const FILE: &'static str = "key.pem";

    /// The keys in a file: one PEM block each, the oldest first.
    ///
    /// # Errors
    /// [`KeyError`] when the file can't be read, or holds something else.
    pub fn read(path: &Path) -> Result<Vec<Key>, KeyError> {
        let text = fs::read_to_string(path)
            .map_err(|fault| KeyError::Unreadable { path: path.to_owned(), fault })?;
        Key::parse(&text).ok_or_else(|| KeyError::NoKey(path.to_owned()))
    }

    /// The keys in a text: one PEM block each, at least one.
    pub(super) fn parse(text: &str) -> Option<Vec<Key>> {
        let keys: Option<Vec<Key>> =
            blocks(text, PUBLIC).and_then(|blocks| blocks.into_iter().map(Key::from_der).collect());
        keys.filter(|keys| !keys.is_empty())
    }

    /// How checkpoints name it: 32 hex digits, the first half of the fingerprint.
    #[must_use]
    pub fn id(&self) -> String {
        self.fingerprint().split_at(32).0.to_owned()
    }

    /// The SHA-256 of its SubjectPublicKeyInfo, as 64 hex digits: what to note down.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        Sha256::digest(&self.der).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether its secret half made this signature of these bytes.
    pub(super) fn signed(&self, bytes: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, &self.der[SPKI.len()..]).verify(bytes, &signature).is_ok()
    }

    fn from_der(der: Vec<u8>) -> Option<Key> {
        (der.len() == SPKI.len() + 32 && der.starts_with(SPKI)).then_some(Key { der })
    }

    fn publish(&self, dir: &Path) -> Result<(), KeyError> {
        let path = dir.join(Key::FILE);
        let known = match Key::read(&path) {
            Ok(keys) => keys,
            Err(KeyError::Unreadable { fault, .. }) if fault.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(fault) => return Err(fault),
        };
        if known.contains(self) {
            return Ok(());
        }
        let text: String = known.iter().chain([self]).map(|key| pem(PUBLIC, &key.der)).collect();
        let made = DirBuilder::new().recursive(true).mode(0o750).create(dir);
        made.and_then(|()| whole::write(&path, text.as_bytes(), 0o640))
            .map_err(|fault| KeyError::Unreadable { path, fault })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: String = text.as_bytes().chunks(64).map(|line| format!("{}\n", line.escape_ascii())).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// What stands in the blocks of this label; `None` for a text with anything else between them.
fn blocks(text: &str, label: &str) -> Option<Vec<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut blocks = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (inside, after) = rest.strip_prefix(begin.as_str())?.split_once(end.as_str())?;
        let inside: String = inside.split_ascii_whitespace().collect();
        blocks.push(STANDARD.decode(&inside).ok()?);
        rest = after.trim_start();
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let state = tempfile::tempdir().unwrap();
        let (secret, dir) = (state.path().join("audit.key"), state.path().join("audit"));
        let made = Signer::open(&secret, &dir).unwrap();
        assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Signer::open(&secret, &dir).unwrap();
        assert_eq!(made.key(), again.key());
        assert_eq!(Key::read(&dir.join(Key::FILE)).unwrap(), [made.key().clone()]);
        let signature = made.sign(b"words");
        assert!(again.key().signed(b"words", &signature) && !again.key().signed(b"other", &signature));
        assert_eq!(made.key().id().len(), 32);
        // One that was lost is followed by another; what the first signed can still be checked.
        fs::remove_file(&secret).unwrap();
        let second = Signer::open(&secret, &dir).unwrap();
        let keys = Key::read(&dir.join(Key::FILE)).unwrap();
        assert_eq!(keys, [made.key().clone(), second.key().clone()]);
        assert!(keys[0].signed(b"words", &signature) && !keys[1].signed(b"words", &signature));
    }

    #[test]
    fn what_is_no_key_is_left_and_told() {
        let state = tempfile::tempdir().unwrap();
        let (secret, dir) = (state.path().join("audit.key"), state.path().join("audit"));
        for text in ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            fs::write(&secret, text).unwrap();
            let fault = Signer::open(&secret, &dir).unwrap_err();
            assert!(matches!(&fault, KeyError::NoKey(path) if *path == secret), "{fault}");
            assert_eq!(fs::read_to_string(&secret).unwrap(), text);
        }
    }

    /// The files are those of any other program.
    #[test]
    fn openssl_reads_the_key_and_checks_a_signature() {
        let state = tempfile::tempdir().unwrap();
        let at = |name: &str| state.path().join(name);
        let signer = Signer::open(&at("audit.key"), state.path()).unwrap();
        fs::write(at("words"), "words").unwrap();
        fs::write(at("signature"), signer.pair.sign(b"words").as_ref()).unwrap();
        let out = Command::new("openssl")
            .args(["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-in", "words"])
            .args(["-sigfile", "signature"])
            .current_dir(state.path())
            .output()
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let made = Command::new("openssl")
            .args(["genpkey", "-algorithm", "ed25519", "-out", "other.key"])
            .current_dir(state.path())
            .output()
            .unwrap();
        assert!(made.status.success());
        Signer::open(&at("other.key"), state.path()).unwrap();
    }
}
