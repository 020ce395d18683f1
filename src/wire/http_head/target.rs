//! Reads a request target and the authorities in it and in `Host`.
//!
//! **Invariant:** an authority is a host and perhaps a port: no userinfo, no path, no escapes, ASCII.

use super::HeadFault;
use crate::model::Host;

/// A request target in the form its method calls for (RFC 9112 section 3.2).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `/path?query`
    Origin,
    /// `http://host:port/path?query`, with the port the scheme stands for.
    Absolute(Authority, u16),
    /// `host:port`, of CONNECT only.
    Authority(Authority),
    /// `*`, of OPTIONS only.
    Asterisk,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl Target {
    pub(super) fn read(method: &[u8], text: &[u8]) -> Result<Target, HeadFault> {
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err(HeadFault::bad("a target that is not printable ASCII"));
        }
        if text.contains(&b'#') {
            return Err(HeadFault::bad("a fragment in the target"));
        }
        if method == b"CONNECT" {
            return connect(text);
        }
        match text {
            [b'/', ..] => Ok(Target::Origin),
            b"*" if method == b"OPTIONS" => Ok(Target::Asterisk),
            _ => absolute(text),
        }
    }
}

impl Authority {
    /// Reads `host` or `host:port` (RFC 3986 section 3.2, less userinfo and the empty port).
    pub(super) fn read(text: &[u8]) -> Result<Authority, HeadFault> {
        const FAULT: HeadFault = HeadFault::bad("an authority that is not host or host:port");
        let text = std::str::from_utf8(text).ok().filter(|text| text.is_ascii()).ok_or(FAULT)?;
        if text.contains('@') {
            return Err(HeadFault::bad("userinfo in the authority"));
        }
        // The colons of an IPv6 address are inside brackets.
        let host_end = text.rfind(']').map_or_else(|| text.find(':'), |bracket| Some(bracket + 1));
        let (host, port) = text.split_at(host_end.unwrap_or(text.len()));
        let port = match port.strip_prefix(':') {
            Some(digits) => Some(read_port(digits)?),
            None if port.is_empty() => None,
            None => return Err(FAULT),
        };
        let host = Host::parse(host).map_err(|_| FAULT)?;
        Ok(Authority { host, port })
    }
}

fn connect(text: &[u8]) -> Result<Target, HeadFault> {
    let authority = Authority::read(text)?;
    if authority.port.is_none() {
        return Err(HeadFault::bad("CONNECT without a port"));
    }
    Ok(Target::Authority(authority))
}

fn absolute(text: &[u8]) -> Result<Target, HeadFault> {
    let (rest, port) = if let Some(rest) = after_scheme(text, b"http://") {
        (rest, 80)
    } else if let Some(rest) = after_scheme(text, b"https://") {
        (rest, 443)
    } else {
        return Err(HeadFault::bad("a target in no form that its method allows"));
    };
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    Ok(Target::Absolute(Authority::read(&rest[..end])?, port))
}

fn after_scheme<'a>(text: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn read_port(digits: &str) -> Result<u16, HeadFault> {
    const FAULT: HeadFault = HeadFault::bad("a port that is not between 1 and 65535");
    // `parse` alone would take a sign.
    if digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FAULT);
    }
    digits.parse().ok().filter(|port| *port != 0).ok_or(FAULT)
}
