//! Importing: trees and files, whole or not at all.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::control::feeds::View;
use crate::lists::{Asked, Scoping, Suffixes};
use crate::model::{Host, Timestamp};

pub(super) fn options() -> ImportOptions {
    ImportOptions {
        category: None,
        format: None,
        reading: Reading::Block,
        scoping: Scoping::ByFormat,
        suffixes: Suffixes::Refused,
        name: None,
        licence: String::new(),
        accept_protected: BTreeSet::new(),
        max_rejected_percent: 100,
        effect: Effect::Write,
        accept_shrink: BTreeSet::new(),
        used: None,
        now: Timestamp::from_millis(1_795_510_800_000),
    }
}

fn take(tree: &Tree, path: &str, options: &ImportOptions) -> Result<Report, ImportError> {
    import(&tree.path(path), options, &tree.places(), [1; 16], &|_, _, _| {})
}

fn hosts(prefix: &str, count: usize) -> String {
    (0..count).map(|n| format!("{prefix}{n}.example\n")).collect()
}

/// A tree of two categories, one of them with a second name, as a folder `ut1tree`.
fn ut1(games: &str) -> Tree {
    let tree = Tree::new();
    tree.write("ut1tree/blacklists/global_usage", "NAME: games\nDEFAULT_TYPE: black\nNAME EN: Play\n");
    tree.write("ut1tree/blacklists/games/domains", games);
    tree.write("ut1tree/blacklists/games/urls", "site.example/play\n");
    tree.write("ut1tree/blacklists/games/expressions", "(flash-arcade)\n");
    tree.write("ut1tree/blacklists/child/domains", "good.example\ngov.uk\n");
    tree.write("ut1tree/blacklists/child/usage", "white\n");
    symlink("games", tree.path("ut1tree/blacklists/spiele")).unwrap();
    tree
}

fn loaded(tree: &Tree) -> Loaded {
    tree.load().unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn a_folder_becomes_lists_that_are_found() {
    let tree = ut1("play.example\nplay.example\nco.uk\nhttp://fun.example\nwww.childline.org.uk\n");
    let used = BTreeSet::from(["ut1/games".to_owned()]);
    let report = take(&tree, "ut1tree", &ImportOptions { used: Some(used), ..options() }).unwrap();
    assert_eq!(&*report.source, "ut1");
    assert_eq!(report.aliases, [("spiele".to_owned(), "games".to_owned())]);
    assert_eq!(report.unused, ["ut1/child"]);
    let row = report.files.iter().find(|row| row.list == "ut1/games" && row.file == "domains").unwrap();
    assert_eq!((row.read, row.repaired, row.merged), (5, 1, 1));
    assert_eq!((row.rejected, row.dangerous, row.first_rejected[0].line), (1, 1, 3));
    let help = &report.protected;
    assert!(help.iter().all(|hit| hit.line == 5 && hit.list == "ut1/games") && !help.is_empty(), "{help:?}");
    let loaded = loaded(&tree);
    let list = loaded.catalogue.list("ut1/games").unwrap();
    assert_eq!((&*list.title, list.rejected), ("Play", 1));
    let asked = |text: &str| lookup(&loaded, text, &|_| None).unwrap().matches;
    assert_eq!(asked("https://site.example/play/1")[0].file, "games/urls");
    assert_eq!(asked("a.good.example")[0].list, "ut1/child");
    assert!(asked("other.example").is_empty());
}

#[test]
fn an_archive_is_taken_as_a_folder_is() {
    let tree = ut1("play.example\n");
    let packed = GzEncoder::new(Vec::new(), Compression::fast());
    let mut builder = tar::Builder::new(packed);
    builder.follow_symlinks(false);
    builder.append_dir_all(".", tree.path("ut1tree")).unwrap();
    tree.write("lists.tar.gz", builder.into_inner().unwrap().finish().unwrap());
    let from_folder = take(&tree, "ut1tree", &options()).unwrap();
    let from_archive = take(&tree, "lists.tar.gz", &options()).unwrap();
    let rows = |report: &Report| report.files.iter().map(|row| format!("{row:?}")).collect::<Vec<_>>();
    assert_eq!(rows(&from_folder), rows(&from_archive));
    assert_eq!((from_archive.source, from_archive.aliases), (from_folder.source, from_folder.aliases));
    let cut = std::fs::read(tree.path("lists.tar.gz")).unwrap();
    tree.write("cut.tar.gz", &cut[..cut.len() / 2]);
    assert!(matches!(take(&tree, "cut.tar.gz", &options()), Err(ImportError::Archive(_))));
    assert!(loaded(&tree).catalogue.list("ut1/games").is_some());
}

#[test]
fn files_become_lists_of_one_source() {
    let tree = Tree::new();
    tree.write("one.txt", "# Date: 2026-10-01\na.example\n");
    tree.write("two.txt", "b.example/x\n");
    assert!(matches!(take(&tree, "one.txt", &options()), Err(ImportError::NoCategory)));
    let named = |name: &str| ImportOptions { category: Some(name.to_owned()), ..options() };
    let report = take(&tree, "one.txt", &named("fun")).unwrap();
    assert_eq!((&*report.version, &*report.files[0].file), ("2026-10-01", "domains"));
    take(&tree, "two.txt", &named("pages")).unwrap();
    let loaded = loaded(&tree);
    assert_eq!(&*loaded.catalogue.list("local/fun").unwrap().version, "2026-10-01");
    assert_eq!(loaded.catalogue.list("local/pages").unwrap().entries, 1);
    for name in ["../x", "", ".hidden", "a/b"] {
        assert!(matches!(take(&tree, "one.txt", &named(name)), Err(ImportError::Name(_))), "{name:?}");
    }
    for name in ["seed", "school", "statutory", "x.previous"] {
        let options = ImportOptions { name: Some(name.to_owned()), ..named("fun") };
        assert!(matches!(take(&tree, "one.txt", &options), Err(ImportError::Name(_))), "{name:?}");
    }
    tree.write("page.txt", "<html>404");
    assert!(matches!(take(&tree, "page.txt", &named("fun")), Err(ImportError::NotAList { .. })));
    tree.write("none.txt", "# nothing\nnot a host\n");
    assert!(matches!(take(&tree, "none.txt", &named("fun")), Err(ImportError::NoEntry(_))));
}

#[test]
fn a_dry_run_writes_nothing() {
    let tree = ut1("play.example\n");
    let report = take(&tree, "ut1tree", &ImportOptions { effect: Effect::DryRun, ..options() }).unwrap();
    assert!(report.written_to.is_none() && !report.files.is_empty());
    assert!(!tree.path("imported").exists());
}

#[test]
fn a_second_import_keeps_the_first_beside_it() {
    let tree = ut1("play.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    tree.write("ut1tree/blacklists/games/domains", "newer.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    take(&tree, "ut1tree", &options()).unwrap();
    assert!(tree.path("imported/ut1.previous/source.json").exists());
    assert!(finds(&loaded(&tree), "newer.example") && !finds(&loaded(&tree), "play.example"));
}

fn finds(loaded: &Loaded, host: &str) -> bool {
    let host = Host::parse(host).unwrap();
    !loaded.catalogue.index().find(&Asked { host: &host, url: None }, Reading::Block).is_empty()
}

#[test]
fn a_cut_off_import_leaves_the_old_or_the_new() {
    let tree = ut1("play.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    tree.write("imported/.ut1.new/games/domains", "half.exa");
    assert!(finds(&loaded(&tree), "play.example"), "what was cut off while writing is not seen");
    std::fs::rename(tree.path("imported/ut1"), tree.path("imported/ut1.previous")).unwrap();
    assert!(finds(&loaded(&tree), "play.example"), "between the two renames the old one holds");
    take(&tree, "ut1tree", &options()).unwrap();
    assert!(!tree.path("imported/.ut1.new").exists() && tree.path("imported/ut1").exists());
    assert!(finds(&loaded(&tree), "play.example"));
}

#[test]
fn what_was_imported_and_is_damaged_or_missing_is_a_fault() {
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 4] = [
        ("games/domains", |path| std::fs::write(path, "other.example\n").unwrap()),
        ("games/domains", |path| std::fs::write(path, "").unwrap()),
        ("games/urls", |path| std::fs::remove_file(path).unwrap()),
        ("games", |path| std::fs::remove_dir_all(path).unwrap()),
    ];
    for (path, damage) in damage {
        let tree = ut1("play.example\n");
        take(&tree, "ut1tree", &options()).unwrap();
        damage(&tree.path("imported/ut1").join(path));
        let faults = tree.faults();
        assert!(faults[0].problem.contains("ut1/games is damaged or missing: import it again"), "{faults:?}");
    }
    for note in ["", "{", "{\"name\":\"other\",\"licence\":\"\",\"lists\":{}}"] {
        let tree = ut1("play.example\n");
        take(&tree, "ut1tree", &options()).unwrap();
        tree.write("imported/ut1/source.json", note);
        assert!(tree.faults()[0].problem.contains("damaged or missing"));
        assert!(take(&tree, "ut1tree", &options()).is_ok(), "a whole tree mends it");
        assert!(tree.load().is_ok());
    }
    let tree = ut1("play.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    let note = std::fs::read_to_string(tree.path("imported/ut1/source.json")).unwrap();
    tree.write("imported/ut1/source.json", note.replace("\"games\"", "\"../../lists\""));
    assert!(tree.faults()[0].problem.contains("names a list or a file that can't be"));
}

#[test]
fn a_list_that_would_vanish_is_refused_until_it_is_meant() {
    let tree = ut1(&hosts("g", 100));
    take(&tree, "ut1tree", &options()).unwrap();
    let before = loaded(&tree).sizes();
    tree.write("ut1tree/blacklists/games/domains", hosts("g", 70));
    let refused = take(&tree, "ut1tree", &options());
    let Err(ImportError::Shrunk(lists)) = refused else { panic!("{refused:?}") };
    assert_eq!((&*lists[0].list, lists[0].before, lists[0].now), ("ut1/games", 102, 72));
    assert!(finds(&loaded(&tree), "g99.example"), "what was there stays");
    let accept_shrink = BTreeSet::from(["ut1/games".to_owned()]);
    take(&tree, "ut1tree", &ImportOptions { accept_shrink, ..options() }).unwrap();
    assert!(!finds(&loaded(&tree), "g99.example"));
    assert!(tree.load_after(&before).is_err(), "the gateway asks as well");
    std::fs::remove_dir_all(tree.path("ut1tree/blacklists/child")).unwrap();
    assert!(matches!(take(&tree, "ut1tree", &options()), Err(ImportError::Shrunk(_))));
}

#[test]
fn links_that_lead_outside_are_refused() {
    let tree = ut1("play.example\n");
    symlink("../../../../etc", tree.path("ut1tree/blacklists/evil")).unwrap();
    assert!(matches!(take(&tree, "ut1tree", &options()), Err(ImportError::Archive(_))));
}

#[test]
fn status_tells_every_list() {
    let tree = ut1("play.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    let now = Timestamp::from_millis(options().now.as_millis() + 5000);
    let rows = status(&loaded(&tree), &tree.places(), &View::default(), now);
    let row = |id: &str| rows.iter().find(|row| row.id == id).unwrap();
    assert_eq!((row("ut1/games").age_seconds, row("ut1/games").entries), (Some(5), 3));
    assert!(row("ut1/games").licence.contains("CC BY-SA"));
    assert_eq!(row("statutory/test").kind, Kind::Synthetic);
    assert_eq!(row("school/block").kind, Kind::School);
    assert!(row("seed/games").since.is_some());
}

#[test]
fn a_lookup_does_not_ask_statutory_lists() {
    let tree = Tree::new();
    let found = lookup(&loaded(&tree), "http://www.listed.example/x", &|_| None).unwrap();
    assert_eq!(found.matches, [], "nobody records that it was asked");
    let found = lookup(&loaded(&tree), "games.example", &|list| Some(list.replace("seed/", ""))).unwrap();
    let expected = r#"{"query":"games.example","matches":[{"category":"games","list":"seed/games","version":"2026-11-22","file":"categories/games.txt","line":3,"entry":"games.example"}]}"#;
    assert_eq!(serde_json::to_string(&found).unwrap(), expected);
}

#[test]
fn a_new_version_that_blocks_a_protected_name_is_refused_until_it_is_meant() {
    let tree = ut1("play.example\n");
    take(&tree, "ut1tree", &options()).unwrap();
    tree.write("ut1tree/blacklists/games/domains", "play.example\nchildline.org.uk\nwww.st-own.sch.uk\n");
    let own = Places { own: vec![school_domain()], ..tree.places() };
    let again =
        |options: &ImportOptions| import(&tree.path("ut1tree"), options, &own, [1; 16], &|_, _, _| {});
    let Err(ImportError::Protected(hits)) = again(&options()) else { panic!("it was taken") };
    let names: BTreeSet<&str> = hits.iter().map(|hit| &*hit.name).collect();
    assert_eq!(names, BTreeSet::from(["childline.org.uk", "st-own.sch.uk"]), "{hits:?}");
    assert!(!finds(&loaded(&tree), "www.st-own.sch.uk"), "the last good version is in force");
    let accept_protected = names.iter().map(|name| (*name).to_owned()).collect();
    again(&ImportOptions { accept_protected, ..options() }).unwrap();
    assert!(finds(&loaded(&tree), "www.st-own.sch.uk"));
    again(&options()).expect("what was accepted once is no news");
}

fn school_domain() -> Name {
    let Ok(Host::Name(name)) = Host::parse("st-own.sch.uk") else { panic!("a name") };
    name
}

/// Few entries are a large part of a short list: it may shrink, and that is said.
#[test]
fn what_a_short_list_loses_is_noted_and_nothing_more() {
    let tree = Tree::new();
    let list = |count: usize| {
        tree.write("games.txt", hosts("play", count));
        take(&tree, "games.txt", &ImportOptions { category: Some("games".into()), ..options() })
    };
    assert_eq!(list(49).unwrap().notes, Vec::<String>::new());
    let noted = list(5).unwrap().notes;
    assert_eq!(noted, ["local/games shrank from 49 to 5 entries: only lists of 50 and more are guarded"]);
    assert_eq!(list(50).unwrap().notes, Vec::<String>::new());
    let refused = list(5).unwrap_err();
    assert!(matches!(&refused, ImportError::Shrunk(lists) if lists[0].before == 50), "{refused}");
}
