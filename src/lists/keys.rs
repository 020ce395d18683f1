//! The forms in which hosts, paths and queries are compared.
//!
//! **Invariant:** what is equal in the strict form is equal in the liberal forms; so a liberal
//! look-up finds every candidate of a strict one.

use std::borrow::Cow;
use std::fmt::Write;

use crate::lists::Reading;
use crate::model::Host;

/// How often a path that is to be allowed is decoded before it is given up.
const MOST_DECODINGS: usize = 5;

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

/// Liberal form: as strict, sub-delimiters decoded too, a lone `%` escaped, ASCII case folded.
pub(super) fn liberal_path(path: &str) -> String {
    resolved(&decoded(&escaped_alone(path), is_freely_written), plain_segment).to_ascii_lowercase()
}

/// Every form in which some server may read a path, the first one liberal: with encoded `/`, `\`
/// and `;` decoded as well and the dot segments that then appear resolved, as servers do that
/// decode before they resolve; and that one without the `;parameters` of its segments.
pub(super) fn path_forms(path: &str) -> Vec<String> {
    let mut forms = vec![liberal_path(path)];
    if path.contains(['%', ';']) {
        let opens = |byte| is_freely_written(byte) || b"/\\;".contains(&byte);
        let open = decoded(&escaped_alone(path), opens).replace('\\', "/");
        for form in [resolved(&open, without_parameters), stripped(&open)] {
            let form = form.to_ascii_lowercase();
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// Whether a path that is to be allowed stays below what is listed however often a server decodes
/// both: no dot segment hides behind escapes or `;parameters`.
pub(super) fn stays_below(path: &str, listed: &str) -> bool {
    let (mut open, mut listed) = (liberal_path(path), liberal_path(listed));
    for _ in 0..MOST_DECODINGS {
        let form = stripped(&open.replace('\\', "/")).to_ascii_lowercase();
        let rest = form.strip_prefix(&*stripped(&listed.replace('\\', "/")).to_ascii_lowercase());
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ';'])) {
            return false;
        }
        let next = decoded(&open, |byte| byte.is_ascii());
        if next == open {
            return true;
        }
        (open, listed) = (next, decoded(&listed, |byte| byte.is_ascii()));
    }
    // Nobody escapes an honest page that often.
    false
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

/// The parameters of a query as some server may read them: parted by `;` too.
pub(super) fn any_parameters(query: Option<&str>) -> impl Iterator<Item = &str> {
    parameters(query).flat_map(|text| {
        let parts = text.split(';').filter(move |part| part.len() < text.len() && !part.is_empty());
        std::iter::once(text).chain(parts)
    })
}

/// One parameter: when allowing, unreserved escapes decoded; when blocking, every escape, and
/// `+` is a space, a lone `%` is escaped, `name=` is `name` and ASCII case is folded.
pub(super) fn parameter(text: &str, reading: Reading) -> String {
    match reading {
        Reading::Block => {
            let text = text.strip_suffix('=').unwrap_or(text).replace('+', " ");
            lossless(&escaped_alone(&text)).to_ascii_lowercase()
        }
        Reading::Allow => unreserved(text),
    }
}

/// The name of a parameter, every escape decoded.
pub(super) fn parameter_name(text: &str) -> String {
    parameter(text.split('=').next().unwrap_or_default(), Reading::Block)
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

/// The path without the `;parameters` of its segments, resolved.
fn stripped(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').map(without_parameters).collect();
    resolved(&segments.join("/"), plain_segment)
}

fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

/// A `%` that starts no escape, as the escape of itself.
fn escaped_alone(text: &str) -> Cow<'_, str> {
    let is_alone = |(at, _): &(usize, &str)| escaped_byte(&text[at + 1..]).is_none();
    if !text.match_indices('%').any(|found| is_alone(&found)) {
        return Cow::Borrowed(text);
    }
    let mut form = String::with_capacity(text.len() + 8);
    let mut done = 0;
    for (at, _) in text.match_indices('%').filter(is_alone) {
        form.push_str(&text[done..at]);
        form.push_str("%25");
        done = at + 1;
    }
    form.push_str(&text[done..]);
    Cow::Owned(form)
}

fn plain_segment(segment: &str) -> &str {
    segment
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// What browsers leave as written in a path, or did in one edition of WHATWG's rules, so that the
/// escape means the same.
fn is_freely_written(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,=:@|[]^".contains(&byte)
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
    fn paths_have_their_forms() {
        let cases: [(&str, &str, &[&str]); 13] = [
            ("/", "", &[""]),
            ("/%7Ebad/", "/~bad", &["/~bad"]),
            ("//a//./b/../C", "/a/C", &["/a/c"]),
            ("/a%28b%29", "/a%28b%29", &["/a(b)"]),
            ("/a%5Eb", "/a%5Eb", &["/a^b"]),
            ("/a%2fb", "/a%2Fb", &["/a%2fb", "/a/b"]),
            ("/x/..%5Ca/b", "/x/..%5Ca/b", &["/x/..%5ca/b", "/a/b"]),
            ("/x/..;j=1/a", "/x/..;j=1/a", &["/x/..;j=1/a", "/a"]),
            ("/a;x=1/b", "/a;x=1/b", &["/a;x=1/b", "/a/b"]),
            ("/a%3bx/b", "/a%3Bx/b", &["/a%3bx/b", "/a;x/b", "/a/b"]),
            ("/%257E", "/%257E", &["/%257e"]),
            ("/50%-off", "/50%-off", &["/50%25-off"]),
            ("/%e", "/%e", &["/%25e"]),
        ];
        for (path, strict, forms) in cases {
            assert_eq!(strict_path(path), strict, "{path}");
            assert_eq!(path_forms(path), forms, "{path}");
        }
    }

    #[test]
    fn an_allowed_path_stays_below_however_it_is_decoded() {
        let inside = ["/dir", "/dir/", "/dir/a%20b", "/dir/50%25", "/dir/a;b=1/c", "/dir/x/../y", "/dir;v=2"];
        let outside = [
            "/dir/..%2fsecret",
            "/dir/%2e%2e%2fsecret",
            "/dir/..%5csecret",
            "/dir/..;/secret",
            "/dir/..;x=1/secret",
            "/dir/x%2f..%2f..%2fsecret",
            "/dir/..%252fsecret",
            "/dir/..%25252fsecret",
            "/dir%2f..%2fsecret",
            "/directory",
        ];
        for path in inside {
            assert!(stays_below(path, "/dir"), "{path}");
        }
        for path in outside {
            assert!(!stays_below(path, "/dir"), "{path}");
        }
    }

    /// A bug: what was allowed with an escape in its own path, as of a space, was never found.
    #[test]
    fn an_allowed_path_may_have_escapes_of_its_own() {
        for (listed, path, below) in [
            ("/my%20page", "/my%20page", true),
            ("/my%20page", "/My%20Page/next?", true),
            ("/a%3Eb/%60", "/a%3eb/%60", true),
            ("/50%25", "/50%25/x", true),
            ("/a%2Fb", "/a%2fb/c", true),
            ("/my%20page", "/my%20pages", false),
            ("/my%20page", "/my%20page/..%2fsecret", false),
            ("/a%2Fb", "/a%2fb/..%2f..%2fsecret", false),
            ("/a%2Fb", "/a%2fb%2f..%2f..%2fsecret", false),
            ("/a%2520b", "/a%2520b/%2e%2e%2fsecret", false),
        ] {
            assert_eq!(stays_below(path, listed), below, "{path} below {listed}");
        }
    }

    #[test]
    fn parameters_are_read_as_any_server_may() {
        let all = |query| any_parameters(Some(query)).collect::<Vec<_>>();
        assert_eq!(all("a=1&b=2;c=3&amp;d"), ["a=1", "b=2;c=3", "b=2", "c=3", "amp;d", "amp", "d"]);
        for (text, form) in [("Q=%62ad", "q=bad"), ("bad=", "bad"), ("a+b=1", "a b=1"), ("p=50%", "p=50%25")]
        {
            assert_eq!(parameter(text, Reading::Block), parameter(form, Reading::Block), "{text}");
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
