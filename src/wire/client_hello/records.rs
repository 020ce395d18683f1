//! Gathers the first handshake message out of the TLS records that carry it.
//!
//! **Invariant:** every check is made at the first byte that can decide it, so an answer never
//! depends on how many bytes came at once.

use std::borrow::Cow;

use super::{HelloFault, MAX_HELLO};
use crate::wire::Scan;

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// Bytes of a record header (RFC 8446 section 5.1) and of a message header (section 4).
const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
/// The most a record may hold: 2^14, and 256 for what TLS 1.3 allows a protected one.
const MAX_RECORD: usize = 16_384 + 256;

/// A whole ClientHello message.
pub(super) struct Message<'a> {
    /// What follows the message header.
    pub(super) body: Cow<'a, [u8]>,
    /// Bytes of the records that carry it.
    pub(super) len: usize,
}

/// Finds the ClientHello at the start of `bytes`, in one record or in many (RFC 8446 section 5.1).
pub(super) fn message(bytes: &[u8]) -> Scan<Message<'_>, HelloFault> {
    match extent(bytes) {
        Ok(Some(extent)) => Scan::Done(gather(bytes, &extent)),
        Ok(None) => Scan::Incomplete,
        Err(fault) => Scan::Refused(fault),
    }
}

/// Where a whole message lies.
struct Extent {
    len: usize,
    records: usize,
}

fn extent(bytes: &[u8]) -> Result<Option<Extent>, HelloFault> {
    let mut header = MessageHeader::default();
    let (mut at, mut carried, mut records) = (0, 0, 0);
    loop {
        let Some(size) = record_size(&bytes[at..])? else { return Ok(None) };
        let end = at + RECORD_HEADER + size;
        if end > MAX_HELLO {
            return Err(HelloFault::TooLong);
        }
        header.take(&bytes[at + RECORD_HEADER..end.min(bytes.len())])?;
        (carried, records) = (carried + size, records + 1);
        let wanted = header.message_size()?;
        if wanted.is_some_and(|wanted| carried > wanted) {
            return Err(HelloFault::Malformed("bytes after the hello in its record"));
        }
        if bytes.len() < end {
            return Ok(None);
        }
        if wanted == Some(carried) {
            return Ok(Some(Extent { len: end, records }));
        }
        at = end;
    }
}

/// The payload size of the record at the start of `bytes`, once its header is there.
fn record_size(bytes: &[u8]) -> Result<Option<usize>, HelloFault> {
    // The minor version is not looked at: RFC 8446 section 5.1 says it must not be.
    if bytes.first().is_some_and(|kind| *kind != HANDSHAKE) || bytes.get(1).is_some_and(|major| *major != 3) {
        return Err(HelloFault::NotTls);
    }
    let Some(header) = bytes.first_chunk::<RECORD_HEADER>() else { return Ok(None) };
    match usize::from(u16::from_be_bytes([header[3], header[4]])) {
        0 => Err(HelloFault::Malformed("an empty handshake record")),
        size if size > MAX_RECORD => Err(HelloFault::Malformed("a record over 16 KiB")),
        size => Ok(Some(size)),
    }
}

/// The message header, which may come in pieces.
#[derive(Default)]
struct MessageHeader {
    bytes: [u8; MESSAGE_HEADER],
    filled: usize,
}

impl MessageHeader {
    fn take(&mut self, fragment: &[u8]) -> Result<(), HelloFault> {
        for byte in fragment.iter().take(MESSAGE_HEADER - self.filled) {
            self.bytes[self.filled] = *byte;
            self.filled += 1;
        }
        if self.filled > 0 && self.bytes[0] != CLIENT_HELLO {
            return Err(HelloFault::Malformed("the first handshake message is no ClientHello"));
        }
        Ok(())
    }

    /// Bytes of the message with its header, once the header is there.
    fn message_size(&self) -> Result<Option<usize>, HelloFault> {
        if self.filled < MESSAGE_HEADER {
            return Ok(None);
        }
        let [_, high, middle, low] = self.bytes;
        let size = MESSAGE_HEADER + usize::from(high) * 65_536 + usize::from(middle) * 256 + usize::from(low);
        if RECORD_HEADER + size > MAX_HELLO { Err(HelloFault::TooLong) } else { Ok(Some(size)) }
    }
}

fn gather<'a>(bytes: &'a [u8], extent: &Extent) -> Message<'a> {
    let whole = &bytes[..extent.len];
    if extent.records == 1 {
        let body = Cow::Borrowed(&whole[RECORD_HEADER + MESSAGE_HEADER..]);
        return Message { body, len: extent.len };
    }
    let mut message = Vec::with_capacity(extent.len);
    let mut rest = whole;
    while let Some((header, after)) = rest.split_first_chunk::<RECORD_HEADER>() {
        let size = usize::from(u16::from_be_bytes([header[3], header[4]]));
        message.extend_from_slice(&after[..size]);
        rest = &after[size..];
    }
    message.drain(..MESSAGE_HEADER);
    Message { body: Cow::Owned(message), len: extent.len }
}
