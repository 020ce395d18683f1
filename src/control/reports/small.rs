//! Numbers that are shown to people who must not be able to tell anybody by them.
//!
//! **Invariant:** of a table whose total is known, no single hidden number can be worked out.

/// The least number that is shown.
pub(super) const LEAST: u64 = 5;
/// What stands for a smaller one.
const FEW: &str = "fewer than 5";
/// What stands for one that would give another away.
const HIDDEN: &str = "not shown";

/// The numbers of a table as they may be shown: small ones hidden, and with a single small one the next
/// larger too, or whoever knows the sum knows it.
pub(super) fn shown(numbers: &[u64]) -> Vec<String> {
    let small = |number: u64| (1..LEAST).contains(&number);
    let next = match numbers.iter().filter(|number| small(**number)).count() {
        1 => {
            let larger = numbers.iter().enumerate().filter(|(_, number)| **number >= LEAST);
            larger.min_by_key(|(_, number)| **number).map(|(place, _)| place)
        }
        _ => None,
    };
    let text = |(place, number): (usize, &u64)| match *number {
        number if small(number) => FEW.to_owned(),
        _ if next == Some(place) => HIDDEN.to_owned(),
        number => number.to_string(),
    };
    numbers.iter().enumerate().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_numbers_are_hidden_and_none_alone() {
        assert_eq!(shown(&[0, 9, 4, 12]), ["0", HIDDEN, FEW, "12"]);
        assert_eq!(shown(&[1, 4, 12]), [FEW, FEW, "12"]);
        assert_eq!(shown(&[0, 5]), ["0", "5"]);
        assert_eq!(shown(&[3]), [FEW]);
    }

    proptest! {
        #[test]
        fn whoever_knows_the_sum_still_does_not_know_a_small_number(numbers in proptest::collection::vec(0_u64..20, 1..8)) {
            let texts = shown(&numbers);
            let hidden: Vec<usize> = (0..texts.len()).filter(|place| texts[*place].parse::<u64>().is_err()).collect();
            for (place, number) in numbers.iter().enumerate() {
                prop_assert_eq!((1..LEAST).contains(number) && !hidden.contains(&place), false);
            }
            let others = numbers.iter().any(|number| *number >= LEAST);
            prop_assert!(hidden.len() != 1 || !others, "{:?}", texts);
        }
    }
}
