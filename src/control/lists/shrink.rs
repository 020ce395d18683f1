//! The guard against lists that lose their entries between one day and the next.
//!
//! **Invariant:** a list that was in force and is gone, or has shrunk past the limit, is a fault
//! until somebody says that it is meant.

use std::path::PathBuf;

use crate::control::lists::reading::file_fault;
use crate::control::lists::{Places, Sizes};
use crate::document::{Fault, Faults};
use crate::model::counted;

/// Lists below this many entries may shrink as they like: one line is a large part of them.
pub(super) const GUARDED_FROM: usize = 50;

/// Whether a list with `before` entries may have `now`.
pub(super) fn is_within(before: usize, now: usize, max_shrink_percent: u8) -> bool {
    before < GUARDED_FROM || keeps_enough(before, now, max_shrink_percent)
}

/// As [`is_within`], however short the list is.
pub(super) fn keeps_enough(before: usize, now: usize, max_shrink_percent: u8) -> bool {
    let kept = 100usize.saturating_sub(usize::from(max_shrink_percent));
    now.saturating_mul(100) >= before.saturating_mul(kept)
}

/// A fault for every list that is gone or has shrunk too far.
pub(super) fn faults(places: &Places, before: &Sizes, now: &Sizes) -> Faults {
    let mut faults = Faults::new();
    for (id, &held) in before {
        match now.get(id) {
            None if held > 0 => faults.push(gone(places, id, held)),
            Some(&left) if !is_within(held, left, places.max_shrink_percent) => {
                faults.push(shrunk(places, id, held, left));
            }
            None | Some(_) => {}
        }
    }
    faults
}

fn gone(places: &Places, id: &str, held: usize) -> Fault {
    file_fault(&place(places, id), format!("the list {id} is gone; it held {}", counted(held, "entry")))
        .help(accept(id))
}

/// The fault of a list that has shrunk too far.
pub(super) fn shrunk(places: &Places, id: &str, held: usize, left: usize) -> Fault {
    file_fault(&place(places, id), format!("the list {id} shrank from {held} to {}", counted(left, "entry")))
        .help(accept(id))
}

fn accept(id: &str) -> String {
    format!("if that is meant: `schoolgate lists build --accept-shrink {id}`")
}

/// Where a list lies, or lay.
fn place(places: &Places, id: &str) -> PathBuf {
    match id.split_once('/') {
        Some(("seed", name)) => places.lists.join("categories").join(format!("{name}.txt")),
        Some(("terms", name)) => places.lists.join("terms").join(format!("{name}.txt")),
        Some(("statutory", name)) => places.statutory.join(format!("{name}.txt")),
        Some(_) | None => places.imported.join(id),
    }
}
