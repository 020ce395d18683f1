//! Files of lists as bytes, and the faults in them as places that a person can go to.
//!
//! **Invariant:** no file is read past [`LARGEST`]; a fault that quotes a line quotes the line of
//! the file, so that its column is true.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::document::{Fault, Faults};
use crate::lists::{NotAList, Parsed, RejectReason, Rejected};
use crate::model::counted;

/// The largest file that is read, in bytes.
const LARGEST: u64 = 1 << 30;
/// The most characters of a line that a fault quotes.
const QUOTED: usize = 200;

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Fault> {
    let unreadable = |fault: std::io::Error| file_fault(path, format!("the list can't be read: {fault}"));
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= LARGEST => Ok(bytes),
        Ok(_) | Err(_) => Err(file_fault(path, "the list is larger than 1 GiB")),
    }
}

/// The text of a file as the parser takes it: UTF-16 by its mark, else UTF-8, and a line that is no
/// UTF-8 as Latin-1.
pub(super) fn text(bytes: &[u8]) -> String {
    let unit: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(unit) = unit {
        let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    let line = |line: &[u8]| match std::str::from_utf8(line) {
        Ok(line) => line.to_owned(),
        Err(_) => line.iter().map(|&byte| char::from(byte)).collect(),
    };
    bytes.split_inclusive(|&byte| byte == b'\n' || byte == b'\r').map(line).collect()
}

/// The `.txt` files of a folder, sorted, with the name of each without its ending.
pub(super) fn text_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, Fault> {
    let paths = entries(folder)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "txt"));
    Ok(paths.filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path.clone()))).collect())
}

/// What lies in a folder, sorted, without what is hidden.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let unreadable = |fault: std::io::Error| file_fault(folder, format!("the folder can't be read: {fault}"));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The version that a list's head tells, else what its digest begins with.
pub(super) fn version(bytes: &[u8]) -> String {
    dated(bytes).unwrap_or_else(|| digest(bytes)[..12].to_owned())
}

/// The day in a list's head: `# Date: 2026-11-22`.
pub(super) fn dated(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(8192)]);
    let lines = text.lines().map(|line| line.trim_start_matches('\u{feff}'));
    let head = lines.take_while(|line| line.starts_with('#'));
    head.filter_map(|line| line.trim_start_matches(['#', ' ']).strip_prefix("Date:")).find_map(date)
}

/// BLAKE3 in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A fault of a file or folder as a whole.
pub(super) fn file_fault(path: &Path, problem: impl Into<String>) -> Fault {
    Fault::of_file(&path.display().to_string(), problem)
}

/// The fault of a file that is no list.
pub(super) fn not_a_list(path: &Path, why: NotAList) -> Fault {
    let help = match why {
        NotAList::Empty => "put the last good copy back",
        NotAList::WebPage => "fetch the list again: what came was a page, perhaps an error or a sign-in",
        NotAList::Archive => "unpack it, or hand it to `schoolgate lists import`",
        NotAList::Binary => "save it as plain text in UTF-8",
        NotAList::OtherThings => "take the file out: only lists of sites can be used",
    };
    file_fault(path, why.to_string()).help(help)
}

/// Every line that was not taken, and a file without entries, as faults.
pub(super) fn line_faults(path: &Path, bytes: &[u8], parsed: &Parsed) -> Faults {
    let mut faults = Faults::new();
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    for rejected in &parsed.rejected {
        let at = usize::try_from(rejected.line).unwrap_or(usize::MAX).saturating_sub(1);
        faults.push(line_fault(path, rejected, lines.get(at).copied()));
    }
    let unsaid = parsed.rejected_total - parsed.rejected.len();
    if unsaid > 0 {
        faults.push(file_fault(path, format!("{} can't be used", counted(unsaid, "more line"))));
    }
    faults
}

/// What to do about a line that was not taken.
pub(super) fn help_for(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::PublicSuffix => "name the sites that are meant, each on its own line",
        RejectReason::OutOfZone | RejectReason::NoEntry | RejectReason::SingleLabel => {
            "write the whole host name, e.g. example.org"
        }
        RejectReason::LocalName | RejectReason::Empty => "take the line out, or write the host that is meant",
        RejectReason::TooWide | RejectReason::Network | RejectReason::NotANetwork => {
            "write the single networks or addresses that are meant"
        }
        RejectReason::EmptyLabel => "write one dot between the parts of the name",
        RejectReason::Character | RejectReason::Control => {
            "take the character out, or put a # before a remark"
        }
        RejectReason::TooLong => "write the host alone, or a shorter address",
        RejectReason::Address => "write an address as in 192.0.2.1 or 2001:db8::1",
        RejectReason::SeveralWords => "write one entry a line; a remark goes behind a #",
        RejectReason::MailAddress => "write the host that is meant, without the part before the @",
        RejectReason::Scheme => "write the host, or an address that begins with http:// or https://",
        RejectReason::Port => "leave the port out: an entry holds for every port",
        RejectReason::Url => "write a host (example.org) or a page (example.org/page)",
        RejectReason::NotASuffix => "put the name into a list of hosts",
        RejectReason::Grammar => "see the description of the format, or name another with --format",
        RejectReason::Action => "write block or allow",
        RejectReason::Json => "mend the file so that a JSON reader takes the whole of it",
        RejectReason::BackReference | RejectReason::LookAround | RejectReason::Pattern(_) => {
            "write a shorter or plainer pattern, or the hosts that are meant"
        }
        RejectReason::Include => "import the other file as well",
        RejectReason::Timed | RejectReason::Blanket => "set it in the policy",
        RejectReason::Rewrite
        | RejectReason::Setting
        | RejectReason::ZoneRecord
        | RejectReason::DnsOnly
        | RejectReason::Continued
        | RejectReason::Cosmetic
        | RejectReason::Context
        | RejectReason::SomeQueries
        | RejectReason::AnyHost
        | RejectReason::TakesBack
        | RejectReason::TakenBack
        | RejectReason::ListCategory => "nothing needs to be done: the line is passed over",
    }
}

fn line_fault(path: &Path, rejected: &Rejected, line: Option<&str>) -> Fault {
    let line = line.filter(|line| line.contains(&*rejected.text)).unwrap_or(&rejected.text);
    let text: String = line.chars().take(QUOTED).collect();
    let from = usize::try_from(rejected.column).unwrap_or(usize::MAX).saturating_sub(1);
    let at_fault = text.chars().skip(from).take_while(|c| !c.is_whitespace()).count().max(1);
    let is_one = [RejectReason::Character, RejectReason::Control, RejectReason::EmptyLabel];
    let width =
        if is_one.contains(&rejected.reason) { 1 } else { u32::try_from(at_fault).unwrap_or(u32::MAX) };
    Fault {
        file: path.display().to_string(),
        line: rejected.line,
        column: rejected.column,
        text,
        width,
        problem: rejected.reason.to_string(),
        help: Some(help_for(rejected.reason).to_owned()),
    }
}

/// The first word, if it is a day.
fn date(text: &str) -> Option<String> {
    let day: String = text.trim().chars().take(10).collect();
    let shape = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    (shape && day.len() == 10).then_some(day)
}
