//! Numbers that are shown to people who must not be able to tell anybody by them.
//!
//! **Invariant:** what is shown of a number of people's doings is a multiple of five, or that it is
//! small, as nought is too: no sum, difference or two reports side by side tell more than that.

/// The step that numbers are shown in, and the least that is shown.
const STEP: u64 = 5;
/// What is said of a share of few.
const TOO_FEW: &str = "too few to say";

/// A number as it may be shown.
pub(super) fn shown(number: u64) -> String {
    match number {
        0..STEP => format!("fewer than {STEP}"),
        _ => format!("about {}", rounded(number)),
    }
}

/// A number that may be shown, so shown.
fn rounded(number: u64) -> u64 {
    (number + STEP / 2) / STEP * STEP
}

/// A share as it may be shown: none of few, and in steps so wide that five are alike.
pub(super) fn share(part: u64, of: u64) -> String {
    if of < 2 * STEP {
        return TOO_FEW.to_owned();
    }
    match (of < 10 * STEP, 2 * part >= of) {
        (true, true) => "half or more".to_owned(),
        (true, false) => "fewer than half".to_owned(),
        (false, _) => format!("about {} %", (part * 10 + of / 2) / of * 10),
    }
}

/// How many these are of each ten thousand, by what is shown of both: none of few.
pub(super) fn of_ten_thousand(part: u64, of: u64) -> String {
    match is_shown(part) && is_shown(of) {
        true => format!("about {}", rounded(part) * 10_000 / rounded(of)),
        false => TOO_FEW.to_owned(),
    }
}

/// Whether more is shown of a number than that it is small.
pub(super) fn is_shown(number: u64) -> bool {
    number >= STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_tells_of_fewer_than_three_people() {
        let rows = [
            (0, "fewer than 5"),
            (1, "fewer than 5"),
            (4, "fewer than 5"),
            (5, "about 5"),
            (7, "about 5"),
            (8, "about 10"),
        ];
        for (number, expected) in rows {
            assert_eq!(shown(number), expected);
        }
        for number in 0..500 {
            let alike = (0..510).filter(|other| shown(*other) == shown(number)).count();
            assert!(alike >= 3, "{number}");
        }
    }

    #[test]
    fn no_share_tells_a_number_that_is_not_shown() {
        assert_eq!([share(1, 9), share(5, 10), share(4, 10)], [TOO_FEW, "half or more", "fewer than half"]);
        assert_eq!([share(25, 50), share(1, 100)], ["about 50 %", "about 0 %"]);
        for of in 10..200 {
            for part in 0..=of {
                let alike = (0..=of).filter(|other| share(*other, of) == share(part, of)).count();
                assert!(alike >= 3, "{part} of {of}");
            }
        }
        let rows = [((4, 10_000), TOO_FEW), ((9, 4), TOO_FEW), ((0, 0), TOO_FEW), ((5, 1000), "about 50")];
        for ((part, of), expected) in rows {
            assert_eq!(of_ten_thousand(part, of), expected, "{part} of {of}");
        }
        // It tells no more than what stands beside it.
        for (part, of) in (5..40).flat_map(|part| (5..400).map(move |of| (part, of))) {
            assert_eq!(of_ten_thousand(part, of), of_ten_thousand(rounded(part), rounded(of)));
        }
    }
}
