//! The term lists: `terms/*.txt` beside the categories.
//!
//! **Invariant:** strict, as all that is written by hand: a line that is no term is a fault. At a
//! start, where nothing could be put in the place of a faulty list, its sound lines are in force.

use std::path::Path;

use crate::content::{Terms, TermsBuilder};
use crate::control::lists::{Kind, LastGood, Places, Sizes, of_kind, reading, shrink, told};
use crate::document::Faults;

/// The term lists. No last good form of them is kept, so at a start the sound lines stand in.
pub(super) fn load(
    places: &Places,
    sizes: &Sizes,
    last: Option<&LastGood>,
    stood_in: &mut Vec<String>,
    faults: &mut Faults,
) -> Terms {
    let (terms, mut own) = read(&places.lists);
    if own.is_empty() {
        own.extend(shrink::faults(places, &of_kind(sizes, Kind::Terms), &self::sizes(&terms).collect()));
    }
    match last {
        Some(_) => stood_in.extend(told(&own, "its other lines are in force")),
        None => faults.extend(own),
    }
    terms
}

/// Reads every term list; a folder that is not there holds none. The sound lines of a faulty list
/// are among what is given.
fn read(lists: &Path) -> (Terms, Faults) {
    let (folder, mut faults) = (lists.join("terms"), Faults::new());
    let mut builder = TermsBuilder::new();
    if !folder.is_dir() {
        return (builder.build(), faults);
    }
    let files = reading::text_files(&folder).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    for (name, path) in files {
        match reading::bytes(&path) {
            Ok(bytes) => {
                let (version, text) = (reading::version(&bytes), reading::text(&bytes));
                let at = path.display().to_string();
                faults.extend(builder.add_sound(&name, &version, (&format!("terms/{name}.txt"), &at), &text));
            }
            Err(fault) => faults.push(fault),
        }
    }
    (builder.build(), faults)
}

/// How many terms each list has, by its id.
pub(super) fn sizes(terms: &Terms) -> impl Iterator<Item = (String, usize)> + use<'_> {
    terms.lists().iter().map(|list| (format!("terms/{}", list.name), list.terms))
}
