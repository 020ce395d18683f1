//! What is to be imported, sorted into lists: a tree of categories, a folder of e2guardian's, loose
//! files, or one file.
//!
//! **Invariant:** nothing is left out without a note.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::control::lists::import::material::{Found, FoundFile, Material, Others, Read};
use crate::control::lists::import::{ImportError, ImportOptions};
use crate::control::lists::reading;
use crate::control::lists::source::{self, PREVIOUS};
use crate::lists::archive::Unpacked;
use crate::lists::parse::{self, detect};
use crate::lists::{Form, Format, ListFormat, e2guardian, ut1};
use crate::model::Timestamp;

/// The source that single files become lists of.
const LOCAL: &str = "local";
/// Names that mean something else.
const RESERVED: [&str; 5] = ["seed", "school", "statutory", "lifeline", "unblock"];
/// Files that come with lists and are none.
const BESIDE: [&str; 6] = ["readme", "license", "licence", "copying", "changelog", "cc-by"];

/// Sorts what was read into lists.
pub(super) fn sort<'a>(
    read: &'a Read,
    path: &Path,
    options: &ImportOptions,
) -> Result<Material<'a>, ImportError> {
    match read {
        Read::File(name, bytes) => single(name, bytes, path, options),
        Read::Tree(tree) => {
            let is_e2guardian = e2guardian::is_folder(tree);
            match options.format {
                Some(ListFormat::E2guardian) => e2guardian(tree, path, options),
                None if is_e2guardian => e2guardian(tree, path, options),
                Some(ListFormat::Ut1 | ListFormat::File(_)) | None => categories(tree, path, options),
            }
        }
    }
}

fn categories<'a>(
    tree: &'a Unpacked,
    path: &Path,
    options: &ImportOptions,
) -> Result<Material<'a>, ImportError> {
    let is_ut1 = tree.files.iter().any(|file| file.path.rsplit('/').next() == Some("global_usage"));
    let own = if is_ut1 { "ut1".to_owned() } else { stem(path) };
    let mut material = empty(source_name(options.name.clone().unwrap_or(own))?, day(path)?, Others::Replaced);
    material.licence = if is_ut1 { ut1::LICENCE.to_owned() } else { options.licence.clone() };
    for category in ut1::categories(tree) {
        let named = |alias: String| (alias, category.name.clone());
        material.aliases.extend(category.aliases.iter().cloned().map(named));
        if category.left_out > 0 {
            let (name, count) = (&category.name, category.left_out);
            material.notes.push(format!(
                "{name}/very_restrictive_expression: {count} expressions are left out: they match common words anywhere"
            ));
        }
        let kinds = [
            (Format::Domains, category.domains),
            (Format::Urls, category.urls),
            (Format::Expressions, category.expressions),
        ];
        let mut files = Vec::new();
        for (format, file) in kinds {
            let Some(file) = file else { continue };
            let noted = |note: &ut1::DiffNote| format!("{}:{}: {}", note.file, note.line, note.problem);
            material.notes.extend(file.notes.iter().map(noted));
            let why = "the file is called so";
            files.push(FoundFile {
                name: format.to_string(),
                form: form(format, options),
                why,
                bytes: file.bytes,
            });
        }
        if !files.is_empty() {
            let (title, reading) = (category.title, category.kind.reading());
            material.add(category.name, Found { title, reading, files })?;
        }
    }
    material.aliases.sort();
    if material.lists.is_empty() { loose(tree, material, options) } else { Ok(material) }
}

/// A folder whose files are each a list, called as the file is.
fn loose<'a>(
    tree: &'a Unpacked,
    mut material: Material<'a>,
    options: &ImportOptions,
) -> Result<Material<'a>, ImportError> {
    for file in &tree.files {
        let leaf = file.path.rsplit('/').next().unwrap_or_default();
        let name = leaf.split('.').next().unwrap_or_default().to_owned();
        if BESIDE.iter().any(|beside| name.to_ascii_lowercase().starts_with(beside)) {
            material.notes.push(format!("{}: it comes with the lists and is none", file.path));
            continue;
        }
        let (format, why) = detect(&file.path, &file.bytes)
            .map_err(|why| ImportError::NotAList { file: file.path.clone(), why })?;
        let bytes = Cow::Borrowed(&*file.bytes);
        let found = FoundFile { name: format.to_string(), form: form(format, options), why, bytes };
        let list = Found { title: name.clone(), reading: options.reading, files: vec![found] };
        if material.lists.contains_key(&name) {
            return Err(ImportError::Twice(name));
        }
        material.add(name, list)?;
    }
    Ok(material)
}

fn e2guardian<'a>(
    tree: &'a Unpacked,
    path: &Path,
    options: &ImportOptions,
) -> Result<Material<'a>, ImportError> {
    let name = options.name.clone().unwrap_or_else(|| "e2guardian".to_owned());
    let mut material = empty(source_name(name)?, day(path)?, Others::Replaced);
    material.licence.clone_from(&options.licence);
    let folder = e2guardian::folder(tree);
    if !folder.faults.is_empty() {
        return Err(ImportError::Includes(folder.faults));
    }
    material.notes.extend(folder.not_usable.iter().map(|(file, why)| format!("{file}: {why}")));
    for list in folder.lists {
        let reading = list.reading();
        if reading == crate::lists::Reading::Allow {
            let note = "it is meant to allow; what a school allows in spite of other lists stands in school/allow.txt";
            material.notes.push(format!("{}: {note}", list.path));
        }
        let file = FoundFile {
            name: list.format.to_string(),
            form: form(list.format, options),
            why: "the file is called so",
            bytes: Cow::Owned(list.bytes),
        };
        material.add(list.name, Found { title: list.title, reading, files: vec![file] })?;
    }
    Ok(material)
}

fn single<'a>(
    name: &str,
    bytes: &'a [u8],
    path: &Path,
    options: &ImportOptions,
) -> Result<Material<'a>, ImportError> {
    let source = source_name(options.name.clone().unwrap_or_else(|| LOCAL.to_owned()))?;
    let (guessed, why) =
        detect(name, bytes).map_err(|why| ImportError::NotAList { file: path.display().to_string(), why })?;
    let (format, why) = match options.format {
        Some(ListFormat::File(format)) => (format, "--format says so"),
        Some(ListFormat::Ut1 | ListFormat::E2guardian) | None => (guessed, why),
    };
    let version = reading::dated(bytes).map_or_else(|| day(path), Ok)?;
    let mut material = empty(source, version, Others::Kept);
    material.licence.clone_from(&options.licence);
    for (list, category) in destinations(format, bytes, options)? {
        let form = Form { category, ..form(format, options) };
        let file = FoundFile { name: format.to_string(), form, why, bytes: Cow::Borrowed(bytes) };
        if !source::is_word(&list) {
            return Err(ImportError::Name(list));
        }
        material.add(list.clone(), Found { title: list, reading: options.reading, files: vec![file] })?;
    }
    Ok(material)
}

/// A list, and the category whose rows alone are its.
type Destination = (String, Option<Box<str>>);

/// The lists that a file becomes: the one that was named, or one for each category that its own
/// rows name.
fn destinations(
    format: Format,
    bytes: &[u8],
    options: &ImportOptions,
) -> Result<Vec<Destination>, ImportError> {
    if let Some(category) = &options.category {
        return Ok(vec![(category.clone(), None)]);
    }
    let own = parse::categories(format, bytes);
    if own.is_empty() {
        return Err(ImportError::NoCategory);
    }
    Ok(own.into_iter().map(|category| (category.clone(), Some(category.into()))).collect())
}

impl<'a> Material<'a> {
    fn add(&mut self, name: String, list: Found<'a>) -> Result<(), ImportError> {
        if !source::is_list_name(&name) {
            return Err(ImportError::Name(name));
        }
        self.lists.insert(name, list);
        Ok(())
    }
}

fn empty<'a>(source: String, version: String, others: Others) -> Material<'a> {
    let (licence, lists, aliases, notes) = (String::new(), BTreeMap::new(), Vec::new(), Vec::new());
    Material { source, version, licence, lists, aliases, notes, others }
}

fn form(format: Format, options: &ImportOptions) -> Form {
    Form { scoping: options.scoping, suffixes: options.suffixes, ..Form::of(format) }
}

fn source_name(name: String) -> Result<String, ImportError> {
    let fits = source::is_word(&name) && !name.ends_with(PREVIOUS) && !RESERVED.contains(&&*name);
    if fits { Ok(name) } else { Err(ImportError::Name(name)) }
}

/// `shalla` of `shalla.tar.gz`.
fn stem(path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.trim_end_matches(".gz").trim_end_matches(".tgz").trim_end_matches(".zip");
    name.trim_end_matches(".tar").to_owned()
}

/// The day on which a file was last changed.
fn day(path: &Path) -> Result<String, ImportError> {
    let changed = fs::metadata(path).and_then(|about| about.modified());
    let changed = changed.map_err(|fault| ImportError::Unreadable { path: path.to_owned(), fault })?;
    let millis = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(Timestamp::from_millis(i64::try_from(millis).unwrap_or_default()).day())
}
