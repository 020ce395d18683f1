//! The conformance tests of UTS 46 (Unicode 17), and of Punycode.
//!
//! What the file allows to be switched off is off in browsers, and here: UseSTD3ASCIIRules (`U1`;
//! forbidden characters are refused by a rule of URLs instead), VerifyDnsLength (`A4_1`, `A4_2`;
//! lengths and empty labels are refused here by rules of our own, root dots are cut), CheckHyphens
//! (`V2`, `V3`: `r3---sn.googlevideo.com` exists). CheckBidi and CheckJoiners are on.

use std::time::Instant;

use serde_json::Value;

use crate::lists::tests::data;
use crate::model::Host;

/// Some rows, so that something runs where the whole file is not at hand: source and A-label.
const EXCERPT: [(&str, Option<&str>); 13] = [
    ("faß.de", Some("xn--fa-hia.de")),
    ("Fa\u{df}.de", Some("xn--fa-hia.de")),
    ("Bücher.de", Some("xn--bcher-kva.de")),
    ("xn--bcher-kva.de", Some("xn--bcher-kva.de")),
    ("日本語。ＪＰ", Some("xn--wgv71a119e.jp")),
    ("☕.us", Some("xn--53h.us")),
    ("a\u{ad}b.example", Some("ab.example")),
    ("xn--0.pt", None),
    ("xn--a.pt", None),
    ("xn--a-\u{c4}.pt", None),
    ("a\u{200d}b", None),
    ("0à.א", None),
    ("\u{e0}\u{5d0}", None),
];

/// What a rule that is off would say.
const OFF: [&str; 5] = ["U1", "A4_1", "A4_2", "V2", "V3"];

/// Names that UTS 46 refuses and the library below takes; they are nobody's, and no other spelling
/// reads as one of them.
const TAKEN: [(&str, &str); 4] = [
    ("xn--xn---epa", "V4: an A-label of a label that starts with xn--"),
    ("xn--xn--a--gua.pt", "V4"),
    ("xn--5cb172r175fug38a.xn--mlj", "V7: U+3F8CD is not assigned"),
    ("xn--t92s.xn--znb.xn--5-y88f", "V7: U+3E8AC is not assigned"),
];

#[test]
fn names_are_mapped_as_the_excerpt_says() {
    let faults = EXCERPT.iter().filter_map(|(source, name)| fault(source, *name));
    assert_eq!(faults.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn names_are_mapped_as_unicode_says() {
    let Some(bytes) = data("urltests/IdnaTestV2.txt") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let (mut judged, mut faults) = (0, Vec::new());
    for line in text.lines() {
        let columns: Vec<&str> =
            line.split('#').next().unwrap_or_default().split(';').map(str::trim).collect();
        let [source, unicode, unicode_status, ascii, ascii_status, ..] = columns[..] else { continue };
        let Some(source) = unescaped(source) else { continue };
        let unicode = if unicode.is_empty() { Some(source.clone()) } else { unescaped(unicode) };
        let ascii = if ascii.is_empty() { unicode } else { unescaped(ascii) };
        let status = if ascii_status.is_empty() { unicode_status } else { ascii_status };
        judged += 1;
        faults.extend(fault(&source, ascii.as_deref().filter(|_| is_fine(status))));
    }
    assert!(judged > 6000, "{judged}");
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_name_and_its_punycode_are_one_host() {
    let Some(bytes) = data("urltests/punycode_tests.json") else { return };
    let rows: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    let mut hosts = 0;
    for row in &rows {
        let [decoded, encoded] = ["decoded", "encoded"].map(|key| row[key].as_str().unwrap());
        let one = Host::parse(&format!("{decoded}.example"));
        let other = Host::parse(&format!("xn--{encoded}.example"));
        if let (Ok(one), Ok(other)) = (&one, &other) {
            assert_eq!(one, other, "{row}");
            hosts += 1;
        }
    }
    assert!(hosts >= 5, "{hosts} of {}", rows.len());
}

#[test]
fn punycode_that_overflows_is_no_host_and_takes_no_time() {
    let Some(bytes) = data("urltests/bad_punycode_tests.json") else { return };
    let rows: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
    for row in rows {
        let started = Instant::now();
        let text = row["decoded"].as_str().or(row["encoded"].as_str()).unwrap();
        assert!(Host::parse(text).is_err() && Host::parse(&format!("xn--{text}")).is_err());
        assert!(started.elapsed().as_millis() < 2_000, "{:?}", started.elapsed());
    }
}

/// What is wrong with how a source is read, if anything: `name` is what UTS 46 makes of it.
fn fault(source: &str, name: Option<&str>) -> Option<String> {
    let must = name.map(|name| name.trim_end_matches('.')).filter(|name| is_a_name(name));
    let is = Host::parse(source).ok().map(|host| host.to_string());
    if let Some((taken, _)) = TAKEN.iter().find(|(taken, _)| Some(*taken) == is.as_deref()) {
        return must.map(|must| format!("{source:?}: {taken} is refused by UTS 46, expected {must:?}"));
    }
    let address = must.is_some_and(|name| name.parse::<std::net::Ipv4Addr>().is_ok());
    (!address && is.as_deref() != must).then(|| format!("{source:?}: {is:?}, expected {must:?}"))
}

/// What a name may be in DNS, and what a URL's host may be made of.
fn is_a_name(name: &str) -> bool {
    let label = |label: &str| (1..=63).contains(&label.len());
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(label) && name.bytes().all(plain) && !number
}

fn is_fine(status: &str) -> bool {
    let codes = status.trim_matches(['[', ']']).split(',').map(str::trim);
    codes.filter(|code| !code.is_empty()).all(|code| OFF.contains(&code))
}

/// `\uXXXX` and `\x{XXXX}` as characters; `None` for half a character.
fn unescaped(text: &str) -> Option<String> {
    let text = if text == "\"\"" { "" } else { text };
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = match part.strip_prefix("x{") {
            Some(rest) => rest.split_once('}')?,
            None => part.strip_prefix('u')?.split_at(4),
        };
        plain.push(char::from_u32(u32::from_str_radix(digits, 16).ok()?)?);
        plain.push_str(rest);
    }
    Some(plain)
}
