//! The last good form of a statutory list: kept, held to when the file fails, let go on a word.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::lists::Asked;
use crate::model::Url;

const NOON: Timestamp = Timestamp::from_millis(1_795_521_600_000);
const IWF: &str =
    "# Date: 2026-11-22\none.example\ntwo.example/page\nthree.example\nfour.example\nfive.example/x?y=1\n";
const URLS: [&str; 3] = ["http://one.example/", "http://two.example/page", "http://five.example/x?y=1"];

/// A tree with a licensed list that was in force.
fn in_force() -> (Tree, Sizes) {
    let tree = Tree::new();
    tree.write("statutory/iwf.txt", IWF);
    let loaded = tree.loaded(&Sizes::new());
    (tree, loaded.sizes())
}

impl Tree {
    /// Reads, and keeps what is read, as a gateway does.
    fn loaded(&self, sizes: &Sizes) -> Loaded {
        let loaded = self.load_after(sizes).unwrap_or_else(|faults| panic!("{faults}"));
        keep(&self.places(), &KEYS, (&loaded.standing, &loaded.retired), NOON);
        loaded
    }
}

fn refuses_all(loaded: &Loaded) -> bool {
    URLS.iter().all(|text| {
        let url = Url::parse(text).unwrap();
        loaded.statutory.find(&Asked { host: url.host(), url: Some(&url) }).is_some()
    })
}

fn own<'l>(loaded: &'l Loaded, name: &str) -> &'l Standing {
    loaded.standing.iter().find(|own| own.name == name).unwrap()
}

#[test]
fn what_was_in_force_stays_whatever_becomes_of_its_file() {
    let broken: [(&[u8], &str); 9] = [
        (b"", "the file is empty"),
        (b"# only a comment\n", "the list holds no entry"),
        (b"<!DOCTYPE html><p>one.example", "the file is a web page, not a list (a failed download?)"),
        (b"\x1f\x8b\x08\0\0one.example", "the file is an archive, not a list"),
        (b"\0\x01\x02one.example", "the file is binary, not a list"),
        (&IWF.as_bytes()[..40], "the list statutory/iwf shrank from 5 to 2 entries"),
        (&IWF.as_bytes()[..70], "it has 4 entries where it had 5, and its last line has no end"),
        (b"one.example\nfive..example\nco.uk\n", "line 2: the host has an empty label, and 1 more fault"),
        (
            b"# schoolgate: synthetic\na.example\nb.example\nc.example\nd.example\ne.example\n",
            "it says that it is made up for tests, and the list before did not",
        ),
    ];
    for (bytes, problem) in broken {
        let (tree, sizes) = in_force();
        tree.write("statutory/iwf.txt", bytes);
        // At a reload, and at a start again and again.
        for _ in 0..2 {
            let loaded = tree.loaded(&sizes);
            assert!(refuses_all(&loaded), "{problem}");
            assert_eq!((loaded.held, loaded.sizes()), (Held::Licensed, sizes.clone()), "{problem}");
            let own = own(&loaded, "iwf");
            assert_eq!((own.problem.as_deref(), own.taken), (Some(problem), Some(NOON)));
        }
        assert!(tree.load_after(&Sizes::new()).is_ok(), "the last good form holds without the store too");
        std::fs::remove_dir_all(tree.path("kept")).unwrap();
        if problem.starts_with("it says") {
            // Sound by itself; that it does not count is for the settings to accept or refuse.
            assert_eq!(tree.load_after(&sizes).map(|loaded| loaded.held).ok(), Some(Held::SyntheticOnly));
            continue;
        }
        let Err(faults) = tree.load_after(&sizes) else { panic!("{problem}: nothing sound is held") };
        let told = faults.to_string();
        let first = problem.split(", and").next().unwrap();
        assert!(told.contains(first) && !told.contains("one.example"), "{told}");
    }
}

#[test]
fn a_missing_file_and_a_missing_folder_are_alarms() {
    let (tree, sizes) = in_force();
    std::fs::remove_file(tree.path("statutory/iwf.txt")).unwrap();
    let loaded = tree.loaded(&sizes);
    assert!(refuses_all(&loaded));
    assert_eq!(own(&loaded, "iwf").problem.as_deref(), Some("its file is missing"));
    assert_eq!(own(&loaded, "test").problem, None);
    std::fs::remove_dir_all(tree.path("statutory")).unwrap();
    let loaded = tree.loaded(&sizes);
    assert!(refuses_all(&loaded) && loaded.standing.iter().all(|own| own.problem.is_some()));

    let (tree, sizes) = in_force();
    let standing = tree.loaded(&sizes).standing;
    assert!(standing_now(&tree.places(), &standing).iter().all(|own| own.problem.is_none()));
    std::fs::remove_file(tree.path("statutory/iwf.txt")).unwrap();
    let problems: Vec<_> =
        standing_now(&tree.places(), &standing).into_iter().filter_map(|own| own.problem).collect();
    assert_eq!(problems, ["its file is missing"], "it is missed before the next reload");
}

#[test]
fn a_sound_file_takes_the_place_of_the_last_good_one() {
    let (tree, sizes) = in_force();
    let more = format!("{IWF}six.example\n");
    tree.write("statutory/iwf.txt", &more);
    let loaded = tree.loaded(&sizes);
    assert_eq!(loaded.sizes()["statutory/iwf"], 6);
    assert_eq!((own(&loaded, "iwf").problem.clone(), own(&loaded, "iwf").taken), (None, None));
    let again = tree.loaded(&loaded.sizes());
    assert_eq!(own(&again, "iwf").taken, Some(NOON), "what did not change was not taken again");
    tree.write("statutory/iwf.txt", "broken");
    assert_eq!(tree.loaded(&loaded.sizes()).sizes()["statutory/iwf"], 6);
}

#[test]
fn an_unusable_last_good_form_is_told_and_not_used() {
    let (tree, sizes) = in_force();
    let sound = std::fs::read(tree.path("kept/iwf")).unwrap();
    let mut flipped = sound.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let other = Keys { statutory: [9; 32], ..KEYS };
    let cases: [(&[u8], Keys, &str); 4] = [
        (&flipped, KEYS, "it is damaged"),
        (b"something else", KEYS, "it is not a hashed statutory list"),
        (&sound, other, "it was made under another gateway's key"),
        (&std::fs::read(tree.path("kept/test")).unwrap(), KEYS, "it is another list's"),
    ];
    for (bytes, keys, why) in cases {
        tree.write("kept/iwf", bytes);
        tree.write("statutory/iwf.txt", IWF);
        let loaded =
            load(&tree.places(), &keys, &sizes, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}"));
        assert!(refuses_all(&loaded));
        let told = format!("the last good form of statutory/iwf can't be used: {why}");
        assert!(loaded.told.contains(&told), "{:?}", loaded.told);
        for gone in [false, true] {
            tree.write("statutory/iwf.txt", "");
            if gone {
                std::fs::remove_file(tree.path("statutory/iwf.txt")).unwrap();
            }
            let faults = load(&tree.places(), &keys, &sizes, &|_, _, _| {}).err().unwrap();
            assert!(faults.iter().any(|fault| fault.problem == told), "{faults}");
        }
    }
}

#[test]
fn a_list_goes_on_a_persons_word_alone() {
    let (tree, mut sizes) = in_force();
    std::fs::remove_file(tree.path("statutory/iwf.txt")).unwrap();
    assert!(refuses_all(&tree.loaded(&sizes)));
    // What `lists build --accept-shrink statutory/iwf` does.
    sizes.remove("statutory/iwf");
    let loaded = tree.loaded(&sizes);
    assert!(!refuses_all(&loaded) && loaded.held == Held::SyntheticOnly);
    assert_eq!(loaded.told, ["statutory/iwf was let go by a person's word"]);
    assert!(!tree.path("kept/iwf").exists());

    let (tree, mut sizes) = in_force();
    tree.write("statutory/iwf.txt", "one.example\n");
    assert_eq!(tree.loaded(&sizes).sizes()["statutory/iwf"], 5);
    sizes.insert("statutory/iwf".to_owned(), 1);
    assert_eq!(tree.loaded(&sizes).sizes()["statutory/iwf"], 1);
}

#[test]
fn the_last_good_form_is_the_services_alone_and_holds_no_text() {
    let (tree, _) = in_force();
    let mode = |path: &str| std::fs::metadata(tree.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("kept"), mode("kept/iwf")), (0o700, 0o600));
    let bytes = std::fs::read(tree.path("kept/iwf")).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(["one", "two.", "five", "example", "page"].iter().all(|word| !text.contains(word)));
}

#[test]
fn a_fetched_list_is_taken_once_and_refused_when_it_shrinks() {
    let tree = Tree::new();
    let places = Places { fetched: vec!["iwf".to_owned()], ..tree.places() };
    let take = |text: &str, sizes: &Sizes, accept: &[&str]| {
        let accept: BTreeSet<String> = accept.iter().map(|id| (*id).to_owned()).collect();
        take_fetched((&places, &KEYS, sizes), "iwf", text.as_bytes(), &accept, NOON)
    };
    let none = Sizes::new();
    let faults = load(&places, &KEYS, &none, &|_, _, _| {}).err().unwrap();
    assert_eq!(faults.iter().next().unwrap().problem, "the list was never fetched");
    assert_eq!(take(IWF, &none, &[]), Ok(Some(5)));
    assert_eq!(take(IWF, &none, &[]), Ok(None));
    let loaded = load(&places, &KEYS, &none, &|_, _, _| {}).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(refuses_all(&loaded) && own(&loaded, "iwf").problem.is_none());
    let half = "one.example\ntwo.example/page\n";
    let shrank = "the list statutory/iwf shrank from 5 to 2 entries";
    assert_eq!(take(half, &loaded.sizes(), &[]), Err(shrank.to_owned()));
    assert_eq!(take("", &none, &[]), Err("the file is empty".to_owned()));
    assert_eq!(take(half, &loaded.sizes(), &["statutory/iwf"]), Ok(Some(2)));
    let gone = load(&tree.places(), &KEYS, &Sizes::from([("statutory/iwf".to_owned(), 2)]), &|_, _, _| {});
    let gone = gone.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(own(&gone, "iwf").problem.as_deref(), Some("its source is no longer in the settings"));
    tree.write("statutory/iwf.txt", IWF);
    let both = load(&places, &KEYS, &none, &|_, _, _| {}).err().unwrap();
    assert!(both.iter().next().unwrap().problem.contains("[[statutory.source]]"), "{both}");
}
