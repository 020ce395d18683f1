//! Judges the head of an HTTP/1 request before anything else reads it.
//!
//! **Invariant:** a head that is `Done` has one reading: one method, one target, one host, one
//! framing of the body (RFC 9112). What two readers could take in two ways is refused, here and
//! not by the reader behind, which is kinder.

mod fields;
mod line;
mod target;
#[cfg(test)]
mod tests;

use self::fields::Fields;
use self::line::{Lines, RequestLine};
use crate::wire::Scan;

pub(super) use self::line::{field, is_framing};

/// The most bytes a head may take.
pub const MAX_HEAD: usize = 65_536;
/// The most field lines a head may have: what hyper takes when it isn't told otherwise.
const MAX_FIELDS: usize = 100;

/// The facts of a request head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the head, the empty line at its end counted (and one before it, if there is one).
    pub len: usize,
    /// How the body is framed.
    pub body: Body,
    /// Whether the method is CONNECT; the body is then none.
    pub connect: bool,
    /// Whether it asks for another protocol on this connection (RFC 9110 section 7.8); the body
    /// is then none.
    pub upgrade: bool,
    /// Whether the connection ends after the answer (RFC 9112 section 9.3).
    pub close: bool,
}

/// How the end of a request body is known (RFC 9112 section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Neither framing field: no body.
    None,
    /// `Content-Length`, in bytes; may be 0.
    Length(u64),
    /// `Transfer-Encoding: chunked`, to be followed by [`crate::wire::chunked::Chunked`].
    Chunked,
}

/// Why a head is refused, and with which status (RFC 9110 section 15.5). The connection has to be
/// closed after the answer: where the next request starts is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct HeadFault {
    /// 400, 414, 431, 501 or 505.
    pub status: u16,
    /// What is wrong, in words that hold nothing of the request.
    pub reason: &'static str,
}

impl HeadFault {
    /// 400 Bad Request.
    pub(super) const fn bad(reason: &'static str) -> HeadFault {
        HeadFault { status: 400, reason }
    }

    /// 431 Request Header Fields Too Large (RFC 6585 section 5).
    pub(super) const fn too_large(reason: &'static str) -> HeadFault {
        HeadFault { status: 431, reason }
    }
}

/// Judges the head at the start of `bytes`, which may take at most `max` bytes.
///
/// Faults are found in the order of the bytes, so that the answer doesn't depend on how many
/// came at once; bytes after the head are not looked at.
#[must_use]
pub fn scan(bytes: &[u8], max: usize) -> Scan<Head, HeadFault> {
    match read(&bytes[..bytes.len().min(max)]) {
        Ok(Some(head)) => Scan::Done(head),
        Ok(None) if bytes.len() >= max => Scan::Refused(HeadFault::too_large("the head is too long")),
        Ok(None) => Scan::Incomplete,
        Err(fault) => Scan::Refused(fault),
    }
}

fn read(bytes: &[u8]) -> Result<Option<Head>, HeadFault> {
    let mut lines = Lines::new(bytes);
    let Some(line) = lines.request_line()? else { return Ok(None) };
    let request = RequestLine::read(line)?;
    let mut fields = Fields::default();
    loop {
        let Some(line) = lines.field_line()? else { return Ok(None) };
        if line.is_empty() {
            break;
        }
        fields.take(line)?;
    }
    let len = lines.consumed();
    agree(&bytes[..len], &request, fields.count())?;
    fields.judge(&request, len).map(Some)
}

/// httparse, by which hyper reads, has to see the very request that was judged.
fn agree(head: &[u8], judged: &RequestLine<'_>, fields: usize) -> Result<(), HeadFault> {
    const DIFFER: HeadFault = HeadFault::bad("two readers take this head in two ways");
    let mut headers = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut headers);
    let status = request.parse(head).map_err(|_| DIFFER)?;
    let same = status == httparse::Status::Complete(head.len())
        && request.method.map(str::as_bytes) == Some(judged.method)
        && request.path.map(str::as_bytes) == Some(judged.text)
        && request.version == Some(judged.version.minor())
        && request.headers.len() == fields;
    if same { Ok(()) } else { Err(DIFFER) }
}
