//! What lists there are, and the index of what they hold.
//!
//! **Invariant:** every entry of the index belongs to exactly one list here, and every list
//! carries the digest of the very bytes that its entries were read from. A catalogue that is
//! written, mapped and opened again answers as the one that was built.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::lists::archive::Unpacked;
use crate::lists::index;
use crate::lists::parse::{self, Form, Format, NotAList, Parsed};
use crate::lists::sections::{Compiled, NotCompiled, Section};
use crate::lists::{Index, IndexBuilder, ListNo, Origin, OriginId, Reading, ut1};

/// What is known about a list before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListHead {
    /// The list's id, e.g. `ut1/games`.
    pub id: Box<str>,
    /// What a person would call it.
    pub title: Box<str>,
    /// The version as its publisher names it, e.g. `2026-08-17`.
    pub version: Box<str>,
    /// Licence and attribution; empty if unknown.
    pub licence: Box<str>,
    /// What the list is meant for.
    pub reading: Reading,
}

/// What is known about a list in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListInfo {
    /// The list's id, e.g. `ut1/games`.
    pub id: Box<str>,
    /// What a person would call it.
    pub title: Box<str>,
    /// The version as its publisher names it.
    pub version: Box<str>,
    /// Licence and attribution; empty if unknown.
    pub licence: Box<str>,
    /// What the list is meant for.
    pub reading: Reading,
    /// Entries in the index; duplicates within one file count once.
    pub entries: usize,
    /// Lines that were not taken.
    pub rejected: usize,
    /// BLAKE3 of the source bytes of the list's files in the order they were added, in
    /// hexadecimal.
    pub digest: Box<str>,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The file inside the list, e.g. `games/domains`.
    pub file: Box<str>,
    /// Its number in the index.
    pub origin: OriginId,
    /// Counts, rejected and dangerous lines; its `items` are in the index.
    pub parsed: Parsed,
}

/// Takes list files, gives a [`Catalogue`].
pub struct CatalogueBuilder {
    stamp: Box<str>,
    index: IndexBuilder,
    lists: Vec<Draft>,
    list_of: Vec<ListNo>,
}

struct Draft {
    info: ListInfo,
    digest: blake3::Hasher,
}

/// The lists in force and their index.
#[derive(Debug)]
pub struct Catalogue {
    index: Index,
    lists: Box<[ListInfo]>,
    list_of: Box<[ListNo]>,
    stamp: Box<str>,
    compiled: Compiled,
}

/// What a compiled catalogue says of itself besides its sections.
#[derive(Serialize, Deserialize)]
struct About {
    stamp: Box<str>,
    lists: Box<[ListInfo]>,
    list_of: Box<[ListNo]>,
    index: index::About,
}

impl CatalogueBuilder {
    /// No lists yet; the key is the index's, random per build.
    #[must_use]
    pub fn new(key: [u8; 16]) -> CatalogueBuilder {
        let (lists, list_of) = (Vec::new(), Vec::new());
        CatalogueBuilder { stamp: "".into(), index: IndexBuilder::new(key), lists, list_of }
    }

    /// Names what it is built from, so that a catalogue that was kept can be told from one of
    /// other lists.
    #[must_use]
    pub fn stamped(self, stamp: &str) -> CatalogueBuilder {
        CatalogueBuilder { stamp: stamp.into(), ..self }
    }

    /// Names a list, so that its files can be added.
    ///
    /// # Panics
    /// At the 65,537th list.
    pub fn add_list(&mut self, head: ListHead) -> ListNo {
        let ListHead { id, title, version, licence, reading } = head;
        let number = u16::try_from(self.lists.len()).expect("a catalogue holds at most 65,536 lists");
        let (entries, rejected, digest) = (0, 0, "".into());
        let info = ListInfo { id, title, version, licence, reading, entries, rejected, digest };
        self.lists.push(Draft { info, digest: blake3::Hasher::new() });
        ListNo(number)
    }

    /// Reads a file of a list into the index.
    ///
    /// # Errors
    /// [`NotAList`]; nothing was added then.
    ///
    /// # Panics
    /// At the 65,537th file.
    pub fn add_file(
        &mut self,
        list: ListNo,
        file: &str,
        form: &Form,
        bytes: &[u8],
    ) -> Result<FileReport, NotAList> {
        let _ = parse::detect(file, bytes)?;
        Ok(self.add_sound_file(list, file, form, bytes))
    }

    /// As [`CatalogueBuilder::add_file`], for bytes that are known to be a list, or none at all.
    ///
    /// # Panics
    /// At the 65,537th file.
    pub fn add_sound_file(&mut self, list: ListNo, file: &str, form: &Form, bytes: &[u8]) -> FileReport {
        let draft = &mut self.lists[list.index()];
        draft.digest.update(bytes);
        let origin = self.index.add_origin(Origin {
            list: draft.info.id.clone(),
            version: draft.info.version.clone(),
            file: file.into(),
        });
        self.list_of.push(list);
        let index = &mut self.index;
        let mut keep = |item| index.add(origin, item);
        let parsed = parse::read_each(&form.options(draft.info.reading), form.format, bytes, &mut keep);
        draft.info.rejected += parsed.rejected_total;
        FileReport { file: file.into(), origin, parsed }
    }

    /// Reads every category of a UT1 tree as a list of its own, `ut1/CATEGORY`; says what became
    /// of each file, in the order of the categories.
    pub fn add_ut1(
        &mut self,
        tree: &Unpacked,
        version: &str,
    ) -> Vec<(Box<str>, Result<FileReport, NotAList>)> {
        let mut reports = Vec::new();
        for category in ut1::categories(tree) {
            let list = self.add_list(ListHead {
                id: format!("ut1/{}", category.name).into(),
                title: category.title.as_str().into(),
                version: version.into(),
                licence: ut1::LICENCE.into(),
                reading: category.kind.reading(),
            });
            for (format, file) in [(Format::Domains, category.domains), (Format::Urls, category.urls)] {
                let Some(file) = file else { continue };
                let name = format!("{}/{format}", category.name);
                let report = self.add_file(list, &name, &Form::of(format), &file.bytes);
                reports.push((name.into(), report));
            }
        }
        reports
    }

    /// Puts everything in order.
    #[must_use]
    pub fn build(self) -> Catalogue {
        let (mut compiled, about) = self.index.compile();
        let finished = |draft: Draft| ListInfo {
            digest: draft.digest.finalize().to_hex().as_str().into(),
            ..draft.info
        };
        let mut lists: Box<[ListInfo]> = self.lists.into_iter().map(finished).collect();
        for (list, entries) in self.list_of.iter().zip(about.counts()) {
            lists[list.index()].entries += entries;
        }
        let about = About { stamp: self.stamp, lists, list_of: self.list_of.into(), index: about };
        // Strings, numbers and lists of them: there is nothing that JSON can't say.
        compiled.put(Section::About, serde_json::to_vec(&about).expect("plain data"));
        Catalogue::of(about, compiled)
    }
}

impl Catalogue {
    /// A catalogue that was written before, in bytes that [`Compiled::verify`] found whole.
    ///
    /// # Errors
    /// [`NotCompiled`] when it is of another version.
    pub fn open(file: &Bytes) -> Result<Catalogue, NotCompiled> {
        let compiled = Compiled::open(file)?;
        let about = serde_json::from_slice(&compiled.section(Section::About));
        about.map(|about| Catalogue::of(about, compiled)).map_err(|_| NotCompiled::Foreign)
    }

    fn of(about: About, compiled: Compiled) -> Catalogue {
        let About { stamp, lists, list_of, index } = about;
        Catalogue { index: Index::open(index, &compiled), lists, list_of, stamp, compiled }
    }

    /// The form that can be written to a file.
    #[must_use]
    pub fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// What it was built from.
    #[must_use]
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// What the lists hold.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The lists in the order they were added.
    #[must_use]
    pub fn lists(&self) -> &[ListInfo] {
        &self.lists
    }

    /// The list with this id.
    #[must_use]
    pub fn list(&self, id: &str) -> Option<&ListInfo> {
        self.lists.iter().find(|list| &*list.id == id)
    }

    /// The list that a file of the index belongs to.
    #[must_use]
    pub fn list_of(&self, origin: OriginId) -> &ListInfo {
        &self.lists[self.list_of[origin.index()].index()]
    }
}
