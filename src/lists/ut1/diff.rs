//! squidGuard's `.diff` files: `+entry` and `-entry`, in the order in which they stand.
//!
//! **Invariant:** linear; a change that changes nothing is a note, not a fault.

use std::collections::HashMap;

use crate::lists::archive::ArchiveFile;

/// A line of a `.diff` that changed nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffNote {
    /// The `.diff` file.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// Why.
    pub problem: DiffProblem,
}

/// Why a line of a `.diff` changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum DiffProblem {
    /// It takes out what is not there.
    #[error("the entry to be taken out is not there")]
    Missing,
    /// It adds what is there.
    #[error("the entry to be added is there already")]
    Present,
    /// It starts with neither `+` nor `-`.
    #[error("the line starts with neither + nor -")]
    Sign,
}

/// What is known of an entry that a `.diff` names.
#[derive(Clone, Copy, Default)]
struct Named {
    was_there: bool,
    is_there: bool,
}

/// The file with the changes made, and what of them had nothing to change.
pub(super) fn applied(base: &[u8], diff: &ArchiveFile) -> (Vec<u8>, Vec<DiffNote>) {
    let changes: Vec<_> = (1u32..).zip(diff.bytes.split(|&byte| byte == b'\n')).collect();
    let mut named: HashMap<Vec<u8>, Named> = HashMap::new();
    for (_, entry) in changes.iter().filter_map(|(_, line)| change(line)) {
        named.insert(key(entry), Named::default());
    }
    for line in base.split(|&byte| byte == b'\n') {
        if let Some(entry) = named.get_mut(&key(line)) {
            *entry = Named { was_there: true, is_there: true };
        }
    }
    let mut added: Vec<&[u8]> = Vec::new();
    let mut notes = Vec::new();
    for (number, line) in changes {
        let problem = match change(line) {
            None if is_blank(line) => continue,
            None => Some(DiffProblem::Sign),
            Some((sign, entry)) => make(sign, entry, &mut named, &mut added),
        };
        if let Some(problem) = problem {
            notes.push(DiffNote { file: diff.path.clone(), line: number, problem });
        }
    }
    (written(base, &mut named, &added), notes)
}

/// Makes one change.
fn make<'d>(
    sign: u8,
    entry: &'d [u8],
    named: &mut HashMap<Vec<u8>, Named>,
    added: &mut Vec<&'d [u8]>,
) -> Option<DiffProblem> {
    let known = named.get_mut(&key(entry))?;
    match (sign, known.is_there) {
        (b'+', true) => return Some(DiffProblem::Present),
        (b'+', false) => {
            known.is_there = true;
            if !known.was_there {
                added.push(entry);
            }
        }
        (_, true) => known.is_there = false,
        (_, false) => return Some(DiffProblem::Missing),
    }
    None
}

fn written(base: &[u8], named: &mut HashMap<Vec<u8>, Named>, added: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(base.len());
    let lines = base.strip_suffix(b"\n").unwrap_or(base).split(|&byte| byte == b'\n');
    for line in lines.filter(|_| !base.is_empty()) {
        if named.get(&key(line)).is_none_or(|entry| entry.is_there) {
            bytes.extend_from_slice(line);
        }
        bytes.push(b'\n');
    }
    for entry in added {
        // Added, taken out and added again: once is enough.
        if named.remove(&key(entry)).is_some_and(|entry| entry.is_there) {
            bytes.extend_from_slice(entry);
            bytes.push(b'\n');
        }
    }
    bytes
}

/// `+entry` or `-entry`.
fn change(line: &[u8]) -> Option<(u8, &[u8])> {
    let (&sign, entry) = line.split_first()?;
    let entry = entry.trim_ascii();
    ((sign == b'+' || sign == b'-') && !entry.is_empty()).then_some((sign, entry))
}

fn key(line: &[u8]) -> Vec<u8> {
    line.trim_ascii().to_ascii_lowercase()
}

fn is_blank(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.is_empty() || line.starts_with(b"#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_made_in_their_order() {
        let diff = "# c\n+c.example\n-b.example\n+a.example\n-x.example\n\n+d.example\r\n-D.example\n+d.example\n\
                    b.example\n+e.example\n-e.example\n";
        let diff = ArchiveFile { path: "games/domains.diff".into(), bytes: diff.into() };
        let (bytes, notes) = applied(b"a.example\nB.example\nz.example", &diff);
        // What was taken out leaves a blank line: the others keep their numbers.
        assert_eq!(String::from_utf8_lossy(&bytes), "a.example\n\nz.example\nc.example\nd.example\n");
        let told: Vec<_> = notes.iter().map(|note| (&*note.file, note.line, note.problem)).collect();
        assert_eq!(
            told,
            [
                ("games/domains.diff", 4, DiffProblem::Present),
                ("games/domains.diff", 5, DiffProblem::Missing),
                ("games/domains.diff", 10, DiffProblem::Sign),
            ]
        );
        assert_eq!(applied(b"", &diff).0, b"c.example\na.example\nd.example\n");
    }
}
