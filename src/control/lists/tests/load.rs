//! Loading: what is sound is read, what is not is a fault at its place.

use std::sync::Mutex;

use super::*;
use crate::control::feeds::View;
use crate::lists::Asked;
use crate::model::Host;

fn finds(index: &Index, host: &str, reading: Reading) -> bool {
    let host = Host::parse(host).unwrap();
    !index.find(&Asked { host: &host, url: None }, reading).is_empty()
}

#[test]
fn the_projects_own_lists_are_sound() {
    let places = Places {
        lists: project().join("blocklists"),
        imported: project().join("blocklists/none"),
        statutory: project().join("blocklists/statutory"),
        compiled: Kept::Read(project().join("blocklists/none")),
        kept: project().join("blocklists/none"),
        fetched: Vec::new(),
        own: Vec::new(),
        max_shrink_percent: 20,
    };
    let told = Mutex::new(Vec::new());
    let progress = |id: &str, done, all| told.lock().unwrap().push((id.to_owned(), done, all));
    let loaded = load(&places, &KEYS, &Sizes::new(), &progress).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.held, Held::SyntheticOnly);
    assert_eq!(loaded.catalogue.lists().len(), 45);
    let games = loaded.catalogue.list("seed/games").unwrap();
    assert_eq!((&*games.version, &*games.title), ("2026-11-22", "Games"));
    assert!(games.entries > 10);
    assert!(loaded.catalogue.lists().iter().all(|list| list.rejected == 0 && list.entries > 0));
    assert!(finds(&loaded.lifeline, "www.childline.org.uk", Reading::Allow));
    assert!(loaded.sizes().contains_key("statutory/synthetic-test"));
    assert_eq!(loaded.terms.lists().len(), 14);
    assert!(loaded.sizes()["terms/self-harm"] > 20 && loaded.holds("terms/self-harm"));
    assert!(loaded.allow_text.contains("own allow list"));
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 45 + 1 + 2);
    assert!(told.iter().zip(1..).all(|((_, done, all), at)| *done == at && *all == told.len()));
}

#[test]
fn a_term_list_is_read_and_its_faults_are_told_at_their_place() {
    let tree = Tree::new();
    assert!(!tree.load().unwrap().holds("terms/worry"), "there may be none");
    tree.write("lists/terms/worry.txt", "# Date: 2026-11-01\nred apple\nplum\n");
    let loaded = tree.load().unwrap();
    let found = loaded.terms.find("a red apple")[0];
    let list = loaded.terms.list(found).unwrap();
    assert_eq!((list.version.as_str(), list.file.as_str(), found.line), ("2026-11-01", "terms/worry.txt", 2));
    let row = |loaded: &Loaded| {
        let rows = status(loaded, &tree.places(), &View::default(), Timestamp::from_millis(0));
        rows.into_iter().find(|row| row.id == "terms/worry").map(|row| (row.kind, row.entries))
    };
    assert_eq!(row(&loaded), Some((Kind::Terms, 2)));

    tree.write("lists/terms/worry.txt", "plum\n ab\n");
    let faults = tree.faults();
    assert!(faults[0].file.ends_with("lists/terms/worry.txt"));
    assert_eq!((faults[0].line, faults[0].column), (2, 2));
    let last = LastGood { allow: String::new(), block: String::new() };
    let started = load_or(&tree.places(), &KEYS, &Sizes::new(), Some(&last), &|_, _, _| {}).unwrap();
    assert_eq!(started.terms.find("plum").len(), 1, "at a start its sound lines are in force");
    assert!(started.stood_in[0].contains("worry.txt:2: one word of fewer"), "{:?}", started.stood_in);
    std::fs::remove_file(tree.path("lists/terms/worry.txt")).unwrap();
    let gone = tree.load_after(&loaded.sizes()).err().unwrap();
    assert!(gone.iter().next().unwrap().problem.contains("terms/worry is gone"));
}

#[test]
fn every_bad_line_is_a_fault_at_its_place() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "games.example\n  co.uk # too much\nnot a host\nlocalhost\n");
    tree.write("lists/school/allow.txt", "good.example # a note\nbad..example\n");
    tree.write("lists/school/block.txt", "one.example\nshop|x.example\n");
    let faults = tree.faults();
    let places: Vec<_> = (faults.iter())
        .map(|fault| (fault.file.rsplit('/').next().unwrap(), fault.line, fault.column))
        .collect();
    let expected = [
        ("games.txt", 2, 3),
        ("games.txt", 3, 1),
        ("games.txt", 4, 1),
        ("allow.txt", 2, 5),
        ("block.txt", 2, 5),
    ];
    assert_eq!(places, expected, "{faults:#?}");
    assert!(faults.iter().all(|fault| fault.help.is_some()));
    let shown = faults[0].to_string();
    assert!(shown.contains("games.txt:2:3") && shown.contains("public suffix"), "{shown}");
}

#[test]
fn files_that_are_no_lists_are_faults() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "empty"),
        (b"# only a comment\n", "no entry"),
        (b"<!DOCTYPE html><p>404", "web page"),
        (b"\x1f\x8b\x08\0\0", "archive"),
        (b"\0\x01\x02a.example", "binary"),
    ];
    for (bytes, says) in cases {
        for file in ["lists/categories/games.txt", "statutory/test.txt"] {
            let tree = Tree::new();
            tree.write(file, bytes);
            let faults = tree.faults();
            assert_eq!(faults.len(), 1);
            assert!(faults[0].problem.contains(says) && faults[0].help.is_some(), "{faults:?}");
        }
    }
}

#[test]
fn the_schools_lists_may_hold_no_entry_but_must_be_there() {
    let tree = Tree::new();
    tree.write("lists/school/allow.txt", "");
    assert!(tree.load().is_ok(), "emptying the allow list opens nothing");
    tree.write("lists/school/block.txt", "");
    assert!(tree.faults()[0].problem.contains("empty"), "emptying the block list would open something");
    for name in ["allow", "block"] {
        let tree = Tree::new();
        std::fs::remove_file(tree.path(&format!("lists/school/{name}.txt"))).unwrap();
        assert!(tree.faults()[0].problem.contains("can't be read"));
    }
}

#[test]
fn missing_folders_are_faults() {
    for (folder, says) in [("lists/categories", "can't be read"), ("statutory", "can't be read")] {
        let tree = Tree::new();
        std::fs::remove_dir_all(tree.path(folder)).unwrap();
        assert!(tree.faults()[0].problem.contains(says));
    }
    let tree = Tree::new();
    std::fs::remove_file(tree.path("lists/categories/games.txt")).unwrap();
    assert!(tree.faults()[0].problem.contains("no list is here"));
}

#[test]
fn a_shrunk_or_vanished_list_is_a_fault_until_it_is_meant() {
    let tree = Tree::new();
    let lines = |count: usize| (0..count).map(|n| format!("g{n}.example\n")).collect::<String>();
    tree.write("lists/categories/games.txt", lines(100));
    tree.write("lists/categories/chat.txt", "chat.example\n");
    let before = tree.load().unwrap_or_else(|faults| panic!("{faults}")).sizes();
    tree.write("lists/categories/games.txt", lines(80));
    assert!(tree.load_after(&before).is_ok());
    tree.write("lists/categories/games.txt", lines(79));
    let faults = tree.load_after(&before).err().unwrap();
    let fault = faults.iter().next().unwrap();
    assert_eq!(fault.problem, "the list seed/games shrank from 100 to 79 entries");
    assert!(fault.help.as_ref().unwrap().contains("lists build --accept-shrink seed/games"));
    assert!(fault.file.ends_with("categories/games.txt"));
    tree.write("lists/categories/games.txt", lines(100));
    std::fs::remove_file(tree.path("lists/categories/chat.txt")).unwrap();
    let faults = tree.load_after(&before).err().unwrap();
    assert!(faults.iter().next().unwrap().problem.contains("seed/chat is gone"));
}

#[test]
fn a_statutory_fault_never_shows_the_line() {
    let tree = Tree::new();
    tree.write(
        "statutory/iwf.txt",
        b"fine.example/a/long/path\nsecretword..example/y\nsecret.example/bytes\xe9\nco.uk\n",
    );
    let faults = tree.faults();
    assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3, 4]);
    for fault in &faults {
        let shown = format!("{fault} {fault:?}");
        assert!(!shown.contains("secret") && !shown.contains("co.uk"), "{shown}");
        assert!(shown.contains("iwf.txt"));
    }
}

#[test]
fn a_list_without_the_mark_counts_as_held() {
    let tree = Tree::new();
    assert_eq!(tree.load().unwrap_or_else(|faults| panic!("{faults}")).held, Held::SyntheticOnly);
    tree.write("statutory/iwf.txt", "# a licensed list\nreal.example/x\n");
    assert_eq!(tree.load().unwrap_or_else(|faults| panic!("{faults}")).held, Held::Licensed);
    for file in ["iwf", "test"] {
        std::fs::remove_file(tree.path(&format!("statutory/{file}.txt"))).unwrap();
    }
    assert_eq!(tree.load().unwrap_or_else(|faults| panic!("{faults}")).held, Held::Nothing);
}
