//! Names that a list must not newly block unseen.

use super::*;
use crate::lists::parse;
use crate::lists::{Item, ReadOptions};

fn protected(own: &[&str]) -> Protected {
    let own: Vec<_> = own
        .iter()
        .map(|name| match crate::model::Host::parse(name) {
            Ok(crate::model::Host::Name(name)) => name,
            other => panic!("{other:?}"),
        })
        .collect();
    let tree = Tree::new();
    tree.write(
        "lists/protected/own.txt",
        "# Date: 2026-11-22\nplay.numbers.example\nwww.bbc.example/bitesize\n",
    );
    Protected::of(&tree.places(), &own, KEYS.index).unwrap_or_else(|faults| panic!("{faults}"))
}

fn items(text: &str) -> Vec<Item> {
    parse::read(&ReadOptions::of(Reading::Block), Format::Domains, text.as_bytes()).items
}

#[test]
fn what_a_line_of_a_block_list_hits() {
    use ProtectedKind::{Education, HelpLine, Own};
    let protected = protected(&["st-example.otter.sch.uk"]);
    let cases = [
        ("play.numbers.example", Some(("play.numbers.example", Education))),
        ("=play.numbers.example", Some(("play.numbers.example", Education))),
        ("numbers.example", Some(("play.numbers.example", Education))),
        ("=numbers.example", None),
        ("b.play.numbers.example", None),
        ("play.numbers.example/one-page", None),
        ("otherplay.numbers.example", None),
        ("bbc.example", Some(("www.bbc.example/bitesize", Education))),
        ("www.bbc.example", Some(("www.bbc.example/bitesize", Education))),
        ("bbc.example/bitesize", Some(("www.bbc.example/bitesize", Education))),
        ("bbc.example/bitesize/maths", None),
        ("bbc.example/bite", None),
        ("bbc.example/sport", None),
        ("childline.org.uk", Some(("childline.org.uk", HelpLine))),
        ("www.childline.org.uk", Some(("childline.org.uk", HelpLine))),
        ("chat.childline.org.uk", Some(("childline.org.uk", HelpLine))),
        ("childline.org.uk/kids", Some(("childline.org.uk", HelpLine))),
        ("iwf.org.uk", Some(("report.iwf.org.uk", HelpLine))),
        ("www.iwf.org.uk", None),
        ("st-example.otter.sch.uk", Some(("st-example.otter.sch.uk", Own))),
        ("mail.st-example.otter.sch.uk", Some(("st-example.otter.sch.uk", Own))),
        ("192.0.2.0/24", None),
    ];
    for (line, expected) in cases {
        let found = items(line).iter().find_map(|item| protected.hits(&item.entry).cloned());
        assert_eq!(found.as_ref().map(|name| (name.name.as_str(), name.kind)), expected, "{line}");
    }
}

#[test]
fn an_index_tells_every_line_that_covers_a_name() {
    let protected = protected(&["st-example.otter.sch.uk"]);
    let text = "games.example\nnumbers.example\nwww.play.numbers.example\nbbc.example/bitesize\nst-example.otter.sch.uk\nsamaritans.org\n";
    let mut builder = IndexBuilder::new([7; 16]);
    for list in ["ut1/games", "ut1/kept-open"] {
        let origin =
            builder.add_origin(Origin { list: list.into(), version: "1".into(), file: "domains".into() });
        items(text).into_iter().for_each(|item| builder.add(origin, item));
    }
    let index = builder.build();
    let hits = protected.covered_in(&index, &|origin| origin.index() == 0);
    let told: Vec<_> = hits.iter().map(|hit| (hit.line, hit.entry.as_str(), hit.name.as_str())).collect();
    assert_eq!(
        told,
        [
            (2, "numbers.example", "play.numbers.example"),
            (3, "=play.numbers.example", "play.numbers.example"),
            (4, "bbc.example/bitesize", "www.bbc.example/bitesize"),
            (5, "st-example.otter.sch.uk", "st-example.otter.sch.uk"),
            (6, "samaritans.org", "samaritans.org"),
        ]
    );
    assert!(hits.iter().all(|hit| hit.list == "ut1/games" && hit.file == "domains"));
}

/// Holding an entry against the names, and asking an index that holds it alone, come to the same.
#[test]
fn an_entry_and_an_index_of_it_agree() {
    let protected = protected(&[]);
    let lines = [
        "numbers.example",
        "=play.numbers.example",
        "x.play.numbers.example",
        "nspcc.org.uk",
        "org.uk.example",
    ];
    for line in
        lines.into_iter().chain(["www.bbc.example/bitesize", "bbc.example/bitesize?x=1", "gov.example"])
    {
        let items = items(line);
        let mut builder = IndexBuilder::new([7; 16]);
        let origin = builder.add_origin(Origin { list: "l".into(), version: "1".into(), file: "f".into() });
        items.iter().for_each(|item| builder.add(origin, item.clone()));
        let by_index = !protected.covered_in(&builder.build(), &|_| true).is_empty();
        assert_eq!(items.iter().any(|item| protected.hits(&item.entry).is_some()), by_index, "{line}");
    }
}

#[test]
fn the_shipped_names_are_sound_and_the_folder_stands_above_them() {
    let tree = Tree::new();
    let compiled_in =
        Protected::of(&tree.places(), &[], KEYS.index).unwrap_or_else(|faults| panic!("{faults}"));
    let shipped = Places { lists: project().join("blocklists"), ..tree.places() };
    let shipped = Protected::of(&shipped, &[], KEYS.index).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(compiled_in.names(), shipped.names());
    let of = |kind| shipped.names().iter().filter(|name| name.kind == kind).count();
    assert!(of(ProtectedKind::Education) >= 60 && of(ProtectedKind::HelpLine) >= 25);
    let is_there = |name: &str| shipped.names().iter().any(|known| known.name == name);
    for name in ["childline.org.uk", "nspcc.org.uk", "ceop.police.uk", "samaritans.org", "report.iwf.org.uk"]
    {
        assert!(is_there(name), "{name}");
    }
    assert!(
        is_there("hwb.gov.wales") && is_there("www.bbc.co.uk/bitesize") && is_there("teams.microsoft.com")
    );
    tree.write("lists/protected/own.txt", "fine.example\nco uk\n");
    let faults = Protected::of(&tree.places(), &[], KEYS.index).err().unwrap();
    let fault = faults.iter().next().unwrap();
    assert!(fault.file.ends_with("own.txt") && fault.line == 2, "{fault:?}");
}

/// Every help line of the list says where it was looked up, and when.
#[test]
fn every_section_of_the_help_lines_names_its_source() {
    let text = String::from_utf8(LIFELINE.to_vec()).unwrap();
    let sections: Vec<&str> = text.split("\n\n").skip(1).collect();
    assert!(sections.len() >= 4);
    for section in sections {
        let (source, dated) = (section.contains("# Source: "), section.contains(" 2026-"));
        assert!(source && dated, "{section}");
    }
}
