//! The URL tests of web-platform-tests (WHATWG): every row that is about `http` and `https`.

use serde_json::Value;

use crate::lists::tests::data;
use crate::model::{Scheme, Url};

/// Some forty rows, so that something runs where the whole file is not at hand.
const EXCERPT: &str = include_str!("../../../tests/fixtures/urltestdata-excerpt.json");

/// Rows that a browser reads and this gateway refuses, and why.
const REFUSED: [(&str, &str); 8] = [
    ("http://f:0/c", "nothing can be dialled at port 0"),
    ("http://f:00000000000000/c", "nothing can be dialled at port 0"),
    ("http://example.com/foo%00%51", "a NUL hides the rest of a path from some servers"),
    ("https://x/\0y", "a NUL hides the rest of a path from some servers"),
    ("http://./", "no name is left without the root dot"),
    ("http://../", "no name is left without the root dots"),
    ("http://foo.09..", "without the root dots the last label is a number, and no address"),
    ("http://!\"$&'()*+,-.;=_`{}~/", "no such name is in DNS, and lists and records hold names"),
];

struct Row {
    input: String,
    base: Option<String>,
    /// The URL as a browser writes it.
    href: Option<String>,
    /// `None`: no URL.
    parts: Option<Parts>,
}

/// What a URL is judged and forwarded by.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    scheme: String,
    host: String,
    port: u16,
    path: String,
    query: String,
}

impl Parts {
    fn of(url: &Url) -> Parts {
        Parts {
            scheme: url.scheme().as_str().to_owned(),
            host: url.host().to_string(),
            port: url.port(),
            path: url.path().to_owned(),
            query: url.query().unwrap_or_default().to_owned(),
        }
    }

    fn of_row(row: &Value) -> Option<Parts> {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let scheme = match text("protocol") {
            "http:" => Scheme::Http,
            "https:" => Scheme::Https,
            _ => return None,
        };
        Some(Parts {
            scheme: scheme.as_str().to_owned(),
            host: folded(text("hostname")),
            port: text("port").parse().unwrap_or(scheme.default_port()),
            path: text("pathname").to_owned(),
            query: text("search").strip_prefix('?').unwrap_or_default().to_owned(),
        })
    }
}

/// What is folded further than a browser does: root dots, IPv4 inside IPv6.
fn folded(host: &str) -> String {
    let mapped = host.strip_prefix("[::ffff:").and_then(|rest| rest.strip_suffix(']'));
    let mapped = mapped.and_then(|rest| format!("::ffff:{rest}").parse::<std::net::Ipv6Addr>().ok());
    match mapped.and_then(|address| address.to_ipv4_mapped()) {
        Some(address) => address.to_string(),
        None => host.trim_end_matches('.').to_owned(),
    }
}

#[test]
fn urls_are_read_as_the_excerpt_says() {
    let rows = rows(EXCERPT);
    assert!(rows.len() >= 30, "{}", rows.len());
    assert_eq!(faults(&rows), Vec::<String>::new());
}

#[test]
fn urls_are_read_as_web_platform_tests_say() {
    let Some(bytes) = data("urltests/urltestdata.json") else { return };
    let rows = rows(&String::from_utf8(bytes).unwrap());
    assert!(rows.len() > 400, "{}", rows.len());
    assert_eq!(faults(&rows), Vec::<String>::new());
    for (input, _) in REFUSED {
        assert!(rows.iter().any(|row| row.input == input), "{input:?} is not in the file any more");
    }
}

/// The rows about http and https, and those that are no URL at all.
fn rows(text: &str) -> Vec<Row> {
    let all: Vec<Value> = serde_json::from_str(&without_lone_surrogates(text)).unwrap();
    let rows = all.iter().filter(|row| row.is_object());
    rows.filter(|row| row["failure"] == true || Parts::of_row(row).is_some())
        .map(|row| Row {
            input: row["input"].as_str().unwrap().to_owned(),
            base: row["base"].as_str().map(str::to_owned),
            href: row["href"].as_str().map(str::to_owned),
            parts: Parts::of_row(row),
        })
        .collect()
}

fn faults(rows: &[Row]) -> Vec<String> {
    rows.iter().filter_map(Row::fault).collect()
}

impl Row {
    /// What is wrong with how the row is read: its input where no base counts, what a browser
    /// makes of it, and what is read of that again.
    fn fault(&self) -> Option<String> {
        let stands_alone = self.base.is_none() || is_absolute(&self.input);
        let input = stands_alone.then_some(&self.input);
        input.into_iter().chain(&self.href).find_map(|text| self.fault_in(text))
    }

    fn fault_in(&self, text: &str) -> Option<String> {
        let read = Url::parse(text).ok();
        let is = read.as_ref().map(Parts::of);
        if REFUSED.iter().any(|(input, _)| *input == self.input) {
            return is.map(|is| format!("{text:?}: {is:?}, to be refused"));
        }
        let again = read.as_ref().and_then(|url| Url::parse(&url.to_string()).ok());
        (is != self.parts || again != read).then(|| format!("{text:?}: {is:?}, expected {:?}", self.parts))
    }
}

/// Whether a base changes nothing: `http:x` is relative to a base of the same scheme.
fn is_absolute(input: &str) -> bool {
    let text =
        input.trim_start_matches(|c: char| c <= ' ').replace(['\t', '\n', '\r'], "").to_ascii_lowercase();
    ["http://", "https://", "http:\\\\", "https:\\\\"].iter().any(|start| text.starts_with(start))
}

/// JavaScript's strings may hold half a character; a browser's URL parser reads it as U+FFFD.
fn without_lone_surrogates(text: &str) -> String {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6).filter(|escape| escape.starts_with("\\u"))?;
        u16::from_str_radix(&escape[2..], 16).ok()
    };
    let (mut kept, mut at) = (String::new(), 0);
    while let Some(found) = text[at..].find('\\') {
        kept.push_str(&text[at..at + found]);
        at += found;
        let escape = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => &text[at..at + 12],
            (Some(0xd800..=0xdfff), _) => "\\uFFFD",
            _ => &text[at..at + 2],
        };
        kept.push_str(escape);
        at += if escape == "\\uFFFD" { 6 } else { escape.len() };
    }
    kept + &text[at..]
}
