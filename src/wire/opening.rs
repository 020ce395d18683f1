//! Tells from its first bytes what a connection opens with.
//!
//! **Invariant:** an answer that was given once stays the same when more bytes come; what is not
//! known for certain is `Other`, which is never passed on.

#[cfg(test)]
mod tests;

use crate::wire::client_hello::{self, ClientHello, HelloFault};
use crate::wire::{MAX_METHOD, Scan, is_token_byte};

/// What a connection opens with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// A TLS ClientHello.
    Tls(ClientHello),
    /// A method and a space: an HTTP/1 request, to be read by [`crate::wire::http_head`].
    Http,
    /// Neither: to be refused.
    Other(Protocol),
}

/// A protocol that is recognised to be named in the record, never to be carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// An SSH identification string (RFC 4253 section 4.2).
    Ssh,
    /// The HTTP/2 connection preface in the clear (RFC 9113 section 3.4).
    Http2Preface,
    /// A hello in SSLv2 form (prohibited by RFC 6176).
    SslV2,
    /// The first packet of OpenVPN over TCP.
    OpenVpn,
    /// A BitTorrent handshake (BEP 3).
    BitTorrent,
    /// SOCKS 4 or 5 (RFC 1928).
    Socks,
    /// A Remote Desktop connection request (TPKT, RFC 1006).
    Rdp,
    /// Anything else.
    Unknown,
}

impl Protocol {
    /// The word for the record and for metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Ssh => "ssh",
            Protocol::Http2Preface => "http2-preface",
            Protocol::SslV2 => "sslv2",
            Protocol::OpenVpn => "openvpn",
            Protocol::BitTorrent => "bittorrent",
            Protocol::Socks => "socks",
            Protocol::Rdp => "rdp",
            Protocol::Unknown => "unknown",
        }
    }
}

/// Tells what `bytes` open, which begin with the first byte of the connection.
///
/// Few bytes decide, save for TLS, which answers when its hello is whole. Refused only where a
/// TLS hello is at fault.
#[must_use]
pub fn scan(bytes: &[u8]) -> Scan<Opening, HelloFault> {
    let Some(first) = bytes.first() else { return Scan::Incomplete };
    match first {
        0x14..=0x18 => tls(bytes),
        0x0d => http_after_blank_line(bytes),
        byte if is_token_byte(*byte) => words(bytes),
        0x13 => bittorrent(bytes),
        // 2 bytes of length, then the opcode in 5 bits and key 0: hard reset, version 2, 3 or 1.
        0x00..=0x02 => {
            shape(bytes, Protocol::OpenVpn, &[ANY, ANY, |byte| matches!(byte, 0x38 | 0x50 | 0x08)])
        }
        0x03 => shape(bytes, Protocol::Rdp, &[ANY, |b| b == 0, ANY, ANY, ANY, |b| b == 0xe0]),
        0x04 => shape(bytes, Protocol::Socks, &[ANY, |command| matches!(command, 1 | 2)]),
        0x05 => shape(bytes, Protocol::Socks, &[ANY, |methods| matches!(methods, 1..=16)]),
        // 2 bytes of length with the top bit, CLIENT-HELLO, then the version: 0.2 or 3.x.
        0x80.. => {
            shape(bytes, Protocol::SslV2, &[ANY, ANY, |kind| kind == 1, |major| matches!(major, 0 | 3)])
        }
        _ => other(Protocol::Unknown),
    }
}

/// What one byte of a shape may be.
type Test = fn(u8) -> bool;

const ANY: Test = |_| true;

/// Whether each byte that is there passes the test in its place, and all are there.
fn shape(bytes: &[u8], protocol: Protocol, tests: &[Test]) -> Scan<Opening, HelloFault> {
    if !bytes.iter().zip(tests).all(|(byte, test)| test(*byte)) {
        return other(Protocol::Unknown);
    }
    if bytes.len() < tests.len() { Scan::Incomplete } else { other(protocol) }
}

/// A record: of a handshake, or of a type that can't come first.
fn tls(bytes: &[u8]) -> Scan<Opening, HelloFault> {
    match bytes.get(1) {
        None => Scan::Incomplete,
        Some(3) => client_hello::scan(bytes).map(Opening::Tls),
        Some(_) => other(Protocol::Unknown),
    }
}

/// RFC 9112 section 2.2 lets one empty line come before a request.
fn http_after_blank_line(bytes: &[u8]) -> Scan<Opening, HelloFault> {
    match (bytes.get(1), bytes.get(2)) {
        (None, _) | (Some(b'\n'), None) => Scan::Incomplete,
        (Some(b'\n'), Some(byte)) if is_token_byte(*byte) => words(&bytes[2..]),
        (Some(_), _) => other(Protocol::Unknown),
    }
}

fn words(bytes: &[u8]) -> Scan<Opening, HelloFault> {
    const NAMED: [(&[u8], Protocol); 2] =
        [(b"SSH-", Protocol::Ssh), (b"PRI * HTTP/2.0", Protocol::Http2Preface)];
    for (start, protocol) in NAMED {
        if bytes.starts_with(start) {
            return other(protocol);
        }
        if start.starts_with(bytes) {
            return Scan::Incomplete;
        }
    }
    match bytes.iter().take(MAX_METHOD + 1).position(|byte| !is_token_byte(*byte)) {
        Some(end) if bytes[end] == b' ' => Scan::Done(Opening::Http),
        None if bytes.len() <= MAX_METHOD => Scan::Incomplete,
        Some(_) | None => other(Protocol::Unknown),
    }
}

fn bittorrent(bytes: &[u8]) -> Scan<Opening, HelloFault> {
    const START: &[u8] = b"\x13BitTorrent protocol";
    if bytes.starts_with(START) {
        other(Protocol::BitTorrent)
    } else if START.starts_with(bytes) {
        Scan::Incomplete
    } else {
        other(Protocol::Unknown)
    }
}

fn other(protocol: Protocol) -> Scan<Opening, HelloFault> {
    Scan::Done(Opening::Other(protocol))
}
