//! Which known word a mistyped one was meant to be.

/// The known word within two slips (a letter more, fewer, other, or two swapped), the nearest.
pub(super) fn nearest<'k>(word: &str, known: &'k [String]) -> Option<&'k str> {
    let slips = |other: &&String| distance(word, other);
    let near = known.iter().min_by_key(slips)?;
    let slips = distance(word, near);
    (slips <= 2 && slips * 2 <= near.chars().count() + 1).then_some(near)
}

/// Optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let other = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { other };
                other.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word() {
        let known = ["subnets", "dir", "inspect", "name"].map(str::to_owned);
        let cases = [
            ("subnet", Some("subnets")),
            ("sbunets", Some("subnets")),
            ("dri", Some("dir")),
            ("Inspect", Some("inspect")),
            ("colour", None),
            ("x", None),
        ];
        for (word, meant) in cases {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
        assert_eq!(nearest("x", &[]), None);
    }
}
