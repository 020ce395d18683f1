//! What is sealed comes back as it was, under the same key alone, and holds no text.

use super::*;
use crate::lists::tests::url;
use crate::lists::{Asked, ListHasher, Statutory, StatutoryBuilder};

const KEY: [u8; 32] = [42; 32];
const LINES: [&str; 5] = [
    "listed-host.example",
    "site.example/listed/page",
    "site.example/view.php?id=22&p=0",
    "192.0.2.8",
    "www.twin.example",
];

fn sealed(key: [u8; 32]) -> Sealed {
    let mut hasher = ListHasher::new(key, "iwf", "2026-11-22");
    for line in LINES {
        hasher.add_line(line).unwrap();
    }
    Sealed {
        list: hasher.finish(),
        taken: Timestamp::from_millis(1_795_510_800_000),
        from: TakenFrom::Source,
        synthetic: false,
        content: Content::of(key, LINES.join("\n").as_bytes(), Timestamp::from_millis(5)),
    }
}

fn entry(statutory: &Statutory, text: &str) -> Option<String> {
    let url = url(text);
    statutory.find(&Asked { host: url.host(), url: Some(&url) }).map(|found| found.entry.to_string())
}

#[test]
fn what_is_sealed_decides_as_what_was_read() {
    let mut read = StatutoryBuilder::new(KEY);
    let list = read.add_list("iwf", "2026-11-22");
    for line in LINES {
        read.add_line(list, line).unwrap();
    }
    let read = read.build();
    let opened = Sealed::open(KEY, &sealed(KEY).seal(KEY)).unwrap();
    assert_eq!(opened.content, sealed(KEY).content);
    assert_eq!((opened.taken, opened.from, opened.synthetic), (sealed(KEY).taken, TakenFrom::Source, false));
    let mut again = StatutoryBuilder::new(KEY);
    again.add_hashed(opened.list);
    let other = again.add_list("ctiru", "1");
    again.add_line(other, "other.example/x").unwrap();
    let again = again.build();
    assert_eq!(again.lists()[0], read.lists()[0]);
    assert_eq!((read.lists()[0].entries, read.lists()[0].pages), (5, 2));
    assert_eq!((read.paged_hosts(), again.paged_hosts()), (1, 2));
    let asked = [
        "http://a.listed-host.example/",
        "http://site.example/listed/page/x",
        "http://site.example/listed/pages",
        "http://site.example/view.php?p=0&id=22",
        "http://site.example/view.php?id=22",
        "http://192.0.2.8/",
        "http://twin.example/",
        "http://elsewhere.example/",
    ];
    for text in asked {
        assert_eq!(entry(&again, text), entry(&read, text), "{text}");
    }
    assert!(entry(&again, "http://other.example/x").is_some());
}

#[test]
fn what_is_not_this_gateways_own_is_told_as_such() {
    let bytes = sealed(KEY).seal(KEY);
    assert_eq!(Sealed::open([1; 32], &bytes).unwrap_err(), SealFault::OtherKey);
    let mut newer = bytes.clone();
    newer[MAGIC.len()] = 2;
    assert_eq!(Sealed::open(KEY, &newer).unwrap_err(), SealFault::OtherForm);
    assert_eq!(Sealed::open(KEY, b"<html>").unwrap_err(), SealFault::Foreign);
    assert_eq!(Sealed::open(KEY, b"").unwrap_err(), SealFault::Foreign);
    let long = [bytes.clone(), vec![0]].concat();
    assert_eq!(Sealed::open(KEY, &long).unwrap_err(), SealFault::Damaged);
}

#[test]
fn every_cut_and_every_changed_byte_is_found() {
    let bytes = sealed(KEY).seal(KEY);
    for cut in 0..bytes.len() {
        assert!(Sealed::open(KEY, &bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(Sealed::open(KEY, &changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_sealed_list_holds_no_text_of_an_entry() {
    let (bytes, shown) = (sealed(KEY).seal(KEY), format!("{:#?}", sealed(KEY)));
    for word in ["listed", "site", "view", "twin", "192.0.2.8", "example"] {
        let text = String::from_utf8_lossy(&bytes).replacen("statutory list, hashed", "", 1);
        assert!(!text.contains(word) && !shown.contains(word), "{word}");
    }
    assert_ne!(
        Content::of(KEY, b"x", Timestamp::from_millis(0)).version(),
        Content::of([1; 32], b"x", Timestamp::from_millis(0)).version(),
        "a digest under no key would let guesses be tried"
    );
}

#[test]
#[should_panic(expected = "one key")]
fn a_list_under_another_key_is_not_put_in_force() {
    StatutoryBuilder::new([1; 32]).add_hashed(sealed(KEY).list);
}
