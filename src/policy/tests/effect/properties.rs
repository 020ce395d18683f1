//! Nothing that opens a single decision is ever called tightening.

use super::asks::opened;
use super::dice::Dice;
use super::*;

/// A policy, some edits of it, and the unblocks that stand.
fn change() -> impl Strategy<Value = (Draft, Draft, Vec<Edit>, Vec<Unblock>)> {
    let throws = || proptest::collection::vec(any::<u8>(), 0..120);
    (throws(), throws(), throws(), proptest::collection::vec(any::<prop::sample::Index>(), 1..4))
        .prop_filter_map("a text has a fault", |(before, after, unblocks, chosen)| {
            let (before, after) = (Dice::new(before).policy(), Dice::new(after).policy());
            let unblocks = Dice::new(unblocks).unblocks();
            let (before, after) = (written_of(&before), written_of(&after));
            let all = before.edits_to(&after);
            let mut edits: Vec<Edit> = Vec::new();
            for index in chosen.into_iter().filter(|_| !all.is_empty()) {
                let edit = index.get(&all);
                if !edits.contains(edit) {
                    edits.push(edit.clone());
                }
            }
            let changed = edits.iter().try_fold(before.clone(), |text, edit| text.with(edit)).ok()?;
            Some((draft(&before.render()).ok()?, draft(&changed.render()).ok()?, edits, unblocks))
        })
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 1_000_000, ..ProptestConfig::default() })]

    #[test]
    fn what_tightens_opens_nothing((before, after, edits, unblocks) in change()) {
        let effect = effect(&before, &after, &unblocks);
        if effect != Effect::Loosens {
            let opened = opened(&before, &after, &unblocks);
            prop_assert!(opened.is_none(), "{edits:#?} {effect:?}, and yet {}", opened.unwrap());
        }
        if effect == Effect::None {
            let closed = opened(&after, &before, &unblocks);
            prop_assert!(closed.is_none(), "{edits:#?} does nothing, and yet back {}", closed.unwrap());
        }
    }
}
