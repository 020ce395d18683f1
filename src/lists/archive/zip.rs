//! Zip archives.

use std::io::Cursor;

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::lists::archive::{Alias, ArchiveFault, ArchiveFile, Unpacked, bounded, inside_root, parent};

/// The bits of a Unix mode that say what a member is.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;

/// Unpacks a zip archive into memory.
pub(super) fn unpack(bytes: &[u8], limit: u64, files: usize) -> Result<Unpacked, ArchiveFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(fault)?;
    if archive.len() > files {
        return Err(ArchiveFault::TooMany(files));
    }
    let (mut unpacked, mut left) = (Unpacked::default(), limit);
    for number in 0..archive.len() {
        let mut member = archive.by_index(number).map_err(fault)?;
        let path = inside_root(member.name_raw(), "", ArchiveFault::PathLeavesRoot)?;
        if member.is_dir() {
            continue;
        }
        let is_link = member.is_symlink();
        if !is_link && is_special(&member) {
            return Err(ArchiveFault::Special(path));
        }
        let bytes = bounded(&mut member, limit, &mut left)?;
        if is_link {
            let target = inside_root(&bytes, parent(&path), ArchiveFault::LinkLeavesRoot)?;
            unpacked.aliases.push(Alias { name: path, target });
        } else {
            unpacked.files.push(ArchiveFile { path, bytes });
        }
    }
    Ok(unpacked)
}

/// Whether it says that it is a device, a pipe or the like; archives made elsewhere say nothing.
fn is_special(member: &ZipFile<'_, Cursor<&[u8]>>) -> bool {
    let kind = member.unix_mode().unwrap_or_default() & KIND;
    kind != 0 && kind != REGULAR
}

fn fault(fault: ZipError) -> ArchiveFault {
    if let ZipError::Io(fault) = fault {
        return ArchiveFault::Damaged(fault);
    }
    ArchiveFault::Damaged(std::io::Error::other(fault.to_string()))
}
