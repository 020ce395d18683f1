//! What a statutory list covers, and that nobody can read it.

use proptest::prelude::*;

use crate::lists::tests::{data, host, url};
use crate::lists::{Asked, RejectReason, Statutory, StatutoryBuilder};

fn held(lines: &str) -> Statutory {
    let mut builder = StatutoryBuilder::new([42; 32]);
    let list = builder.add_list("iwf", "2026-08-17");
    for line in lines.lines() {
        builder.add_line(list, line).unwrap();
    }
    builder.build()
}

fn refused(statutory: &Statutory, text: &str) -> bool {
    let url = url(text);
    statutory.find(&Asked { host: url.host(), url: Some(&url) }).is_some()
}

/// December 2008: one article was listed; hardly anything else should have changed.
#[test]
fn one_article_listed_leaves_the_encyclopaedia_reachable() {
    let statutory = held("http://en.wiki.example/wiki/Virgin_Killer\n");
    let cases = [
        ("http://en.wiki.example/wiki/Virgin_Killer", true),
        ("https://en.wiki.example/wiki/Virgin_Killer?action=edit", true),
        ("https://en.wiki.example/wiki/Virgin_Killer/Talk", true),
        ("https://www.en.wiki.example/wiki/virgin%5Fkiller/", true),
        ("https://en.wiki.example/wiki//./Virgin_Killer", true),
        ("https://en.wiki.example/x/..%2fwiki%2FVirgin_Killer", true),
        ("https://en.wiki.example/wiki/Virgin_Killer;v=1", true),
        ("https://en.wiki.example/", false),
        ("https://en.wiki.example/wiki/", false),
        ("https://en.wiki.example/wiki/Virgin", false),
        ("https://en.wiki.example/wiki/Virgin_Killers", false),
        ("https://en.wiki.example/wiki/Scorpions_(band)", false),
        ("https://en.wiki.example/w/index.php?title=Virgin_Killer", false),
        ("https://upload.wiki.example/wiki/Virgin_Killer", false),
        ("https://wiki.example/wiki/Virgin_Killer", false),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(&statutory, text), expected, "{text}");
    }
    let article_host = host("en.wiki.example");
    assert!(statutory.has_url_entries(&article_host));
    assert!(statutory.find(&Asked { host: &article_host, url: None }).is_none());
    assert!(!statutory.has_url_entries(&host("upload.wiki.example")));
}

#[test]
fn hosts_cover_their_subtree_and_addresses_themselves() {
    let statutory = held("bad.example\n192.0.2.8\n2001:db8::8\nhttp://www.tw.example/\n198.51.100.3/x\n");
    let cases = [
        ("http://bad.example/", true),
        ("http://a.b.bad.example/x", true),
        ("http://notbad.example/", false),
        ("http://example/", false),
        ("http://192.0.2.8/x", true),
        ("http://192.0.2.80/", false),
        ("http://[2001:db8::8]/", true),
        ("http://tw.example/", true),
        ("http://other.tw.example/", false),
        ("http://198.51.100.3/x/y", true),
        ("http://198.51.100.3/", false),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(&statutory, text), expected, "{text}");
    }
    assert!(statutory.find_address("::ffff:192.0.2.8".parse().unwrap()).is_some());
    assert!(statutory.find_address("192.0.2.9".parse().unwrap()).is_none());
    assert_eq!(statutory.len(), 5, "a name and its twin are one entry");
}

#[test]
fn a_query_is_listed_by_its_parameters() {
    let statutory = held("site.example/view.php?id=22&p=0\nsite.example/view.php?id=33\n");
    let cases = [
        ("http://site.example/view.php?id=22&p=0", true),
        ("http://site.example/view.php?p=0&x=1&ID=%322", true),
        ("http://site.example/view.php?id=22", false),
        ("http://site.example/view.php?id=33&p=9", true),
        ("http://site.example/view.php?id=333", false),
        ("http://site.example/view.php", false),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(&statutory, text), expected, "{text}");
    }
    let id = |text: &str| {
        let url = url(text);
        statutory.find(&Asked { host: url.host(), url: Some(&url) }).unwrap().entry
    };
    assert_ne!(id("http://site.example/view.php?id=22&p=0"), id("http://site.example/view.php?id=33"));
}

#[test]
fn a_match_names_its_list_and_the_same_id_each_time() {
    let text = url("http://bad.example/");
    let asked = Asked { host: text.host(), url: Some(&text) };
    let (one, two) = (held("other.example\nbad.example\n"), held("bad.example\nbad.example\n"));
    let (first, second) = (one.find(&asked).unwrap(), two.find(&asked).unwrap());
    assert_eq!((first.list, first.version), ("iwf", "2026-08-17"));
    assert_eq!(first.entry, second.entry);
    assert_eq!(first.entry.to_string().len(), 16);
    assert_eq!(two.len(), 1);
    let mut elsewhere = StatutoryBuilder::new([43; 32]);
    let list = elsewhere.add_list("iwf", "1");
    elsewhere.add_line(list, "bad.example").unwrap();
    assert_ne!(elsewhere.build().find(&asked).unwrap().entry, first.entry, "another gateway, another key");
}

#[test]
fn what_is_not_taken_is_counted_and_not_repeated() {
    let mut builder = StatutoryBuilder::new([1; 32]);
    let list = builder.add_list("ctiru", "1");
    let cases = [
        ("co.uk", Err(RejectReason::PublicSuffix)),
        ("2001:db8::/48", Err(RejectReason::Network)),
        ("two words", Err(RejectReason::Character)),
        ("# comment", Ok(())),
        ("", Ok(())),
    ];
    for (line, expected) in cases {
        assert_eq!(builder.add_line(list, line), expected, "{line}");
    }
    let statutory = builder.build();
    assert_eq!((statutory.lists()[0].rejected, statutory.is_empty()), (3, true));
}

#[test]
fn nothing_of_an_entry_can_be_shown() {
    let statutory = held("secret-host.example\nsite.example/secret-page\n");
    let shown = format!("{statutory:?} {statutory:#?}");
    let id = {
        let url = url("http://site.example/secret-page");
        statutory.find(&Asked { host: url.host(), url: Some(&url) }).unwrap().entry.to_string()
    };
    assert!(!shown.contains("secret") && !shown.contains("site.example") && !shown.contains(&id));
}

#[test]
fn every_line_of_a_list_in_the_iwf_form_is_found() {
    let Some(bytes) = data("lists/iwf-style-urls.txt") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let mut builder = StatutoryBuilder::new([8; 32]);
    let list = builder.add_list("iwf", "synthetic");
    for line in text.lines() {
        builder.add_line(list, line).unwrap();
    }
    let statutory = builder.build();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let rest = line.split_once("://").map_or(line, |(_, rest)| rest);
        assert!(refused(&statutory, &format!("https://{rest}")), "a listed line is not refused");
        let page = url(&format!("https://{rest}"));
        if page.path() != "/" {
            assert!(statutory.has_url_entries(page.host()));
        }
    }
    assert!(!refused(&statutory, "https://school.example/"));
}

proptest! {
    /// The hashed set decides as the readable index does.
    #[test]
    fn it_covers_what_the_index_covers(
        lines in prop::collection::vec("(www\\.)?[ab]\\.example(/[ab]{1,2}(/[ab])?(\\?q=[12])?)?", 1..12),
        asked in "(www\\.|c\\.)?[ab]\\.example(/[abAB]{1,2}(/[ab;])?(\\?q=[12])?)?",
    ) {
        let text = lines.join("\n");
        let index = crate::lists::tests::index_of("", &text);
        let asked = format!("http://{asked}");
        let listed = !crate::lists::tests::found(&index, &asked, crate::lists::Reading::Block).is_empty();
        prop_assert_eq!(refused(&held(&text), &asked), listed);
    }
}
