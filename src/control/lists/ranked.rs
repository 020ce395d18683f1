//! Files of sites by popularity, and of sites that must stay open.
//!
//! **Invariant:** a line that names no site is counted and told with its place, never passed over
//! in silence.

use std::collections::HashMap;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::control::lists::reading::{self, file_fault};
use crate::document::{Fault, Faults};
use crate::model::{Host, Url};

/// The most lines at fault that are told of one file.
const TOLD: usize = 20;
/// What the column of the site may be called.
const SITE: [&str; 6] = ["host", "domain", "site", "hostname", "name", "url"];
/// What the column of the groups may be called.
const GROUPS: [&str; 4] = ["key_stage", "key_stages", "group", "groups"];

/// A popular site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedSite {
    /// From 1, the most popular.
    pub rank: u64,
    /// The site.
    pub host: Host,
}

/// A site that must stay open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MustOpen {
    /// The site.
    pub host: Host,
    /// For whom, in the file's words; for everybody when empty.
    pub groups: Vec<String>,
}

/// What a file holds, and what of it could not be used.
#[derive(Clone, Debug)]
pub struct Listing<T> {
    /// In the file's order.
    pub items: Vec<T>,
    /// The first lines that name no site.
    pub faults: Faults,
    /// How many lines name no site.
    pub skipped: usize,
}

/// How popular sites are, to be asked for a site or one below it.
#[derive(Clone, Debug, Default)]
pub struct Ranks(HashMap<Box<str>, u64>);

/// Reads sites by popularity: one a line, or CSV with `rank,host`, or with a header that names
/// the columns.
///
/// # Errors
/// When the file can't be read.
pub fn ranked(path: &Path) -> Result<Listing<RankedSite>, Faults> {
    read(path, |row, line| {
        let host = row.site()?;
        let rank = row.cell("rank").or(row.lead()).and_then(|cell| cell.parse().ok());
        Ok(Some(RankedSite { rank: rank.unwrap_or(line), host }))
    })
}

/// Reads sites that must stay open: as [`ranked`]; rows whose `must_allow` is 0 are left out, and
/// a column of groups or key stages says for whom.
///
/// # Errors
/// When the file can't be read.
pub fn must_open(path: &Path) -> Result<Listing<MustOpen>, Faults> {
    read(path, |row, _| {
        if row.cell("must_allow").is_some_and(|cell| ["0", "no", "false"].contains(&cell)) {
            return Ok(None);
        }
        let groups = GROUPS.iter().find_map(|name| row.cell(name)).unwrap_or_default();
        let groups: Vec<String> = groups.split_whitespace().map(str::to_lowercase).collect();
        let everybody = groups.iter().any(|word| word == "all");
        Ok(Some(MustOpen { host: row.site()?, groups: if everybody { Vec::new() } else { groups } }))
    })
}

impl Ranks {
    /// The ranks of a file.
    #[must_use]
    pub fn of(sites: &[RankedSite]) -> Ranks {
        let mut ranks = HashMap::with_capacity(sites.len());
        for site in sites {
            ranks.entry(site.host.to_string().into_boxed_str()).or_insert(site.rank);
        }
        Ranks(ranks)
    }

    /// The rank of a host, or of the nearest domain above it.
    #[must_use]
    pub fn rank(&self, host: &str) -> Option<u64> {
        let mut parents =
            std::iter::successors(Some(host), |name| name.split_once('.').map(|(_, rest)| rest));
        parents.find_map(|name| self.0.get(name).copied())
    }
}

/// A row with the names of its columns, if the file has a header.
struct Row<'r> {
    header: Option<&'r [String]>,
    record: &'r StringRecord,
}

impl Row<'_> {
    fn cell(&self, name: &str) -> Option<&str> {
        let at = self.header?.iter().position(|column| column == name)?;
        self.record.get(at)
    }

    /// The number before the site, where no header says what is what.
    fn lead(&self) -> Option<&str> {
        let lead = if self.header.is_none() && self.record.len() > 1 { self.record.get(0) } else { None };
        lead.filter(|cell| !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit()))
    }

    fn site(&self) -> Result<Host, (usize, String)> {
        let named = SITE.iter().find_map(|name| self.header?.iter().position(|column| column == name));
        let at = named.unwrap_or(usize::from(self.lead().is_some()));
        let text = self.record.get(at).unwrap_or_default();
        let host = if text.contains(['/', ':']) {
            Url::parse_typed(text).map(|url| url.host().clone()).map_err(|fault| fault.to_string())
        } else {
            Host::parse(text).map_err(|fault| fault.to_string())
        };
        host.map_err(|fault| (at, fault))
    }
}

fn read<T>(
    path: &Path,
    take: impl Fn(&Row<'_>, u64) -> Result<Option<T>, (usize, String)>,
) -> Result<Listing<T>, Faults> {
    let bytes = reading::bytes(path).map_err(|fault| {
        let mut faults = Faults::new();
        faults.push(fault);
        faults
    })?;
    let text = reading::text(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = ReaderBuilder::new();
    reader.has_headers(false).flexible(true).comment(Some(b'#')).trim(Trim::All);
    let mut listing = Listing { items: Vec::new(), faults: Faults::new(), skipped: 0 };
    let (mut header, mut number) = (None::<Vec<String>>, 0);
    for record in reader.from_reader(text.as_bytes()).into_records() {
        let record = match record {
            Ok(record) => record,
            Err(fault) => {
                listing.skip(file_fault(path, format!("this is no CSV: {fault}")));
                continue;
            }
        };
        if number == 0 && header.is_none() {
            header = header_of(&record);
            if header.is_some() {
                continue;
            }
        }
        number += 1;
        let line = record.position().map_or(number, csv::Position::line);
        match take(&Row { header: header.as_deref(), record: &record }, number) {
            Ok(Some(item)) => listing.items.push(item),
            Ok(None) => {}
            Err((at, why)) => listing.skip(fault_in(path, line, (&record, at), &why)),
        }
    }
    Ok(listing)
}

impl<T> Listing<T> {
    fn skip(&mut self, fault: Fault) {
        self.skipped += 1;
        if self.skipped <= TOLD {
            self.faults.push(fault);
        }
    }
}

/// The names of the columns, if the first row holds a name that a column of sites may have.
fn header_of(record: &StringRecord) -> Option<Vec<String>> {
    let names: Vec<String> = record.iter().map(str::to_lowercase).collect();
    names.iter().any(|name| SITE.contains(&name.as_str())).then_some(names)
}

fn fault_in(path: &Path, line: u64, (record, at): (&StringRecord, usize), why: &str) -> Fault {
    let text = record.iter().collect::<Vec<_>>().join(",");
    let before: usize = record.iter().take(at).map(|cell| cell.chars().count() + 1).sum();
    let width = record.get(at).map_or(1, |cell| cell.chars().count().max(1));
    Fault {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(before + 1).unwrap_or(u32::MAX),
        width: u32::try_from(width).unwrap_or(1),
        text,
        ..file_fault(path, format!("this names no site: {why}"))
    }
}
