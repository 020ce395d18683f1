//! Pages: is this URL, or a page above it, listed?
//!
//! **Invariant:** an entry matches at whole segments and whole parameters only, on its own host
//! (and, when blocking, its `www` twins); siblings and subdomains never match.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::lists::keys::{self, HostText};
use crate::lists::origin::Place;
use crate::lists::table::{Draft, Table, Texts};
use crate::lists::{Match, OriginId, Reading, Specificity, UrlEntry};
use crate::model::{Host, Url};

/// Where a page is listed; `written` numbers its strict form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Posting {
    origin: OriginId,
    line: u32,
    written: u32,
}

/// Pages to be indexed.
pub(super) struct UrlsDraft {
    hasher: SipHasher13,
    rows: Draft<Posting>,
    written: Texts,
    deepest: usize,
}

/// Listed pages, immutable. The rows are `host`, `host/path` and `host/path?parameter`, the host
/// without `www`, path and parameter in their liberal forms. An entry stands in the row of its
/// path, or if it asks for parameters in that of its first one: so a thousand films on one page
/// cost no more than one.
pub(super) struct Urls {
    hasher: SipHasher13,
    table: Table<Posting>,
    written: Texts,
    /// Most prefixes that the path of an entry has: deeper ones need no probe.
    deepest: usize,
}

/// A URL as asked, ready to be compared.
struct Page<'a> {
    host: &'a HostText<'a>,
    labels: usize,
    strict_path: String,
    /// As written, and in the liberal form.
    parameters: Vec<(&'a str, String)>,
    reading: Reading,
}

impl UrlsDraft {
    pub(super) fn new(key: &[u8; 16]) -> UrlsDraft {
        let hasher = SipHasher13::new_with_key(key);
        UrlsDraft { hasher, rows: Draft::new(), written: Texts::new(), deepest: 0 }
    }

    pub(super) fn add(&mut self, origin: OriginId, line: u32, entry: &UrlEntry) {
        let host = HostText::of(entry.host());
        let host = host.without_www();
        let path = keys::liberal_path(entry.path());
        let written = self.written.push(&entry.to_string());
        let posting = Some(Posting { origin, line, written });
        let probes = Probes::new(self.hasher, host, &path);
        self.rows.add(probes.hasher.finish(), host, None);
        self.deepest = self.deepest.max(Probes::new(self.hasher, host, &path).count());
        let Some((state, _)) = probes.last() else { return };
        let first = entry.parameters().first().map(|text| keys::parameter(text, Reading::Block));
        self.rows.add(state.finish(), &format!("{host}{path}"), posting.filter(|_| first.is_none()));
        if let Some(first) = first {
            self.rows.add(with_parameter(state, &first), &format!("{host}{path}?{first}"), posting);
        }
    }

    pub(super) fn build(self) -> Urls {
        Urls {
            hasher: self.hasher,
            table: self.rows.build(|a, b| a == b),
            written: self.written.shrunk(),
            deepest: self.deepest,
        }
    }
}

impl Urls {
    /// Whether any page of this host or of one of its `www` twins is listed.
    pub(super) fn knows(&self, host: &HostText<'_>) -> bool {
        let name = host.without_www();
        let state = Probes::new(self.hasher, name, "").hasher;
        self.table.row(state.finish(), |text| text == name).is_some()
    }

    /// Appends a match for every entry that covers `url`. Allocates only for a host that has
    /// entries.
    pub(super) fn find(&self, url: &Url, reading: Reading, matches: &mut Vec<Match>) {
        let host = HostText::of(url.host());
        if !self.knows(&host) {
            return;
        }
        let page = Page {
            host: &host,
            labels: host_size(url.host()),
            strict_path: keys::strict_path(url.path()),
            parameters: keys::parameters(url.query())
                .map(|text| (text, keys::parameter(text, Reading::Block)))
                .collect(),
            reading,
        };
        self.find_form(&page, &keys::liberal_path(url.path()), matches);
        if reading == Reading::Block
            && let Some(form) = keys::resolved_path(url.path())
        {
            self.find_form(&page, &form, matches);
        }
    }

    /// The entry as it could stand in a list.
    pub(super) fn text(&self, written: u32) -> String {
        self.written.at(written).to_owned()
    }

    pub(super) fn origins(&self) -> impl Iterator<Item = OriginId> {
        self.table.all_postings().iter().map(|posting| posting.origin)
    }

    fn find_form(&self, page: &Page<'_>, path: &str, matches: &mut Vec<Match>) {
        let host = page.host.without_www();
        for (state, prefix) in Probes::new(self.hasher, host, path).take(self.deepest) {
            let rest = |text: &str| text.strip_prefix(host) == Some(prefix);
            let Some(row) = self.table.row(state.finish(), rest) else { continue };
            self.take_fitting(page, row, prefix, matches);
            for (_, parameter) in &page.parameters {
                let is = |text: &str| {
                    text.split_once('?').is_some_and(|(place, last)| last == parameter && rest(place))
                };
                if let Some(row) = self.table.row(with_parameter(state, parameter), is) {
                    self.take_fitting(page, row, prefix, matches);
                }
            }
        }
    }

    fn take_fitting(&self, page: &Page<'_>, row: u32, prefix: &str, matches: &mut Vec<Match>) {
        for posting in self.table.postings(row) {
            let Some(parameters) = page.fits(self.written.at(posting.written)) else { continue };
            let segments = prefix.matches('/').count();
            let found = Match {
                origin: posting.origin,
                line: posting.line,
                specificity: Specificity::of_url(page.labels, segments, parameters),
                place: Place::Url(posting.written),
            };
            if !matches.contains(&found) {
                matches.push(found);
            }
        }
    }
}

impl Page<'_> {
    /// How many parameters the entry asks for, if it fits all in all; its liberal host and path
    /// already do.
    fn fits(&self, written: &str) -> Option<usize> {
        let (place, query) = written.split_once('?').map_or((written, None), |(p, q)| (p, Some(q)));
        match self.reading {
            Reading::Block => {}
            Reading::Allow => {
                let listed = place.strip_prefix(self.host.as_str())?;
                let below = self.strict_path.strip_prefix(listed)?.chars().next();
                below.is_none_or(|next| next == '/').then_some(())?;
            }
        }
        keys::parameters(query).try_fold(0, |count, listed| self.has(listed).then_some(count + 1))
    }

    fn has(&self, listed: &str) -> bool {
        let listed = keys::parameter(listed, self.reading);
        self.parameters.iter().any(|(written, liberal)| match self.reading {
            Reading::Block => *liberal == listed,
            Reading::Allow => keys::parameter(written, Reading::Allow) == listed,
        })
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
