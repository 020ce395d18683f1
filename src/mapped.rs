//! Files mapped into memory: the one place with unsafe code.
//!
//! **Invariant:** what is mapped is never written again. Whoever makes such a file writes it aside
//! and renames it into place, in a folder that only this gateway may write to; so the pages under
//! a mapping stay as they were when it was made, and no file is ever cut shorter in place.

#![expect(unsafe_code, reason = "no file can be mapped without; nothing else here needs it")]

use std::fs::File;
use std::io;

use bytes::Bytes;
use memmap2::Mmap;

/// The bytes of a whole file, read from disk as they are touched and shared by all who map it.
///
/// # Errors
/// What the system says.
pub fn map(file: &File) -> io::Result<Bytes> {
    // SAFETY: a mapping is undefined only if the file changes under it. Callers map files that
    // were renamed into place whole and are replaced by renaming, never written (see above); root
    // alone could do otherwise, and root can do worse.
    let mapped = unsafe { Mmap::map(file) }?;
    Ok(Bytes::from_owner(mapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_outlives_the_name_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"first").unwrap();
        let bytes = map(&File::open(&path).unwrap()).unwrap();
        let other = folder.path().join("b");
        std::fs::write(&other, b"second").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert_eq!((&bytes[..], std::fs::read(&path).unwrap().as_slice()), (&b"first"[..], &b"second"[..]));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&bytes[..], b"first");
    }

    #[test]
    fn an_empty_file_is_no_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, b"").unwrap();
        assert!(map(&File::open(&path).unwrap()).unwrap().is_empty());
    }
}
