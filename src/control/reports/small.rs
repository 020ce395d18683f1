//! Numbers that are shown to people who must not be able to tell anybody by them.
//!
//! **Invariant:** what is shown of a number of people's doings is a multiple of five, or that it is
//! small: no sum, difference or two reports side by side tell more than that.

/// The step that numbers are shown in, and the least that is shown.
const STEP: u64 = 5;

/// A number as it may be shown.
pub(super) fn shown(number: u64) -> String {
    match number {
        0 => "0".to_owned(),
        1..STEP => format!("fewer than {STEP}"),
        _ => format!("about {}", (number + STEP / 2) / STEP * STEP),
    }
}

/// A share as it may be shown: in tens of percent, and none of few.
pub(super) fn share(part: u64, of: u64) -> String {
    if of < 2 * STEP {
        return "too few to say".to_owned();
    }
    format!("about {} %", (part * 10 + of / 2) / of * 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_tells_of_fewer_than_three_people() {
        let rows = [
            (0, "0"),
            (1, "fewer than 5"),
            (4, "fewer than 5"),
            (5, "about 5"),
            (7, "about 5"),
            (8, "about 10"),
        ];
        for (number, expected) in rows {
            assert_eq!(shown(number), expected);
        }
        // As many numbers look alike as there are in a step, but for nought.
        for number in 1..500 {
            let alike = (1..510).filter(|other| shown(*other) == shown(number)).count();
            assert!(alike >= 3, "{number}");
        }
        assert_eq!((share(1, 9), share(5, 10)), ("too few to say".to_owned(), "about 50 %".to_owned()));
    }
}
