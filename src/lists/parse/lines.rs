//! The lines of a file as clean text, whatever wrote them.
//!
//! **Invariant:** line numbers are those an editor shows: CR LF, LF and CR each end one line.

use std::borrow::Cow;

use crate::lists::parse::{MAX_LINE, RejectReason, Rejected};

/// The most characters of a line that a report shows.
const MAX_SHOWN: usize = 80;

/// One line, decoded and without the characters that nobody sees.
pub(super) struct Text<'l> {
    text: Cow<'l, str>,
    latin1: bool,
    too_long: bool,
}

/// The file as it is, or its UTF-8 form if a byte order mark says UTF-16.
pub(super) fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(bytes),
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// The lines without their ends; nothing after the last end.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix(b"\r\n").or(after.get(1..)).unwrap_or_default();
        Some(line)
    })
}

/// Which line a byte of a file is on; asked from front to back.
pub(super) struct LineOf<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u32,
}

impl<'b> LineOf<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> LineOf<'b> {
        LineOf { bytes, at: 0, line: 1 }
    }

    /// The line, from 1, of a byte that is not before the one asked last.
    pub(super) fn byte(&mut self, byte: usize) -> u32 {
        let until = byte.clamp(self.at, self.bytes.len());
        for at in self.at..until {
            let ends = match self.bytes[at] {
                b'\n' => true,
                b'\r' => self.bytes.get(at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line = self.line.saturating_add(u32::from(ends));
        }
        self.at = until;
        self.line
    }
}

impl<'l> Text<'l> {
    pub(super) fn of(raw: &'l [u8]) -> Text<'l> {
        let too_long = raw.len() > MAX_LINE;
        let raw = if too_long { &raw[..MAX_SHOWN * 4] } else { raw };
        match std::str::from_utf8(raw) {
            Ok(text) if text.is_ascii() || !text.contains(is_unseen) => {
                Text { text: Cow::Borrowed(text), latin1: false, too_long }
            }
            Ok(text) => Text { text: Cow::Owned(text.replace(is_unseen, "")), latin1: false, too_long },
            Err(_) => Text { text: raw.iter().map(|&b| char::from(b)).collect(), latin1: true, too_long },
        }
    }

    /// The text to be read, trimmed; what a comment holds does not matter.
    pub(super) fn read(&self, comment_signs: &[char]) -> Result<&str, RejectReason> {
        let text = self.text.trim();
        if self.too_long && !text.starts_with(comment_signs) {
            return Err(RejectReason::TooLong);
        }
        if has_control(text) && !text.starts_with(comment_signs) {
            return Err(RejectReason::Control);
        }
        Ok(text)
    }

    /// Whether it starts with white space.
    pub(super) fn is_indented(&self) -> bool {
        self.text.starts_with([' ', '\t'])
    }

    /// Whether the bytes were no UTF-8 and were taken for Latin-1.
    pub(super) fn was_repaired(&self) -> bool {
        self.latin1
    }

    pub(super) fn rejected(&self, line: u32, reason: RejectReason) -> Rejected {
        let at = self.fault(reason).unwrap_or(self.text.len() - self.text.trim_start().len());
        let column = self.text[..at].chars().count() + 1;
        Rejected {
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
            text: excerpt(self.text.trim()).into(),
            reason,
        }
    }

    /// Where in the line the fault shows, if it is one of a character.
    fn fault(&self, reason: RejectReason) -> Option<usize> {
        if reason == RejectReason::Control {
            return self.text.find(|c: char| c.is_control() && c != '\t');
        }
        if reason == RejectReason::EmptyLabel {
            return self.text.find("..").map(|at| at + 1);
        }
        if reason == RejectReason::Character {
            let odd = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_.:/\\ \t".contains(c);
            let start = self.text.len() - self.text.trim_start().len();
            return self.text[start..].find(odd).map(|at| start + at);
        }
        None
    }
}

fn has_control(text: &str) -> bool {
    let beyond_ascii = || text.contains(|c: char| c.is_control() && c != '\t');
    text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') || (!text.is_ascii() && beyond_ascii())
}

/// Marks, joiners and soft hyphens that editors and web pages leave behind.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}' | '\u{2060}' | '\u{ad}')
}

fn excerpt(text: &str) -> String {
    let shown = |c: char| if c.is_control() || is_direction(c) { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(MAX_SHOWN).map(shown).collect()
}

/// Characters that make a terminal or a page show a line in another order than it has.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2061}'..='\u{206f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_counts_once() {
        let all = |bytes| lines(bytes).map(|line| String::from_utf8_lossy(line)).collect::<Vec<_>>();
        assert_eq!(all(b"a\r\nb\nc\rd"), ["a", "b", "c", "d"]);
        assert_eq!(all(b"\r\n\n\rx\n"), ["", "", "", "x"]);
        assert!(all(b"").is_empty());
    }

    #[test]
    fn utf16_is_read() {
        assert_eq!(&*utf8(b"\xff\xfea\0.\0b\0"), b"a.b");
        assert_eq!(&*utf8(b"\xfe\xff\0a\0.\0b"), b"a.b");
    }

    #[test]
    fn an_excerpt_can_be_shown() {
        let text = Text::of("\u{202e}evil\u{1b}[31m".as_bytes());
        let rejected = text.rejected(3, RejectReason::Control);
        assert_eq!(&*rejected.text, "\u{fffd}evil\u{fffd}[31m");
        assert_eq!((rejected.line, rejected.column), (3, 6));
    }
}
