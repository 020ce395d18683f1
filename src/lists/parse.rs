//! List files: bytes in; entries, and every line that was not taken, out.
//!
//! **Invariant:** total: any bytes give an answer, in time linear in their number; every line
//! that is neither blank nor a comment is read as at least one entry, rejected with a reason, or
//! skipped with a reason.

mod adblock;
mod addresses;
mod breadth;
mod csv;
mod detect;
mod dnsmasq;
mod domains;
mod e2;
mod expressions;
mod form;
mod format;
mod hosts;
mod intake;
mod json;
mod lines;
mod list_format;
mod options;
mod reason;
mod report;
mod rows;
mod rpz;
mod squid;
mod translate;
mod unbound;
mod wildcard;
mod word;

use std::collections::BTreeSet;

pub use detect::{NotAList, detect};
pub use form::Form;
pub use format::{Format, UnknownFormat};
pub use list_format::ListFormat;
pub use options::{ReadOptions, Scoping, Suffixes};
pub use reason::RejectReason;
pub use report::{MAX_REPORTED, Parsed, Rejected};

use crate::lists::{Entry, Item, Reading};
use intake::Intake;
use lines::Text;

/// Goes up whenever the same bytes are read as other entries than before, so that what was
/// compiled from them is made anew.
pub const RULES: u32 = 1;
/// The longest line that is read, in bytes.
pub const MAX_LINE: usize = 64 * 1024;

/// What became of a line that is no fault.
#[derive(Clone, Copy)]
enum Said {
    /// Blank, or a comment.
    Nothing,
    /// At least one entry.
    Entries,
    /// Nothing that means something here.
    Skipped(RejectReason),
}

/// How one line of a format is read, where no line minds another.
type ReadLine = fn(&mut Intake<'_>, &str) -> Result<Said, RejectReason>;

/// Reads a list.
#[must_use]
pub fn read(options: &ReadOptions, format: Format, bytes: &[u8]) -> Parsed {
    let mut items = Vec::new();
    let mut parsed = read_each(options, format, bytes, &mut |item| items.push(item));
    parsed.items = items;
    parsed
}

/// As [`read`], but hands each item over as it is read; `items` stays empty. For lists of
/// millions.
pub fn read_each(options: &ReadOptions, format: Format, bytes: &[u8], keep: &mut dyn FnMut(Item)) -> Parsed {
    let text = lines::utf8(bytes);
    let mut intake = Intake::new(options, keep);
    let mut parsed = Parsed::default();
    let read_line: ReadLine = match format {
        Format::Csv => return csv::read(&text, intake),
        Format::Json => return json::read(&text, intake),
        Format::Rpz => return rpz::read(&text, intake),
        Format::Adblock => return adblock::read(&text, intake),
        Format::Domains => domains::domain,
        Format::Urls => domains::url,
        Format::Hosts => hosts::line,
        Format::Wildcard => wildcard::line,
        Format::Dnsmasq => dnsmasq::line,
        Format::Unbound => unbound::line,
        Format::Squid => squid::line,
        Format::PiholeRegex => expressions::pihole,
        Format::Expressions => expressions::url,
        Format::V2fly => expressions::v2fly,
        Format::Networks => addresses::network,
        Format::Suffixes => addresses::suffix,
        Format::E2Sites => e2::site,
        Format::E2SiteIps => e2::site_ip,
        Format::E2Urls => e2::url,
        Format::E2RegexUrls => e2::regex_url,
    };
    parsed.take_lines(&mut intake, &['#'], &text, read_line);
    parsed
}

/// The categories that the rows of a CSV or JSON file name, as words of a list id, sorted; none
/// for other formats and for files without such a column.
#[must_use]
pub fn categories(format: Format, bytes: &[u8]) -> Vec<String> {
    let text = lines::utf8(bytes);
    let mut found = BTreeSet::new();
    let mut keep = |category| {
        found.insert(category);
    };
    if format == Format::Csv {
        csv::categories(&text, &mut keep);
    } else if format == Format::Json {
        json::categories(&text, &mut keep);
    }
    let mut found: Vec<String> = found.into_iter().collect();
    found.retain({
        let only = found.len() == 1;
        move |name| !only || name != rows::UNNAMED
    });
    found
}

/// Reads one line of a URL list; blank lines and comments give nothing.
pub(super) fn one_line(
    reading: Reading,
    text: &str,
    keep: &mut dyn FnMut(Entry),
) -> Result<(), RejectReason> {
    let text = Text::of(text.as_bytes());
    let options = ReadOptions::of(reading);
    let mut keep = |item: Item| keep(item.entry);
    domains::url(&mut Intake::new(&options, &mut keep), text.read(&['#'])?).map(|_| ())
}
