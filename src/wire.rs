//! Readers of what comes first on a connection: bytes in, facts out.
//!
//! **Invariant:** an answer depends on the bytes alone, never on how they were cut into segments
//! or records; nothing here waits, allocates without a bound or panics.

pub mod alert;
pub mod chunked;
pub mod client_hello;
pub mod http_head;
pub mod opening;

#[cfg(test)]
mod test_data;

/// What a reader can say of the bytes that are there so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan<T, E> {
    /// More bytes are needed; nothing seen so far is wrong.
    Incomplete,
    /// The whole of it is there. More bytes won't change the answer.
    Done(T),
    /// It is wrong, whatever may follow.
    Refused(E),
}

impl<T, E> Scan<T, E> {
    /// The same answer with the fact put into another shape.
    pub fn map<U>(self, shape: impl FnOnce(T) -> U) -> Scan<U, E> {
        match self {
            Scan::Incomplete => Scan::Incomplete,
            Scan::Done(fact) => Scan::Done(shape(fact)),
            Scan::Refused(fault) => Scan::Refused(fault),
        }
    }
}

/// The longest HTTP method that is read (the longest registered one has 17 bytes).
const MAX_METHOD: usize = 32;

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}

/// Whether bytes make a token (RFC 9110 section 5.6.2).
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}
