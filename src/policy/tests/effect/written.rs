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
