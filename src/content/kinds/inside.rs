//! What lies inside an archive, as far as its first bytes show.
//!
//! **Invariant:** no more than [`UNPACKED`] bytes are unpacked, once; nothing inside an archive is
//! unpacked in its turn.

use std::io::Read;

use super::{FileKind, magic, name};

/// How many bytes of a packed file are looked at: enough for the first names of an archive.
const UNPACKED: usize = 128 * 1024;
const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
const BLOCK: usize = 512;

/// The kinds that an archive is of by what it holds.
pub(super) fn kinds(first: &[u8], declared: &str) -> Vec<FileKind> {
    if first.starts_with(&LOCAL_HEADER) {
        return zip(first);
    }
    if let Some(found) = tar(first) {
        return found;
    }
    if first.starts_with(&[0x1f, 0x8b, 8]) {
        return gzip(&unpack(first), declared);
    }
    Vec::new()
}

/// An app is a zip archive too: what it must hold tells.
fn zip(first: &[u8]) -> Vec<FileKind> {
    let names = zip_names(first);
    let holds = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let any =
        |start: &str, end: &str| names.iter().any(|name| name.starts_with(start) && name.ends_with(end));
    let android = holds("AndroidManifest.xml") || holds("classes.dex");
    let java = holds("META-INF/MANIFEST.MF") && any("", ".class");
    let windows = holds("AppxManifest.xml") || holds("AppxBlockMap.xml");
    let mut found = Vec::new();
    if android || java || windows || any("Payload/", ".app/") {
        found.push(FileKind::Executable);
    }
    if names.iter().any(|name| name::is_executable(name)) {
        found.push(FileKind::Archive);
    }
    found
}

/// The names of every local header that can be seen (APPNOTE 4.3.7). The headers are looked for
/// one by one, since many archives give the length of a file only behind it.
fn zip_names(first: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in first.windows(4).enumerate().filter(|(_, bytes)| **bytes == LOCAL_HEADER) {
        let length = first.get(at + 26..at + 28).map(|two| usize::from(two[0]) | usize::from(two[1]) << 8);
        let name = length.and_then(|length| first.get(at + 30..at + 30 + length));
        names.extend(name.map(|name| String::from_utf8_lossy(name).into_owned()));
    }
    names
}

/// What a tar archive is by what it holds; `None` where the bytes are none.
fn tar(bytes: &[u8]) -> Option<Vec<FileKind>> {
    let is_header = |at: usize| bytes.get(at + 257..at + 262) == Some(b"ustar");
    if !is_header(0) {
        return None;
    }
    let mut at = 0;
    while is_header(at) {
        let size = number(&bytes[at + 124..at + 136]);
        let body = bytes.get(at + BLOCK..).map(|rest| &rest[..rest.len().min(size)]).unwrap_or_default();
        // Names that are too long for a header stand in a file of their own before it.
        let name = match bytes[at + 156] {
            b'L' | b'x' => text(body),
            _ => text(&bytes[at..at + 100]),
        };
        if name::is_executable(&name) || magic::is_executable(body) {
            return Some(vec![FileKind::Archive]);
        }
        at = at.saturating_add(BLOCK).saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
        if at > bytes.len() {
            break;
        }
    }
    Some(Vec::new())
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches(['\0', '\n', ' ']).to_owned()
}

/// A number in octal digits; 0 where it is none.
fn number(field: &[u8]) -> usize {
    usize::from_str_radix(text(field).trim(), 8).unwrap_or(0)
}

/// What was packed: an archive, one file, or a page whose coding is still on it.
fn gzip(unpacked: &[u8], declared: &str) -> Vec<FileKind> {
    if let Some(found) = tar(unpacked) {
        return found;
    }
    if unpacked.starts_with(&LOCAL_HEADER) {
        return zip(unpacked);
    }
    if !magic::is_executable(unpacked) {
        return Vec::new();
    }
    let is_file = matches!(declared, "application/gzip" | "application/x-gzip");
    vec![if is_file { FileKind::Archive } else { FileKind::Executable }]
}

fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut unpacked = vec![0; UNPACKED];
    let mut reader = flate2::read::GzDecoder::new(packed);
    let mut filled = 0;
    while let Ok(read @ 1..) = reader.read(&mut unpacked[filled..]) {
        filled += read;
    }
    unpacked.truncate(filled);
    unpacked
}
