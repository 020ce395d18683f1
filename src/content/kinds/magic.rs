//! What the first bytes of a file say of its kind.

use infer::{app, archive, audio, video};

use super::{FileKind, inside};

/// The class of Windows installers and of their patches, as it stands in a compound file.
const INSTALLER_CLASSES: [[u8; 16]; 3] = [
    [0x84, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46],
    [0x86, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46],
    [0x82, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46],
];
const COMPOUND_FILE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
/// Where a program's own header may start behind the one for DOS; text has far greater numbers.
const FURTHEST_HEADER: usize = 1 << 24;
/// Brands of the ISO base media format that are pictures (HEIF, AVIF, …).
const STILL: [&[u8]; 8] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"avis", b"crx "];
const SPOKEN: [&[u8]; 3] = [b"M4A ", b"M4B ", b"M4P "];
const PACKET: usize = 188;

/// The kinds that the bytes are of; `declared` tells sound from video where a container can't.
pub(super) fn kinds(first: &[u8], declared: &str) -> Vec<FileKind> {
    let mut found = inside::kinds(first, declared);
    if is_executable(first) {
        found.push(FileKind::Executable);
    }
    if is_sealed(first) {
        found.push(FileKind::Archive);
    }
    found.extend(media(first, declared));
    found
}

/// Whether the bytes start a program or an installer.
pub(super) fn is_executable(first: &[u8]) -> bool {
    is_windows_program(first)
        || is_windows_installer(first)
        || app::is_elf(first)
        || app::is_mach(first)
        || app::is_java(first)
        || app::is_dex(first)
        || archive::is_deb(first)
        || archive::is_rpm(first)
        || first.starts_with(b"xar!")
        || is_script(first)
}

/// Whether the bytes start an archive that can't be looked into. Zstandard is not among them: it
/// is a coding in which whole pages are sent.
fn is_sealed(first: &[u8]) -> bool {
    archive::is_7z(first)
        || archive::is_rar(first)
        || (archive::is_bz2(first) && first.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]))
        || archive::is_xz(first)
        || archive::is_lz(first)
        || first.starts_with(b"MSCF\0\0\0\0")
}

/// `MZ` alone starts many a text; behind it must be a header that names another.
fn is_windows_program(first: &[u8]) -> bool {
    if !first.starts_with(b"MZ") {
        return false;
    }
    let Some(at) = number(first, 0x3c) else { return false };
    match first.get(at..at.saturating_add(2)) {
        Some(header) => [&b"PE"[..], b"NE", b"LE", b"LX"].contains(&header),
        None => (0x40..FURTHEST_HEADER).contains(&at),
    }
}

/// A compound file is an installer or an old document: the class of its root tells.
fn is_windows_installer(first: &[u8]) -> bool {
    if !first.starts_with(&COMPOUND_FILE) {
        return false;
    }
    let shift = first.get(0x1e).copied().unwrap_or(9).min(12);
    let root = number(first, 0x30).and_then(|sector| sector.checked_add(1)).map(|sector| sector << shift);
    let class = root.and_then(|root| first.get(root.checked_add(80)?..root.checked_add(96)?));
    match class {
        Some(class) => INSTALLER_CLASSES.iter().any(|installer| installer == class),
        None => first.windows(16).any(|bytes| INSTALLER_CLASSES.iter().any(|class| class == bytes)),
    }
}

/// A script that names the shell to run it. Other interpreters are left out: lessons are in them.
fn is_script(first: &[u8]) -> bool {
    let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let Some(path) = line.strip_prefix(b"#!") else { return false };
    let path = String::from_utf8_lossy(path);
    let words = path.split([' ', '/', '\r', '\t']);
    words.into_iter().any(|word| ["sh", "bash", "zsh", "dash", "ksh", "pwsh"].contains(&word))
}

fn media(first: &[u8], declared: &str) -> Option<FileKind> {
    if let Some(kind) = iso_media(first, declared) {
        return kind;
    }
    let sound_only = declared.starts_with("audio/");
    let container = is_matroska(first)
        || video::is_avi(first)
        || video::is_wmv(first)
        || video::is_flv(first)
        || video::is_mpeg(first)
        || is_transport_stream(first)
        || (audio::is_ogg(first) && first.windows(6).any(|bytes| bytes == b"theora"));
    if container {
        return Some(if sound_only { FileKind::Audio } else { FileKind::Video });
    }
    if is_stream_list(first) {
        return Some(FileKind::Video);
    }
    let sound = audio::is_ogg(first)
        || audio::is_flac(first)
        || audio::is_wav(first)
        || audio::is_aiff(first)
        || audio::is_amr(first)
        || audio::is_midi(first)
        || (first.starts_with(b"ID3") && first.get(3).is_some_and(|version| *version < 10))
        || is_framed_sound(first)
        || first.starts_with(b"#EXTM3U");
    sound.then_some(FileKind::Audio)
}

/// The ISO base media format (MP4, QuickTime, pieces of a stream): a box of a known type first.
fn iso_media(first: &[u8], declared: &str) -> Option<Option<FileKind>> {
    let size =
        first.get(..4).map(|size| size.iter().fold(0_u32, |size, byte| size << 8 | u32::from(*byte)))?;
    let brand = first.get(8..12)?;
    let is_media = match first.get(4..8)? {
        b"ftyp" | b"styp" => size >= 12,
        b"moov" | b"moof" | b"sidx" | b"mdat" => size >= 8 || size == 1,
        _ => false,
    };
    if !is_media {
        return None;
    }
    if STILL.contains(&brand) {
        return Some(None);
    }
    let sound = SPOKEN.contains(&brand) || declared.starts_with("audio/");
    Some(Some(if sound { FileKind::Audio } else { FileKind::Video }))
}

fn is_matroska(first: &[u8]) -> bool {
    let start = &first[..first.len().min(64)];
    let names = |name: &[u8]| start.windows(name.len()).any(|bytes| bytes == name);
    first.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) && (names(b"webm") || names(b"matroska"))
}

/// MPEG transport: packets of 188 bytes, each starting with the same one.
fn is_transport_stream(first: &[u8]) -> bool {
    first.len() > PACKET && first.iter().step_by(PACKET).take(4).all(|byte| *byte == 0x47)
}

/// A playlist of pieces (HLS) or a description of them (DASH).
pub(super) fn is_stream_list(first: &[u8]) -> bool {
    let has = |word: &[u8]| first.windows(word.len()).any(|bytes| bytes == word);
    (first.starts_with(b"#EXTM3U") && has(b"#EXT-X-"))
        || (is_text(first) && has(b"<MPD") && has(b"urn:mpeg:dash"))
}

/// MPEG audio without a tag: a frame's header, and another where the first frame ends.
fn is_framed_sound(first: &[u8]) -> bool {
    let frame = |at: usize| first.get(at..).and_then(frame_length);
    let Some(length) = frame(0) else { return false };
    length >= 8 && (first.len() > length + 6) && frame(length).is_some()
}

/// The length of an MPEG layer III or an ADTS frame that starts here.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    const RATES: [usize; 3] = [44_100, 48_000, 32_000];
    const KILOBITS: [[usize; 15]; 2] = [
        [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let byte = |at: usize| bytes.get(at).copied().map(usize::from);
    let (second, third) = (byte(1)?, byte(2)?);
    if byte(0)? != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    if second & 0xf6 == 0xf0 {
        return Some((byte(3)? & 3) << 11 | byte(4)? << 3 | byte(5)? >> 5);
    }
    let halves = match second >> 3 & 3 {
        3 => 1,
        2 => 2,
        0 => 4,
        _ => return None,
    };
    if second >> 1 & 3 != 1 {
        return None;
    }
    let rate = RATES.get(third >> 2 & 3)? / halves;
    let kilobits = KILOBITS[usize::from(halves > 1)].get(third >> 4).filter(|rate| **rate > 0)?;
    let samples = if halves > 1 { 72 } else { 144 };
    Some(samples * kilobits * 1000 / rate + (third >> 1 & 1))
}

/// Whether the bytes are text: none that text does not have.
pub(super) fn is_text(first: &[u8]) -> bool {
    !first.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f))
}

/// Whether the bytes start a page.
pub(super) fn is_html(first: &[u8]) -> bool {
    let start: Vec<u8> = first
        .iter()
        .skip_while(|byte| byte.is_ascii_whitespace() || **byte >= 0x80)
        .take(9)
        .map(u8::to_ascii_lowercase)
        .collect();
    [&b"<!doctype"[..], b"<html", b"<head", b"<body"].iter().any(|tag| start.starts_with(tag))
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}
