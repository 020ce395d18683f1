//! Pages: is this URL, or a page above it, listed?
//!
//! **Invariant:** an entry matches at whole segments and whole parameters only, on its own host
//! (and, when blocking, its `www` twins); siblings and subdomains never match.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::lists::column::{Column, small};
use crate::lists::keys::{self, HostText};
use crate::lists::origin::Place;
use crate::lists::sections::{Compiled, Section};
use crate::lists::table::{self, Draft, Table, Texts, TextsDraft};
use crate::lists::{Effect, Match, OriginId, Reading, Specificity, UrlEntry};
use crate::model::{Host, Url};

const SECTIONS: table::Sections = table::Sections {
    filter: Section::PageFilter,
    buckets: Section::PageBuckets,
    fingerprints: Section::PageFingerprints,
    payloads: Section::PagePayloads,
    starts: Section::PageStarts,
    texts: Section::PageTexts,
};

/// Where a page is listed; `written` numbers its strict form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    origin: OriginId,
    line: u32,
    effect: Effect,
    written: u32,
    copy: Copied,
}

/// Whether a posting is the one that counts: an entry whose path has several forms stands in the
/// row of each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Copied {
    First,
    Again,
}

/// A posting as it is kept.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Held {
    line: U32,
    written: U32,
    origin: U16,
    effect: u8,
    spare: u8,
}

/// Pages to be indexed.
pub(super) struct UrlsDraft {
    hasher: SipHasher13,
    rows: Draft<Posting>,
    written: TextsDraft,
    deepest: usize,
}

/// Listed pages, immutable. The rows are `host`, `host/path` and `host/path?parameter`, the host
/// without `www`, path and parameter in their liberal forms. An entry stands in the row of its
/// path, or if it asks for parameters in that of its first one: so a thousand films on one page
/// cost no more than one.
pub(super) struct Urls {
    hasher: SipHasher13,
    table: Table,
    postings: Column<Held>,
    written: Texts,
    /// Most prefixes that the path of an entry has: deeper ones need no probe.
    deepest: usize,
}

/// A URL as asked, ready to be compared.
struct Page<'a> {
    host: &'a HostText<'a>,
    labels: usize,
    path: &'a str,
    strict_path: String,
    /// As written, and in the liberal form.
    parameters: Vec<(&'a str, String)>,
    reading: Reading,
}

impl UrlsDraft {
    pub(super) fn new(key: &[u8; 16]) -> UrlsDraft {
        let hasher = SipHasher13::new_with_key(key);
        UrlsDraft { hasher, rows: Draft::new(), written: TextsDraft::new(), deepest: 0 }
    }

    pub(super) fn add(&mut self, origin: OriginId, line: u32, entry: &UrlEntry, effect: Effect) {
        let host = HostText::of(entry.host());
        let host = host.without_www();
        let written = self.written.add(&entry.to_string());
        let first = entry.parameters().first().map(|text| keys::parameter(text, Reading::Block));
        let mut copy = Copied::First;
        for path in &keys::path_forms(entry.path()) {
            let posting = Some(Posting { origin, line, effect, written, copy });
            copy = Copied::Again;
            let probes = Probes::new(self.hasher, host, path);
            self.rows.add(probes.hasher.finish(), host, None);
            self.deepest = self.deepest.max(Probes::new(self.hasher, host, path).count());
            let Some((state, _)) = probes.last() else { return };
            self.rows.add(state.finish(), &format!("{host}{path}"), posting.filter(|_| first.is_none()));
            if let Some(first) = &first {
                self.rows.add(with_parameter(state, first), &format!("{host}{path}?{first}"), posting);
            }
        }
    }

    /// Gives the most prefixes that the path of an entry has.
    pub(super) fn build(self, compiled: &mut Compiled, counts: &mut [usize]) -> usize {
        let mut held = Vec::new();
        self.rows.build(compiled, SECTIONS, |postings, _| {
            let start = small(held.len());
            for posting in &*postings {
                counts[posting.origin.index()] += usize::from(posting.copy == Copied::First);
                held.push(Held::of(posting));
            }
            start
        });
        compiled.put(Section::PagePostings, Column::bytes_of(&held));
        self.written.put(compiled, Section::WrittenStarts, Section::WrittenTexts);
        self.deepest
    }
}

impl Held {
    fn of(posting: &Posting) -> Held {
        Held {
            line: U32::new(posting.line),
            written: U32::new(posting.written),
            origin: U16::new(posting.origin.0),
            effect: posting.effect as u8,
            spare: 0,
        }
    }
}

impl Urls {
    pub(super) fn open(key: &[u8; 16], deepest: usize, compiled: &Compiled) -> Urls {
        Urls {
            hasher: SipHasher13::new_with_key(key),
            table: Table::open(compiled, SECTIONS),
            postings: Column::of(compiled.section(Section::PagePostings)),
            written: Texts::open(compiled, Section::WrittenStarts, Section::WrittenTexts),
            deepest,
        }
    }

    /// Whether any page of this host or of one of its `www` twins is listed.
    pub(super) fn knows(&self, host: &HostText<'_>) -> bool {
        let name = host.without_www();
        let mut hasher = self.hasher;
        hasher.write(name.as_bytes());
        self.row(hasher.finish(), |text| text == name).is_some()
    }

    pub(super) fn find(&self, url: &Url, reading: Reading, matches: &mut Vec<Match>) {
        let host = HostText::of(url.host());
        if !self.knows(&host) {
            return;
        }
        let page = Page {
            host: &host,
            labels: host_size(url.host()),
            strict_path: keys::strict_path(url.path()),
            path: url.path(),
            parameters: keys::any_parameters(url.query())
                .map(|text| (text, keys::parameter(text, Reading::Block)))
                .collect(),
            reading,
        };
        // Every form also where allowing, for the exceptions: they take away, so they are
        // compared liberally.
        for form in keys::path_forms(url.path()) {
            self.find_form(&page, &form, matches);
        }
    }

    /// The entry as it could stand in a list.
    pub(super) fn text(&self, posting: u32) -> String {
        self.written(self.postings.cells()[posting as usize]).to_owned()
    }

    /// The line of the entry.
    pub(super) fn line(&self, posting: u32) -> u32 {
        self.postings.cells()[posting as usize].line.get()
    }

    fn written(&self, held: Held) -> &str {
        std::str::from_utf8(self.written.at(held.written.get())).unwrap_or_default()
    }

    fn row(&self, fingerprint: u64, is: impl Fn(&str) -> bool) -> Option<u32> {
        self.table.rows(fingerprint).find(|row| std::str::from_utf8(self.table.cold(*row)).is_ok_and(&is))
    }

    fn find_form(&self, page: &Page<'_>, path: &str, matches: &mut Vec<Match>) {
        let host = page.host.without_www();
        for (state, prefix) in Probes::new(self.hasher, host, path).take(self.deepest) {
            let rest = |text: &str| text.strip_prefix(host) == Some(prefix);
            let Some(row) = self.row(state.finish(), rest) else { continue };
            self.take_fitting(page, row, matches);
            for (_, parameter) in &page.parameters {
                let is = |text: &str| {
                    text.split_once('?').is_some_and(|(place, last)| last == parameter && rest(place))
                };
                if let Some(row) = self.row(with_parameter(state, parameter), is) {
                    self.take_fitting(page, row, matches);
                }
            }
        }
    }

    fn take_fitting(&self, page: &Page<'_>, row: u32, matches: &mut Vec<Match>) {
        for number in self.table.payload(row) {
            let held = self.postings.cells()[number as usize];
            let effect = Effect::of(held.effect);
            let reading = effect.reading(page.reading);
            let Some(parameters) = page.fits(self.written(held), reading) else { continue };
            // Of the entry, not of the form that led to it: one entry weighs the same everywhere.
            let segments = self.written(held).split('?').next().unwrap_or_default().matches('/').count();
            let found = Match {
                origin: OriginId(held.origin.get()),
                effect,
                specificity: Specificity::of_url(page.labels, segments, parameters),
                place: Place::Url(number),
            };
            // An entry may stand in several rows, and a row be reached by several forms.
            let is_same = |other: &Match| match other.place {
                Place::Url(other) => self.postings.cells()[other as usize].written == held.written,
                Place::Name { .. } | Place::Network(_) | Place::Pattern(_) => false,
            };
            if !matches.iter().any(is_same) {
                matches.push(found);
            }
        }
    }
}

impl Page<'_> {
    /// How many parameters the entry asks for, if it fits all in all; its liberal host and path
    /// already do.
    fn fits(&self, written: &str, reading: Reading) -> Option<usize> {
        let (place, query) = written.split_once('?').map_or((written, None), |(p, q)| (p, Some(q)));
        match reading {
            Reading::Block => {}
            Reading::Allow => {
                let listed = place.strip_prefix(self.host.as_str())?;
                let below = self.strict_path.strip_prefix(listed)?.chars().next();
                below.is_none_or(|next| next == '/').then_some(())?;
                keys::stays_below(self.path, listed).then_some(())?;
            }
        }
        keys::parameters(query).try_fold(0, |count, listed| self.has(listed, reading).then_some(count + 1))
    }

    fn has(&self, listed: &str, reading: Reading) -> bool {
        let form = keys::parameter(listed, reading);
        match reading {
            Reading::Block => self.parameters.iter().any(|(_, liberal)| *liberal == form),
            // A name that stands there twice may be read as either value.
            Reading::Allow => {
                let name = keys::parameter_name(listed);
                let mut named =
                    self.parameters.iter().filter(|(written, _)| keys::parameter_name(written) == name);
                let is = named.next().is_some_and(|(written, _)| keys::parameter(written, reading) == form);
                is && named.next().is_none()
            }
        }
    }
}

/// The hash of a host with each prefix of a path at which an entry may end (before each `/` and
/// `;`, and at its end; the root first), one walk.
struct Probes<'p> {
    hasher: SipHasher13,
    path: &'p str,
    hashed: usize,
    next: Option<usize>,
}

impl<'p> Probes<'p> {
    fn new(mut hasher: SipHasher13, host: &str, path: &'p str) -> Probes<'p> {
        hasher.write(host.as_bytes());
        Probes { hasher, path, hashed: 0, next: Some(0) }
    }
}

impl<'p> Iterator for Probes<'p> {
    type Item = (SipHasher13, &'p str);

    fn next(&mut self) -> Option<(SipHasher13, &'p str)> {
        let end = self.next?;
        self.hasher.write(&self.path.as_bytes()[self.hashed..end]);
        self.hashed = end;
        self.next = keys::prefix_end(self.path, end);
        Some((self.hasher, &self.path[..end]))
    }
}

fn with_parameter(mut state: SipHasher13, parameter: &str) -> u64 {
    state.write(b"?");
    state.write(parameter.as_bytes());
    state.finish()
}

/// Labels of a name or bits of an address: what a host entry for exactly this host would weigh.
fn host_size(host: &Host) -> usize {
    match host {
        Host::Name(name) => name.suffixes().count(),
        Host::Address(address) if address.is_ipv4() => 32,
        Host::Address(_) => 128,
    }
}
