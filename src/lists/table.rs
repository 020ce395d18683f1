//! Text to postings: sorted 64-bit fingerprints under a bucket index over their top bits.
//!
//! **Invariant:** a row is found only if its text is the text asked for; the fingerprint merely
//! says where to look. The arrays are flat and in one order, so that they can one day be mapped
//! from a file as they are.

/// Rows to be put in order.
pub(super) struct Draft<P> {
    text: String,
    rows: Vec<Row<P>>,
}

struct Row<P> {
    fingerprint: u64,
    start: u32,
    len: u32,
    posting: Option<P>,
}

/// Distinct texts in the order of their fingerprints, each with its postings.
pub(super) struct Table<P> {
    shift: u32,
    /// Per value of the top bits, the first row; one more for the end.
    buckets: Box<[u32]>,
    fingerprints: Box<[u64]>,
    texts: Texts,
    /// Per row the first posting; one more for the end.
    spans: Box<[u32]>,
    postings: Box<[P]>,
}

/// Texts one after the other in one allocation.
pub(super) struct Texts {
    text: String,
    starts: Vec<u32>,
}

impl<P: Copy + Ord> Draft<P> {
    pub(super) fn new() -> Draft<P> {
        Draft { text: String::new(), rows: Vec::new() }
    }

    /// Adds a posting under a text, or with `None` only the text.
    pub(super) fn add(&mut self, fingerprint: u64, text: &str, posting: Option<P>) {
        let start = small(self.text.len());
        self.text.push_str(text);
        self.rows.push(Row { fingerprint, start, len: small(text.len()), posting });
    }

    /// Puts everything in order; of postings that `same` calls one, the first stays.
    pub(super) fn build(mut self, same: fn(&P, &P) -> bool) -> Table<P> {
        let text = std::mem::take(&mut self.text);
        let of = |row: &Row<P>| &text[row.start as usize..(row.start + row.len) as usize];
        self.rows.sort_unstable_by(|a, b| {
            a.fingerprint
                .cmp(&b.fingerprint)
                .then_with(|| of(a).cmp(of(b)))
                .then_with(|| a.posting.cmp(&b.posting))
        });
        let mut fingerprints = Vec::new();
        let mut texts = Texts::new();
        let mut spans = Vec::new();
        let mut postings: Vec<P> = Vec::with_capacity(self.rows.len());
        for group in self.rows.chunk_by(|a, b| a.fingerprint == b.fingerprint && of(a) == of(b)) {
            fingerprints.push(group[0].fingerprint);
            texts.push(of(&group[0]));
            let first = postings.len();
            spans.push(small(first));
            for posting in group.iter().filter_map(|row| row.posting) {
                if postings[first..].last().is_none_or(|last| !same(last, &posting)) {
                    postings.push(posting);
                }
            }
        }
        spans.push(small(postings.len()));
        let (shift, buckets) = bucketed(&fingerprints);
        Table {
            shift,
            buckets,
            fingerprints: fingerprints.into(),
            texts: texts.shrunk(),
            spans: spans.into(),
            postings: postings.into(),
        }
    }
}

impl<P> Table<P> {
    /// The row with this fingerprint whose text `is` the one asked for.
    pub(super) fn row(&self, fingerprint: u64, is: impl Fn(&str) -> bool) -> Option<u32> {
        // `>> 64` is not defined, hence two shifts; the top bits always lie inside `buckets`.
        let top = (fingerprint >> 1 >> (self.shift - 1)) as usize;
        let (from, to) = (self.buckets[top], self.buckets[top + 1]);
        let bucket = &self.fingerprints[from as usize..to as usize];
        (from..to)
            .zip(bucket)
            .find(|&(row, &held)| held == fingerprint && is(self.text(row)))
            .map(|(row, _)| row)
    }

    pub(super) fn text(&self, row: u32) -> &str {
        self.texts.at(row)
    }

    pub(super) fn postings(&self, row: u32) -> &[P] {
        let row = row as usize;
        &self.postings[self.spans[row] as usize..self.spans[row + 1] as usize]
    }

    pub(super) fn all_postings(&self) -> &[P] {
        &self.postings
    }
}

impl Texts {
    pub(super) fn new() -> Texts {
        Texts { text: String::new(), starts: vec![0] }
    }

    /// Appends a text and says its number.
    pub(super) fn push(&mut self, text: &str) -> u32 {
        let number = small(self.starts.len() - 1);
        self.text.push_str(text);
        self.starts.push(small(self.text.len()));
        number
    }

    pub(super) fn at(&self, number: u32) -> &str {
        let number = number as usize;
        &self.text[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    pub(super) fn shrunk(mut self) -> Texts {
        self.text.shrink_to_fit();
        self.starts.shrink_to_fit();
        self
    }
}

/// A bucket holds two to four rows on average.
fn bucketed(fingerprints: &[u64]) -> (u32, Box<[u32]>) {
    let bits = (fingerprints.len() / 4).next_power_of_two().trailing_zeros();
    let shift = u64::BITS - bits;
    let mut buckets = Vec::with_capacity((1 << bits) + 1);
    for top in 0..1u64 << bits {
        let below = |&held: &u64| (held >> 1 >> (shift - 1)) < top;
        let from = buckets.last().map_or(0, |&last| last as usize);
        buckets.push(small(from + count_while(&fingerprints[from..], below)));
    }
    buckets.push(small(fingerprints.len()));
    (shift, buckets.into())
}

fn count_while(sorted: &[u64], holds: impl Fn(&u64) -> bool) -> usize {
    sorted.iter().take_while(|held| holds(held)).count()
}

/// An offset or a count in the compact form.
///
/// # Panics
/// Over 4 Gi: an index of that size is no list of this world, and a shorter one would be wrong.
fn small(count: usize) -> u32 {
    u32::try_from(count).expect("an index holds at most 4 Gi bytes of text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_fingerprint_does_not_confuse_texts() {
        let mut draft = Draft::new();
        for (fingerprint, text, posting) in [(7, "b", 2), (7, "a", 1), (u64::MAX, "z", 3), (7, "a", 9)] {
            draft.add(fingerprint, text, Some(posting));
        }
        draft.add(0, "bare", None);
        let table = draft.build(|a, b| a == b);
        let postings = |fingerprint, text: &str| {
            table.row(fingerprint, |held| held == text).map(|row| table.postings(row).to_vec())
        };
        assert_eq!(postings(7, "a"), Some(vec![1, 9]));
        assert_eq!(postings(7, "b"), Some(vec![2]));
        assert_eq!(postings(7, "c"), None);
        assert_eq!(postings(u64::MAX, "z"), Some(vec![3]));
        assert_eq!(postings(0, "bare"), Some(vec![]));
        assert_eq!(table.all_postings().len(), 4);
    }

    #[test]
    fn every_row_is_found_at_every_size() {
        for size in [0u64, 1, 3, 4, 5, 63, 64, 1000] {
            let mut draft = Draft::new();
            let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for n in 0..size {
                draft.add(spread(n), &n.to_string(), Some(n));
            }
            let table = draft.build(|a, b| a == b);
            for n in 0..size {
                let row = table.row(spread(n), |text| text == n.to_string());
                assert_eq!(row.map(|row| table.postings(row)), Some(&[n][..]), "{n} of {size}");
            }
            assert_eq!(table.row(spread(size), |_| true), None);
        }
    }
}
