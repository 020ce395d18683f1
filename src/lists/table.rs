//! Text to payloads: a binary fuse filter, then sorted 64-bit fingerprints under a bucket index
//! over their top bits.
//!
//! **Invariant:** every row that was added is found; the filter only says "surely not". A
//! fingerprint says where to look; whoever must be sure compares the text, which lies cold.
//!
//! Measured (`benches/scale.rs`, 5 million names, real ones and made-up): 13.6 bytes a name stay
//! resident with their categories, 42.5 lie on disk; a look-up that misses with four labels costs
//! half of one that hits with three, and a hit four labels deeper costs 1.7 of them.
//!
//! A row costs 8 bytes of fingerprint, 4 of payload, about 1 of buckets and 1.1 of filter that
//! stay resident; text, its offset and the lines are read only where a match is shown or must be
//! sure.

use std::ops::Range;

use bytes::Bytes;
use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};
use zerocopy::little_endian::{U32, U64};

use crate::lists::column::{Column, small};
use crate::lists::sections::{Compiled, Section};

/// The descriptor of the filter stands before its bytes.
const DESCRIPTOR: usize = BinaryFuse8::DESCRIPTOR_LEN;

/// Rows to be put in order.
pub(super) struct Draft<P> {
    text: String,
    rows: Vec<Row<P>>,
}

struct Row<P> {
    fingerprint: u64,
    start: u32,
    len: u16,
    posting: Option<P>,
}

/// Distinct texts in the order of their fingerprints, each with a payload.
pub(super) struct Table {
    shift: u32,
    filter: Bytes,
    /// Per value of the top bits, the first row; one more for the end.
    buckets: Column<U32>,
    fingerprints: Column<U64>,
    /// One more than there are rows.
    payloads: Column<U32>,
    texts: Texts,
}

/// Texts one after the other.
pub(super) struct Texts {
    starts: Column<U32>,
    bytes: Bytes,
}

/// Texts being gathered.
pub(super) struct TextsDraft {
    starts: Vec<U32>,
    bytes: Vec<u8>,
}

/// The sections that a table lies in.
#[derive(Clone, Copy)]
pub(super) struct Sections {
    pub(super) filter: Section,
    pub(super) buckets: Section,
    pub(super) fingerprints: Section,
    pub(super) payloads: Section,
    pub(super) starts: Section,
    pub(super) texts: Section,
}

impl<P: Copy + Ord> Draft<P> {
    pub(super) fn new() -> Draft<P> {
        Draft { text: String::new(), rows: Vec::new() }
    }

    /// Adds a posting under a text of at most 64 KiB, or with `None` only the text.
    pub(super) fn add(&mut self, fingerprint: u64, text: &str, posting: Option<P>) {
        let start = small(self.text.len());
        self.text.push_str(text);
        // No key is longer than a URL, which is at most 16 KiB.
        let len = u16::try_from(text.len()).expect("a key is shorter than 64 KiB");
        self.rows.push(Row { fingerprint, start, len, posting });
    }

    /// Puts everything in order. `payload` gives a row's payload from its postings, sorted and
    /// each once, and may append to what is kept cold behind the row's text; `end` is the payload
    /// after the last.
    pub(super) fn build(
        mut self,
        compiled: &mut Compiled,
        sections: Sections,
        mut payload: impl FnMut(&mut Vec<P>, &mut Vec<u8>) -> u32,
    ) {
        let text = std::mem::take(&mut self.text);
        let of = |row: &Row<P>| &text[row.start as usize..row.start as usize + usize::from(row.len)];
        self.rows.sort_unstable_by(|a, b| {
            a.fingerprint
                .cmp(&b.fingerprint)
                .then_with(|| of(a).cmp(of(b)))
                .then_with(|| a.posting.cmp(&b.posting))
        });
        let (mut fingerprints, mut payloads) = (Vec::with_capacity(self.rows.len()), Vec::new());
        let mut texts = TextsDraft::new();
        let mut postings = Vec::new();
        for group in self.rows.chunk_by(|a, b| a.fingerprint == b.fingerprint && of(a) == of(b)) {
            postings.clear();
            postings.extend(group.iter().filter_map(|row| row.posting));
            fingerprints.push(group[0].fingerprint);
            texts.push(of(&group[0]).as_bytes());
            payloads.push(U32::new(payload(&mut postings, &mut texts.bytes)));
            texts.close();
        }
        payloads.push(U32::new(payload(&mut Vec::new(), &mut Vec::new())));
        drop((self.rows, text));
        compiled.put(sections.buckets, Column::bytes_of(&bucketed(&fingerprints)));
        compiled.put(sections.filter, filter(&fingerprints));
        let fingerprints: Vec<U64> = fingerprints.into_iter().map(U64::new).collect();
        compiled.put(sections.fingerprints, Column::bytes_of(&fingerprints));
        compiled.put(sections.payloads, Column::bytes_of(&payloads));
        texts.put(compiled, sections.starts, sections.texts);
    }
}

impl Table {
    pub(super) fn open(compiled: &Compiled, sections: Sections) -> Table {
        let buckets = Column::<U32>::of(compiled.section(sections.buckets));
        let bits = buckets.cells().len().saturating_sub(1).checked_ilog2().unwrap_or(0);
        Table {
            shift: u64::BITS - bits,
            buckets,
            filter: compiled.section(sections.filter),
            fingerprints: Column::of(compiled.section(sections.fingerprints)),
            payloads: Column::of(compiled.section(sections.payloads)),
            texts: Texts::open(compiled, sections.starts, sections.texts),
        }
    }

    /// The rows with this fingerprint: none, one, or the rare several.
    #[inline]
    pub(super) fn rows(&self, fingerprint: u64) -> Range<u32> {
        if let Some((descriptor, bytes)) = self.filter.split_at_checked(DESCRIPTOR)
            && !BinaryFuse8Ref::from_dma(descriptor, bytes).contains(&fingerprint)
        {
            return 0..0;
        }
        let buckets = self.buckets.cells();
        let top = top(fingerprint, self.shift);
        let (Some(from), Some(to)) = (buckets.get(top), buckets.get(top + 1)) else { return 0..0 };
        let (from, to) = (from.get(), to.get());
        let bucket = self.fingerprints.cells().get(from as usize..to as usize).unwrap_or_default();
        let first = bucket.iter().take_while(|held| held.get() < fingerprint).count();
        let equal = bucket[first..].iter().take_while(|held| held.get() == fingerprint).count();
        from + small(first)..from + small(first + equal)
    }

    /// Where the row's postings start, and where they end if they stand in the order of the rows.
    #[inline]
    pub(super) fn payload(&self, row: u32) -> Range<u32> {
        let payloads = self.payloads.cells();
        payloads[row as usize].get()..payloads[row as usize + 1].get()
    }

    /// The row's text and what was appended to it.
    pub(super) fn cold(&self, row: u32) -> &[u8] {
        self.texts.at(row)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.fingerprints.cells().len()
    }
}

impl TextsDraft {
    pub(super) fn new() -> TextsDraft {
        TextsDraft { starts: vec![U32::new(0)], bytes: Vec::new() }
    }

    /// Appends a text and says its number.
    pub(super) fn add(&mut self, text: &str) -> u32 {
        let number = small(self.starts.len() - 1);
        self.push(text.as_bytes());
        self.close();
        number
    }

    pub(super) fn put(self, compiled: &mut Compiled, starts: Section, texts: Section) {
        compiled.put(starts, Column::bytes_of(&self.starts));
        compiled.put(texts, self.bytes);
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn close(&mut self) {
        self.starts.push(U32::new(small(self.bytes.len())));
    }
}

impl Texts {
    pub(super) fn open(compiled: &Compiled, starts: Section, texts: Section) -> Texts {
        Texts { starts: Column::of(compiled.section(starts)), bytes: compiled.section(texts) }
    }

    pub(super) fn at(&self, number: u32) -> &[u8] {
        let (starts, number) = (self.starts.cells(), number as usize);
        &self.bytes[starts[number].get() as usize..starts[number + 1].get() as usize]
    }
}

/// A bucket holds four to eight rows on average: with the filter before it, mostly hits look in.
fn bucketed(fingerprints: &[u64]) -> Vec<U32> {
    let bits = (fingerprints.len() / 8).next_power_of_two().trailing_zeros();
    let shift = u64::BITS - bits;
    let mut buckets = Vec::with_capacity((1 << bits) + 1);
    let mut row = 0;
    for bucket in 0..1usize << bits {
        row += fingerprints[row..].iter().take_while(|&&held| top(held, shift) < bucket).count();
        buckets.push(U32::new(small(row)));
    }
    buckets.push(U32::new(small(fingerprints.len())));
    buckets
}

/// The top bits; `>> 64` is not defined, hence two shifts.
#[inline]
fn top(fingerprint: u64, shift: u32) -> usize {
    (fingerprint >> 1 >> (shift - 1)) as usize
}

/// Nothing where no filter can be made: then every look-up goes to the buckets.
fn filter(fingerprints: &[u64]) -> Vec<u8> {
    let mut distinct = fingerprints.to_vec();
    distinct.dedup();
    let Ok(filter) = BinaryFuse8::try_from(distinct) else { return Vec::new() };
    let mut bytes = vec![0; DESCRIPTOR];
    filter.dma_copy_descriptor_to(&mut bytes);
    bytes.extend_from_slice(filter.dma_fingerprints());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTIONS: Sections = Sections {
        filter: Section::NameFilter,
        buckets: Section::NameBuckets,
        fingerprints: Section::NameFingerprints,
        payloads: Section::NamePayloads,
        starts: Section::NameStarts,
        texts: Section::NameTexts,
    };

    /// Postings in the order of the rows, as pages have them.
    fn built(draft: Draft<u64>) -> (Table, Vec<u64>) {
        let (mut compiled, mut all) = (Compiled::default(), Vec::new());
        draft.build(&mut compiled, SECTIONS, |postings, _| {
            let start = small(all.len());
            all.append(postings);
            start
        });
        (Table::open(&compiled, SECTIONS), all)
    }

    #[test]
    fn a_shared_fingerprint_does_not_confuse_texts() {
        let mut draft = Draft::new();
        for (fingerprint, text, posting) in [(7, "b", 2), (7, "a", 1), (u64::MAX, "z", 3), (7, "a", 9)] {
            draft.add(fingerprint, text, Some(posting));
        }
        draft.add(0, "bare", None);
        let (table, all) = built(draft);
        let postings = |fingerprint, text: &str| {
            let row = table.rows(fingerprint).find(|row| table.cold(*row) == text.as_bytes())?;
            let span = table.payload(row);
            Some(all[span.start as usize..span.end as usize].to_vec())
        };
        assert_eq!(postings(7, "a"), Some(vec![1, 9]));
        assert_eq!(postings(7, "b"), Some(vec![2]));
        assert_eq!(postings(7, "c"), None);
        assert_eq!(postings(u64::MAX, "z"), Some(vec![3]));
        assert_eq!(postings(0, "bare"), Some(vec![]));
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn every_row_is_found_at_every_size() {
        for size in [0u64, 1, 2, 3, 7, 8, 9, 63, 64, 1000, 5000] {
            let mut draft = Draft::new();
            let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            for n in 0..size {
                draft.add(spread(n), &n.to_string(), Some(n));
            }
            let (table, all) = built(draft);
            for n in 0..size {
                let rows = table.rows(spread(n));
                assert_eq!(rows.len(), 1, "{n} of {size}");
                assert_eq!(table.cold(rows.start), n.to_string().as_bytes());
                assert_eq!(all[table.payload(rows.start).start as usize], n);
            }
            assert!(table.rows(spread(size)).is_empty());
        }
    }
}
