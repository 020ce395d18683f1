//! Which format a file is in, and what is no list at all.
//!
//! **Invariant:** a downloaded error page, an archive or a binary is never read as a list.

use crate::lists::parse::Format;
use crate::lists::parse::lines::{lines, utf8};

/// How many lines vote.
const VOTERS: usize = 2000;

/// Why a file is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// Nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// An HTML page, as a failed download leaves it.
    #[error("the file is a web page, not a list (a failed download?)")]
    WebPage,
    /// A packed file: unpack it first.
    #[error("the file is an archive, not a list")]
    Archive,
    /// Neither text in UTF-8, UTF-16 nor Latin-1.
    #[error("the file is binary, not a list")]
    Binary,
}

/// Guesses the format from the file's path and content, and says from what.
///
/// # Errors
/// [`NotAList`] if the bytes are no list.
pub fn detect(path: &str, bytes: &[u8]) -> Result<(Format, &'static str), NotAList> {
    let text = utf8(bytes);
    let start = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).trim_ascii_start();
    if start.is_empty() {
        return Err(NotAList::Empty);
    }
    if is_packed(&text) {
        return Err(NotAList::Archive);
    }
    if is_web_page(start) {
        return Err(NotAList::WebPage);
    }
    if is_binary(&text) {
        return Err(NotAList::Binary);
    }
    match path.rsplit(['/', '\\']).next().unwrap_or_default() {
        "domains" => Ok((Format::Domains, "the file is called domains (UT1, squidGuard)")),
        "urls" => Ok((Format::Urls, "the file is called urls (UT1, squidGuard)")),
        _ => Ok(vote(start)),
    }
}

fn is_packed(bytes: &[u8]) -> bool {
    let magics: [&[u8]; 5] = [b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];
    magics.iter().any(|magic| bytes.starts_with(magic))
        || bytes.get(257..262).is_some_and(|tag| tag == b"ustar")
}

fn is_web_page(start: &[u8]) -> bool {
    let starts: [&[u8]; 4] = [b"<!doctype", b"<html", b"<?xml", b"<head"];
    starts.iter().any(|tag| start.get(..tag.len()).is_some_and(|head| head.eq_ignore_ascii_case(tag)))
}

/// More than one byte in 200 is a control character, or more than one in 20 is no UTF-8.
fn is_binary(bytes: &[u8]) -> bool {
    let control = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x0c".contains(byte);
    let controls = bytes.iter().filter(control).count();
    let invalid: usize = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
    controls * 200 > bytes.len() || invalid * 20 > bytes.len()
}

/// A URL list if more than half of the first lines have a path.
fn vote(text: &[u8]) -> (Format, &'static str) {
    let (mut voters, mut paths) = (0, 0);
    for line in lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && line[0] != b'#') {
        voters += 1;
        paths += usize::from(has_path(line));
        if voters == VOTERS {
            break;
        }
    }
    if paths * 2 > voters {
        (Format::Urls, "most lines have a path after the host")
    } else {
        (Format::Domains, "most lines are a host alone")
    }
}

fn has_path(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let rest = text.split_once("://").map_or(&*text, |(_, rest)| rest);
    rest.split_once('/').is_some_and(|(_, path)| !path.is_empty()) && rest.parse::<ipnet::IpNet>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_name_then_by_content() {
        let cases: [(&str, &[u8], Format); 7] = [
            ("games/domains", b"a.example/x\n", Format::Domains),
            ("games/urls", b"a.example\n", Format::Urls),
            ("list.txt", b"# c\na.example\nb.example/x\nc.example\n", Format::Domains),
            ("list.txt", b"http://a.example/x\nb.example/y\nc.example\n", Format::Urls),
            ("list.txt", b"http://a.example/\nhttp://b.example/\n", Format::Domains),
            ("list.txt", b"192.0.2.0/24\n2001:db8::/32\n", Format::Domains),
            ("list.txt", b"\xff\xfea\0.\0b\0\n\0", Format::Domains),
        ];
        for (path, bytes, format) in cases {
            assert_eq!(detect(path, bytes).map(|(format, _)| format), Ok(format), "{path} {bytes:?}");
        }
    }

    #[test]
    fn what_is_no_list_is_named() {
        let cases: [(&[u8], NotAList); 8] = [
            (b"", NotAList::Empty),
            (b"\xef\xbb\xbf \r\n\n", NotAList::Empty),
            (b"\n <!DOCTYPE html><p>404", NotAList::WebPage),
            (b"\xef\xbb\xbf<HTML>", NotAList::WebPage),
            (b"\x1f\x8b\x08", NotAList::Archive),
            (b"PK\x03\x04", NotAList::Archive),
            (b"\0\0\0\x01a.example", NotAList::Binary),
            (b"\xe9\xe9\xe9.example", NotAList::Binary),
        ];
        for (bytes, fault) in cases {
            assert_eq!(detect("domains", bytes), Err(fault), "{bytes:?}");
        }
    }
}
