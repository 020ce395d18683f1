//! What size each list had when it was last in force, and a person's word that less is meant.

use std::collections::BTreeSet;
use std::path::Path;

use crate::control::lists::{Keys, Sizes};
use crate::control::store::{Store, StoreError};

/// The sizes that the store keeps; none where there is no store yet.
///
/// # Errors
/// What the store says.
pub fn sizes_in_force(store_file: &Path) -> Result<Sizes, StoreError> {
    if !store_file.exists() {
        return Ok(Sizes::new());
    }
    Store::open(store_file)?.list_sizes()
}

/// As [`sizes_in_force`], of the statutory lists alone: which of them were in force decides what
/// their last good forms stand for.
///
/// # Errors
/// What the store says.
pub fn statutory_sizes(store_file: &Path) -> Result<Sizes, StoreError> {
    let mut sizes = sizes_in_force(store_file)?;
    sizes.retain(|id, _| id.starts_with("statutory/"));
    Ok(sizes)
}

/// This gateway's keys; where there is no store yet, and so nothing under its keys, keys for an
/// index that is thrown away.
///
/// # Errors
/// What the store says.
pub fn keys_in_force(store_file: &Path) -> Result<Keys, StoreError> {
    if !store_file.exists() {
        return Ok(Keys { index: [0; 16], statutory: [0; 32] });
    }
    Keys::of(&Store::open(store_file)?)
}

impl Keys {
    /// The keys that a store holds.
    pub(in crate::control) fn of(store: &Store) -> Result<Keys, StoreError> {
        Ok(Keys { index: store.key("list_index")?, statutory: store.key("statutory")? })
    }
}

/// Keeps the sizes that these lists have now in the place of those that they had, so that the
/// next reload takes them.
///
/// # Errors
/// What the store says.
pub fn accept_sizes(store_file: &Path, lists: &BTreeSet<String>, now: &Sizes) -> Result<(), StoreError> {
    if lists.is_empty() || !store_file.exists() {
        return Ok(());
    }
    let store = Store::open(store_file)?;
    let mut sizes = store.list_sizes()?;
    for id in lists {
        match now.get(id) {
            Some(entries) => sizes.insert(id.clone(), *entries),
            None => sizes.remove(id),
        };
    }
    store.keep_list_sizes(&sizes)
}
