//! Reads the TLS ClientHello that a connection opens with, without answering it.
//!
//! **Invariant:** a hello has one reading: one server name or none, no extension twice, nothing
//! after it in its last record. What could be read in two ways is refused.

mod body;
mod records;
#[cfg(test)]
mod tests;

use crate::model::Host;
use crate::wire::Scan;

/// The most bytes a hello may take, its record headers counted.
pub const MAX_HELLO: usize = 65_536;

/// The facts of a ClientHello (RFC 8446 section 4.1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// The name asked for; with [`ClientHello::ech`] it may be an outer name only.
    pub server_name: ServerName,
    /// Protocols offered, in the client's order (RFC 7301).
    pub alpn: Vec<Box<[u8]>>,
    /// `supported_versions` without GREASE (RFC 8701), or else the one `legacy_version`.
    pub versions: Vec<u16>,
    /// Whether there is an Encrypted ClientHello extension (RFC 9849), GREASE or in earnest: from
    /// outside they look the same.
    pub ech: bool,
    /// Bytes of the records that carry the hello, from the first byte of the connection.
    pub len: usize,
}

/// The server name of a hello (RFC 6066 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerName {
    /// No `server_name` extension.
    Absent,
    /// The one `host_name`. RFC 6066 allows no address literal here, yet some clients send one.
    Host(Host),
}

/// What a client did wrong in its hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloFault {
    /// Another protocol, SSLv2, or a record of another type where the handshake has to be.
    #[error("no TLS handshake record where one has to be")]
    NotTls,
    /// More than [`MAX_HELLO`] bytes, or a record or message that says it will be.
    #[error("the hello is longer than 64 KiB")]
    TooLong,
    /// The `server_name` extension twice, or more than one name in it.
    #[error("the hello asks for more than one name")]
    TwoNames,
    /// A server name that is no host: empty, NUL, not ASCII, of another type, …
    #[error("the server name is not a host")]
    BadName,
    /// A length or a value that RFC 8446 does not allow; the text says which.
    #[error("{0}")]
    Malformed(&'static str),
}

impl HelloFault {
    /// The AlertDescription to answer with (RFC 8446 section 6.2).
    #[must_use]
    pub fn alert(self) -> u8 {
        const UNEXPECTED_MESSAGE: u8 = 10;
        const ILLEGAL_PARAMETER: u8 = 47;
        const DECODE_ERROR: u8 = 50;
        match self {
            HelloFault::NotTls => UNEXPECTED_MESSAGE,
            HelloFault::TwoNames | HelloFault::BadName => ILLEGAL_PARAMETER,
            HelloFault::TooLong | HelloFault::Malformed(_) => DECODE_ERROR,
        }
    }
}

/// Reads the hello at the start of `bytes`, which begin with the first byte of the connection.
///
/// Every proper prefix of a hello is `Incomplete`; bytes after its last record are not looked at.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan<ClientHello, HelloFault> {
    match records::message(bytes) {
        Scan::Incomplete => Scan::Incomplete,
        Scan::Refused(fault) => Scan::Refused(fault),
        Scan::Done(message) => match body::read(&message.body, message.len) {
            Ok(hello) => Scan::Done(hello),
            Err(fault) => Scan::Refused(fault),
        },
    }
}
