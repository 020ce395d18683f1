//! Tables, properties and real data for the lists as a whole.

mod corpus;
mod data;
mod dirty;
mod folders;
mod golden;
mod options;
mod packed;
mod properties;
mod readers;
mod samples;
mod tree;

use std::path::PathBuf;

use crate::lists::{
    Asked, Entry, Format, Index, IndexBuilder, Item, Origin, OriginId, ReadOptions, Reading, parse,
};
use crate::model::{Host, Url};

/// An index of one domain file and one URL file.
pub(super) fn index_of(domains: &str, urls: &str) -> Index {
    let mut builder = IndexBuilder::new(*b"a key for tests!");
    for (file, format, text) in [("domains", Format::Domains, domains), ("urls", Format::Urls, urls)] {
        let origin = add_origin(&mut builder, file);
        for item in parse::read(&ReadOptions::of(Reading::Block), format, text.as_bytes()).items {
            builder.add(origin, item);
        }
    }
    builder.build()
}

pub(super) fn add_origin(builder: &mut IndexBuilder, file: &str) -> OriginId {
    builder.add_origin(Origin { list: "test/list".into(), version: "1".into(), file: file.into() })
}

pub(super) fn host(text: &str) -> Host {
    Host::parse(text).unwrap()
}

pub(super) fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// The texts of all entries that cover a URL, the most specific first.
pub(super) fn found(index: &Index, text: &str, reading: Reading) -> Vec<String> {
    let url = url(text);
    let matches = index.find(&Asked { host: url.host(), url: Some(&url) }, reading);
    matches.iter().map(|found| index.entry_text(found)).collect()
}

/// Where the big data lies; says so and gives `None` where it does not.
pub(crate) fn data(path: &str) -> Option<Vec<u8>> {
    let home = std::env::var_os("SCHOOLGATE_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let bytes = std::fs::read(home.join(path)).ok();
    if bytes.is_none() {
        eprintln!("skipped: {path} is not there (set SCHOOLGATE_DATA)");
    }
    bytes
}

/// What was packed with gzip.
pub(crate) fn gunzipped(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut bytes).unwrap();
    bytes
}

#[test]
fn matches_come_most_specific_first_and_say_their_line() {
    let index = index_of("example.org\n# c\nb.example.org\n=a.b.example.org\n", "a.b.example.org/x?k=v\n/y");
    let asked_url = url("http://a.b.example.org/x/y?k=v");
    let asked = Asked { host: asked_url.host(), url: Some(&asked_url) };
    let matches = index.find(&asked, Reading::Block);
    let lines: Vec<_> = matches
        .iter()
        .map(|found| (&*index.origin(found.origin).file, index.line(found), index.entry_text(found)))
        .collect();
    assert_eq!(
        lines,
        [
            ("urls", 1, "a.b.example.org/x?k=v".into()),
            ("domains", 4, "=a.b.example.org".into()),
            ("domains", 3, "b.example.org".into()),
            ("domains", 1, "example.org".into()),
        ]
    );
    assert!(matches.is_sorted_by(|a, b| a.specificity > b.specificity));
    assert_eq!(index.len(), 4);
    let only_host = Asked { host: asked_url.host(), url: None };
    assert_eq!(index.find(&only_host, Reading::Block).len(), 3);
}

#[test]
fn scopes_cover_what_they_say() {
    let mut builder = IndexBuilder::new([0; 16]);
    let origin = add_origin(&mut builder, "f");
    let Host::Name(name) = host("site.example") else { panic!("a name") };
    builder.add(origin, Item::listed(1, Entry::Host { host: name, scope: crate::lists::Scope::Children }));
    let index = builder.build();
    assert_eq!(found(&index, "http://a.site.example/", Reading::Block), ["*.site.example"]);
    assert!(found(&index, "http://site.example/", Reading::Block).is_empty());
}

#[test]
fn a_www_name_covers_its_bare_twin_and_no_sibling() {
    let index = index_of("www.site.example\nwww.com\n", "www.pages.example/x\n");
    let cases = [
        ("http://www.site.example/", true),
        ("http://a.www.site.example/", true),
        ("http://site.example/", true),
        ("http://classroom.site.example/", false),
        ("http://other.com/", false),
        ("http://pages.example/x", true),
        ("http://www3.pages.example/x/y", true),
        ("http://a.pages.example/x", false),
    ];
    for (text, blocked) in cases {
        assert_eq!(!found(&index, text, Reading::Block).is_empty(), blocked, "{text}");
    }
}

#[test]
fn allowing_is_strict() {
    let index = index_of("", "site.example/A/b?q=Good+1\nsite.example/dir\n");
    let cases = [
        ("http://site.example/A/b?q=Good+1", true, true),
        ("http://site.example/%41/b?x=2&q=%47ood+1", true, true),
        ("http://site.example//A/./b/c?q=Good+1", true, true),
        ("http://site.example/a/b?q=Good+1", true, false),
        ("http://site.example/A/b?q=good+1", true, false),
        ("http://site.example/A/b?q=Good%201", true, false),
        ("http://site.example/A/b?q=Good%2B1", false, false),
        ("http://site.example/A%2fb?q=Good+1", true, false),
        ("http://site.example/A/b;p?q=Good+1", true, false),
        ("http://www.site.example/dir", true, false),
        ("http://site.example/dir/", true, true),
        ("http://site.example/dir;x", true, false),
        ("http://site.example/x/..%2fdir", true, false),
        ("http://site.example/x/..;/dir", true, false),
        ("http://site.example/A/b", false, false),
    ];
    for (text, blocked, allowed) in cases {
        assert_eq!(!found(&index, text, Reading::Block).is_empty(), blocked, "block {text}");
        assert_eq!(!found(&index, text, Reading::Allow).is_empty(), allowed, "allow {text}");
    }
}

#[test]
fn networks_match_the_longest_first() {
    let index = index_of("192.0.2.0/24\n192.0.2.5\n2001:db8::/32\n::ffff:198.51.100.7\n10.0.0.0/8\n", "");
    assert_eq!(found(&index, "http://192.0.2.5/", Reading::Block), ["192.0.2.5", "192.0.2.0/24"]);
    assert_eq!(found(&index, "http://[2001:db8:1::1]/", Reading::Block), ["2001:db8::/32"]);
    assert_eq!(found(&index, "http://198.51.100.7/", Reading::Block), ["198.51.100.7"]);
    assert!(found(&index, "http://10.0.0.1/", Reading::Block).is_empty(), "a /8 is too wide");
}

#[test]
fn url_entries_are_known_by_host() {
    let index =
        index_of("listed.example\n", "site.example/x\n192.0.2.9/y\n[2001:db8::9]/z\nwww.tw.example/a\n");
    for (text, known) in [
        ("site.example", true),
        ("www.site.example", true),
        ("sub.site.example", false),
        ("192.0.2.9", true),
        ("2001:db8::9", true),
        ("tw.example", true),
        ("listed.example", false),
        ("example", false),
    ] {
        assert_eq!(index.has_url_entries(&host(text)), known, "{text}");
    }
    assert_eq!(found(&index, "http://[2001:db8::9]/z/1", Reading::Allow), ["[2001:db8::9]/z"]);
}
