//! A policy text in its normal form: read, rendered, edited.

use super::dice::Dice;
use super::*;
use crate::document::{Faults, Plain, dotted, segment};

fn text() -> impl Strategy<Value = Written> {
    proptest::collection::vec(any::<u8>(), 0..140).prop_map(|throws| written_of(&Dice::new(throws).policy()))
}

#[test]
fn the_shipped_policy_reads_the_same_once_it_was_rendered() {
    let (text, written) = (shipped(), written_of(&shipped()));
    let rendered = written.render();
    assert_eq!(written_of(&rendered), written);
    assert_eq!(written_of(&rendered).render(), rendered);
    assert_eq!(draft(&rendered).unwrap(), draft(&text).unwrap());
    assert!(rendered.contains("[groups.ks2]\nname = \"Key Stage 2\"\ninherits = \"pupils\"\n"), "{rendered}");
    assert!(rendered.contains("\nteacher = { approval = \"needed\", hours = 2 }\n"), "{rendered}");
}

/// The shipped policy with a remark behind every line and above every heading, numbered.
fn remarked(text: &str) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.map(|(number, line)| match line.trim_end() {
        line if line.starts_with('[') => format!("# above {number}\n{line}\n"),
        line if line.ends_with(['"', ']', '}']) => format!("{line} # behind {number}\n"),
        line => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn a_change_leaves_what_it_does_not_touch() {
    let text = shipped();
    let (written, remarks) = (written_of(&text), text.matches('#').count());
    let same = written.render_over(&text);
    let other: Vec<(&str, &str)> =
        text.lines().zip(same.lines()).filter(|(was, is)| was != is).take(3).collect();
    assert!(same == text, "something is changed where nothing is other: {other:?}");
    let edit = |key: &str, after: &str| {
        let after = Some(Plain::Text(after.into()));
        written.with(&Edit { key: key.into(), before: written.value(key), after }).unwrap()
    };
    let changed = edit("groups.pupils.name", "All pupils").render_over(&text);
    assert_eq!(changed.matches('#').count(), remarks);
    let other: Vec<(&str, &str)> = text.lines().zip(changed.lines()).filter(|(was, is)| was != is).collect();
    assert_eq!(other.len(), 1, "{other:?}");
    assert!(other[0].1.contains("\"All pupils\""), "{other:?}");
    let new = edit("groups.pupils.categories.puzzles", "allow").render_over(&text);
    assert_eq!((new.matches('#').count(), new.lines().count()), (remarks, text.lines().count() + 1));
}

#[test]
fn an_edit_is_a_sentence_and_a_whole_group_is_one() {
    let before = written_of(TEXT);
    let after = TEXT
        .replace("games = \"block\"", "games = \"allow\"")
        .replace("subnets = [\"10.2.0.0/16\"]", "subnets = [\"10.2.0.0/16\", \"10.3.0.0/16\"]")
        .replace("[groups.staff]\n", "[groups.guests]\ninherits = \"pupils\"\n[groups.staff]\n")
        .replace("[categories.approved]\nsources = [\"approved\"]\n", "")
        .replace("approved = \"allow\"\n", "");
    let told = written_of(&after).changes_since(&before);
    assert_eq!(
        told,
        [
            "groups.pupils.categories.games: was \"block\", is \"allow\"",
            "groups.garden.categories.approved: was \"allow\", is not set",
            "groups.ks2.subnets: was [\"10.2.0.0/16\"], is [\"10.2.0.0/16\", \"10.3.0.0/16\"]",
            "groups.guests: was not set, is { inherits = \"pupils\" }",
            "groups: the order was [\"pupils\", \"garden\", \"ks2\", \"staff\"], \
             is [\"pupils\", \"garden\", \"ks2\", \"guests\", \"staff\"]",
            "categories.approved: was { sources = [\"approved\"] }, is not set",
        ]
    );
    assert!(before.changes_since(&before).is_empty());
}

#[test]
fn an_edit_does_not_fit_where_somebody_was_quicker() {
    let before = written_of(TEXT);
    let edit = |key: &str, before: Option<&str>, after: Option<&str>| Edit {
        key: key.into(),
        before: before.map(|text| Plain::Text(text.into())),
        after: after.map(|text| Plain::Text(text.into())),
    };
    for stale in [
        edit("groups.pupils.categories.games", Some("allow"), Some("alert")),
        edit("groups.pupils.categories.games", None, Some("alert")),
        edit("groups.nobody.default", None, Some("block")),
        edit("groups.nobody", None, Some("block")),
        edit("groups", None, None),
        edit("a b", None, Some("x")),
        edit("a = 1\nb", None, Some("x")),
        edit("", None, Some("x")),
    ] {
        assert_eq!(before.with(&stale), Err(Stale(stale.key.clone())));
    }
    let sound = edit("groups.ks2.categories.news", None, Some("block"));
    let after = before.with(&sound).unwrap();
    assert_eq!(before.edits_to(&after), [sound]);
}

/// An empty [tenants] is other than none: it takes away what is inherited.
#[test]
fn an_empty_table_is_told_from_none_where_it_matters() {
    let none = written_of("[groups.a]\n[groups.b]\ninherits = \"a\"\n");
    let empty =
        written_of("[groups.a]\n[groups.b]\ninherits = \"a\"\n[groups.b.tenants]\n[groups.b.categories]\n");
    assert_eq!(none.edits_to(&empty).len(), 1);
    assert_eq!(written_of(&empty.render()), empty);
}

#[test]
fn faults_of_a_text_are_told_and_odd_keys_are_quoted() {
    let faults: Faults =
        Written::read(&Document::new("p.toml", "[groups.a]\nx = 1.5\ny = 2026-01-01\n".into())).unwrap_err();
    assert_eq!(faults.len(), 2);
    assert!(Written::read(&Document::new("p.toml", "[groups\n".into())).is_err());
    for key in ["a", "year.5", "a\"b\\c", "", "Ä\n\u{7f}", "\u{202e}"] {
        assert_eq!(dotted(&format!("x.{}", segment(key))).unwrap(), ["x", key]);
    }
}

proptest! {

    #[test]
    fn a_text_that_is_changed_says_what_was_wanted_and_keeps_its_other_remarks(
        before in proptest::collection::vec(any::<u8>(), 0..140),
        after in text(),
        chosen in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let policy = remarked(&Dice::new(before).policy());
        let written = written_of(&policy);
        let all = written.edits_to(&after);
        prop_assert_eq!(&written_of(&after.render_over(&policy)), &after);
        let edits = chosen.iter().filter(|_| !all.is_empty()).map(|index| index.get(&all));
        let some = edits.fold(written.clone(), |text, edit| text.with(edit).unwrap_or(text));
        let rendered = some.render_over(&policy);
        prop_assert_eq!(&written_of(&rendered), &some);
        if rendered != some.render() {
            // The lines that still say the same are there, remarks and all.
            let values: Vec<&str> = policy.lines().filter(|line| line.contains(" = ")).collect();
            let kept = values.iter().filter(|line| rendered.lines().any(|other| other == **line)).count();
            let touched = written.edits_to(&some).len();
            prop_assert!(touched > 0 || kept == values.len(), "{}", rendered);
        }
    }
    #[test]
    fn a_rendered_text_says_the_same(written in text()) {
        let rendered = written.render();
        let again = written_of(&rendered);
        prop_assert_eq!(&again, &written);
        prop_assert_eq!(again.render(), rendered);
    }

    /// In any order; and an edit is the same after a journey as JSON.
    #[test]
    fn all_edits_made_on_the_one_give_the_other(before in text(), after in text(), seed in any::<u64>()) {
        let json = serde_json::to_string(&before.edits_to(&after)).unwrap();
        let mut edits: Vec<Edit> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&edits, &before.edits_to(&after));
        edits.sort_by_key(|edit| {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let mut hasher = DefaultHasher::new();
            (seed, &edit.key).hash(&mut hasher);
            hasher.finish()
        });
        let made = edits.iter().try_fold(before.clone(), |text, edit| text.with(edit)).unwrap();
        prop_assert_eq!(&made, &after);
        prop_assert_eq!(made.render(), after.render());
        prop_assert!(made.edits_to(&after).is_empty());
    }
}
