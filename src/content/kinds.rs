//! What kind of file an answer is: by its first bytes, by what it is declared as, by its name.
//!
//! **Invariant:** liberal when blocking: one sign is enough, and none takes another back; but a
//! name or a type that web servers are known to get wrong is no sign by itself.

mod inside;
mod magic;
mod name;

/// How many bytes of an answer are held back to tell its kind.
pub const FIRST: usize = 16 * 1024;

/// By so many bytes a text shows that it is one.
const TELLING: usize = 16;
/// What a text may begin with that is a kind of file all the same: a program's first letters, a
/// script, a list of pieces of a film.
const NOT_BY_ITSELF: [&[u8]; 6] = [b"MZ", b"PK", b"#!", b"#EXT", b"<?xml", b"<MPD"];

/// Whether what has come of an answer is enough to tell its kind: of a text little is, and of
/// anything else [`FIRST`].
#[must_use]
pub fn is_telling(first: &[u8]) -> bool {
    let text = || {
        let start = &first[..TELLING];
        magic::is_text(start) && !NOT_BY_ITSELF.iter().any(|letters| start.starts_with(letters))
    };
    first.len() >= FIRST || (first.len() >= TELLING && text())
}

/// A kind of file that a rule can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A program, an installer, an app, a script for a shell, an image of a system disk.
    Executable,
    /// An archive that holds an executable, or that can't be looked into.
    Archive,
    /// Sound.
    Audio,
    /// Moving pictures, also in pieces and as a list of pieces.
    Video,
}

impl FileKind {
    /// Every kind.
    pub const ALL: [FileKind; 4] =
        [FileKind::Executable, FileKind::Archive, FileKind::Audio, FileKind::Video];

    /// As written in policy texts and rule ids.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::Executable => "executable",
            FileKind::Archive => "archive",
            FileKind::Audio => "audio",
            FileKind::Video => "video",
        }
    }
}

/// The kinds that an answer is of: the name at the end of its URL's path, its `Content-Type` and
/// `Content-Disposition`, and its first bytes, up to [`FIRST`] of them, without the coding in
/// which they were sent. Bytes packed with gzip are looked into all the same.
#[must_use]
pub fn kinds(
    name: Option<&str>,
    content_type: Option<&str>,
    disposition: Option<&str>,
    first: &[u8],
) -> Vec<FileKind> {
    let declared = name::media_type(content_type);
    let saved_as = disposition.and_then(name::saved_as);
    let first = &first[..first.len().min(FIRST)];
    let mut found = magic::kinds(first, &declared);
    found.extend(name::by_type(&declared, first));
    found.extend(saved_as.as_deref().and_then(name::by_name));
    if !name::is_page(&declared, first) {
        found.extend(name.map(name::decoded).as_deref().and_then(name::by_name));
    }
    found.sort_unstable();
    found.dedup();
    found
}
