//! What a file's name and declared type say of its kind.

use super::{FileKind, magic};

/// Endings of programs and installers, of every system that pupils bring or borrow. Left out:
/// `js`, `py` and the like, which lessons are made of, and `com`, which is how hosts end.
const EXECUTABLE: [&str; 37] = [
    "exe",
    "msi",
    "msp",
    "msix",
    "msixbundle",
    "appx",
    "appxbundle",
    "appinstaller",
    "bat",
    "cmd",
    "scr",
    "pif",
    "cpl",
    "dll",
    "sys",
    "ps1",
    "vbs",
    "vbe",
    "wsf",
    "hta",
    "lnk",
    "reg",
    "jar",
    "jnlp",
    "apk",
    "xapk",
    "apkm",
    "aab",
    "ipa",
    "dmg",
    "pkg",
    "deb",
    "rpm",
    "appimage",
    "flatpakref",
    "sh",
    "iso",
];
/// Endings of archives that can't be looked into.
const SEALED: [&str; 12] =
    ["7z", "rar", "bz2", "tbz", "tbz2", "xz", "txz", "zst", "tzst", "lz", "cab", "ace"];
const AUDIO: [&str; 14] =
    ["mp3", "m4a", "m4b", "aac", "ogg", "oga", "opus", "flac", "wav", "aif", "aiff", "wma", "mid", "m3u"];
const VIDEO: [&str; 18] = [
    "mp4", "m4v", "m4s", "mov", "avi", "mkv", "webm", "wmv", "asf", "flv", "f4v", "mpg", "mpeg", "ogv",
    "3gp", "m2ts", "m3u8", "mpd",
];
const EXECUTABLE_TYPES: [&str; 17] = [
    "application/x-msdownload",
    "application/x-msdos-program",
    "application/x-dosexec",
    "application/x-msi",
    "application/vnd.microsoft.portable-executable",
    "application/msix",
    "application/appx",
    "application/x-executable",
    "application/x-mach-binary",
    "application/java-archive",
    "application/x-java-archive",
    "application/vnd.android.package-archive",
    "application/x-apple-diskimage",
    "application/vnd.apple.installer+xml",
    "application/vnd.debian.binary-package",
    "application/x-debian-package",
    "application/x-rpm",
];
const SEALED_TYPES: [&str; 8] = [
    "application/x-7z-compressed",
    "application/vnd.rar",
    "application/x-rar-compressed",
    "application/x-bzip2",
    "application/x-xz",
    "application/zstd",
    "application/vnd.ms-cab-compressed",
    "application/x-lzip",
];
/// Lists of pieces of video, whatever their types are called.
const STREAM_TYPES: [&str; 5] = [
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "application/dash+xml",
    "application/vnd.ms-sstr+xml",
    "application/mp4",
];

/// The type without its parameters, in lower case; empty for none.
pub(super) fn media_type(field: Option<&str>) -> String {
    field.unwrap_or_default().split([';', ',']).next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The kind that a declared type says, where the first bytes don't show that it is not so.
pub(super) fn by_type(declared: &str, first: &[u8]) -> Option<FileKind> {
    if EXECUTABLE_TYPES.contains(&declared) {
        return Some(FileKind::Executable);
    }
    if SEALED_TYPES.contains(&declared) {
        return Some(FileKind::Archive);
    }
    if STREAM_TYPES.contains(&declared) {
        return Some(FileKind::Video);
    }
    // Servers know `.ts` as video, and programmers as TypeScript.
    let mistyped = declared == "video/mp2t" && magic::is_text(first);
    // The type of playlists is called audio, whatever plays.
    if declared.ends_with("mpegurl") {
        return Some(if magic::is_stream_list(first) { FileKind::Video } else { FileKind::Audio });
    }
    match declared.split_once('/') {
        Some(("audio", _)) => Some(FileKind::Audio),
        Some(("video", _)) if !mistyped => Some(FileKind::Video),
        Some(_) | None => None,
    }
}

/// The kind that a name's ending says.
pub(super) fn by_name(name: &str) -> Option<FileKind> {
    let name = name.trim_end_matches(['.', ' ', '\0']).to_ascii_lowercase();
    let (_, ending) = name.rsplit_once('.')?;
    let kinds = [
        (&EXECUTABLE[..], FileKind::Executable),
        (&SEALED, FileKind::Archive),
        (&AUDIO, FileKind::Audio),
        (&VIDEO, FileKind::Video),
    ];
    kinds.into_iter().find(|(endings, _)| endings.contains(&ending)).map(|(_, kind)| kind)
}

/// Whether a name inside an archive is that of an executable.
pub(super) fn is_executable(name: &str) -> bool {
    by_name(name) == Some(FileKind::Executable)
}

/// Whether an answer is a page or a part of one, so that the name in its address is no file's:
/// an article may be called `setup.exe`.
pub(super) fn is_page(declared: &str, first: &[u8]) -> bool {
    let text = magic::is_text(first);
    match declared {
        "text/html"
        | "application/xhtml+xml"
        | "application/json"
        | "text/css"
        | "text/javascript"
        | "application/javascript"
        | "image/svg+xml" => text,
        _ if declared.starts_with("image/") || declared.starts_with("font/") => true,
        "" => magic::is_html(first),
        _ => false,
    }
}

/// The file name of a `Content-Disposition` field (RFC 6266), decoded; without folders.
pub(super) fn saved_as(field: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        field.split(';').skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.to_owned())
        })
    };
    let extended = parameter("filename*").and_then(|value| {
        let (_, encoded) = value.split_once('\'').and_then(|(_, rest)| rest.split_once('\''))?;
        Some(decoded(encoded))
    });
    let name = extended.or_else(|| parameter("filename").map(|name| decoded(&name)))?;
    name.rsplit(['/', '\\']).next().map(str::to_owned)
}

/// Percent-escapes decoded; what makes no text is replaced.
pub(super) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let escaped = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match escaped.filter(|_| *byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_to_save_as_is_read() {
        let cases = [
            ("attachment; filename=\"setup.exe\"", Some("setup.exe")),
            ("attachment; filename=setup.exe; size=1", Some("setup.exe")),
            ("inline; FileName*=UTF-8''se%74up%2eexe; filename=x.png", Some("setup.exe")),
            ("attachment; filename=..\\a/b.bat", Some("b.bat")),
            ("attachment", None),
        ];
        for (field, expected) in cases {
            assert_eq!(saved_as(field).as_deref(), expected, "{field}");
        }
    }

    #[test]
    fn endings_are_read_without_regard_to_case_and_trailing_dots() {
        assert_eq!(by_name("SETUP.EXE. "), Some(FileKind::Executable));
        assert_eq!(by_name("a.tar.gz"), None);
        assert_eq!(by_name("exe"), None);
        assert_eq!(by_name("example.com"), None);
    }
}
