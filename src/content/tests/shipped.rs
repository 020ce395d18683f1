//! The term lists that are shipped: every concern is found by its list, no look-alike by any.

use std::path::{Path, PathBuf};

use crate::content::{Terms, TermsBuilder};

fn shipped() -> Terms {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/terms");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut builder = TermsBuilder::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        builder
            .add_list(&name, "1", &format!("terms/{name}.txt"), &text)
            .unwrap_or_else(|faults| panic!("{faults}"));
    }
    builder.build()
}

/// What is judged otherwise than its label says, as `label: query: lists`.
fn misjudged<'q>(terms: &Terms, searches: impl Iterator<Item = (&'q str, &'q str)>) -> Vec<String> {
    let wrong = searches.filter_map(|(label, query)| {
        let found = terms.find(query);
        let lists: Vec<&str> =
            found.iter().filter_map(|found| Some(terms.list(*found)?.name.as_str())).collect();
        let right = if label.starts_with("benign") { lists.is_empty() } else { lists.contains(&label) };
        (!right).then(|| format!("{label}: {query}: {lists:?}"))
    });
    wrong.collect()
}

#[test]
fn every_shipped_list_reads_and_names_its_languages() {
    let terms = shipped();
    assert_eq!(terms.lists().len(), 14);
    for list in terms.lists() {
        assert_eq!(list.languages, ["en", "cy"], "{}", list.file);
        assert!(list.terms > 20, "{}", list.file);
    }
}

#[test]
fn our_own_searches_are_judged_right() {
    let text = include_str!("../../../tests/fixtures/searches.csv");
    let searches: Vec<(&str, &str)> = text.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
    assert!(searches.len() > 900);
    let wrong = misjudged(&shipped(), searches.into_iter());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Skipped where the data set is not there.
#[test]
fn the_searches_of_others_are_judged_right() {
    let folder = std::env::var_os("SCHOOLGATE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join("search-terms.csv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there (set SCHOOLGATE_DATA)", path.display());
        return;
    };
    // query,label,severity
    let searches = text.lines().skip(1).filter_map(|line| line.rsplit_once(',')?.0.rsplit_once(','));
    let wrong = misjudged(&shipped(), searches.map(|(query, label)| (label, query)));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
