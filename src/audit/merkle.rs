//! The Merkle tree over a segment's lines (RFC 9162, section 2.1): its roots, and the paths from
//! a line to one.
//!
//! **Invariant:** leaves and inner nodes are hashed apart, so that no line can pass for a node;
//! what was removed counts by the roots of its complete subtrees, and changes no root.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::audit::chain::LineHash;

/// What a tree can be grown by: one line, or the root of 2^level lines that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Subtree {
    /// How many times its leaves double.
    pub(super) level: u32,
    /// Its root.
    pub(super) root: LineHash,
}

/// The right edge of a growing tree: all that its root needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    size: u64,
    /// The roots of the complete subtrees, the greatest first: one for each bit of `size`.
    roots: Vec<LineHash>,
}

/// A tree with every complete subtree that is known: for paths.
#[derive(Debug, Default)]
pub(super) struct Tree {
    edge: Edge,
    /// By level and place in it.
    nodes: HashMap<(u32, u64), LineHash>,
}

impl Subtree {
    /// The leaf of a line.
    pub(super) fn line(hash: LineHash) -> Subtree {
        Subtree { level: 0, root: digest(&[&[0], hash.bytes()]) }
    }
}

impl Edge {
    /// How many leaves there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Grows the tree; false, and nothing done, where a subtree of that level can't stand here.
    pub(super) fn push(&mut self, subtree: Subtree) -> bool {
        self.push_noting(subtree, |_, _, _| {})
    }

    /// The root over all leaves.
    pub(super) fn root(&self) -> LineHash {
        let above = |right: LineHash, left: &LineHash| inner(*left, right);
        match self.roots.split_last() {
            Some((last, rest)) => rest.iter().rev().fold(*last, above),
            None => digest(&[]),
        }
    }

    /// As [`Edge::push`], telling every subtree that is complete with it.
    fn push_noting(&mut self, subtree: Subtree, mut note: impl FnMut(u32, u64, LineHash)) -> bool {
        let Subtree { mut level, mut root } = subtree;
        let Some(width) = 1u64.checked_shl(level).filter(|width| self.size.is_multiple_of(*width)) else {
            return false;
        };
        let Some(size) = self.size.checked_add(width) else { return false };
        note(level, self.size >> level, root);
        while self.size >> level & 1 == 1 {
            let Some(left) = self.roots.pop() else { return false };
            root = inner(left, root);
            level += 1;
            note(level, self.size >> level, root);
        }
        self.roots.push(root);
        self.size = size;
        true
    }
}

impl Tree {
    /// How many leaves there are.
    pub(super) fn size(&self) -> u64 {
        self.edge.size
    }

    /// Grows the tree, as [`Edge::push`].
    pub(super) fn push(&mut self, subtree: Subtree) -> bool {
        let nodes = &mut self.nodes;
        self.edge.push_noting(subtree, |level, at, root| {
            nodes.insert((level, at), root);
        })
    }

    /// The root over the first `size` leaves; `None` when one that it needs is not known.
    pub(super) fn root(&self, size: u64) -> Option<LineHash> {
        match size {
            0 => Some(digest(&[])),
            _ => self.over(0, size),
        }
    }

    /// The path from a leaf up to the root over the first `size` leaves.
    pub(super) fn path(&self, index: u64, size: u64) -> Option<Vec<LineHash>> {
        let (mut from, mut width) = (0, size);
        let mut path = Vec::new();
        if index >= size {
            return None;
        }
        while width > 1 {
            let left = split(width);
            if index - from < left {
                path.push(self.over(from + left, width - left)?);
                width = left;
            } else {
                path.push(self.over(from, left)?);
                (from, width) = (from + left, width - left);
            }
        }
        path.reverse();
        Some(path)
    }

    /// The roots of the greatest complete subtrees that make up the leaves from `from` to before
    /// `to`; `None` when one is not known.
    pub(super) fn cover(&self, from: u64, to: u64) -> Option<Vec<LineHash>> {
        covering(from, to).map(|(start, level)| self.nodes.get(&(level, start >> level)).copied()).collect()
    }

    fn over(&self, from: u64, width: u64) -> Option<LineHash> {
        if width.is_power_of_two() {
            // Every subtree that is split off stands at a multiple of its width.
            let level = width.trailing_zeros();
            return self.nodes.get(&(level, from >> level)).copied();
        }
        let left = split(width);
        Some(inner(self.over(from, left)?, self.over(from + left, width - left)?))
    }
}

/// The greatest complete subtrees that make up the leaves from `from` to before `to`: where each
/// starts, and its level.
pub(super) fn covering(from: u64, to: u64) -> impl Iterator<Item = (u64, u32)> {
    let mut at = from;
    std::iter::from_fn(move || {
        let left = to.checked_sub(at).filter(|left| *left > 0)?;
        let level = at.trailing_zeros().min(left.ilog2());
        let start = at;
        at += 1 << level;
        Some((start, level))
    })
}

/// The root that a leaf and its path make (RFC 9162, section 2.1.3.2); `None` where the path has
/// not the length that it must have.
pub(super) fn root_of(line: LineHash, index: u64, size: u64, path: &[LineHash]) -> Option<LineHash> {
    if index >= size {
        return None;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut root = Subtree::line(line).root;
    for beside in path {
        if last == 0 {
            return None;
        }
        if place & 1 == 1 || place == last {
            root = inner(*beside, root);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            root = inner(root, *beside);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

/// The greatest power of two below a width of at least 2.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

fn inner(left: LineHash, right: LineHash) -> LineHash {
    digest(&[&[1], left.bytes(), right.bytes()])
}

fn digest(parts: &[&[u8]]) -> LineHash {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    LineHash::from_bytes(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The tree as the RFC defines it, word for word.
    fn naive(leaves: &[LineHash]) -> LineHash {
        match leaves {
            [] => digest(&[]),
            [one] => Subtree::line(*one).root,
            more => {
                let (left, right) = more.split_at(split(more.len() as u64) as usize);
                inner(naive(left), naive(right))
            }
        }
    }

    fn naive_path(index: usize, leaves: &[LineHash]) -> Vec<LineHash> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
        let (mut path, beside) = match index.checked_sub(left.len()) {
            Some(index) => (naive_path(index, right), naive(left)),
            None => (naive_path(index, left), naive(right)),
        };
        path.push(beside);
        path
    }

    fn leaves(count: u64) -> Vec<LineHash> {
        (0..count).map(|number| LineHash::of(&number.to_be_bytes())).collect()
    }

    fn hex(hash: LineHash) -> String {
        hash.to_string()
    }

    /// The empty tree and the hashes of leaf and node, as published for Certificate Transparency.
    #[test]
    fn the_hashes_are_those_of_the_rfc() {
        assert_eq!(
            hex(Edge::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            hex(digest(&[&[0]])),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "the leaf of no bytes"
        );
        assert_eq!(
            hex(digest(&[&[0], b"L123456"])),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
        assert_eq!(
            hex(digest(&[&[1], b"N123", b"N456"])),
            "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
        );
    }

    #[test]
    fn every_root_and_path_is_that_of_the_naive_tree() {
        let all = leaves(70);
        let (mut edge, mut tree) = (Edge::default(), Tree::default());
        for line in &all {
            assert!(edge.push(Subtree::line(*line)) && tree.push(Subtree::line(*line)));
            let size = edge.size() as usize;
            assert_eq!(edge.root(), naive(&all[..size]), "{size}");
        }
        for size in 0..=all.len() {
            assert_eq!(tree.root(size as u64), Some(naive(&all[..size])));
            for index in 0..size {
                let path = tree.path(index as u64, size as u64).unwrap();
                assert_eq!(path, naive_path(index, &all[..size]), "{index} of {size}");
                let root = root_of(all[index], index as u64, size as u64, &path);
                assert_eq!(root, Some(naive(&all[..size])));
            }
        }
        assert_eq!(tree.path(3, 3), None);
        assert_eq!(tree.root(71), None);
    }

    proptest! {
        #[test]
        fn a_run_counts_by_its_cover(size in 1..200u64, from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>()) {
            let all = leaves(size);
            let (from, to) = (from.index(all.len()) as u64, to.index(all.len()) as u64 + 1);
            let (from, to) = (from.min(to), from.max(to));
            let mut whole = Tree::default();
            all.iter().for_each(|line| assert!(whole.push(Subtree::line(*line))));
            let cover = whole.cover(from, to).unwrap();
            let mut holed = Tree::default();
            all[..from as usize].iter().for_each(|line| assert!(holed.push(Subtree::line(*line))));
            for ((start, level), root) in covering(from, to).zip(&cover) {
                prop_assert_eq!(start, holed.size());
                let subtree = Subtree { level, root: *root };
                prop_assert!(holed.push(subtree));
            }
            all[to as usize..].iter().for_each(|line| assert!(holed.push(Subtree::line(*line))));
            prop_assert_eq!(holed.root(size), whole.root(size));
            for index in (0..from).chain(to..size) {
                prop_assert_eq!(holed.path(index, size), whole.path(index, size));
            }
        }

        #[test]
        fn a_path_proves_no_other_line_place_or_size(size in 2..100u64, index in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
            let all = leaves(size);
            let (index, other) = (index.index(all.len()) as u64, other.index(all.len()) as u64);
            let mut tree = Tree::default();
            all.iter().for_each(|line| assert!(tree.push(Subtree::line(*line))));
            let path = tree.path(index, size).unwrap();
            let root = tree.root(size);
            prop_assert_eq!(root_of(all[index as usize], index, size, &path), root);
            prop_assert!(other == index || root_of(all[other as usize], index, size, &path) != root);
            prop_assert!(other == index || root_of(all[index as usize], other, size, &path) != root);
            prop_assert!(root_of(all[index as usize], index, size, &path[1..]) != root);
        }
    }

    #[test]
    fn a_subtree_stands_at_multiples_of_its_width_only() {
        let mut edge = Edge::default();
        assert!(edge.push(Subtree::line(LineHash::NONE)));
        assert!(!edge.push(Subtree { level: 1, root: LineHash::NONE }));
        assert!(!edge.push(Subtree { level: 64, root: LineHash::NONE }));
        assert_eq!(edge.size(), 1);
    }
}
