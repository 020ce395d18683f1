//! Which format a file is in, and what is no list at all.
//!
//! **Invariant:** a downloaded error page, an archive or a binary is never read as a list.

mod vote;

use crate::lists::e2guardian::{self, Kind};
use crate::lists::parse::Format;
use crate::lists::parse::lines::utf8;
use vote::{head, vote};

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
    /// A file of e2guardian that holds phrases, file types or people.
    #[error("the file lists phrases, file types, people or settings, not sites")]
    OtherThings,
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
    let leaf = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    match named(&leaf)? {
        Some(found) => Ok(found),
        None => Ok(head(start).unwrap_or_else(|| vote(&leaf, start))),
    }
}

/// By the file's name alone.
fn named(leaf: &str) -> Result<Option<(Format, &'static str)>, NotAList> {
    let found = match leaf {
        "domains" => Some((Format::Domains, "the file is called domains (UT1, squidGuard)")),
        "urls" => Some((Format::Urls, "the file is called urls (UT1, squidGuard)")),
        "expressions" => Some((Format::Expressions, "the file is called expressions (UT1, squidGuard)")),
        _ if leaf.ends_with(".csv") => Some((Format::Csv, "the file's name ends in .csv")),
        _ => None,
    };
    if found.is_some() {
        return Ok(found);
    }
    match e2guardian::kind(leaf) {
        Some(Kind::Lists(format)) => Ok(Some((format, "the file has a name of e2guardian or DansGuardian"))),
        Some(Kind::NotUsable(_)) => Err(NotAList::OtherThings),
        None => Ok(None),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_name_then_by_content() {
        let cases: [(&str, &str, Format); 27] = [
            ("games/domains", "a.example/x\n", Format::Domains),
            ("games/urls", "a.example\n", Format::Urls),
            ("games/expressions", "a\n", Format::Expressions),
            ("e2/bannedsitelist", "a.example/x\n", Format::E2Sites),
            ("e2\\localexceptionurllist", "a.example\n", Format::E2Urls),
            ("bannedsitelist.more", "a.example\n", Format::E2Sites),
            ("mybannedlist.txt", "a.example\n", Format::Domains),
            ("bannedlist", "a.example\n", Format::Domains),
            ("list.csv", "a.example\n", Format::Csv),
            ("list.txt", "# c\na.example\nb.example/x\nc.example\n", Format::Domains),
            ("list.txt", "# only\n# comments\n", Format::Domains),
            ("list.txt", "http://a.example/x\nb.example/y\nc.example\n", Format::Urls),
            ("list.txt", "http://a.example/\nhttp://b.example/\n", Format::Urls),
            ("list.txt", "192.0.2.0/24\n2001:db8::/32\n", Format::Networks),
            ("list.txt", "192.0.2.0/24\na.example\n", Format::Domains),
            ("list.txt", "# SOA what\n0.0.0.0 a.example\n127.1 b.example\nc.example\n", Format::Hosts),
            ("list.txt", "*.a.example\n=b.example\nc.example\n", Format::Wildcard),
            ("list.txt", ".a.example\n.b.example\n", Format::Squid),
            ("list.txt", ".a.example\n.b.example\nc.example\n", Format::Domains),
            ("bad.acl", ".a.example\n.b.example\nc.example\n", Format::Squid),
            ("list.txt", "a.example\nfull:b.example\n", Format::V2fly),
            ("list.txt", "a.example CNAME .\n", Format::Rpz),
            ("list.txt", "sep=;\nName;URL\nx;a.example\n", Format::Csv),
            ("list.txt", "a.example,games\nb.example,chat\n", Format::Csv),
            ("list.txt", "{\"domain\": \"a.example\"}\n", Format::Json),
            ("list.txt", "||a.example^\n@@||b.example^\nc.example\n", Format::Adblock),
            ("list.txt", "^a[0-9]+\\.example$\n/x/(a|b)\n", Format::Expressions),
        ];
        for (path, text, format) in cases {
            assert_eq!(detect(path, text.as_bytes()).map(|(format, _)| format), Ok(format), "{path} {text}");
        }
        let utf16 = detect("list.txt", b"\xff\xfea\0.\0b\0\n\0");
        assert_eq!(utf16.map(|(format, _)| format), Ok(Format::Domains));
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
