//! Compiled lists: used when they fit, made anew when anything is other, never trusted blindly.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::Tree;
use crate::control::lists::{Loaded, Made};
use crate::lists::{Asked, Reading};
use crate::model::Host;

fn covers(loaded: &Loaded, host: &str) -> Vec<(String, u32)> {
    let host = Host::parse(host).unwrap();
    let index = loaded.catalogue.index();
    let found = index.find(&Asked { host: &host, url: None }, Reading::Block);
    found.iter().map(|found| (index.origin(found.origin).list.to_string(), index.line(found))).collect()
}

#[test]
fn a_restart_maps_what_was_compiled_and_answers_alike() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "# a list\ngames.example\nwww.other.example\n");
    let (first, second) = (tree.load().unwrap(), tree.load().unwrap());
    assert_eq!((&first.made, &second.made), (&Made::Built, &Made::Mapped));
    for host in ["games.example", "a.games.example", "other.example", "example.com"] {
        assert_eq!(covers(&first, host), covers(&second, host), "{host}");
    }
    assert_eq!(covers(&second, "a.games.example"), [("seed/games".to_owned(), 2)]);
    assert_eq!(first.catalogue.lists(), second.catalogue.lists());
    let file = fs::metadata(tree.path("compiled/catalogue.lists")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn lists_that_are_others_are_compiled_anew() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "games.example\n");
    assert_eq!(tree.load().unwrap().made, Made::Built);
    for text in ["games.example\nmore.example\n", "# games.example\nmore.example\n"] {
        tree.write("lists/categories/games.txt", text);
        let loaded = tree.load().unwrap();
        assert_eq!((loaded.made.clone(), covers(&loaded, "more.example").len()), (Made::Built, 1), "{text}");
        assert_eq!(covers(&loaded, "games.example").is_empty(), text.starts_with('#'));
    }
    tree.write("lists/categories/new.txt", "new.example\n");
    assert_eq!(covers(&tree.load().unwrap(), "new.example").len(), 1);
}

#[test]
fn a_damaged_compiled_file_is_not_used() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "games.example\n");
    tree.load().unwrap();
    let file = tree.path("compiled/catalogue.lists");
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [&whole[..whole.len() - 1], &whole[..100], b"", &flipped, b"<!doctype html>"] {
        fs::remove_file(&file).unwrap();
        fs::write(&file, damaged).unwrap();
        let loaded = tree.load().unwrap();
        assert_eq!((&loaded.made, covers(&loaded, "games.example").len()), (&Made::Built, 1));
        assert_eq!(tree.load().unwrap().made, Made::Mapped);
    }
}

#[test]
fn where_nothing_can_be_kept_the_lists_hold_all_the_same() {
    let tree = Tree::new();
    tree.write("lists/categories/games.txt", "games.example\n");
    tree.write("compiled", "a file where a folder should be");
    let loaded = tree.load().unwrap();
    assert!(matches!(loaded.made, Made::InMemory(Some(_))), "{:?}", loaded.made);
    assert_eq!(covers(&loaded, "games.example").len(), 1);
}
