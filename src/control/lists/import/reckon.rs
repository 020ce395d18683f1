//! What an import comes to: every file read as it will be when it is in force, and counted.

use std::collections::BTreeSet;

use crate::control::lists::import::material::{FoundFile, Material};
use crate::control::lists::import::{FileRow, HelpLine, ImportError};
use crate::control::lists::source::FileKind;
use crate::control::lists::{Progress, Protected, ProtectedHit};
use crate::lists::parse::detect;
use crate::lists::{Format, Index, IndexBuilder, Origin, OriginId, Reading, parse};

/// The most rejected lines of a file that a report shows.
const SHOWN: usize = 5;

/// The counts.
pub(super) struct Reckoned {
    pub(super) files: Vec<FileRow>,
    pub(super) help_lines: Vec<HelpLine>,
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
    key: [u8; 16],
    progress: &Progress<'_>,
) -> Result<Reckoned, ImportError> {
    let protected = Protected::help_lines(key);
    let mut builder = IndexBuilder::new(key);
    let (mut counted, mut help_lines) = (Vec::new(), BTreeSet::new());
    for (done, (name, found)) in (1..).zip(&material.lists) {
        let list = format!("{}/{name}", material.source);
        for file in &found.files {
            let mut touched = |line, entry: String| {
                help_lines.insert(HelpLine { list: list.clone(), file: file.kind.as_str(), line, entry });
            };
            counted.push(count(&mut builder, &list, found.reading, file, &protected, &mut touched)?);
        }
        progress(&list, done, material.lists.len());
    }
    let index = builder.build();
    for file in &mut counted {
        file.row.kept = index.entries(file.origin);
        file.row.duplicates = file.taken.saturating_sub(file.row.kept);
    }
    help_lines.extend(covering(&protected, &index, &counted));
    let files: Vec<FileRow> = counted.into_iter().map(|file| file.row).collect();
    let empty = material.lists.keys().map(|name| format!("{}/{name}", material.source));
    let is_empty = |id: &String| files.iter().all(|row| row.list != *id || row.kept == 0);
    match empty.into_iter().find(is_empty) {
        Some(id) => Err(ImportError::NoEntry(id)),
        None if files.is_empty() => Err(ImportError::NoEntry(material.source.clone())),
        None => Ok(Reckoned { files, help_lines: help_lines.into_iter().collect() }),
    }
}

fn count(
    builder: &mut IndexBuilder,
    list: &str,
    reading: Reading,
    file: &FoundFile<'_>,
    protected: &Protected,
    touched: &mut dyn FnMut(u32, String),
) -> Result<Counted, ImportError> {
    let name = format!("{list}/{}", file.kind.as_str());
    detect(&name, file.bytes).map_err(|why| ImportError::NotAList { file: name, why })?;
    let format = match file.kind {
        FileKind::Domains => Format::Domains,
        FileKind::Urls => Format::Urls,
    };
    let file_name = file.kind.as_str();
    let origin = builder.add_origin(Origin { list: list.into(), version: "".into(), file: file_name.into() });
    let mut taken = 0;
    let parsed = parse::read_each(reading, format, file.bytes, &mut |item| {
        taken += 1;
        if reading == Reading::Block && protected.within(&item.entry).is_some() {
            touched(item.line, item.entry.to_string());
        }
        builder.add(origin, item);
    });
    let row = FileRow {
        list: list.to_owned(),
        file: file_name,
        why: file.why,
        read: parsed.read,
        kept: 0,
        repaired: parsed.repaired,
        duplicates: 0,
        rejected: parsed.rejected_total,
        dangerous: parsed.dangerous.len(),
        first_rejected: parsed.rejected.into_iter().take(SHOWN).collect(),
    };
    Ok(Counted { row, reading, origin, taken })
}

/// The entries that a help line is a part of.
fn covering(protected: &Protected, index: &Index, counted: &[Counted]) -> Vec<HelpLine> {
    let blocks = |origin| counted.iter().any(|file| file.origin == origin && file.reading == Reading::Block);
    let hits = protected.covered_in(index, &blocks).into_iter();
    let known = |hit: ProtectedHit| {
        let file = counted.iter().find(|file| file.row.list == hit.list && file.row.file == hit.file)?;
        Some(HelpLine { list: hit.list, file: file.row.file, line: hit.line, entry: hit.entry })
    };
    hits.filter_map(known).collect()
}
