//! Cuts a head into lines and reads each of them by itself.
//!
//! **Invariant:** a line ends with CR LF and holds no other CR, LF or control character.

use super::HeadFault;
use super::target::Target;
use crate::model::MAX_URL;
use crate::wire::{MAX_METHOD, is_token};

/// Method, two spaces, target, version.
const MAX_REQUEST_LINE: usize = MAX_METHOD + MAX_URL + 10;
const URI_TOO_LONG: HeadFault = HeadFault { status: 414, reason: "the target is longer than 16 KiB" };

/// The lines of a head, as far as they are there.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Lines<'a> {
        Lines { bytes, at: 0 }
    }

    /// The request line, once it is whole.
    ///
    /// One empty line before it is passed over: RFC 9112 section 2.2 asks for at least one, since
    /// old clients send a CRLF after a body that its length doesn't count. No client sends two.
    pub(super) fn request_line(&mut self) -> Result<Option<&'a [u8]>, HeadFault> {
        match self.line(MAX_REQUEST_LINE)? {
            Some([]) => self.line(MAX_REQUEST_LINE),
            line => Ok(line),
        }
    }

    /// The next field line, once it is whole; empty at the end of the head.
    pub(super) fn field_line(&mut self) -> Result<Option<&'a [u8]>, HeadFault> {
        self.line(usize::MAX)
    }

    /// Bytes of the lines given out, ends counted.
    pub(super) fn consumed(&self) -> usize {
        self.at
    }

    fn line(&mut self, max: usize) -> Result<Option<&'a [u8]>, HeadFault> {
        let rest = &self.bytes[self.at..];
        for (end, byte) in rest.iter().enumerate() {
            match byte {
                b'\r' => return self.end(end),
                b'\n' => return Err(HeadFault::bad("a line feed without a carriage return")),
                b'\t' => {}
                0x00..=0x1f | 0x7f => return Err(HeadFault::bad("a control character in the head")),
                _ if end >= max => return Err(URI_TOO_LONG),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The line whose CR stands `end` bytes on, if its LF is there.
    fn end(&mut self, end: usize) -> Result<Option<&'a [u8]>, HeadFault> {
        let rest = &self.bytes[self.at..];
        match rest.get(end + 1) {
            None => Ok(None),
            Some(b'\n') => {
                self.at += end + 2;
                Ok(Some(&rest[..end]))
            }
            Some(_) => Err(HeadFault::bad("a carriage return without a line feed")),
        }
    }
}

/// The versions of HTTP/1 that are carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Http10,
    Http11,
}

impl Version {
    pub(super) fn minor(self) -> u8 {
        match self {
            Version::Http10 => 0,
            Version::Http11 => 1,
        }
    }
}

/// A request line (RFC 9112 section 3).
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) text: &'a [u8],
    pub(super) target: Target,
    pub(super) version: Version,
}

impl<'a> RequestLine<'a> {
    pub(super) fn read(line: &'a [u8]) -> Result<RequestLine<'a>, HeadFault> {
        if line == b"PRI * HTTP/2.0" {
            return Err(HeadFault::bad("HTTP/2 in the clear is not carried"));
        }
        let mut words = line.split(|byte| *byte == b' ');
        let (method, text, version) = match (words.next(), words.next(), words.next(), words.next()) {
            (Some(method), Some(text), Some(version), None) => (method, text, version),
            (Some(_), Some(_), None, _) => return Err(HeadFault::bad("a request line without a version")),
            _ => return Err(HeadFault::bad("a request line that is not three words")),
        };
        if method.len() > MAX_METHOD || !is_token(method) {
            return Err(HeadFault::bad("a method that is no token"));
        }
        if text.len() > MAX_URL {
            return Err(URI_TOO_LONG);
        }
        let version = read_version(version)?;
        Ok(RequestLine { method, text, target: Target::read(method, text)?, version })
    }

    pub(super) fn is_connect(&self) -> bool {
        self.method == b"CONNECT"
    }
}

fn read_version(word: &[u8]) -> Result<Version, HeadFault> {
    match word {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => {
            Err(HeadFault { status: 505, reason: "a version other than HTTP/1.0 and HTTP/1.1" })
        }
        _ => Err(HeadFault::bad("a version that is none of HTTP")),
    }
}

/// Cuts a field line into name and value, white space around the value taken off (RFC 9112
/// section 5). Trailers are read by the same rule.
pub(in crate::wire) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), HeadFault> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(HeadFault::bad("a folded field line"));
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Err(HeadFault::bad("a field line without a colon"));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.last().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(HeadFault::bad("white space before the colon"));
    }
    if !is_token(name) {
        return Err(HeadFault::bad("a field name that is no token"));
    }
    if looks_like_framing(name) {
        return Err(HeadFault::bad("a field name that passes for a framing field"));
    }
    Ok((name, value.trim_ascii()))
}

/// Fields that say where a message goes or ends, or whose it is.
const FRAMING: [&[u8]; 9] = [
    b"host",
    b"content-length",
    b"transfer-encoding",
    b"te",
    b"trailer",
    b"connection",
    b"upgrade",
    b"keep-alive",
    b"proxy-connection",
];

/// Whether a field name is one of those that say where a message goes or ends.
pub(in crate::wire) fn is_framing(name: &[u8]) -> bool {
    FRAMING.iter().any(|framing| framing.eq_ignore_ascii_case(name))
}

/// `Content_Length`: the environments of CGI and WSGI can't tell it from the real one.
fn looks_like_framing(name: &[u8]) -> bool {
    let folds = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.contains(&b'_') && FRAMING.iter().any(|framing| name.iter().map(folds).eq(framing.iter().copied()))
}
