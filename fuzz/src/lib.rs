//! What is fuzzed: one function for every reader of untrusted bytes.
//!
//! **Invariant:** each function is total: it takes any bytes, and panics only where a reader breaks
//! its word. The project's own tests run the same functions over seeds and random bytes
//! (`tests/fuzz.rs`), so they can't rot.

use std::path::Path;

use schoolgate::content::{FileKind, TermsBuilder, kinds as file_kinds};
use schoolgate::document::Document;
use schoolgate::lists::{
    Asked, Entry as Listed, Format, IndexBuilder, Origin, ReadOptions, Reading, StatutoryBuilder, archive,
    parse,
};
use schoolgate::model::embedded::{MAX_TARGETS, targets};
use schoolgate::model::{Host, Url};
use schoolgate::policy::read_text;
use schoolgate::services::{Consumer, Enforce, Restrict, SafeSearch, Tenants, is_doh, search};
use schoolgate::settings::Settings;
use schoolgate::wire::chunked::Chunked;
use schoolgate::wire::{Scan, client_hello as hello, http_head as head, opening as first};

/// Every list format that is read. A new one is a line here.
const FORMATS: [Format; 20] = Format::ALL;

/// What a target runs.
pub type Entry = fn(&[u8]);

/// Every function by the name of its target.
pub const ENTRIES: [(&str, Entry); 14] = [
    ("client_hello", client_hello),
    ("opening", opening),
    ("http_head", http_head),
    ("chunked", chunked),
    ("list", list),
    ("statutory", statutory),
    ("archive", archive),
    ("url", url),
    ("embedded", embedded),
    ("services", services),
    ("kinds", kinds),
    ("terms", terms),
    ("policy", policy),
    ("settings", settings),
];

/// A ClientHello: what is answered to the first bytes holds for all of them.
pub fn client_hello(bytes: &[u8]) {
    holds_for_prefixes(bytes, hello::scan);
}

/// The first bytes of a connection.
pub fn opening(bytes: &[u8]) {
    holds_for_prefixes(bytes, first::scan);
}

/// The head of an HTTP/1 request.
pub fn http_head(bytes: &[u8]) {
    holds_for_prefixes(bytes, |bytes| head::scan(bytes, 16 * 1024));
    let _ = head::scan(bytes, 64);
}

/// A chunked body: how it is cut changes nothing.
pub fn chunked(bytes: &[u8]) {
    let whole = Chunked::new().advance(bytes);
    let mut reader = Chunked::new();
    let mut consumed = 0;
    let mut in_pieces = Ok(None);
    for byte in bytes {
        match reader.advance(&[*byte]) {
            Ok(progress) => {
                consumed += progress.consumed;
                in_pieces = Ok(Some(progress.done));
                if progress.done {
                    break;
                }
            }
            Err(fault) => {
                in_pieces = Err(fault);
                break;
            }
        }
    }
    match (whole, in_pieces) {
        (Ok(whole), Ok(done)) => {
            assert_eq!((whole.consumed, whole.done), (consumed, done.unwrap_or_default()))
        }
        (whole, pieces) => assert_eq!(whole.err(), pieces.err()),
    }
}

/// A list; the first byte says of which format and for what.
pub fn list(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let format = FORMATS[usize::from(*first >> 1) % FORMATS.len()];
    let reading = if first & 1 == 0 { Reading::Block } else { Reading::Allow };
    let parsed = parse::read(&ReadOptions::of(reading), format, text);
    assert!(parsed.rejected.len() <= parsed.rejected_total && parsed.rejected_total <= parsed.read);
    for rejected in &parsed.rejected {
        assert!(rejected.line > 0 && rejected.column > 0);
        assert!(!rejected.text.contains(char::is_control), "shown as it is: {:?}", rejected.text);
    }
    let _ = parse::detect("list", text);
    let mut index = IndexBuilder::new([7; 16]);
    let origin = Origin { list: "fuzz".into(), version: "1".into(), file: "list".into() };
    let origin = index.add_origin(origin);
    for item in &parsed.items {
        index.add(origin, item.clone());
    }
    let index = index.build();
    // An exception may take off the list what another line puts on it.
    for item in parsed.items.iter().filter(|_| parsed.exceptions == 0).take(20) {
        if let Listed::Url(page) = &item.entry {
            let url = Url::parse(&format!("http://{page}")).expect("an entry is a URL");
            let found = index.find(&Asked { host: url.host(), url: Some(&url) }, reading);
            // Of two values of one parameter nobody knows which one counts: that opens nothing.
            let unsure = reading == Reading::Allow && url.query().is_some_and(repeats_a_parameter);
            assert!(unsure || !found.is_empty(), "{page} does not find itself");
        }
    }
}

/// Whether two fields have one name for some server: it may part them at `;` or not.
fn repeats_a_parameter(query: &str) -> bool {
    let fields = query.split('&').flat_map(|field| {
        let parts = field.split(';').filter(move |part| part.len() < field.len());
        std::iter::once(field).chain(parts).filter(|part| !part.is_empty())
    });
    let mut names: Vec<Vec<u8>> =
        fields.map(|field| name(field.split('=').next().unwrap_or_default())).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// A name of a parameter, however it is escaped and capitalised.
fn name(text: &str) -> Vec<u8> {
    let (mut name, mut rest) = (Vec::new(), text);
    while let Some(letter) = rest.chars().next() {
        let digits = rest.strip_prefix('%').and_then(|after| after.get(..2));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => name.push(byte.to_ascii_lowercase()),
            None if letter == '+' => name.push(b' '),
            None => name.extend(letter.to_lowercase().collect::<String>().bytes()),
        }
        rest = &rest[byte.map_or(letter.len_utf8(), |_| 3)..];
    }
    name
}

/// Lines of a statutory list.
pub fn statutory(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut builder = StatutoryBuilder::new([3; 32]);
    let list = builder.add_list("fuzz", "1");
    let taken: Vec<&str> = text.lines().filter(|line| builder.add_line(list, line).is_ok()).collect();
    let statutory = builder.build();
    for line in taken {
        let Ok(url) = Url::parse(line.trim()) else { continue };
        let _ = statutory.find(&Asked { host: url.host(), url: Some(&url) });
    }
}

/// A packed list.
pub fn archive(bytes: &[u8]) {
    let Ok(unpacked) = archive::unpack(bytes) else { return };
    for file in &unpacked.files {
        let inside =
            Path::new(&file.path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        assert!(inside, "{:?} leaves the root", file.path);
    }
}

/// A URL and a host: what is read is read again as the same.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(host) = Host::parse(text) {
        assert_eq!(Host::parse(&host.to_string()), Ok(host));
    }
    let _ = Url::parse_typed(text);
    if let Ok(url) = Url::parse(text) {
        // Userinfo and fragment are gone, so it is never longer than a little over what came.
        assert_eq!(Url::parse(&url.to_string()), Ok(url));
    }
}

/// The pages inside an address.
pub fn embedded(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(host) = Host::parse(text) {
        assert!(targets(&host, None).found.len() <= MAX_TARGETS);
    }
    for text in [text, &format!("http://web.archive.org/{text}"), &format!("http://ok.example/?u={text}")] {
        let Ok(url) = Url::parse(text) else { continue };
        let inside = targets(url.host(), Some(&url));
        assert!(inside.found.len() <= MAX_TARGETS);
        for target in inside.found {
            assert!(target.url.is_none_or(|url| *url.host() == target.host));
        }
    }
}

/// An address and a body at well-known services: what is changed once is not changed again.
pub fn services(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (address, body) = text.split_once('\n').unwrap_or((&text, ""));
    let tenants = Tenants {
        google: vec!["school.example".into()],
        microsoft_consumer: Consumer::Block,
        ..Tenants::default()
    };
    let enforce = Enforce { safe_search: SafeSearch::Enforce, youtube: Restrict::Strict, tenants };
    for start in [
        "",
        "https://www.google.com",
        "https://duckduckgo.com",
        "https://www.youtube.com/youtubei/v1/search?",
    ] {
        let Ok(url) = Url::parse(&format!("{start}{address}")) else { continue };
        for kind in ["application/json", "multipart/form-data", "application/x-www-form-urlencoded"] {
            let found = search("POST", &url, Some(kind), Some(body.as_bytes()));
            assert!(found.is_none_or(|search| !search.query.trim().is_empty()));
        }
        let _ = is_doh(&url, Some(body), Some(body));
        let changed = enforce.rewrite(&url);
        assert!(changed.set.iter().all(|(name, _)| changed.remove.contains(name)));
        let Some(changed) = changed.url else { continue };
        assert_eq!((changed.host(), changed.path()), (url.host(), url.path()));
        assert_eq!(Url::parse(&changed.to_string()).as_ref(), Ok(&changed));
        assert_eq!(enforce.rewrite(&changed).url, None);
    }
}

/// The start of a file, with its own first line for name and types.
pub fn kinds(bytes: &[u8]) {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(line);
    for named in [None, Some(&*text)] {
        let found = file_kinds(named, named, named, bytes);
        assert!(found.is_sorted() && found.len() <= FileKind::ALL.len());
    }
}

/// A term list, and itself as the text that is looked through: a plain line finds itself.
pub fn terms(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut builder = TermsBuilder::new();
    let faults = builder.add_sound("fuzz", "1", ("fuzz.txt", "fuzz.txt"), &text);
    assert!(faults.iter().all(|fault| fault.line == 0 || fault.column > 0));
    let terms = builder.build();
    let _ = terms.find(&text);
    let excepted = text.lines().any(|line| line.trim_start().starts_with('!'));
    for (at, line) in (1_u32..).zip(text.trim_start_matches('\u{feff}').lines()).take(50) {
        let plain = line.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
        let sound = faults.iter().all(|fault| fault.line != at);
        if plain && sound && !excepted && !line.trim().is_empty() && line.len() < 2000 {
            assert!(terms.find(line).iter().any(|found| found.line == at), "{line:?} does not find itself");
        }
    }
}

/// The policy as text.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = read_text(&Document::new("policy.toml", text.to_owned()), &|_| true);
    if let Err(faults) = read {
        assert!(!faults.is_empty());
        let _ = faults.to_string();
    }
}

/// The settings as text.
pub fn settings(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(faults) = Settings::parse(Path::new("schoolgate.toml"), text.to_owned(), std::iter::empty()) {
        assert!(!faults.is_empty());
        let _ = faults.to_string();
    }
}

/// What a reader has said of some bytes it says of more of them.
fn holds_for_prefixes<T, E>(bytes: &[u8], scan: impl Fn(&[u8]) -> Scan<T, E>)
where
    Scan<T, E>: PartialEq + std::fmt::Debug,
{
    let whole = scan(bytes);
    // Every cut of a short input, a few of a long one.
    for cut in (0..bytes.len()).step_by(bytes.len() / 64 + 1) {
        let answer = scan(&bytes[..cut]);
        assert!(answer == Scan::Incomplete || answer == whole, "{cut}: {answer:?}, then {whole:?}");
    }
}
