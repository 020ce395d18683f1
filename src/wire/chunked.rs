//! Follows a chunked body to its end, so that the start of the next head is known.
//!
//! **Invariant:** a body that is followed to its end has one reading (RFC 9112 section 7.1): CR LF
//! ends every line, sizes are hexadecimal digits alone, and extensions and trailers are bounded.

mod extension;
#[cfg(test)]
mod tests;

use self::extension::Extension;
use crate::wire::http_head::{HeadFault, field, is_framing};

/// Digits of a chunk size: more would not fit 64 bits.
const MAX_SIZE_DIGITS: u8 = 16;
/// Bytes of chunk extensions in all of a body; they mean nothing to anybody and once carried floods.
const MAX_EXTENSIONS: usize = 4 * 1024;
/// Bytes of the trailer section.
const MAX_TRAILERS: usize = 16 * 1024;

const NO_CRLF: HeadFault = HeadFault::bad("a chunk that does not end with CR LF");
const NO_SIZE: HeadFault = HeadFault::bad("a chunk size that is no hexadecimal number");

/// Where in a chunked body the reader stands.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
    extensions: usize,
    trailers: usize,
    /// The trailer line that has begun, without its end.
    line: Vec<u8>,
}

/// How far [`Chunked::advance`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that belong to the body; all of them, unless `done`.
    pub consumed: usize,
    /// Whether the body has ended: the next byte is the first of another head.
    pub done: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Size { value: u64, digits: u8 },
    Extension { value: u64, extension: Extension },
    SizeEnd { value: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    Done,
    Refused(HeadFault),
}

impl Default for State {
    fn default() -> State {
        State::Size { value: 0, digits: 0 }
    }
}

impl Chunked {
    /// At the first byte of a body.
    #[must_use]
    pub fn new() -> Chunked {
        Chunked::default()
    }

    /// Reads on through `bytes`, which follow those read before.
    ///
    /// # Errors
    /// [`HeadFault`] with 400, or 431 for trailers over 16 KiB; and the same ever after.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Progress, HeadFault> {
        let mut at = 0;
        while at < bytes.len() {
            match self.state {
                State::Done => return Ok(Progress { consumed: at, done: true }),
                State::Data { left } => at += self.skip(left, bytes.len() - at),
                State::Refused(fault) => return Err(fault),
                State::Size { .. }
                | State::Extension { .. }
                | State::SizeEnd { .. }
                | State::DataCr
                | State::DataLf
                | State::Trailer
                | State::TrailerLf => {
                    self.state = self.step(bytes[at]).unwrap_or_else(State::Refused);
                    at += 1;
                }
            }
        }
        if let State::Refused(fault) = self.state {
            return Err(fault);
        }
        Ok(Progress { consumed: at, done: matches!(self.state, State::Done) })
    }

    /// Passes over chunk data.
    fn skip(&mut self, left: u64, there: usize) -> usize {
        let count = usize::try_from(left).map_or(there, |left| left.min(there));
        let left = left - count as u64;
        self.state = if left == 0 { State::DataCr } else { State::Data { left } };
        count
    }

    fn step(&mut self, byte: u8) -> Result<State, HeadFault> {
        match self.state {
            State::Size { value, digits } => size(value, digits, byte),
            State::Extension { value, extension } => self.extension(value, extension, byte),
            State::SizeEnd { value } => after(b'\n', byte, data(value)),
            State::DataCr => after(b'\r', byte, State::DataLf),
            State::DataLf => after(b'\n', byte, State::default()),
            State::Trailer => self.trailer(byte),
            State::TrailerLf => self.trailer_end(byte),
            State::Refused(fault) => Err(fault),
            state @ (State::Data { .. } | State::Done) => Ok(state),
        }
    }

    fn extension(&mut self, value: u64, extension: Extension, byte: u8) -> Result<State, HeadFault> {
        self.extensions += 1;
        if self.extensions > MAX_EXTENSIONS {
            return Err(HeadFault::bad("more than 4 KiB of chunk extensions"));
        }
        match extension.step(byte)? {
            Some(extension) => Ok(State::Extension { value, extension }),
            None => Ok(State::SizeEnd { value }),
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<State, HeadFault> {
        self.trailers += 1;
        if self.trailers > MAX_TRAILERS {
            return Err(HeadFault::too_large("more than 16 KiB of trailers"));
        }
        match byte {
            b'\r' => return Ok(State::TrailerLf),
            b'\t' => {}
            0x00..=0x1f | 0x7f => return Err(HeadFault::bad("a control character in the trailers")),
            _ => {}
        }
        self.line.push(byte);
        Ok(State::Trailer)
    }

    /// RFC 9110 section 6.5.1: no field that frames or routes may come as a trailer.
    fn trailer_end(&mut self, byte: u8) -> Result<State, HeadFault> {
        after(b'\n', byte, State::Trailer)?;
        if self.line.is_empty() {
            return Ok(State::Done);
        }
        let (name, _) = field(&self.line)?;
        if is_framing(name) {
            return Err(HeadFault::bad("a framing field in the trailers"));
        }
        self.line.clear();
        Ok(State::Trailer)
    }
}

fn size(value: u64, digits: u8, byte: u8) -> Result<State, HeadFault> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        b';' if digits > 0 => return Ok(State::Extension { value, extension: Extension::new() }),
        b'\r' if digits > 0 => return Ok(State::SizeEnd { value }),
        _ => return Err(NO_SIZE),
    };
    if digits == MAX_SIZE_DIGITS {
        return Err(NO_SIZE);
    }
    Ok(State::Size { value: value * 16 + u64::from(digit), digits: digits + 1 })
}

/// What a chunk size leads to: the data, or after the last chunk the trailers.
fn data(size: u64) -> State {
    if size == 0 { State::Trailer } else { State::Data { left: size } }
}

fn after(wanted: u8, byte: u8, next: State) -> Result<State, HeadFault> {
    if byte == wanted { Ok(next) } else { Err(NO_CRLF) }
}
