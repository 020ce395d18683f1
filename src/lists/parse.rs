//! List files: bytes in; entries, and every line that was not taken, out.
//!
//! **Invariant:** total: any bytes give an answer, in time linear in their number; every line
//! that is neither blank nor a comment is read as at least one entry or reported with a reason.

mod detect;
mod line;
mod lines;

pub use detect::{NotAList, detect};

use crate::lists::{Entry, Item, PatternFault, Reading};

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// One name, address or network a line; a name covers its subtree.
    Domains,
    /// One `host[:port]/path[?query]` a line, the scheme optional; a bare host covers its subtree.
    Urls,
}

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What the lines say. One line may give several.
    pub items: Vec<Item>,
    /// The lines not taken, the first [`MAX_REPORTED`] of them.
    pub rejected: Vec<Rejected>,
    /// How many lines were not taken.
    pub rejected_total: usize,
    /// How many lines were taken after a repair (a scheme, port or stray dot cut, …).
    pub repaired: usize,
    /// What would cover far too much, the first [`MAX_REPORTED`]: not taken from a block list;
    /// public suffixes are taken from an allow list, where `gov.uk` may be meant.
    pub dangerous: Vec<Rejected>,
    /// How many lines are neither blank nor a comment.
    pub read: usize,
}

/// Goes up whenever the same bytes are read as other entries than before, so that what was
/// compiled from them is made anew.
pub const RULES: u32 = 1;
/// The most lines that one file's report shows; all are counted.
pub const MAX_REPORTED: usize = 1000;
/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// From 1.
    pub line: u32,
    /// In characters from 1: where the text at fault starts.
    pub column: u32,
    /// The start of the line, without control and direction characters.
    pub text: Box<str>,
    /// Why.
    pub reason: RejectReason,
}

/// Why a line was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RejectReason {
    /// A suffix under which anyone may register (ICANN section of the Public Suffix List).
    #[error("this is a public suffix: it would cover every site below it")]
    PublicSuffix,
    /// A name without a dot that is no known suffix.
    #[error("this is a single word, not a host name")]
    SingleLabel,
    /// `localhost` and its kin, which hosts files carry.
    #[error("this name means the computer itself")]
    LocalName,
    /// Wider than /16 (IPv4) or /32 (IPv6).
    #[error("this network is too wide: /16 is the widest for IPv4, /32 for IPv6")]
    TooWide,
    /// Only dots, stars or punctuation.
    #[error("no host is left once dots and stars are taken off")]
    Empty,
    /// Two dots in a row.
    #[error("the host has an empty label")]
    EmptyLabel,
    /// Something that no host name may hold.
    #[error("this character can't be in a host name")]
    Character,
    /// A NUL or another control character.
    #[error("the line holds a control character")]
    Control,
    /// Over 63 bytes a label, 253 a name, 16 KiB a URL or 64 KiB a line.
    #[error("the text is longer than such an entry can be")]
    TooLong,
    /// Looks like an IPv4 address and is none.
    #[error("this looks like an address but is none")]
    Address,
    /// Several words where one entry is expected.
    #[error("several words on one line")]
    SeveralWords,
    /// `mailto:` or a bare mail address: its host is a school's mail, not what is meant.
    #[error("this is a mail address")]
    MailAddress,
    /// A scheme that is not carried.
    #[error("only http, https and ftp addresses can be listed")]
    Scheme,
    /// A port that is no port.
    #[error("the port is not between 1 and 65535")]
    Port,
    /// A URL that can't be read, for whatever other cause.
    #[error("this is not a URL")]
    Url,
    /// A pattern that can't be used.
    #[error(transparent)]
    Pattern(#[from] PatternFault),
    /// A network where only single addresses are taken (statutory lists).
    #[error("only single addresses can be listed here, not networks")]
    Network,
}

/// Reads a block list.
#[must_use]
pub fn read(format: Format, bytes: &[u8]) -> Parsed {
    read_for(Reading::Block, format, bytes)
}

/// Reads a list for the use it is meant for.
///
/// When allowing, public suffixes of two labels or more are taken (and reported as dangerous),
/// and a name with `www` gets no twin.
#[must_use]
pub fn read_for(reading: Reading, format: Format, bytes: &[u8]) -> Parsed {
    let mut items = Vec::new();
    let mut parsed = read_each(reading, format, bytes, &mut |item| items.push(item));
    parsed.items = items;
    parsed
}

/// As [`read_for`], but hands each item over as it is read; `items` stays empty. For lists of
/// millions.
pub fn read_each(reading: Reading, format: Format, bytes: &[u8], keep: &mut dyn FnMut(Item)) -> Parsed {
    let mut parsed = Parsed::default();
    for (number, raw) in (1u32..).zip(lines::lines(&lines::utf8(bytes))) {
        let text = lines::Text::of(raw);
        let mut taken = |entry| keep(Item::listed(number, entry));
        match text.read().and_then(|words| line::read(format, reading, words, &mut taken)) {
            Ok(line::Taken::Nothing) => continue,
            Ok(line::Taken::Entry { repaired, dangerous }) => {
                parsed.repaired += usize::from(repaired || text.was_repaired());
                if let Some(reason) = dangerous {
                    parsed.note_dangerous(text.rejected(number, reason));
                }
            }
            Err(reason) => parsed.reject(text.rejected(number, reason)),
        }
        parsed.read += 1;
    }
    parsed
}

/// Reads one line of a URL list; blank lines and comments give nothing.
pub(super) fn one_line(
    reading: Reading,
    text: &str,
    keep: &mut dyn FnMut(Entry),
) -> Result<(), RejectReason> {
    let text = lines::Text::of(text.as_bytes());
    line::read(Format::Urls, reading, text.read()?, keep).map(|_| ())
}

impl Parsed {
    fn reject(&mut self, rejected: Rejected) {
        self.rejected_total += 1;
        if matches!(rejected.reason, RejectReason::PublicSuffix | RejectReason::TooWide) {
            self.note_dangerous(rejected.clone());
        }
        if self.rejected.len() < MAX_REPORTED {
            self.rejected.push(rejected);
        }
    }

    fn note_dangerous(&mut self, rejected: Rejected) {
        if self.dangerous.len() < MAX_REPORTED {
            self.dangerous.push(rejected);
        }
    }
}
