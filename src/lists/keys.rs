//! The forms in which hosts, paths and queries are compared.
//!
//! **Invariant:** what is equal in the strict form is equal in the liberal forms; so a liberal
//! look-up finds every candidate of a strict one.

use std::fmt::Write;

use crate::lists::Reading;
use crate::model::Host;

/// The text of a host as it starts a key; an address is written on the stack.
pub(super) struct HostText<'h> {
    host: &'h Host,
    buffer: Buffer,
}

struct Buffer {
    bytes: [u8; 48],
    len: usize,
}

impl<'h> HostText<'h> {
    pub(super) fn of(host: &'h Host) -> HostText<'h> {
        let mut buffer = Buffer { bytes: [0; 48], len: 0 };
        if host.address().is_some() {
            // An address in brackets has at most 47 bytes, so this can't fail.
            let _ = write!(buffer, "{host}");
        }
        HostText { host, buffer }
    }

    /// The host as it stands in a URL.
    pub(super) fn as_str(&self) -> &str {
        match self.host {
            Host::Name(name) => name.as_str(),
            Host::Address(_) => {
                std::str::from_utf8(&self.buffer.bytes[..self.buffer.len]).unwrap_or_default()
            }
        }
    }

    /// The host without a leading `www`, `www2`, …: one key for all its twins.
    pub(super) fn without_www(&self) -> &str {
        without_www(self.as_str()).unwrap_or(self.as_str())
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The rest of a name after `www`, optional digits and a dot, if that rest has two labels or more.
pub(super) fn without_www(name: &str) -> Option<&str> {
    let (digits, rest) = name.strip_prefix("www")?.split_once('.')?;
    (digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.contains('.')).then_some(rest)
}

/// Strict form: unreserved escapes decoded (RFC 3986 section 6.2.2.2), `//` collapsed, dot
/// segments removed, no trailing slash; the root is empty.
pub(super) fn strict_path(path: &str) -> String {
    resolved(&unreserved(path), plain_segment)
}

/// Liberal form: as strict, sub-delimiters decoded too, ASCII case folded.
pub(super) fn liberal_path(path: &str) -> String {
    resolved(&decoded(path, is_freely_written), plain_segment).to_ascii_lowercase()
}

/// The second liberal form, where it differs: encoded `/`, `\` and `;` decoded as well and the
/// dot segments that then appear resolved, as servers do that decode before they resolve.
pub(super) fn resolved_path(path: &str) -> Option<String> {
    if !path.contains(['%', ';']) {
        return None;
    }
    let open = decoded(path, |byte| is_freely_written(byte) || b"/\\;".contains(&byte)).replace('\\', "/");
    let form = resolved(&open, |segment| segment.split(';').next().unwrap_or_default()).to_ascii_lowercase();
    (form != liberal_path(path)).then_some(form)
}

/// Where the next longer prefix of a normal path ends at which an entry may end: before the next
/// `/` or `;`, or at the path's end. The shortest prefix is the root and ends at 0.
pub(super) fn prefix_end(path: &str, after: usize) -> Option<usize> {
    let rest = path.get(after + 1..)?;
    Some(rest.find(['/', ';']).map_or(path.len(), |at| after + 1 + at))
}

/// The parameters of a query as written, empty ones left out.
pub(super) fn parameters(query: Option<&str>) -> impl Iterator<Item = &str> {
    query.unwrap_or_default().split('&').filter(|text| !text.is_empty())
}

/// One parameter: when allowing, unreserved escapes decoded; when blocking, every escape, and
/// `+` is a space and ASCII case is folded.
pub(super) fn parameter(text: &str, reading: Reading) -> String {
    match reading {
        Reading::Block => lossless(&text.replace('+', " ")).to_ascii_lowercase(),
        Reading::Allow => unreserved(text),
    }
}

/// Escapes of unreserved characters decoded, the others with upper-case digits.
pub(super) fn unreserved(text: &str) -> String {
    decoded(text, is_unreserved)
}

/// What a pattern is held against: every escape decoded that makes text.
pub(super) fn readable(text: &str) -> String {
    lossless(text)
}

fn resolved(path: &str, name: fn(&str) -> &str) -> String {
    let mut form = String::with_capacity(path.len());
    for segment in path.split('/') {
        match name(segment) {
            "" if segment.is_empty() => {}
            "." => {}
            ".." => form.truncate(form.rfind('/').unwrap_or(0)),
            _ => {
                form.push('/');
                form.push_str(segment);
            }
        }
    }
    form
}

fn plain_segment(segment: &str) -> &str {
    segment
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// What WHATWG parsing leaves as written in a path, so that the escape means the same.
fn is_freely_written(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@|[]".contains(&byte)
}

/// Every escape decoded; bytes that make no UTF-8 stay escaped, as does `%` itself.
fn lossless(text: &str) -> String {
    decoded(text, |byte| byte.is_ascii() && byte != b'%')
}

fn decoded(text: &str, opens: impl Fn(u8) -> bool) -> String {
    let mut form = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        form.push_str(before);
        match escaped_byte(after) {
            Some(byte) if opens(byte) => form.push(char::from(byte)),
            Some(byte) => {
                let _ = write!(form, "%{byte:02X}");
            }
            None => form.push('%'),
        }
        rest = if escaped_byte(after).is_some() { &after[2..] } else { after };
    }
    form.push_str(rest);
    form
}

fn escaped_byte(after: &str) -> Option<u8> {
    let digits = after.as_bytes().get(..2)?;
    let value = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(value(digits[0])? * 16 + value(digits[1])?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_three_forms() {
        let cases = [
            ("/", "", "", None),
            ("/%7Ebad/", "/~bad", "/~bad", None),
            ("//a//./b/../C", "/a/C", "/a/c", None),
            ("/a%28b%29", "/a%28b%29", "/a(b)", None),
            ("/a%2fb", "/a%2Fb", "/a%2fb", Some("/a/b")),
            ("/x/..%5Ca/b", "/x/..%5Ca/b", "/x/..%5ca/b", Some("/a/b")),
            ("/x/..;j=1/a", "/x/..;j=1/a", "/x/..;j=1/a", Some("/a")),
            ("/%257E", "/%257E", "/%257e", None),
            ("/50%", "/50%", "/50%", None),
            ("/%e", "/%e", "/%e", None),
        ];
        for (path, strict, liberal, open) in cases {
            assert_eq!(strict_path(path), strict, "{path}");
            assert_eq!(liberal_path(path), liberal, "{path}");
            assert_eq!(resolved_path(path).as_deref(), open, "{path}");
        }
    }

    #[test]
    fn prefixes_end_at_segments_and_parameters() {
        let ends = |path| std::iter::successors(Some(0), |&end| prefix_end(path, end)).collect::<Vec<_>>();
        assert_eq!(ends("/a/b;x"), [0, 2, 4, 6]);
        assert_eq!(ends("/a;"), [0, 2, 3]);
        assert_eq!(ends("/é"), [0, 3]);
        assert_eq!(ends(""), [0]);
    }

    #[test]
    fn the_www_twin_needs_a_name_of_its_own() {
        let cases = [
            ("www.site.example", Some("site.example")),
            ("www27.site.example", Some("site.example")),
            ("www.com", None),
            ("wwwx.site.example", None),
            ("web.site.example", None),
        ];
        for (name, twin) in cases {
            assert_eq!(without_www(name), twin, "{name}");
        }
    }
}
