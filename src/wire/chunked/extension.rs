//! Reads chunk extensions byte by byte, to pass over them and no further.
//!
//! **Invariant:** a quoted value can't hide the end of the line (RFC 9112 section 7.1.1).

use crate::wire::http_head::HeadFault;
use crate::wire::is_token_byte;

/// Where in `;name=value` the reader stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extension {
    NameStart,
    Name,
    ValueStart,
    Value,
    Quoted,
    Escaped,
    Unquoted,
}

impl Extension {
    /// After the first semicolon.
    pub(super) fn new() -> Extension {
        Extension::NameStart
    }

    /// Where the next byte leads; `None` after the CR at the end.
    pub(super) fn step(self, byte: u8) -> Result<Option<Extension>, HeadFault> {
        let next = match (self, byte) {
            (Extension::Name | Extension::Value | Extension::Unquoted, b'\r') => return Ok(None),
            (Extension::Name | Extension::Value | Extension::Unquoted, b';') => Extension::NameStart,
            (Extension::Name, b'=') => Extension::ValueStart,
            (Extension::ValueStart, b'"') => Extension::Quoted,
            (Extension::NameStart | Extension::Name, byte) if is_token_byte(byte) => Extension::Name,
            (Extension::ValueStart | Extension::Value, byte) if is_token_byte(byte) => Extension::Value,
            (Extension::Quoted, b'"') => Extension::Unquoted,
            (Extension::Quoted, b'\\') => Extension::Escaped,
            (Extension::Quoted | Extension::Escaped, b'\t' | 0x20..=0x7e | 0x80..) => Extension::Quoted,
            _ => return Err(HeadFault::bad("a chunk extension that is malformed")),
        };
        Ok(Some(next))
    }
}
