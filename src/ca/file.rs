//! The authority's two files: read with care, written whole or not at all.

use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::error::AuthorityError;
use super::signatory::Signatory;
use crate::settings::{Inspect, Pair};
use crate::whole;

/// The largest certificate or key file that is read.
const LARGEST: u64 = 1 << 20;
/// The authority's folder in the state folder, and what is in it.
const FOLDER: &str = "ca";
const CERTIFICATE: &str = "authority.pem";
const KEY: &str = "authority.key";

/// Where the authority's files are, by the settings.
pub(super) fn pair(inspect: &Inspect, state_dir: &Path) -> Pair {
    let own = || {
        let folder = state_dir.join(FOLDER);
        Pair { certificate: folder.join(CERTIFICATE), key: folder.join(KEY) }
    };
    inspect.authority.clone().unwrap_or_else(own)
}

/// Whether a file is there. Not to be allowed to look is a fault: taken for absence, it would have
/// another authority made.
pub(super) fn is_there(file: &Path) -> Result<bool, AuthorityError> {
    file.try_exists().map_err(failed(file))
}

/// The text of a certificate file.
pub(super) fn certificate(file: &Path) -> Result<String, AuthorityError> {
    let mut text = String::new();
    let read = File::open(file).and_then(|open| open.take(LARGEST).read_to_string(&mut text));
    read.map_err(failed(file))?;
    Ok(text)
}

/// The key of a file that nobody else may read. What it was read through is wiped.
pub(super) fn key(file: &Path) -> Result<Signatory, AuthorityError> {
    let open = File::open(file).map_err(failed(file))?;
    let about = open.metadata().map_err(failed(file))?;
    let mode = about.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(AuthorityError::Exposed { file: file.to_owned(), mode });
    }
    // Room for all of it at once: a buffer that grows leaves its old self behind.
    let room = usize::try_from(about.len().min(LARGEST)).unwrap_or(0).saturating_add(1);
    let mut pem = Zeroizing::new(Vec::with_capacity(room));
    open.take(LARGEST).read_to_end(&mut pem).map_err(failed(file))?;
    let none = || AuthorityError::NoKey { file: file.to_owned() };
    let key = Zeroizing::new(PrivateKeyDer::from_pem_slice(&pem).map_err(|_| none())?);
    Signatory::new(&key).ok_or_else(none)
}

/// Makes the folder of a file, for the service's user alone, where it isn't there.
pub(super) fn make_folder(of: &Path) -> Result<(), AuthorityError> {
    let folder = of.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))
}

/// Writes a file whole or not at all; it is on disk when this returns.
pub(super) fn write(file: &Path, bytes: &[u8], mode: u32) -> Result<(), AuthorityError> {
    whole::write(file, bytes, mode).map_err(failed(file))
}

pub(super) fn failed(file: &Path) -> impl FnOnce(io::Error) -> AuthorityError {
    let file: PathBuf = file.to_owned();
    move |fault| AuthorityError::File { file, fault }
}
