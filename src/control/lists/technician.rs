//! The lists that the technician keeps: the categories, and the school's own two.
//!
//! **Invariant:** strict. Somebody wrote these lines by hand, so every one that can't be used is
//! a fault, never passed over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::lists::ingredients::{Care, Ingredient, IngredientFile};
use crate::control::lists::reading::{self, file_fault, line_faults, not_a_list};
use crate::document::{Fault, Faults};
use crate::lists::{Catalogue, CatalogueBuilder, Form, Format, ListHead, NotAList, Reading};

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
    let (id, title) = match reading {
        Reading::Allow => ("school/allow", "The school's allow list"),
        Reading::Block => ("school/block", "The school's block list"),
    };
    let mut builder = CatalogueBuilder::new(key);
    let list = builder.add_list(ListHead {
        id: id.into(),
        title: title.into(),
        version: reading::digest(&bytes)[..12].into(),
        licence: "".into(),
        reading,
    });
    match builder.add_file(list, &format!("{id}.txt"), &BY_HAND, &bytes) {
        Ok(report) => faults.extend(line_faults(path, &bytes, &report)),
        // Nothing was allowed before and nothing is now; but what was blocked must not vanish
        // with a file that was cut off.
        Err(NotAList::Empty) if reading == Reading::Allow => {}
        Err(NotAList::Empty) => {
            let help = "put the last good copy back; if nothing is to be on it, write that in a comment line";
            faults.push(file_fault(path, NotAList::Empty.to_string()).help(help));
        }
        Err(why) => faults.push(not_a_list(path, why)),
    }
    Some(School { catalogue: Arc::new(builder.build()), text: String::from_utf8_lossy(&bytes).into_owned() })
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
