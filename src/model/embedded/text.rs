//! URLs written inside URLs, as they stand or percent-encoded once or twice.
//!
//! **Invariant:** the tests named `may_be…` read a few bytes and allocate nothing.

use std::borrow::Cow;

use crate::model::{Host, Url};

/// Bytes with percent-escapes decoded on the way.
#[derive(Clone)]
struct Decoded<I>(I);

impl<I: Iterator<Item = u8> + Clone> Iterator for Decoded<I> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = self.0.next()?;
        if byte == b'%' {
            let mut ahead = self.0.clone();
            if let (Some(high), Some(low)) = (ahead.next().and_then(digit), ahead.next().and_then(digit)) {
                self.0 = ahead;
                return Some(high * 16 + low);
            }
        }
        Some(byte)
    }
}

/// Whether the text starts as an absolute `http` or `https` URL does.
pub(super) fn may_be_absolute(text: &str) -> bool {
    let mut bytes = opened(text).map(|byte| byte.to_ascii_lowercase());
    let scheme = b"http".iter().all(|letter| bytes.next() == Some(*letter));
    scheme && matches!((bytes.next(), bytes.next()), (Some(b':'), _) | (Some(b's'), Some(b':')))
}

/// As [`may_be_absolute`], or as one that leaves the scheme to the page it stands on (`//host/`).
pub(super) fn may_be_a_url(text: &str) -> bool {
    let mut bytes = opened(text);
    may_be_absolute(text) || (bytes.next().is_some_and(is_slash) && bytes.next().is_some_and(is_slash))
}

/// Whether the first segment of the text has a dot inside, as a host has.
pub(super) fn may_be_a_host(text: &str) -> bool {
    let segment = opened(text).take_while(|byte| !is_slash(*byte));
    segment.zip(opened(text).skip(1)).any(|(byte, next)| byte == b'.' && !is_slash(next))
}

/// Whether a parameter's name is this word, whatever its case and escapes.
pub(super) fn is_word(name: &str, word: &str) -> bool {
    opened(name).map(|byte| byte.to_ascii_lowercase()).eq(word.bytes())
}

/// The value of a form's field, decoded once.
pub(super) fn form_value(value: &str) -> String {
    decoded(&value.replace('+', " ")).into_owned()
}

/// The URLs that a part of a path or a query may be, with the query that follows it: as it
/// stands and decoded once, for sites differ in that; decoded twice if it is neither.
pub(super) fn read(text: &str, query: Option<&str>) -> Vec<Url> {
    readings(text, |text| absolute(&with_query(text, query)))
}

/// As [`read`], for texts that may leave the scheme out.
pub(super) fn read_bare(text: &str, query: Option<&str>) -> Vec<Url> {
    let whole = read(text, query);
    if !whole.is_empty() {
        return whole;
    }
    readings(text, |text| schemeless(&with_query(text, query)))
}

/// The URL that the value of a form's field is: every form is decoded once, some twice.
pub(super) fn read_form(value: &str) -> Option<Url> {
    let value = form_value(value);
    absolute(&value).or_else(|| absolute(&decoded(&value)))
}

/// As [`read_form`], for values that may leave the scheme out.
pub(super) fn read_bare_form(value: &str) -> Option<Url> {
    read_form(value).or_else(|| schemeless(&form_value(value)))
}

fn readings(text: &str, reading: impl Fn(&str) -> Option<Url>) -> Vec<Url> {
    let once = decoded(text);
    let mut found: Vec<Url> = reading(text).into_iter().collect();
    if matches!(once, Cow::Owned(_)) {
        found.extend(reading(&once).filter(|url| found.first() != Some(url)));
    }
    if found.is_empty() {
        found.extend(reading(&decoded(&once)));
    }
    found
}

fn absolute(text: &str) -> Option<Url> {
    let text = stripped(text);
    let rest = text.trim_start_matches(|c: char| c <= ' ');
    if rest.bytes().take(2).filter(|byte| is_slash(*byte)).count() == 2 {
        return schemeless(rest.trim_start_matches(['/', '\\']));
    }
    let scheme = rest
        .find(':')
        .filter(|at| rest[..*at].eq_ignore_ascii_case("http") || rest[..*at].eq_ignore_ascii_case("https"))?;
    rest[scheme + 1..].starts_with(['/', '\\']).then(|| forgiving(rest)).flatten()
}

/// `host.example/path`: at least two labels, so that no word is taken for a host.
fn schemeless(text: &str) -> Option<Url> {
    let text = stripped(text);
    let rest = text.trim_start_matches(|c: char| c <= ' ');
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if !host.trim_matches('.').contains('.') && !host.starts_with('[') {
        return None;
    }
    forgiving(&format!("http://{rest}"))
}

/// A URL, also where its path holds what this gateway would not forward itself (a NUL): another
/// site may fetch it all the same.
fn forgiving(text: &str) -> Option<Url> {
    Url::parse(text).ok().or_else(|| Url::parse(&text.replace('\0', "").replace("%00", "")).ok())
}

/// Without what URL parsers skip anywhere: tab, line feed, carriage return.
fn stripped(text: &str) -> Cow<'_, str> {
    if text.contains(['\t', '\n', '\r']) {
        Cow::Owned(text.replace(['\t', '\n', '\r'], ""))
    } else {
        Cow::Borrowed(text)
    }
}

fn with_query<'t>(text: &'t str, query: Option<&str>) -> Cow<'t, str> {
    let Some(query) = query else { return Cow::Borrowed(text) };
    let text = text.split('#').next().unwrap_or_default();
    let joint = if text.contains('?') { '&' } else { '?' };
    Cow::Owned(format!("{text}{joint}{query}"))
}

/// Decoded once, but for bytes that make no UTF-8; borrowed where there is nothing to decode.
fn decoded(text: &str) -> Cow<'_, str> {
    let bytes: Vec<u8> = Decoded(text.bytes()).collect();
    if bytes.len() == text.len() {
        return Cow::Borrowed(text);
    }
    let mut open = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        open.push_str(chunk.valid());
        open.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    Cow::Owned(open)
}

/// The text decoded as often as is looked at, without what URL parsers skip.
fn opened(text: &str) -> impl Iterator<Item = u8> {
    Decoded(Decoded(text.bytes()))
        .filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r'))
        .skip_while(|byte| *byte <= b' ' || *byte == b'+')
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn is_slash(byte: u8) -> bool {
    byte == b'/' || byte == b'\\'
}

/// Whether a text is the host of a site: two labels or more, or an address.
pub(super) fn site(text: &str) -> Option<Host> {
    Host::parse(text).ok().filter(|host| host.name().is_none_or(|name| name.as_str().contains('.')))
}
