//! Gathers the fields that frame a request and judges them together.

use super::line::{RequestLine, Version, field};
use super::target::{Authority, Target};
use super::{Body, Head, HeadFault, MAX_FIELDS};
use crate::wire::is_token;

/// What the field lines so far say.
#[derive(Default)]
pub(super) struct Fields {
    count: usize,
    host: Option<Authority>,
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    upgrade: bool,
}

impl Fields {
    /// Takes the next field line.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<(), HeadFault> {
        let (name, value) = field(line)?;
        self.count += 1;
        if self.count > MAX_FIELDS {
            return Err(HeadFault::too_large("more than 100 fields"));
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.host(value)
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.length(value)
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.coding(value)
        } else if name.eq_ignore_ascii_case(b"connection") {
            self.connection(value)
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.protocols(value)
        } else {
            Ok(())
        }
    }

    /// Field lines taken.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What the fields say together of `request`, whose head takes `len` bytes.
    pub(super) fn judge(self, request: &RequestLine<'_>, len: usize) -> Result<Head, HeadFault> {
        self.judge_host(request)?;
        let body = self.body(request.version)?;
        let empty = matches!(body, Body::None | Body::Length(0));
        // RFC 9110 section 7.8: an Upgrade in HTTP/1.0, or not named by Connection, is to be ignored.
        let upgrade = self.upgrade && self.connection_upgrade && request.version == Version::Http11;
        if upgrade && !empty {
            return Err(HeadFault::bad("a body in a request for another protocol"));
        }
        let connect = request.is_connect();
        if connect && !empty {
            return Err(HeadFault::bad("a body in CONNECT"));
        }
        if connect && upgrade {
            return Err(HeadFault::bad("CONNECT that asks for another protocol"));
        }
        let close = self.close || (request.version == Version::Http10 && !self.keep_alive);
        Ok(Head { len, body: if connect { Body::None } else { body }, connect, upgrade, close })
    }

    /// RFC 9112 section 3.2: one Host, no more, on both versions.
    fn host(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        if self.host.is_some() {
            return Err(HeadFault::bad("more than one Host"));
        }
        self.host = Some(Authority::read(value)?);
        Ok(())
    }

    /// Digits alone, once. RFC 9112 section 6.3 would let equal repetitions pass: no client sends
    /// them, smugglers do.
    fn length(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        const FAULT: HeadFault = HeadFault::bad("a Content-Length that is no number");
        if self.length.is_some() {
            return Err(HeadFault::bad("more than one Content-Length"));
        }
        if !value.iter().all(u8::is_ascii_digit) {
            return Err(FAULT);
        }
        self.length = Some(std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).ok_or(FAULT)?);
        Ok(())
    }

    /// RFC 9112 section 6.1; 501 for a coding that is not understood.
    fn coding(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        if self.chunked {
            return Err(HeadFault::bad("more than one Transfer-Encoding"));
        }
        if value.is_empty() {
            return Err(HeadFault::bad("an empty Transfer-Encoding"));
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(HeadFault { status: 501, reason: "a transfer coding other than chunked" });
        }
        self.chunked = true;
        Ok(())
    }

    /// RFC 9110 section 7.6.1. An option that names a framing field would have it taken off on
    /// the way.
    fn connection(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        for option in items(value) {
            if !is_token(option) {
                return Err(HeadFault::bad("a Connection option that is no token"));
            }
            if option.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if option.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if option.eq_ignore_ascii_case(b"upgrade") {
                self.connection_upgrade = true;
            } else if is_message_framing(option) {
                return Err(HeadFault::bad("a framing field named by Connection"));
            }
        }
        Ok(())
    }

    /// RFC 9110 section 7.8. HTTP/2 in the clear would put the next requests out of sight.
    fn protocols(&mut self, value: &[u8]) -> Result<(), HeadFault> {
        for protocol in items(value) {
            let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
            if [&b"h2c"[..], b"h2", b"http"].iter().any(|http| http.eq_ignore_ascii_case(name)) {
                return Err(HeadFault::bad("an upgrade to HTTP/2 in the clear"));
            }
            self.upgrade = true;
        }
        Ok(())
    }

    /// The target, where it names a host, has to name the one of Host.
    fn judge_host(&self, request: &RequestLine<'_>) -> Result<(), HeadFault> {
        let Some(field) = &self.host else {
            return match request.version {
                Version::Http11 => Err(HeadFault::bad("HTTP/1.1 without Host")),
                Version::Http10 => Ok(()),
            };
        };
        let (same_host, same_port) = match &request.target {
            Target::Origin | Target::Asterisk => (true, true),
            Target::Absolute(target, port) => {
                (target.host == field.host, target.port.unwrap_or(*port) == field.port.unwrap_or(*port))
            }
            // Many clients leave the port of CONNECT out of Host.
            Target::Authority(target) => {
                (target.host == field.host, field.port.is_none() || field.port == target.port)
            }
        };
        if same_host && same_port { Ok(()) } else { Err(HeadFault::bad("a target and a Host that differ")) }
    }

    /// RFC 9112 section 6.3, without its rules for repair.
    fn body(&self, version: Version) -> Result<Body, HeadFault> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(HeadFault::bad("both Transfer-Encoding and Content-Length")),
            (true, None) if version == Version::Http10 => {
                Err(HeadFault::bad("Transfer-Encoding in HTTP/1.0"))
            }
            (true, None) => Ok(Body::Chunked),
            (false, Some(length)) => Ok(Body::Length(length)),
            (false, None) => Ok(Body::None),
        }
    }
}

/// The fields that Connection must not name; it may well name `TE` and `Upgrade`.
fn is_message_framing(option: &[u8]) -> bool {
    [&b"host"[..], b"content-length", b"transfer-encoding", b"trailer"]
        .iter()
        .any(|framing| framing.eq_ignore_ascii_case(option))
}

/// The items of a comma list, white space taken off, empty ones left out (RFC 9110 section 5.6.1).
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}
