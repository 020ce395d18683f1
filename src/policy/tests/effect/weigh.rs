//! A proposed text, split into what is in force at once and what waits.

use super::asks::opened;
use super::dice::Dice;
use super::*;

fn weighed(before: &str, proposed: &str, passed: &dyn Fn(&Edit) -> bool) -> Weighed {
    super::super::weigh(&written_of(before), &written_of(proposed), passed, &|_| true, &[]).unwrap()
}

fn keys(weighed: &Weighed) -> (Vec<&str>, Vec<(&str, Vec<&str>)>) {
    let taken = weighed.taken.iter().map(|(edit, _)| edit.key.as_str()).collect();
    let mut held = Vec::new();
    for one in &weighed.held {
        held.push((one.edit.key.as_str(), one.needs.iter().map(String::as_str).collect()));
    }
    (taken, held)
}

#[test]
fn the_tightening_part_is_in_force_and_the_rest_waits() {
    let proposed = TEXT
        .replace("games = \"block\"", "games = \"allow\"")
        .replace("news = \"alert\"", "news = \"block\"")
        .replace("name = \"Pupils\"", "name = \"All pupils\"");
    let weighed = weighed(TEXT, &proposed, &|_| false);
    let (taken, held) = keys(&weighed);
    assert_eq!(taken, ["groups.pupils.categories.news", "groups.pupils.name"]);
    assert_eq!(held, [("groups.pupils.categories.games", vec![])]);
    assert_eq!(weighed.in_force, written_of(&proposed.replace("games = \"allow\"", "games = \"block\"")));
    assert_eq!(weighed.taken[0].1, Effect::Tightens);
    assert_eq!(weighed.taken[1].1, Effect::None);
}

#[test]
fn edits_that_make_sense_together_name_each_other_and_are_passed_together() {
    let proposed = TEXT
        .replace("subnets = [\"10.2.0.0/16\"]", "subnets = []")
        .replace("[groups.staff]\n", "[groups.staff]\nsubnets = [\"10.2.0.0/16\"]\n");
    let alone = weighed(TEXT, &proposed, &|_| false);
    // Out of its group a network falls to the strictest first, which closes more than it opens here.
    assert_eq!(keys(&alone).0, ["groups.ks2.subnets"]);
    assert_eq!(keys(&alone).1, [("groups.staff.subnets", vec![])]);
    let passed = weighed(TEXT, &proposed, &|edit| edit.key == "groups.staff.subnets");
    assert_eq!(passed.in_force, written_of(&proposed));

    let proposed = TEXT.replace("approved = \"allow\"", "approved = \"allow\"\npuzzles = \"allow\"")
        + "[categories.puzzles]\nsources = [\"puzzles\"]\nunblockable = true\n";
    let before = TEXT.replace("default = \"allow\"", "default = \"allow\"\nuncategorised = \"block\"");
    let proposed = proposed.replace("default = \"allow\"", "default = \"allow\"\nuncategorised = \"block\"");
    let alone = weighed(&before, &proposed, &|_| false);
    assert_eq!(
        keys(&alone).1,
        [("groups.garden.categories.puzzles", vec!["categories.puzzles"]), ("categories.puzzles", vec![]),]
    );
    let passed = weighed(&before, &proposed, &|edit| edit.key.ends_with("puzzles"));
    assert_eq!((passed.in_force, passed.held), (written_of(&proposed), vec![]));
}

/// Each has a fault without the other: two subnets that two groups exchange.
#[test]
fn edits_of_which_none_stands_alone_are_taken_together() {
    let before = TEXT.replace("[groups.staff]\n", "[groups.staff]\nsubnets = [\"10.3.0.0/16\"]\n");
    let proposed = before.replace("10.2.", "10.9.").replace("10.3.", "10.2.").replace("10.9.", "10.3.");
    let alone = weighed(&before, &proposed, &|_| false);
    let needs = |of: &str| {
        vec![if of == "groups.ks2.subnets" { "groups.staff.subnets" } else { "groups.ks2.subnets" }]
    };
    let both = ["groups.ks2.subnets", "groups.staff.subnets"];
    assert_eq!(keys(&alone), (vec![], both.map(|key| (key, needs(key))).to_vec()));
    let passed = weighed(&before, &proposed, &|_| true);
    assert_eq!((passed.in_force, passed.held), (written_of(&proposed), vec![]));
    let half = weighed(&before, &proposed, &|edit| edit.key == "groups.ks2.subnets");
    assert_eq!(keys(&half).1.len(), 2, "one of two is not enough");
}

#[test]
fn a_text_with_a_fault_is_not_weighed() {
    let broken = written_of(&TEXT.replace("games = \"block\"", "gmaes = \"block\""));
    let (sound, weigh) = (written_of(TEXT), super::super::weigh);
    assert!(matches!(weigh(&broken, &sound, &|_| true, &|_| true, &[]), Err(NotWeighed::InForce(_))));
    assert!(matches!(weigh(&sound, &broken, &|_| true, &|_| true, &[]), Err(NotWeighed::Proposed(_))));
    let gone = weigh(&sound, &sound, &|_| true, &|list| list != "games", &[]);
    assert!(matches!(gone, Err(NotWeighed::InForce(_))));
}

fn texts() -> impl Strategy<Value = (Written, Written, Vec<Unblock>)> {
    let throws = || proptest::collection::vec(any::<u8>(), 0..120);
    (throws(), throws(), throws()).prop_filter_map("a text has a fault", |(before, proposed, unblocks)| {
        let texts = [Dice::new(before).policy(), Dice::new(proposed).policy()];
        let sound = texts.iter().all(|text| draft(text).is_ok());
        let unblocks = Dice::new(unblocks).unblocks();
        sound.then(|| (written_of(&texts[0]), written_of(&texts[1]), unblocks))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_in_force_is_no_more_open_unless_it_was_passed(
        (before, proposed, unblocks) in texts(), some in any::<u8>(),
    ) {
        let weigh = |before: &Written, passed: &dyn Fn(&Edit) -> bool| {
            super::super::weigh(before, &proposed, passed, &|_| true, &unblocks).unwrap()
        };
        let nothing = weigh(&before, &|_| false);
        let was = draft(&before.render()).unwrap();
        let opened = opened(&was, &nothing.draft, &unblocks);
        prop_assert!(opened.is_none(), "{:#?}, and yet {}", nothing.taken, opened.unwrap());
        prop_assert_eq!(&draft(&nothing.in_force.render()).unwrap(), &nothing.draft);

        let again = weigh(&nothing.in_force, &|_| false);
        prop_assert_eq!(&again.in_force, &nothing.in_force);
        let keys = |weighed: &Weighed| -> Vec<Edit> { weighed.held.iter().map(|held| held.edit.clone()).collect() };
        prop_assert!(again.taken.is_empty(), "{:#?}", again.taken);
        prop_assert_eq!(keys(&again), keys(&nothing));

        let everything = weigh(&before, &|_| true);
        prop_assert_eq!(&everything.in_force, &proposed);
        prop_assert!(everything.held.is_empty());

        // Whatever waits can be approved with what it needs, and then is in force.
        if let Some(held) = nothing.held.get(usize::from(some) % nothing.held.len().max(1)) {
            let key = |edit: &Edit| edit.key == held.edit.key || held.needs.contains(&edit.key);
            let more = weigh(&nothing.in_force, &key);
            prop_assert!(more.held.iter().all(|other| !key(&other.edit)), "{:#?}", held);
        }
    }
}
