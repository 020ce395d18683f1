//! Kinds of files: what is one, and what only looks like one.

use std::io::Write;

use crate::content::FileKind::{self, Archive, Audio, Executable, Video};
use crate::content::{FIRST, kinds};

/// A name, a `Content-Type`, a `Content-Disposition`, and the kinds that they say.
type Declared = (Option<&'static str>, Option<&'static str>, Option<&'static str>, &'static [FileKind]);

fn bytes(first: &[u8]) -> Vec<FileKind> {
    kinds(None, None, None, first)
}

fn padded(start: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes.resize(length, 0);
    bytes
}

/// A header for DOS, and behind it the one that it names.
fn windows_program() -> Vec<u8> {
    let mut program = padded(b"MZ\x90\x00\x03", 0x100);
    program[0x3c] = 0x80;
    program[0x80..0x84].copy_from_slice(b"PE\0\0");
    program
}

fn elf() -> Vec<u8> {
    padded(b"\x7fELF\x02\x01\x01", 64)
}

/// A compound file whose root, in the sector given, is of a class.
fn compound_file(class: u8, sector: u8) -> Vec<u8> {
    let mut file = padded(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], FIRST);
    file[0x1e] = 9;
    file[0x30] = sector;
    let root = (usize::from(sector) + 1) << 9;
    if let Some(place) = file.get_mut(root + 80..root + 96) {
        place.copy_from_slice(&[class, 0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46]);
    }
    file
}

fn zip_of(names: &[&str]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in names {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(b"what is inside").unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, body) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(body.len() as u64);
        archive.append_data(&mut header, name, *body).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Two frames of 128 kbit/s at 44.1 kHz.
fn mp3() -> Vec<u8> {
    let mut sound = padded(&[0xff, 0xfb, 0x90, 0x00], 1000);
    sound[417..421].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
    sound
}

fn iso_media(kind: &[u8; 4], brand: &[u8; 4]) -> Vec<u8> {
    [&[0, 0, 0, 0x20][..], kind, brand, &[0; 20]].concat()
}

fn matroska(kind: &[u8]) -> Vec<u8> {
    padded(&[&[0x1a, 0x45, 0xdf, 0xa3, 0x9f, 0x42, 0x82, 0x80 + kind.len() as u8][..], kind].concat(), 300)
}

fn transport_stream() -> Vec<u8> {
    (0..752).map(|at| if at % 188 == 0 { 0x47 } else { 0xff }).collect()
}

#[test]
fn programs_are_told_by_their_first_bytes() {
    let mut beyond = padded(b"MZ", 64);
    beyond[0x3d..0x3f].copy_from_slice(&[0x80, 1]);
    let cases = [
        ("PE", windows_program()),
        ("PE whose header is further on", beyond),
        ("ELF", elf()),
        ("Mach-O", padded(&[0xcf, 0xfa, 0xed, 0xfe], 32)),
        ("Mach-O for several machines", padded(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 2], 32)),
        ("class", padded(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52], 32)),
        ("MSI", compound_file(0x84, 1)),
        ("MSP", compound_file(0x86, 4)),
        ("Apple installer", padded(b"xar!\0\x1c", 32)),
        ("Debian package", padded(b"!<arch>\ndebian-binary   ", 64)),
        ("shell script", b"#!/usr/bin/env bash\necho".to_vec()),
        ("APK", zip_of(&["AndroidManifest.xml", "classes.dex"])),
        ("JAR", zip_of(&["META-INF/MANIFEST.MF", "a/Main.class"])),
        ("MSIX", zip_of(&["[Content_Types].xml", "AppxManifest.xml"])),
        ("a program in a page's coding", gzip_of(&windows_program())),
    ];
    for (what, first) in cases {
        assert_eq!(bytes(&first), [Executable], "{what}");
        assert_eq!(kinds(Some("cat.png"), Some("image/png"), None, &first), [Executable], "{what}");
    }
}

#[test]
fn archives_are_told_by_what_they_hold() {
    let program = windows_program();
    let long = format!("{}/setup.exe", "folder".repeat(30));
    let cases = [
        ("zip with .exe", zip_of(&["readme.txt", "Setup.EXE"])),
        ("zip with .bat", zip_of(&["a/b/run.bat"])),
        ("tar with .sh", tar_of(&[("readme", b"x"), ("install.sh", b"echo")])),
        ("tar with a long name", tar_of(&[(&long, b"x")])),
        ("tar with a program of another name", tar_of(&[("cat.png", &program)])),
        ("tar.gz with .sh", gzip_of(&tar_of(&[("a/install.sh", b"echo")]))),
        ("tar.gz with .exe", gzip_of(&tar_of(&[("big", &[b'x'; 9000]), ("a.exe", b"x")]))),
        ("7z", padded(&[0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], 32)),
        ("RAR", padded(b"Rar!\x1a\x07\x01\x00", 32)),
        ("xz", padded(&[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], 32)),
        ("bzip2", padded(b"BZh91AY&SY", 32)),
        ("CAB", padded(b"MSCF\0\0\0\0", 32)),
    ];
    for (what, first) in cases {
        assert_eq!(bytes(&first), [Archive], "{what}");
    }
    assert_eq!(kinds(None, Some("application/gzip"), None, &gzip_of(&elf())), [Archive]);
}

#[test]
fn sound_and_video_are_told() {
    let cases = [
        (Audio, "mp3", mp3()),
        (Audio, "mp3 with a tag", padded(b"ID3\x04\0\0\0\0\0\0", 64)),
        (Audio, "ogg", padded(b"OggS\0\x02", 64)),
        (Audio, "flac", padded(b"fLaC\0\0\0\x22", 64)),
        (Audio, "wav", padded(b"RIFF\x24\0\0\0WAVEfmt ", 64)),
        (Audio, "m4a", iso_media(b"ftyp", b"M4A ")),
        (Audio, "playlist of songs", b"#EXTM3U\n#EXTINF:1,a\na.mp3\n".to_vec()),
        (Video, "mp4", iso_media(b"ftyp", b"isom")),
        (Video, "QuickTime", iso_media(b"ftyp", b"qt  ")),
        (Video, "piece of a stream", iso_media(b"styp", b"msdh")),
        (Video, "piece without a type", iso_media(b"moof", b"\0\0\0\x10")),
        (Video, "webm", matroska(b"webm")),
        (Video, "mkv", matroska(b"matroska")),
        (Video, "avi", padded(b"RIFF\x24\0\0\0AVI LIST", 64)),
        (Video, "MPEG", padded(&[0, 0, 1, 0xba, 0x44], 64)),
        (Video, "transport stream", transport_stream()),
        (Video, "ogg with video", padded(b"OggS\0\x02______________________\x80theora", 64)),
        (Video, "HLS", b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:9,\na.ts\n".to_vec()),
        (Video, "DASH", b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\">".to_vec()),
    ];
    for (kind, what, first) in cases {
        assert_eq!(bytes(&first), [kind], "{what}");
    }
    assert_eq!(kinds(None, Some("audio/mp4"), None, &iso_media(b"ftyp", b"dash")), [Audio]);
    assert_eq!(kinds(None, Some("audio/webm; codecs=opus"), None, &matroska(b"webm")), [Audio]);
    let hls = b"#EXTM3U\n#EXT-X-VERSION:3\n";
    for declared in ["audio/mpegurl", "application/vnd.apple.mpegurl", "audio/x-mpegurl; charset=utf-8"] {
        assert_eq!(kinds(Some("a.m3u8"), Some(declared), None, hls), [Video], "{declared}");
    }
}

#[test]
fn declared_types_and_names_are_signs() {
    let cases: [Declared; 12] = [
        (Some("setup.exe"), None, None, &[Executable]),
        (Some("Setup.EXE"), Some("application/octet-stream"), None, &[Executable]),
        (Some("setup%2Eexe"), Some("application/octet-stream"), None, &[Executable]),
        (Some("download"), Some("Application/X-MSDownload"), None, &[Executable]),
        (Some("get.php"), Some("text/html"), Some("attachment; filename=\"a.msi\""), &[Executable]),
        (
            Some("get.php"),
            Some("application/octet-stream"),
            Some("attachment; filename*=UTF-8''a%2eAPK"),
            &[Executable],
        ),
        (Some("x"), Some("video/mp4"), None, &[Video]),
        (Some("x"), Some("audio/mpeg"), None, &[Audio]),
        (Some("clip.mp4"), Some("application/octet-stream"), None, &[Video]),
        (Some("clip.mp4"), Some("application/x-msdownload"), None, &[Executable, Video]),
        (Some("files.7z"), None, None, &[Archive]),
        (Some("segment1.ts"), Some("video/mp2t"), None, &[Video]),
    ];
    for (name, declared, disposition, expected) in cases {
        assert_eq!(kinds(name, declared, disposition, &[0, 1, 2, 3]), expected, "{name:?} {declared:?}");
    }
}

#[test]
fn what_only_looks_like_one_is_none() {
    let page = b"<!DOCTYPE html><title>setup.exe</title>";
    let cases: [(Option<&str>, Option<&str>, &[u8]); 21] = [
        (Some("worksheet.pdf"), Some("application/pdf"), b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"),
        (Some("plan.docx"), None, &zip_of(&["[Content_Types].xml", "word/document.xml"])),
        (Some("book.epub"), None, &zip_of(&["mimetype", "META-INF/container.xml"])),
        (Some("lesson.zip"), Some("application/zip"), &zip_of(&["a.pdf", "b/index.html", "b/script.js"])),
        (Some("old.doc"), Some("application/msword"), &compound_file(6, 1)),
        (Some("cat.png"), Some("image/png"), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        (Some("cat.heic"), None, &iso_media(b"ftyp", b"heic")),
        (Some("cat.avif"), Some("image/avif"), &iso_media(b"ftyp", b"avif")),
        (Some("cat.webp"), None, b"RIFF\x24\0\0\0WEBPVP8 "),
        (
            Some("notes.txt"),
            Some("text/plain"),
            b"MZ is the start of many a file, and of this text, which says no more than that.",
        ),
        (Some("short"), None, b"MZ"),
        (Some("app.ts"), Some("video/mp2t"), b"import { a } from './a';\nexport class B {}\n"),
        (Some("G.txt"), Some("text/plain"), b"Good morning. Ghosts. Games."),
        (Some("setup.exe"), Some("text/html; charset=utf-8"), page),
        (Some("setup.exe"), None, page),
        (Some("clip.mp4"), Some("text/html"), page),
        (Some("video.js"), Some("text/javascript"), b"ftypisom = 1; export default 1"),
        (Some("hello.py"), Some("text/plain"), b"#!/usr/bin/env python3\nprint('hello')"),
        (Some("index.html"), Some("text/html"), &gzip_of(page)),
        (Some("page"), Some("text/html"), &[0x28, 0xb5, 0x2f, 0xfd, 4, 0]),
        (Some("a.tar.gz"), Some("application/gzip"), &gzip_of(&tar_of(&[("a.txt", b"x")]))),
    ];
    for (name, declared, first) in cases {
        assert!(kinds(name, declared, None, first).is_empty(), "{name:?} {declared:?}");
    }
    assert!(bytes(&[0xff, 0xfb]).is_empty() && bytes(&[0xff, 0xfe, b'a', 0, b'b', 0]).is_empty());
    assert!(bytes(b"").is_empty());
}

proptest::proptest! {
    #[test]
    fn any_bytes_have_kinds_or_none(
        start in proptest::sample::select(vec![
            &b"MZ"[..], b"PK\x03\x04", b"\x1f\x8b\x08", b"ID3", b"\xff\xfb\x90", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            b"\x1a\x45\xdf\xa3", b"#EXTM3U", b"",
        ]),
        rest in proptest::collection::vec(proptest::num::u8::ANY, 0..600),
        name in "\\PC{0,12}",
        declared in "[a-z/;=' *%.]{0,20}",
    ) {
        let first = [start, &rest].concat();
        let found = kinds(Some(&name), Some(&declared), Some(&declared), &first);
        proptest::prop_assert!(found.is_sorted() && found.len() <= FileKind::ALL.len());
    }
}
