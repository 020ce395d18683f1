//! The lists that the technician keeps: the categories, and the school's own two.
//!
//! **Invariant:** strict. Somebody wrote these lines by hand, so every one that can't be used is
//! a fault, never passed over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::lists::ingredients::{Care, Ingredient, IngredientFile};
use crate::control::lists::reading::{self, file_fault, line_faults, not_a_list};
use crate::document::{Fault, Faults};
use crate::lists::parse::detect;
use crate::lists::{Catalogue, CatalogueBuilder, FileReport, Form, Format, ListHead, NotAList, Reading};

/// How these lists are written; a line with a path is a page all the same.
const BY_HAND: Form = Form::of(Format::Domains);

/// A list of the school's: its index and its text.
pub(super) struct School {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) text: String,
}

/// One category list, read into memory.
pub(super) fn category(stem: &str, path: &Path) -> Result<Ingredient, Fault> {
    let bytes = reading::bytes(path)?;
    let head = ListHead {
        id: format!("seed/{stem}").into(),
        title: title(&bytes).unwrap_or_else(|| stem.to_owned()).into(),
        version: reading::version(&bytes).into(),
        licence: "".into(),
        reading: Reading::Block,
    };
    let file = IngredientFile {
        name: format!("categories/{stem}.txt"),
        path: path.to_owned(),
        form: BY_HAND,
        bytes,
    };
    Ok(Ingredient { head, files: vec![file], care: Care::Strict })
}

/// Reads the school's allow or block list; it may hold no entry, but it must be there.
pub(super) fn school(path: &Path, reading: Reading, key: [u8; 16], faults: &mut Faults) -> Option<School> {
    let bytes = reading::bytes(path)
        .map_err(|fault| faults.push(fault.help("the file must be there; it may hold comments alone")))
        .ok()?;
    let text = reading::text(&bytes);
    match detect(&path.display().to_string(), &bytes) {
        Ok(_) => {}
        // Nothing was allowed before and nothing is now; but what was blocked must not vanish
        // with a file that was cut off.
        Err(NotAList::Empty) if reading == Reading::Allow => {}
        Err(NotAList::Empty) => {
            let help = "put the last good copy back; if nothing is to be on it, write that in a comment line";
            faults.push(file_fault(path, NotAList::Empty.to_string()).help(help));
        }
        Err(why) => {
            faults.push(not_a_list(path, why));
            return Some(School { catalogue: Arc::new(CatalogueBuilder::new(key).build()), text });
        }
    }
    let (catalogue, report) = school_list(reading, key, &text, (&[], ""));
    faults.extend(line_faults(path, text.as_bytes(), &report.parsed));
    Some(School { catalogue: Arc::new(catalogue), text })
}

/// A list of the school's as it last was in force.
pub(super) fn school_as_it_was(reading: Reading, key: [u8; 16], text: &str) -> School {
    School { catalogue: Arc::new(school_list(reading, key, text, (&[], "")).0), text: text.to_owned() }
}

/// A list of the school's as it is in force: its text; entries that it holds on to although they
/// were taken out, each with the line that it had; and the text of those that staff put on it.
pub(in crate::control) fn school_in_force(
    reading: Reading,
    key: [u8; 16],
    text: &str,
    besides: Besides<'_>,
) -> Catalogue {
    school_list(reading, key, text, besides).0
}

/// Both files are read as one host, network or page a line, whatever they look like: what a line
/// means must not hang on the lines around it.
fn school_list(
    reading: Reading,
    key: [u8; 16],
    text: &str,
    (held, added): Besides<'_>,
) -> (Catalogue, FileReport) {
    let (id, title) = match reading {
        Reading::Allow => ("school/allow", "The school's allow list"),
        Reading::Block => ("school/block", "The school's block list"),
    };
    let held = held_files(held);
    let version = reading::digest([text, &held.concat(), added].concat().as_bytes())[..12].into();
    let mut builder = CatalogueBuilder::new(key);
    let list = builder.add_list(ListHead {
        id: id.into(),
        title: title.into(),
        version,
        licence: "".into(),
        reading,
    });
    let report = builder.add_sound_file(list, &format!("{id}.txt"), &BY_HAND, text.as_bytes());
    for text in held {
        builder.add_sound_file(list, &format!("{id}.txt (held)"), &BY_HAND, text.as_bytes());
    }
    if !added.is_empty() {
        builder.add_sound_file(list, &format!("{id} (by staff)"), &BY_HAND, added.as_bytes());
    }
    (builder.build(), report)
}

/// What is in force besides a file: entries held on to with their lines, and the text of those that
/// staff put on the list.
type Besides<'a> = (&'a [(u32, &'a str)], &'a str);

/// Texts in which each entry stands on its line; where several had one number, several texts.
fn held_files(held: &[(u32, &str)]) -> Vec<String> {
    let mut waiting: Vec<(u32, &str)> = held.to_vec();
    waiting.sort_unstable();
    let mut files = Vec::new();
    while !waiting.is_empty() {
        let (mut text, mut at, mut later) = (String::new(), 0, Vec::new());
        for (line, entry) in waiting {
            if line <= at {
                later.push((line, entry));
                continue;
            }
            let skipped = usize::try_from(line - at - 1).unwrap_or_default();
            text.push_str(&"\n".repeat(skipped));
            text.push_str(entry);
            text.push('\n');
            at = line;
        }
        files.push(text);
        waiting = later;
    }
    files
}

/// The files of the category lists.
pub(super) fn categories(lists: &Path, faults: &mut Faults) -> Vec<(String, PathBuf)> {
    let folder = lists.join("categories");
    match reading::text_files(&folder) {
        Err(fault) => faults.push(fault),
        Ok(files) if files.is_empty() => {
            faults.push(file_fault(&folder, "no list is here").help("put the lists (*.txt) back"));
        }
        Ok(files) => return files,
    }
    Vec::new()
}

/// What the first line calls the list: `# schoolgate seed list: Games`.
fn title(bytes: &[u8]) -> Option<String> {
    let first = bytes.split(|&byte| byte == b'\n').next()?;
    let (_, title) = std::str::from_utf8(first).ok()?.split_once("list: ")?;
    Some(title.trim().to_owned()).filter(|title| !title.is_empty())
}
