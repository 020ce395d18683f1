//! What the catalogue is made of: every list as bytes, gathered, stamped, and read into an index
//! where no compiled one fits.
//!
//! **Invariant:** a catalogue holds every list that was gathered, whole, or there is a fault.

use std::path::PathBuf;

use crate::control::lists::compiled::{Kept, Made, Stamp};
use crate::control::lists::reading::{file_fault, line_faults, not_a_list};
use crate::control::lists::{Steps, source};
use crate::document::{Fault, Faults};
use crate::lists::{Catalogue, CatalogueBuilder, Form, ListHead};

/// A list as it lies on disk.
pub(super) struct Ingredient {
    pub(super) head: ListHead,
    pub(super) files: Vec<IngredientFile>,
    pub(super) care: Care,
}

/// One of its files.
pub(super) struct IngredientFile {
    /// As evidence names it: `games/domains`.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
}

/// What a line that can't be used means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Somebody wrote it by hand: a fault.
    Strict,
    /// It was counted and shown at the import: passed over.
    Imported,
}

/// The catalogue of these lists: the one that was kept, or a new one under a new key, which is
/// for the caller to keep.
pub(super) fn catalogue(
    ingredients: &[Ingredient],
    kept: &Kept,
    steps: &Steps<'_>,
    faults: &mut Faults,
) -> Option<(Catalogue, Made)> {
    let stamp = stamp(ingredients);
    if let Some(catalogue) = kept.of(&stamp) {
        ingredients.iter().for_each(|list| steps.done(&list.head.id));
        return Some((catalogue, Made::Mapped));
    }
    let (mut key, mut own) = ([0; 16], Faults::new());
    if let Err(fault) = getrandom::fill(&mut key) {
        own.push(Fault::of_file("the system", format!("it gives no random numbers: {fault}")));
    }
    let mut builder = CatalogueBuilder::new(key).stamped(&stamp);
    for list in ingredients {
        read(&mut builder, list, &mut own);
        steps.done(&list.head.id);
    }
    let sound = own.is_empty();
    faults.extend(own);
    sound.then(|| (builder.build(), Made::Built))
}

fn stamp(ingredients: &[Ingredient]) -> String {
    let mut stamp = Stamp::new();
    for list in ingredients {
        stamp.add_list(&list.head);
        for file in &list.files {
            stamp.add(file.name.as_bytes());
            // A form is words and nothing else.
            stamp.add(&serde_json::to_vec(&file.form).unwrap_or_default());
            stamp.add(&file.bytes);
        }
    }
    stamp.text()
}

fn read(builder: &mut CatalogueBuilder, list: &Ingredient, faults: &mut Faults) {
    let number = builder.add_list(list.head.clone());
    for file in &list.files {
        let report = builder.add_file(number, &file.name, &file.form, &file.bytes);
        match (report, list.care) {
            (Ok(report), Care::Strict) if report.parsed.read == 0 => {
                let help = "put the last good copy back";
                faults.push(file_fault(&file.path, "the list holds no entry").help(help));
            }
            (Ok(report), Care::Strict) => faults.extend(line_faults(&file.path, &file.bytes, &report.parsed)),
            (Ok(_), Care::Imported) => {}
            (Err(why), Care::Strict) => faults.push(not_a_list(&file.path, why)),
            (Err(_), Care::Imported) => faults.push(source::damaged(&file.path, &list.head.id)),
        }
    }
}
