//! The term lists: `terms/*.txt` beside the categories, one list a file.

use std::path::Path;

use crate::content::{Terms, TermsBuilder};
use crate::control::lists::reading;
use crate::document::{Fault, Faults};

/// At a start, a list with faults is taken without the lines that are at fault: a list less would
/// leave more unseen. At a reload it is not, since the list before is still there.
pub(super) struct StandIn;

/// Reads every term list; a school that has no such folder has none.
pub(super) fn read(lists: &Path, stand_in: Option<StandIn>, faults: &mut Faults) -> Terms {
    let folder = lists.join("terms");
    if !folder.exists() {
        return Terms::default();
    }
    let mut builder = TermsBuilder::new();
    let files = reading::text_files(&folder).unwrap_or_else(|fault| {
        faults.push(fault);
        Vec::new()
    });
    for (name, path) in files {
        if let Err(own) = add(&mut builder, &name, &path, stand_in.as_ref()) {
            faults.extend(own);
        }
    }
    builder.build()
}

fn add(
    builder: &mut TermsBuilder,
    name: &str,
    path: &Path,
    stand_in: Option<&StandIn>,
) -> Result<(), Faults> {
    let one = |fault: Fault| {
        let mut faults = Faults::new();
        faults.push(fault);
        faults
    };
    let bytes = reading::bytes(path).map_err(one)?;
    let (version, text) = (reading::version(&bytes), reading::text(&bytes));
    let file = path.display().to_string();
    let added = builder.add_list(name, &version, &file, &text);
    if let (Err(own), Some(StandIn)) = (&added, stand_in) {
        let sound: Vec<&str> = (1..)
            .zip(text.lines())
            .map(|(at, line)| if own.iter().any(|fault| fault.line == at) { "" } else { line })
            .collect();
        // Where nothing is left, what was said first says enough.
        let _ = builder.add_list(name, &version, &file, &sound.join("\n"));
    }
    added
}
