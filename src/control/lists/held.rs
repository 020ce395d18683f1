//! The statutory lists: read, hashed and forgotten.
//!
//! **Invariant:** no line of these files leaves this module, in a fault or otherwise: a fault
//! names the file and the line's number, and says what is wrong.

use std::path::{Path, PathBuf};

use crate::control::lists::Held;
use crate::control::lists::reading::{self, file_fault};
use crate::document::{Fault, Faults};
use crate::lists::parse::detect;
use crate::lists::{ListNo, StatutoryBuilder};

/// What a list that is there to be tried out begins with; such a list does not count as held.
const SYNTHETIC: &[u8] = b"# schoolgate: synthetic";
/// A mark that some editors put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The most faults that are shown of one list.
const SHOWN: usize = 100;

/// The files of the statutory lists.
pub(super) fn files(folder: &Path, faults: &mut Faults) -> Vec<(String, PathBuf)> {
    reading::text_files(folder).map_err(|fault| faults.push(fault)).unwrap_or_default()
}

/// Reads one list; says whether it counts.
pub(super) fn read(builder: &mut StatutoryBuilder, name: &str, path: &Path, faults: &mut Faults) -> Held {
    let bytes = match reading::bytes(path) {
        Ok(bytes) => bytes,
        Err(fault) => {
            faults.push(fault);
            return Held::Nothing;
        }
    };
    if let Err(why) = detect(&path.display().to_string(), &bytes) {
        faults.push(file_fault(path, why.to_string()).help("put the last good copy back"));
        return Held::Nothing;
    }
    let list = builder.add_list(name, &reading::version(&bytes));
    if add_lines(builder, list, path, &bytes, faults) == 0 {
        faults.push(file_fault(path, "the list holds no entry").help("put the last good copy back"));
        return Held::Nothing;
    }
    let text = bytes.strip_prefix(BOM).unwrap_or(&bytes);
    match text.split(|&byte| byte == b'\n').next() {
        Some(first) if first.trim_ascii_end() == SYNTHETIC => Held::SyntheticOnly,
        Some(_) | None => Held::Licensed,
    }
}

impl Held {
    /// What two findings come to.
    pub(super) fn and(self, other: Held) -> Held {
        match (self, other) {
            (Held::Licensed, _) | (_, Held::Licensed) => Held::Licensed,
            (Held::SyntheticOnly, _) | (_, Held::SyntheticOnly) => Held::SyntheticOnly,
            (Held::Nothing, Held::Nothing) => Held::Nothing,
        }
    }
}

/// Adds every line; gives how many are neither blank nor a comment.
fn add_lines(
    builder: &mut StatutoryBuilder,
    list: ListNo,
    path: &Path,
    bytes: &[u8],
    faults: &mut Faults,
) -> usize {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let (mut read, mut wrong) = (0, 0);
    for (number, line) in (1u32..).zip(text.split(|&byte| byte == b'\n')) {
        let blank = line.trim_ascii_start();
        if blank.is_empty() || blank.starts_with(b"#") {
            continue;
        }
        read += 1;
        let problem = match std::str::from_utf8(line) {
            Ok(line) => builder.add_line(list, line).err().map(|reason| reason.to_string()),
            Err(_) => Some("this is not UTF-8".to_owned()),
        };
        let Some(problem) = problem else { continue };
        wrong += 1;
        if wrong <= SHOWN {
            faults.push(line_fault(path, number, problem));
        }
    }
    if wrong > SHOWN {
        faults.push(file_fault(path, format!("{} more lines can't be used", wrong - SHOWN)));
    }
    read
}

fn line_fault(path: &Path, line: u32, problem: String) -> Fault {
    let help = "ask whoever gives you the list; the line itself is not shown";
    let fault = file_fault(path, format!("line {line}: {problem}")).help(help);
    Fault { line, column: 1, width: 1, text: "(not shown: statutory)".to_owned(), ..fault }
}
