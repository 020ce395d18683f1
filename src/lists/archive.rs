//! Packed lists: `.tar.gz`, `.zip` and `.gz` bytes in, files and aliases out.
//!
//! **Invariant:** what comes out is bounded (size and number), and every path stays below the
//! archive's root: no absolute path, no `..`, no link that leads outside. A member that is packed
//! itself (`domains.gz`) comes out unpacked, within the same bounds.

mod zip;

use std::collections::HashSet;
use std::io::Read;

use flate2::read::MultiGzDecoder;

/// The most bytes that an archive may expand to.
pub const MAX_EXPANDED: u64 = 2 << 30;
/// The most files and links in an archive.
pub const MAX_FILES: usize = 100_000;

/// What gzip starts with.
const GZIP: &[u8] = b"\x1f\x8b";

/// An unpacked archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unpacked {
    /// The files in archive order.
    pub files: Vec<ArchiveFile>,
    /// The symbolic links.
    pub aliases: Vec<Alias>,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// The path below the root, without `.` parts.
    pub path: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A second name for a file or folder of the archive (UT1: `porn` for `adult`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The path of the link.
    pub name: String,
    /// The path it leads to, resolved against the root.
    pub target: String,
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// Cut off, damaged or no archive.
    #[error("the archive can't be read: {0}")]
    Damaged(#[from] std::io::Error),
    /// A path that is absolute, holds `..` or is no UTF-8.
    #[error("the archive holds a path that leads outside: {0:?}")]
    PathLeavesRoot(String),
    /// A link to outside.
    #[error("the archive holds a link that leads outside: {0:?}")]
    LinkLeavesRoot(String),
    /// A device, a pipe or the like.
    #[error("the archive holds something that is neither file, folder nor link: {0:?}")]
    Special(String),
    /// Over [`MAX_EXPANDED`] bytes.
    #[error("the archive expands to more than {0} bytes")]
    TooLarge(u64),
    /// Neither gzip nor zip.
    #[error("only .tar.gz, .zip and .gz archives can be unpacked: unpack this one first")]
    Unknown,
    /// Over [`MAX_FILES`] files.
    #[error("the archive holds more than {0} files")]
    TooMany(usize),
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// A `.tar.gz`.
    TarGz,
    /// One file, `.gz`.
    Gz,
    /// A `.zip`.
    Zip,
}

impl Packing {
    /// How these bytes are packed; `None` if they are not, or in a way that is not read.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Packing> {
        if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
            return Some(Packing::Zip);
        }
        if !bytes.starts_with(GZIP) {
            return None;
        }
        let mut head = Vec::new();
        // Damaged or not, opening it will tell.
        let _ = MultiGzDecoder::new(bytes).take(512).read_to_end(&mut head);
        let is_tar = head.get(257..262).is_some_and(|tag| tag == b"ustar");
        Some(if is_tar { Packing::TarGz } else { Packing::Gz })
    }
}

/// Unpacks whatever way the bytes are packed; `name` is the file's, from which that of a single
/// packed file is told.
///
/// # Errors
/// [`ArchiveFault`]: an archive with one bad member is refused as a whole.
pub fn open(name: &str, bytes: &[u8]) -> Result<Unpacked, ArchiveFault> {
    open_within(name, bytes, MAX_EXPANDED, MAX_FILES)
}

/// As [`open`] with other bounds, in bytes and files.
///
/// # Errors
/// As [`open`].
pub fn open_within(name: &str, bytes: &[u8], limit: u64, files: usize) -> Result<Unpacked, ArchiveFault> {
    match Packing::of(bytes) {
        None => Err(ArchiveFault::Unknown),
        Some(Packing::TarGz) => unpack_within(bytes, limit, files),
        Some(Packing::Zip) => zip::unpack(bytes, limit, files)?.inflated(limit),
        Some(Packing::Gz) => {
            let leaf = name.rsplit(['/', '\\']).next().unwrap_or_default();
            let path = leaf.strip_suffix(".gz").unwrap_or(leaf).to_owned();
            let mut left = limit;
            let bytes = gunzipped(bytes, limit, &mut left)?;
            Ok(Unpacked { files: vec![ArchiveFile { path, bytes }], aliases: Vec::new() })
        }
    }
}

/// Unpacks a `.tar.gz` into memory.
///
/// # Errors
/// [`ArchiveFault`]: an archive with one bad member is refused as a whole.
pub fn unpack(reader: impl Read) -> Result<Unpacked, ArchiveFault> {
    unpack_within(reader, MAX_EXPANDED, MAX_FILES)
}

/// As [`unpack`] with other bounds, in bytes and files.
///
/// # Errors
/// As [`unpack`].
pub fn unpack_within(reader: impl Read, bytes: u64, files: usize) -> Result<Unpacked, ArchiveFault> {
    // One byte more than allowed, so that reaching it tells "too large" from "just fits".
    let mut archive = tar::Archive::new(MultiGzDecoder::new(reader).take(bytes.saturating_add(1)));
    let mut unpacked = Unpacked::default();
    let read = take_members(&mut archive, bytes, files, &mut unpacked);
    let used_up = archive.into_inner().limit() == 0;
    if used_up { Err(ArchiveFault::TooLarge(bytes)) } else { read.and_then(|()| unpacked.inflated(bytes)) }
}

impl Unpacked {
    /// With every `.gz` member unpacked; where a member is there both ways, the plain one stays.
    ///
    /// # Errors
    /// [`ArchiveFault`] if one is damaged, or if all come to more than `limit` bytes.
    pub fn inflated(mut self, limit: u64) -> Result<Unpacked, ArchiveFault> {
        let (packed, plain): (Vec<_>, Vec<_>) = (self.files.into_iter())
            .partition(|file| file.path.ends_with(".gz") && file.bytes.starts_with(GZIP));
        let size = |file: &ArchiveFile| file.bytes.len() as u64;
        let mut left = limit.saturating_sub(plain.iter().chain(&packed).map(size).sum());
        let paths: HashSet<String> = plain.iter().map(|file| file.path.clone()).collect();
        self.files = plain;
        for file in packed {
            let path = file.path.trim_end_matches(".gz").to_owned();
            if !paths.contains(&path) {
                self.files.push(ArchiveFile { path, bytes: gunzipped(&file.bytes, limit, &mut left)? });
            }
        }
        Ok(self)
    }
}

fn gunzipped(packed: &[u8], limit: u64, left: &mut u64) -> Result<Vec<u8>, ArchiveFault> {
    bounded(MultiGzDecoder::new(packed), limit, left)
}

/// All bytes, or a fault when they are more than are left of the limit.
fn bounded(reader: impl Read, limit: u64, left: &mut u64) -> Result<Vec<u8>, ArchiveFault> {
    let mut bytes = Vec::new();
    reader.take(left.saturating_add(1)).read_to_end(&mut bytes)?;
    *left = left.checked_sub(bytes.len() as u64).ok_or(ArchiveFault::TooLarge(limit))?;
    Ok(bytes)
}

fn take_members(
    archive: &mut tar::Archive<impl Read>,
    limit: u64,
    files: usize,
    unpacked: &mut Unpacked,
) -> Result<(), ArchiveFault> {
    let mut left = limit;
    for member in archive.entries()? {
        let mut member = member?;
        let path = inside_root(&member.path_bytes(), "", ArchiveFault::PathLeavesRoot)?;
        let kind = member.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        } else if kind.is_file() || kind.is_contiguous() {
            let bytes = bounded(member.by_ref(), limit, &mut left)?;
            unpacked.files.push(ArchiveFile { path, bytes });
        } else if kind.is_symlink() || kind.is_hard_link() {
            // A symbolic link is relative to its folder, a hard link to the root.
            let from = if kind.is_symlink() { parent(&path) } else { "" };
            let link = member.link_name_bytes().unwrap_or_default();
            let target = inside_root(&link, from, ArchiveFault::LinkLeavesRoot)?;
            unpacked.aliases.push(Alias { name: path, target });
        } else {
            return Err(ArchiveFault::Special(path));
        }
        if unpacked.files.len() + unpacked.aliases.len() > files {
            return Err(ArchiveFault::TooMany(files));
        }
    }
    Ok(())
}

/// The path resolved against a folder of the archive; links may climb, but not above the root.
fn inside_root(
    bytes: &[u8],
    folder: &str,
    fault: fn(String) -> ArchiveFault,
) -> Result<String, ArchiveFault> {
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| fault(shown()))?;
    if text.starts_with(['/', '\\']) || text.contains(['\0', '\\']) || text.get(1..2) == Some(":") {
        return Err(fault(shown()));
    }
    let is_link = matches!(fault(String::new()), ArchiveFault::LinkLeavesRoot(_));
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if is_link => {
                parts.pop().ok_or_else(|| fault(shown()))?;
            }
            ".." => return Err(fault(shown())),
            name => parts.push(name),
        }
    }
    Ok(parts.join("/"))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
