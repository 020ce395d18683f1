//! Reads the body of a ClientHello: its fixed fields and the extensions this gateway judges by.

use super::{ClientHello, HelloFault, ServerName};
use crate::model::Host;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// `host_name`, the only NameType there is (RFC 6066 section 3).
const HOST_NAME: u8 = 0;
/// More extensions than any client sends (browsers send about 20).
const MAX_EXTENSIONS: usize = 128;

type Read<T> = Result<T, HelloFault>;

/// Reads a ClientHello body (RFC 8446 section 4.1.2); `len` is the size of the records it came in.
pub(super) fn read(body: &[u8], len: usize) -> Read<ClientHello> {
    let mut cursor = Cursor(body);
    let legacy_version = cursor.u16()?;
    cursor.take(32)?; // random
    if cursor.vector8()?.len() > 32 {
        return Err(HelloFault::Malformed("a session id over 32 bytes"));
    }
    let suites = cursor.vector16()?;
    if suites.is_empty() || suites.len() % 2 != 0 {
        return Err(HelloFault::Malformed("the cipher suites are none or cut"));
    }
    if cursor.vector8()?.is_empty() {
        return Err(HelloFault::Malformed("no compression method"));
    }
    let mut hello = ClientHello {
        server_name: ServerName::Absent,
        alpn: Vec::new(),
        versions: vec![legacy_version],
        ech: false,
        len,
    };
    if !cursor.0.is_empty() {
        // Absent in the oldest hellos (RFC 5246 section 7.4.1.2).
        let extensions = cursor.vector16()?;
        cursor.end()?;
        read_extensions(extensions, &mut hello)?;
    }
    Ok(hello)
}

fn read_extensions(bytes: &[u8], hello: &mut ClientHello) -> Read<()> {
    let mut cursor = Cursor(bytes);
    let mut seen = [0_u16; MAX_EXTENSIONS];
    let mut count = 0;
    while !cursor.0.is_empty() {
        let (kind, data) = (cursor.u16()?, cursor.vector16()?);
        if seen[..count].contains(&kind) {
            return Err(twice(kind));
        }
        *seen.get_mut(count).ok_or(HelloFault::Malformed("more than 128 extensions"))? = kind;
        count += 1;
        match kind {
            SERVER_NAME => hello.server_name = ServerName::Host(server_name(data)?),
            ALPN => hello.alpn = protocols(data)?,
            SUPPORTED_VERSIONS => hello.versions = versions(data)?,
            ENCRYPTED_CLIENT_HELLO => hello.ech = true,
            _ => {}
        }
    }
    Ok(())
}

/// RFC 8446 section 4.2: no more than one extension of a type.
fn twice(kind: u16) -> HelloFault {
    if kind == SERVER_NAME { HelloFault::TwoNames } else { HelloFault::Malformed("an extension twice") }
}

/// One `host_name` and nothing else: RFC 6066 section 3 allows one name of a type, and there is
/// one type.
fn server_name(data: &[u8]) -> Read<Host> {
    let mut outer = Cursor(data);
    let mut list = Cursor(outer.vector16()?);
    outer.end()?;
    if list.u8()? != HOST_NAME {
        return Err(HelloFault::BadName);
    }
    let name = list.vector16()?;
    if !list.0.is_empty() {
        return Err(HelloFault::TwoNames);
    }
    let text = std::str::from_utf8(name).ok().filter(|text| text.is_ascii()).ok_or(HelloFault::BadName)?;
    Host::parse(text).map_err(|_| HelloFault::BadName)
}

/// RFC 7301 section 3.1: a list of names, none of them empty.
fn protocols(data: &[u8]) -> Read<Vec<Box<[u8]>>> {
    const FAULT: HelloFault = HelloFault::Malformed("an empty protocol name");
    let mut outer = Cursor(data);
    let mut list = Cursor(outer.vector16()?);
    outer.end()?;
    let mut names = Vec::new();
    while !list.0.is_empty() {
        let name = list.vector8()?;
        if name.is_empty() {
            return Err(FAULT);
        }
        names.push(name.into());
    }
    if names.is_empty() { Err(FAULT) } else { Ok(names) }
}

/// RFC 8446 section 4.2.1, without the values that RFC 8701 reserves for GREASE.
fn versions(data: &[u8]) -> Read<Vec<u16>> {
    let mut outer = Cursor(data);
    let mut list = Cursor(outer.vector8()?);
    outer.end()?;
    if list.0.is_empty() {
        return Err(HelloFault::Malformed("no supported version"));
    }
    let mut versions = Vec::new();
    while !list.0.is_empty() {
        let version = list.u16()?;
        if !is_grease(version) {
            versions.push(version);
        }
    }
    Ok(versions)
}

/// 0x0a0a, 0x1a1a, … 0xfafa (RFC 8701 section 2).
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 0x0f == 0x0a
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(HelloFault::Malformed("a length over the end"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Read<u8> {
        self.take(1).map(|taken| taken[0])
    }

    fn u16(&mut self) -> Read<u16> {
        self.take(2).map(|taken| u16::from_be_bytes([taken[0], taken[1]]))
    }

    fn vector8(&mut self) -> Read<&'a [u8]> {
        let count = self.u8()?;
        self.take(usize::from(count))
    }

    fn vector16(&mut self) -> Read<&'a [u8]> {
        let count = self.u16()?;
        self.take(usize::from(count))
    }

    fn end(&self) -> Read<()> {
        if self.0.is_empty() { Ok(()) } else { Err(HelloFault::Malformed("bytes left over in the hello")) }
    }
}
