//! What changes with the use of a list: allow lists, wider or narrower names, suffixes, categories.

use super::golden::outcome;
use crate::lists::{Format, ReadOptions, Reading, Scoping, Suffixes, parse};

fn read(options: &ReadOptions, format: Format, text: &str) -> Vec<String> {
    let parsed = parse::read(options, format, text.as_bytes());
    (1u32..).zip(text.lines()).map(|(line, _)| outcome(&parsed, line)).collect()
}

#[test]
fn an_allow_list_gets_no_twins_and_may_name_a_suffix() {
    let options = ReadOptions::of(Reading::Allow);
    let parsed = parse::read(&options, Format::Hosts, b"0.0.0.0 a.example www.b.example gov.uk com\n");
    assert_eq!(outcome(&parsed, 1), "=a.example & =www.b.example & =gov.uk rejected PublicSuffix");
    assert_eq!(parsed.dangerous.len(), 2);
    assert_eq!(
        read(&options, Format::Csv, "domain,action\na.example,allow\nb.example,block\n"),
        ["nothing", "a.example", "Excepts b.example"],
        "the action is held against what the list is for"
    );
    assert_eq!(
        read(&options, Format::Adblock, "||www.a.example^\n@@||b.a.example^\n")[1],
        "ExceptsAll b.a.example"
    );
}

#[test]
fn only_names_without_a_mark_get_the_reach_that_is_asked_for() {
    let cases = [
        (Format::Hosts, "0.0.0.0 a.example", "a.example", "=www.a.example & =a.example"),
        (Format::Domains, "a.example", "a.example", "=www.a.example & =a.example"),
        (Format::Domains, "=a.example", "=a.example", "=a.example"),
        (Format::Wildcard, "*.a.example", "a.example", "a.example"),
        (Format::Dnsmasq, "local=/a.example/", "a.example", "=www.a.example & =a.example"),
        (Format::Dnsmasq, "server=/a.example/#", "Excepts a.example", "Excepts =a.example"),
        (Format::Squid, "a.example", "a.example", "=www.a.example & =a.example"),
        (Format::Squid, ".a.example", "a.example", "a.example"),
        (Format::Rpz, "a.example CNAME .", "a.example", "=www.a.example & =a.example"),
        (Format::Rpz, "*.a.example CNAME .", "*.a.example", "*.a.example"),
        (Format::Rpz, "a.example CNAME rpz-passthru.", "Excepts =a.example", "Excepts =a.example"),
        (Format::Adblock, "a.example", "a.example", "=www.a.example & =a.example"),
        (Format::Adblock, "||a.example^", "a.example", "a.example"),
        (Format::V2fly, "full:a.example", "=a.example", "=a.example"),
        (Format::Urls, "a.example/x", "a.example/x", "a.example/x"),
    ];
    for (format, text, wide, narrow) in cases {
        for (scoping, expected) in [(Scoping::Subtree, wide), (Scoping::Exact, narrow)] {
            let options = ReadOptions { scoping, ..ReadOptions::of(Reading::Block) };
            assert_eq!(read(&options, format, text), [expected], "{format} {text} {scoping:?}");
        }
    }
}

#[test]
fn suffixes_are_taken_where_they_are_meant() {
    let taken = ReadOptions { suffixes: Suffixes::Taken, ..ReadOptions::of(Reading::Block) };
    assert_eq!(
        read(&taken, Format::E2Sites, ".zip\nco.uk\nintranet\n"),
        ["zip", "co.uk", "rejected SingleLabel"]
    );
    assert_eq!(read(&taken, Format::PiholeRegex, "\\.com$\n\\.\n"), ["/\\.com$/", "rejected Pattern"]);
    assert!(parse::read(&taken, Format::Domains, b"com\n").dangerous.is_empty());
    let allow = ReadOptions { suffixes: Suffixes::Taken, ..ReadOptions::of(Reading::Allow) };
    assert_eq!(parse::read(&allow, Format::Domains, b"uk\n").dangerous.len(), 1);
}

#[test]
fn a_table_is_read_by_category() {
    let sheet =
        "Domain;List;Notes\r\na.example;Social Networks;x\r\nb.example;\"Games; Chat!\";\r\nc.example;;\r\n";
    let json = r#"[{"domain": "a.example", "category": "Social Networks"},
        {"domain": "b.example", "category": ["Games", "Chat!"]}, {"domain": "c.example"}]"#;
    for (format, text) in [(Format::Csv, sheet), (Format::Json, json)] {
        let categories = parse::categories(format, text.as_bytes());
        assert_eq!(categories, ["chat", "games", "social_networks", "uncategorised"], "{format}");
        for (category, entry) in categories.iter().zip(["b.example", "b.example", "a.example", "c.example"]) {
            let options =
                ReadOptions { category: Some(category.as_str().into()), ..ReadOptions::of(Reading::Block) };
            let parsed = parse::read(&options, format, text.as_bytes());
            let entries: Vec<_> = parsed.items.iter().map(|item| item.entry.to_string()).collect();
            assert_eq!((entries, parsed.read), (vec![entry.to_owned()], 1), "{format} {category}");
        }
    }
    assert!(parse::categories(Format::Csv, b"domain\na.example\n").is_empty());
    assert!(parse::categories(Format::Json, b"[\"a.example\"]").is_empty());
    assert!(parse::categories(Format::Domains, b"a.example\n").is_empty());
}

/// A file, and the lines and texts of its entries.
type Case<'c> = (&'c [u8], &'c [(u32, &'c str)]);

#[test]
fn a_table_may_come_from_any_program() {
    let utf16: Vec<u8> = [0xfeff]
        .into_iter()
        .chain("domain\ta\nx.example\t1\n".encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: [Case<'_>; 9] = [
        (
            b"\xef\xbb\xbfDomain,Notes\r\nx.example,\"a\r\nb\"\r\n\r\ny.example,\r\n",
            &[(2, "x.example"), (5, "y.example")],
        ),
        (b"sep=;\r\nhost;notes\r\nx.example;a,b\r\n", &[(3, "x.example")]),
        (b"DOMAIN\tCATEGORY\nx.example\tgames\n", &[(2, "x.example")]),
        (b"name,ip\nbad,192.0.2.7\n", &[(2, "192.0.2.7")]),
        (b"x.example,games\ny.example,chat\n", &[(1, "x.example"), (2, "y.example")]),
        (b"# a\n\ndomain\n# b\nx.example\n", &[(5, "x.example")]),
        (b"domain\rx.example\ry.example", &[(2, "x.example"), (3, "y.example")]),
        (b"domain,notes\nx.example,caf\xe9\n", &[(2, "x.example")]),
        (&utf16, &[(2, "x.example")]),
    ];
    for (bytes, expected) in cases {
        let parsed = parse::read(&ReadOptions::of(Reading::Block), Format::Csv, bytes);
        let entries: Vec<_> = parsed.items.iter().map(|item| (item.line, item.entry.to_string())).collect();
        let expected: Vec<_> = expected.iter().map(|&(line, text)| (line, text.to_owned())).collect();
        assert_eq!(entries, expected, "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_json_does_not_end_is_reported_where_it_breaks() {
    let options = ReadOptions::of(Reading::Block);
    let cases = [
        ("[\"a.example\",\n\"b.example\",\nc]", 3, 2),
        ("[\"a.example\"\n", 0, 1),
        ("{\"domain\": \"a.example\"}\n{\"domain\": \"b.example\"}\n", 0, 2),
        ("{\"a\": 1", 1, 0),
    ];
    for (text, line, items) in cases {
        let parsed = parse::read(&options, Format::Json, text.as_bytes());
        let broken = parsed.rejected.iter().find(|found| found.reason == crate::lists::RejectReason::Json);
        assert_eq!((broken.map_or(0, |found| found.line), parsed.items.len()), (line, items), "{text}");
    }
}

#[test]
fn a_record_that_never_ends_is_a_fault_at_the_end() {
    let parsed = parse::read(
        &ReadOptions::of(Reading::Block),
        Format::Rpz,
        b"a.example CNAME (\n.\nb.example CNAME .\n",
    );
    assert!(parsed.items.is_empty());
    assert_eq!((parsed.skipped_total, parsed.rejected_total, parsed.rejected[0].line), (3, 1, 4));
}
