//! Where lists come from: every key, every default, every mix-up.

use super::*;
use crate::lists::{Format, ListFormat};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn one(text: &str) -> Source {
    let settings = read(text, &[]).unwrap_or_else(|faults| panic!("{faults}"));
    settings.lists.sources.into_iter().chain(settings.statutory.sources).next().unwrap()
}

#[test]
fn a_source_has_a_name_a_place_and_defaults() {
    let lists = one("[[lists.source]]\nname = \"ut1\"\nurl = \"https://lists.example/blacklists.tar.gz\"\n");
    assert_eq!((lists.id(), lists.every), ("ut1".to_owned(), Duration::from_secs(86_400)));
    assert_eq!((lists.max_bytes, lists.timeout), (128 << 20, Duration::from_secs(600)));
    assert_eq!((lists.sum, lists.minisign_key), (None, None));
    let none = Delivers::Lists { category: None, format: None, accept_protected: Vec::new() };
    assert_eq!(lists.what, none);
    let statutory = one("[[statutory.source]]\nname = \"iwf\"\npath = \"lists/iwf.txt\"\n");
    assert_eq!(
        (statutory.id(), statutory.every),
        ("statutory/iwf".to_owned(), Duration::from_secs(6 * 3600))
    );
    assert_eq!(statutory.place, Place::Path("etc/lists/iwf.txt".into()));
    assert_eq!((statutory.what, statutory.max_bytes), (Delivers::Statutory, 64 << 20));
}

#[test]
fn every_key_of_a_source_is_read() {
    let sum = "ab".repeat(32);
    let text = format!(
        "[[lists.source]]\nname = \"doh\"\nurl = \"http://lists.example:81/a?b\"\ncategory = \"doh\"\nformat = \"urls\"\n\
         every = \"6h\"\nlicence = \"MIT\"\nattribution = \"somebody\"\nsha256 = \"{sum}\"\nminisign_key = \"{KEY}\"\n\
         max_bytes = 4096\ntimeout = \"30s\"\naccept_protected = [\"dns.example\"]\n\
         [[lists.source]]\nname = \"other\"\npath = \"/x\"\nsha256_url = \"https://lists.example/SHA256SUMS\"\n"
    );
    let sources = read(&text, &[]).unwrap().lists.sources;
    let [doh, other] = &sources[..] else { panic!("{sources:?}") };
    let what = Delivers::Lists {
        category: Some("doh".to_owned()),
        format: Some(ListFormat::File(Format::Urls)),
        accept_protected: vec!["dns.example".to_owned()],
    };
    assert_eq!(
        (&doh.what, doh.every, doh.timeout),
        (&what, Duration::from_secs(21_600), Duration::from_secs(30))
    );
    assert_eq!((doh.licence.as_str(), doh.attribution.as_str(), doh.max_bytes), ("MIT", "somebody", 4096));
    assert_eq!(doh.sum, Some(Sum::Pinned([0xab; 32])));
    assert!(doh.minisign_key.is_some());
    let published = crate::model::Url::parse("https://lists.example/SHA256SUMS").unwrap();
    assert_eq!(other.sum, Some(Sum::Published(published)));
}

#[test]
fn sources_can_come_from_the_environment() {
    let env =
        [("SCHOOLGATE__LISTS__SOURCE", "[{ name = \"a\", path = \"/a\" }, { name = \"b\", path = \"/b\" }]")];
    assert_eq!(read("", &env).unwrap().lists.sources.len(), 2);
}

#[test]
fn every_mix_up_is_told_where_it_is() {
    let cases = [
        ("", "1:1 a source has a `url` or a `path`"),
        ("", "1:1 [lists.source] lacks the key `name`"),
        ("name = \"seed\"\npath = \"/x\"", "2:8 a source can't be called \"seed\""),
        ("name = \"../x\"\npath = \"/x\"", "2:8 a source can't be called \"../x\""),
        ("name = \"x.previous\"\npath = \"/x\"", "2:8 a source can't be called \"x.previous\""),
        (
            "name = \"a\"\npath = \"/x\"\nurl = \"https://a.example/\"",
            "3:8 a source has a `url` or a `path`, not both",
        ),
        (
            "name = \"a\"\nurl = \"ftp://a.example/\"",
            "3:7 only http and https addresses can be fetched; for a file write `path`",
        ),
        (
            "name = \"a\"\nurl = \"https://me:secret@a.example/\"",
            "3:7 a name or password can't stand in a URL here",
        ),
        (
            "name = \"a\"\nurl = \"nowhere\"",
            "3:7 the text is not a URL; write https://lists.example.org/list.txt",
        ),
        ("name = \"a\"\npath = \"/x\"\nevery = \"1m\"", "4:9 out of range"),
        ("name = \"a\"\npath = \"/x\"\nevery = 5", "4:9 a number where text is expected"),
        ("name = \"a\"\npath = \"/x\"\ncategory = \"a b\"", "4:12 not a category"),
        (
            "name = \"a\"\npath = \"/x\"\nformat = \"xml\"",
            "4:10 there is no list format \"xml\"; the formats are domains, urls, hosts, wildcard, dnsmasq, unbound, rpz, \
             adblock, squid, pihole-regex, expressions, v2fly, csv, json, networks, suffixes, e2-sites, \
             e2-site-ips, e2-urls, e2-regex-urls",
        ),
        (
            "name = \"a\"\npath = \"/x\"\nsha256 = \"abc\"",
            "4:10 not a SHA-256: write its 64 hexadecimal digits",
        ),
        (
            "name = \"a\"\npath = \"/x\"\nminisign_key = \"RWx\"",
            "4:16 not a minisign public key: write the second line of minisign.pub, which begins with RW",
        ),
        ("name = \"a\"\npath = \"/x\"\nmax_bytes = 5", "4:13 5 is out of range"),
        ("name = \"a\"\npath = \"/x\"\ntimeout = \"2h\"", "4:11 out of range"),
        ("name = \"a\"\npath = \"/x\"\nevrey = \"6h\"", "4:1 unknown key `evrey`; did you mean `every`?"),
        (
            "name = \"a\"\npath = \"/x\"\n[[lists.source]]\nname = \"a\"\npath = \"/y\"",
            "5:8 there is another source called a",
        ),
    ];
    for (keys, expected) in cases {
        let found = faults(&format!("[[lists.source]]\n{keys}\n"));
        assert!(found.iter().any(|fault| fault == expected), "{expected}: {found:#?}");
    }
    let pair = format!(
        "name = \"a\"\npath = \"/x\"\nsha256 = \"{}\"\nsha256_url = \"https://a.example/s\"",
        "0".repeat(64)
    );
    assert_eq!(
        faults(&format!("[[lists.source]]\n{pair}\n")),
        ["5:14 a source has a `sha256` or a `sha256_url`, not both"]
    );
}

#[test]
fn a_statutory_source_is_looked_at_twice_a_day_at_least() {
    let source = |keys: &str| format!("[[statutory.source]]\nname = \"iwf\"\npath = \"/x\"\n{keys}\n");
    assert!(read(&source("every = \"12h\""), &[]).is_ok());
    let told = read(&source("every = \"13h\""), &[]).unwrap_err();
    let fault = told.iter().next().unwrap();
    assert_eq!((fault.line, fault.help.as_deref()), (4, Some("write a time from 5m to 12h")));
    for key in ["category = \"x\"", "format = \"urls\"", "accept_protected = []"] {
        let told = faults(&source(key));
        assert!(told[0].starts_with("4:1 unknown key"), "{told:?}");
    }
    let both = format!("{}[[lists.source]]\nname = \"iwf\"\npath = \"/y\"\n", source(""));
    assert!(read(&both, &[]).is_ok(), "the two kinds have names of their own");
}
