//! Typed cells over the bytes of a compiled index, wherever those bytes lie.
//!
//! **Invariant:** cells are little-endian and have no alignment, so that one file reads alike on
//! every machine and a column is nothing but its bytes.

use std::marker::PhantomData;

use bytes::Bytes;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// Cells of one kind, one after the other.
pub(super) struct Column<T> {
    bytes: Bytes,
    cells: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned> Column<T> {
    /// The whole cells in these bytes; what is left over at the end is no cell.
    pub(super) fn of(bytes: Bytes) -> Column<T> {
        let whole = bytes.len() / size_of::<T>() * size_of::<T>();
        Column { bytes: bytes.slice(..whole), cells: PhantomData }
    }

    /// The bytes of these cells.
    pub(super) fn bytes_of(cells: &[T]) -> Vec<u8> {
        cells.as_bytes().to_vec()
    }

    #[inline]
    pub(super) fn cells(&self) -> &[T] {
        // The length is a multiple of a cell's, so this never falls back.
        <[T]>::ref_from_bytes(&self.bytes).unwrap_or_default()
    }
}

/// An offset or a count in the compact form.
///
/// # Panics
/// Over 4 Gi: an index of that size is no list of this world, and a shorter one would be wrong.
pub(super) fn small(count: usize) -> u32 {
    u32::try_from(count).expect("an index holds at most 4 Gi bytes of text")
}
