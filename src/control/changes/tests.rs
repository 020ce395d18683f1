//! What may be in force of an edited list, and what is held.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::weigh::{Passed, Weighed, entries};
use super::{Op, PolicyProposal, Record, SchoolList};
use crate::control::ControlError;
use crate::document::Plain;
use crate::policy::Edit;

const ALLOW: SchoolList = SchoolList::Allow;
const BLOCK: SchoolList = SchoolList::Block;

fn held(weighed: &Weighed) -> Vec<(&str, u32)> {
    weighed.held.iter().map(|held| (held.entry.as_str(), held.line)).collect()
}

#[test]
fn what_is_said_otherwise_is_no_change() {
    let before = "# ours\none.example # 2026, AB\ntwo.example/lessons\n192.0.2.0/24\n=three.example\nmünchen.example\n";
    let same = [
        before.to_owned(),
        before.replace('\n', "\r\n"),
        before.trim_end().to_owned(),
        "=three.example\n\n192.0.2.7/24\nhttps://TWO.example:443/lessons/ # why\none.example.\nxn--mnchen-3ya.example"
            .to_owned(),
        format!("\u{feff}{before}one.example\n"),
    ];
    for text in same {
        for list in SchoolList::ALL {
            let weighed = list.weigh(before, &text, &Passed::Nothing);
            assert_eq!(held(&weighed), [], "{text:?}");
            assert_eq!(weighed.in_force(list), text, "as the technician wrote it");
        }
    }
}

#[test]
fn an_allow_entry_that_is_new_is_blanked_and_keeps_the_lines_numbers() {
    let before = "# ours\none.example\n";
    let file = "new.example # topic week\r\n# ours\none.example/page\rone.example\n0.0.0.0 one.example two.example\n";
    let weighed = ALLOW.weigh(before, file, &Passed::Nothing);
    let expected = [("new.example", 1), ("one.example/page", 3), ("one.example two.example", 5)];
    assert_eq!(held(&weighed), expected, "a narrower entry is a new entry");
    assert_eq!(weighed.held[0].remark.as_deref(), Some("topic week"));
    assert_eq!(weighed.text, "\r\n# ours\n\rone.example\n\n");
    let passed = Passed::One("one.example two.example".to_owned());
    let weighed = ALLOW.weigh(before, file, &passed);
    assert_eq!(held(&weighed), expected[..2]);
    let weighed = ALLOW.weigh(before, file, &Passed::Everything);
    assert_eq!((held(&weighed), weighed.text.as_str()), (vec![], file));
    let weighed = ALLOW.weigh(before, "# none\n", &Passed::Nothing);
    assert_eq!(held(&weighed), [], "closing is at once");
}

/// Found by the property below: the entry was shown as `a/*`, which reads as all of `a`.
#[test]
fn a_folder_named_star_is_held_as_what_it_is() {
    let weighed = BLOCK.weigh("a.example/*/\n", "", &Passed::Nothing);
    assert_eq!(held(&weighed), [("a.example/*/", 1)]);
    assert!(entries(&weighed.in_force(BLOCK)).contains("a.example/*/"));
}

/// `0/0` is the page `/0` of 0.0.0.0; held as `0.0.0.0/0` it read as all the internet, which is no
/// entry, and so was lifted by the next edit.
#[test]
fn a_page_of_an_address_is_held_as_the_page_that_it_is() {
    for page in ["0/0\n", "http://10.0.0.1/8\n"] {
        let before = entries(page);
        assert_eq!(before.len(), 1, "{page}");
        let in_force = BLOCK.weigh(page, "", &Passed::Nothing).in_force(BLOCK);
        assert_eq!(entries(&in_force), before, "{in_force}");
    }
}

#[test]
fn a_block_entry_that_is_gone_is_held_with_the_line_that_it_had() {
    let before = "# ours\nwww.one.example # swearing\ntwo.example\n";
    let file = "two.example/page\nthree.example";
    let weighed = BLOCK.weigh(before, file, &Passed::Nothing);
    assert_eq!(held(&weighed), [("www.one.example", 2), ("two.example", 3)]);
    let in_force = weighed.in_force(BLOCK);
    assert!(in_force.starts_with("two.example/page\nthree.example\n# Taken out"), "{in_force}");
    let all = ["three.example", "two.example", "two.example/page", "www.one.example"];
    assert_eq!(entries(&in_force), all.map(str::to_owned).into());
    let again = BLOCK.weigh(&in_force, file, &Passed::Nothing);
    assert_eq!(again.held.len(), 2, "what is held stays so");
    let decided = BLOCK.weigh(&in_force, file, &Passed::One("two.example".to_owned()));
    assert_eq!(decided.held.len(), 1);
    assert!(!entries(&decided.in_force(BLOCK)).contains("two.example"));
    assert_eq!((ALLOW.held_op(), BLOCK.held_op()), (Op::Add, Op::Remove));
}

fn edit() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => (0..6u8).prop_map(|n| format!("s{n}.example")),
        2 => (0..6u8).prop_map(|n| format!("s{n}.example/page # why")),
        1 => (0..6u8, 0..6u8).prop_map(|(a, b)| format!("0.0.0.0 s{a}.example s{b}.example")),
        1 => (0..4u8).prop_map(|n| format!("www.s{n}.example")),
        1 => Just("# a remark".to_owned()),
        1 => "[ -~]{0,12}",
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    prop::collection::vec((line, end), 0..8)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

proptest! {
    /// Whatever is written into the files, and however often, nothing opens by itself.
    #[test]
    fn no_edit_opens_anything_by_itself(
        first in edit(),
        edits in prop::collection::vec((edit(), prop::option::of(0..6u8)), 1..8),
    ) {
        for list in SchoolList::ALL {
            let mut in_force = Weighed::whole(&first).in_force(list);
            for (file, approved) in &edits {
                let passed = approved.map(|n| format!("s{n}.example"));
                let before = entries(&in_force);
                let weighed = match &passed {
                    Some(entry) => list.weigh(&in_force, file, &Passed::One(entry.clone())),
                    None => list.weigh(&in_force, file, &Passed::Nothing),
                };
                in_force = weighed.in_force(list);
                let (now, written) = (entries(&in_force), entries(file));
                let mut opened: BTreeSet<&String> = match list {
                    ALLOW => now.difference(&before).collect(),
                    BLOCK => before.difference(&now).collect(),
                };
                opened.retain(|entry| Some(*entry) != passed.as_ref());
                prop_assert!(opened.is_empty(), "{list:?}: {opened:?} by {file:?}");
                match list {
                    ALLOW => prop_assert!(now.is_subset(&written)),
                    BLOCK => prop_assert!(written.is_subset(&now)),
                }
                prop_assert!(weighed.text.lines().count() <= file.lines().count());
            }
        }
    }
}

/// What was approved and fits no longer is not put in force: somebody must look at it anew.
#[test]
fn an_approval_of_what_was_changed_since_is_stale() {
    let policy = "[groups.pupils]\ndefault = \"allow\"\n[groups.pupils.categories]\ngames = \"alert\"\n\
                  [categories.games]\nname = \"Games\"\nsources = [\"seed/games\"]\n";
    let record = Record { version: 7, policy: policy.to_owned(), file: policy.to_owned() };
    let value = |text: &str| Some(Plain::Text(text.to_owned()));
    let edit = |before: &str| Edit {
        key: "groups.pupils.categories.games".to_owned(),
        before: value(before),
        after: value("allow"),
    };
    let fits = PolicyProposal::approved(&record, &[edit("alert")], &|_| true).unwrap();
    assert!(fits.text.contains("games = \"allow\""), "{}", fits.text);
    let stale = PolicyProposal::approved(&record, &[edit("block")], &|_| true).err().unwrap();
    assert_eq!(ControlError::from(stale).code(), "stale");
}
