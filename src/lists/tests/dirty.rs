//! What a technician saves from a spreadsheet, line by line.

use crate::lists::parse::RejectReason::*;
use crate::lists::{Format, Parsed, ReadOptions, Reading, RejectReason, parse};

static BLOCK: ReadOptions = ReadOptions::of(Reading::Block);
const DIRTY: &[u8] = include_bytes!("../../../tests/fixtures/dirty-technician.txt");

enum Line {
    Nothing,
    Is(&'static [&'static str]),
    Not(RejectReason),
}
use Line::{Is, Not, Nothing};

fn line(parsed: &Parsed, number: u32) -> (Vec<String>, Option<RejectReason>) {
    let items = parsed.items.iter().filter(|item| item.line == number);
    let rejected = parsed.rejected.iter().find(|rejected| rejected.line == number);
    (items.map(|item| item.entry.to_string()).collect(), rejected.map(|rejected| rejected.reason))
}

#[test]
fn every_line_has_its_outcome() {
    let parsed = parse::read(&BLOCK, Format::Domains, DIRTY);
    let expected = [
        Nothing,
        Is(&["games1.example"]),
        Is(&["games2.example"]),
        Is(&["games3.example"]),
        Is(&["www.games4.example/play?x=1"]),
        Is(&["games5.example"]),
        Is(&["games6.example"]),
        Is(&["games7.example"]),
        Is(&["games8.example"]),
        Is(&["games9.example", "games10.example"]),
        Not(LocalName),
        Not(LocalName),
        Not(LocalName),
        Is(&["xn--bcher-kva.example"]),
        Is(&["xn--bcher-kva.example"]),
        Is(&["xn--e1afmkfd.example"]),
        Is(&["fish.example"]),
        Not(PublicSuffix),
        Not(PublicSuffix),
        Not(PublicSuffix),
        Not(Empty),
        Not(PublicSuffix),
        Not(Empty),
        Is(&["-bad-.example"]),
        Not(EmptyLabel),
        Not(TooLong),
        Not(TooLong),
        Is(&["xn--latin1--hya.example"]),
        Not(Control),
        Is(&["192.0.2.1"]),
        Is(&["2001:db8::1"]),
        Is(&["2001:db8::2"]),
        Is(&["192.0.2.0/24"]),
        Is(&["192.168.1.1"]),
        Is(&["127.0.0.1"]),
        Is(&["games1.example"]),
        Not(Character),
        Not(Character),
        Is(&["games14.example"]),
        Is(&["games15.example"]),
        Is(&["games_16.example"]),
        Is(&["=games17.example", "www.games17.example"]),
        Not(MailAddress),
        Not(SeveralWords),
        Is(&["games19.example"]),
    ];
    for (number, expected) in (1..).zip(&expected) {
        let (entries, reason) = line(&parsed, number);
        match expected {
            Nothing => assert!(entries.is_empty() && reason.is_none(), "line {number}"),
            Is(texts) => assert_eq!((&entries[..], reason), (&texts.map_owned()[..], None), "line {number}"),
            Not(fault) => assert_eq!((&entries[..], reason), (&[][..], Some(*fault)), "line {number}"),
        }
    }
    assert_eq!(parsed.read, expected.len() - 1);
    assert_eq!(parsed.dangerous.len(), 4);
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|&text| text.to_owned()).collect()
    }
}

#[test]
fn a_rejected_line_says_where() {
    let parsed = parse::read(&BLOCK, Format::Domains, DIRTY);
    let shown = |number| {
        let rejected = parsed.rejected.iter().find(|rejected| rejected.line == number).unwrap();
        (rejected.column, rejected.text.to_string())
    };
    assert_eq!(shown(25), (3, "a..b.example".into()));
    assert_eq!(shown(29), (4, "nul\u{fffd}byte.example".into()));
    assert_eq!(shown(37), (16, "games11.example;comment".into()));
}

#[test]
fn lines_of_url_lists_are_read_as_their_publishers_mean_them() {
    let cases = [
        ("129.105.212.34/~abutz", Ok("129.105.212.34/~abutz")),
        ("site.example/tools/gambling/", Ok("site.example/tools/gambling")),
        ("site.example/a#frag", Ok("site.example/a")),
        ("site.example/a # comment", Ok("site.example/a")),
        ("site.example/a b", Ok("site.example/a%20b")),
        ("site.example/a http://else.example/", Ok("site.example/a")),
        ("site.example:8080/x", Ok("site.example/x")),
        ("http://user:pw@site.example/x", Ok("site.example/x")),
        ("site.example\\a\\b", Ok("site.example/a/b")),
        ("site.example/x?b=2&a=1&&b=2", Ok("site.example/x?a=1&b=2")),
        ("site.example?q=1", Ok("site.example?q=1")),
        ("site.example/%7Ebad/%c3%a9/é", Ok("site.example/~bad/%C3%A9/%C3%A9")),
        ("192.0.2.1/24", Ok("192.0.2.1/24")),
        ("site.example/", Ok("site.example")),
        ("=site.example", Ok("=site.example")),
        ("gopher://site.example/x", Err(Scheme)),
        ("site.example:99999/x", Err(Port)),
        ("site.example/a%00b", Err(Url)),
        ("/only/path", Err(Empty)),
        ("head@school.example", Err(MailAddress)),
        ("1.2.3.4.5/x", Err(Address)),
        ("intranet", Err(SingleLabel)),
        ("0.0.0.0", Err(LocalName)),
    ];
    for (written, expected) in cases {
        let parsed = parse::read(&BLOCK, Format::Urls, written.as_bytes());
        let entry = parsed.items.first().map(|item| item.entry.to_string());
        let reason = parsed.rejected.first().map(|rejected| rejected.reason);
        assert_eq!((entry.as_deref(), reason), (expected.ok(), expected.err()), "{written}");
    }
}

#[test]
fn an_allow_list_may_name_a_suffix_but_not_a_whole_top_level() {
    let parsed = parse::read(
        &ReadOptions::of(crate::lists::Reading::Allow),
        Format::Domains,
        b"gov.uk\nuk\nwww.bbc.co.uk\n",
    );
    let texts: Vec<_> = parsed.items.iter().map(|item| item.entry.to_string()).collect();
    assert_eq!(texts, ["gov.uk", "www.bbc.co.uk"]);
    assert_eq!((parsed.rejected_total, parsed.dangerous.len()), (1, 2));
}
