//! What an import comes to: every file read as it will be when it is in force, and counted.

use std::collections::{BTreeSet, HashSet};

use crate::control::lists::import::material::{FoundFile, Material};
use crate::control::lists::import::{FileRow, ImportError};
use crate::control::lists::{Places, Progress, Protected, ProtectedHit, ProtectedName};
use crate::lists::parse::detect;
use crate::lists::{Asked, Entry, Index, IndexBuilder, Origin, OriginId, Reading, parse};
use crate::model::Host;

/// The most rejected lines of a file that a report shows.
const SHOWN: usize = 5;

/// The counts.
pub(super) struct Reckoned {
    pub(super) files: Vec<FileRow>,
    pub(super) protected: Vec<ProtectedHit>,
}

/// A file on its way into the index.
struct Counted {
    row: FileRow,
    reading: Reading,
    origin: OriginId,
    taken: usize,
}

/// Reads every file into an index that is thrown away, and counts.
pub(super) fn reckon(
    material: &Material<'_>,
    places: &Places,
    key: [u8; 16],
    progress: &Progress<'_>,
) -> Result<Reckoned, ImportError> {
    let protected = Protected::of(places, &places.own, key).map_err(ImportError::ProtectedNames)?;
    let mut builder = IndexBuilder::new(key);
    let (mut counted, mut protected_hits) = (Vec::new(), BTreeSet::new());
    for (done, (name, found)) in (1..).zip(&material.lists) {
        let list = format!("{}/{name}", material.source);
        for file in &found.files {
            let mut touched = |line, entry: String, name: &ProtectedName| {
                let (list, file) = (list.clone(), file.name.clone());
                let (name, kind) = (name.name.clone(), name.kind);
                protected_hits.insert(ProtectedHit { list, file, line, entry, name, kind });
            };
            counted.push(count(&mut builder, &list, found.reading, file, &protected, &mut touched)?);
        }
        progress(&list, done, material.lists.len());
    }
    let index = builder.build();
    let files = material.lists.values().flat_map(|found| found.files.iter());
    for (counted, file) in counted.iter_mut().zip(files) {
        counted.row.kept = index.entries(counted.origin);
        let twice = counted.taken.saturating_sub(counted.row.kept);
        counted.row.merged = twice + within_wider(&index, counted, file);
    }
    protected_hits.extend(covering(&protected, &index, &counted));
    let files: Vec<FileRow> = counted.into_iter().map(|file| file.row).collect();
    let empty = material.lists.keys().map(|name| format!("{}/{name}", material.source));
    let is_empty = |id: &String| files.iter().all(|row| row.list != *id || row.kept == 0);
    match empty.into_iter().find(is_empty) {
        Some(id) => Err(ImportError::NoEntry(id)),
        None if files.is_empty() => Err(ImportError::NoEntry(material.source.clone())),
        None => Ok(Reckoned { files, protected: protected_hits.into_iter().collect() }),
    }
}

fn count(
    builder: &mut IndexBuilder,
    list: &str,
    reading: Reading,
    file: &FoundFile<'_>,
    protected: &Protected,
    touched: &mut dyn FnMut(u32, String, &ProtectedName),
) -> Result<Counted, ImportError> {
    let name = format!("{list}/{}", file.name);
    detect(&name, &file.bytes).map_err(|why| ImportError::NotAList { file: name, why })?;
    let origin =
        builder.add_origin(Origin { list: list.into(), version: "".into(), file: file.name.as_str().into() });
    let mut taken = 0;
    let options = file.form.options(reading);
    let parsed = parse::read_each(&options, file.form.format, &file.bytes, &mut |item| {
        taken += 1;
        if reading == Reading::Block
            && !item.effect.excepts()
            && let Some(name) = protected.within(&item.entry)
        {
            touched(item.line, item.entry.to_string(), name);
        }
        builder.add(origin, item);
    });
    let row = FileRow {
        list: list.to_owned(),
        file: file.name.clone(),
        format: file.form.format,
        why: file.why,
        read: parsed.read,
        kept: 0,
        exceptions: parsed.exceptions,
        repaired: parsed.repaired,
        merged: 0,
        skipped: parsed.skipped_total,
        rejected: parsed.rejected_total,
        dangerous: parsed.dangerous.len(),
        first_rejected: parsed.rejected.into_iter().take(SHOWN).collect(),
        first_skipped: parsed.skipped.into_iter().take(SHOWN).collect(),
    };
    Ok(Counted { row, reading, origin, taken })
}

/// How many names of a file lie within a wider entry of it.
fn within_wider(index: &Index, counted: &Counted, file: &FoundFile<'_>) -> usize {
    let (mut names, mut within) = (HashSet::new(), 0);
    let _ =
        parse::read_each(&file.form.options(counted.reading), file.form.format, &file.bytes, &mut |item| {
            let Entry::Host { host, .. } = &item.entry else { return };
            let asked = Host::Name(host.clone());
            let found = index.find(&Asked { host: &asked, url: None }, Reading::Block);
            let mut own = found.iter().filter(|found| found.origin == counted.origin);
            // The narrowest is the name itself; anything after it is wider.
            let is_within = own.next().is_some() && own.next().is_some();
            within += usize::from(is_within && names.insert(host.clone()));
        });
    within
}

/// The entries that a protected name is a part of.
fn covering(protected: &Protected, index: &Index, counted: &[Counted]) -> BTreeSet<ProtectedHit> {
    let blocks = |origin| counted.iter().any(|file| file.origin == origin && file.reading == Reading::Block);
    protected.covered_in(index, &blocks)
}
