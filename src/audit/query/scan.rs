//! Walks a segment's whole lines in either direction.

use std::io;
use std::path::Path;

use crate::audit::query::Order;
use crate::audit::segment::{Backward, Forward, Piece};

/// A walk through one segment.
pub(super) enum Walk {
    Oldest(Forward),
    Newest(Backward),
}

impl Walk {
    pub(super) fn open(path: &Path, order: Order) -> io::Result<Walk> {
        match order {
            Order::OldestFirst => Forward::open(path).map(Walk::Oldest),
            Order::NewestFirst => Backward::open(path).map(Walk::Newest),
        }
    }

    /// The next piece; one that is still being written is no line, and matches nothing.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self {
            Walk::Oldest(reader) => reader.next(),
            Walk::Newest(reader) => reader.next(),
        }
    }
}
