//! One statutory list: read and hashed, every line sound, and held against the one before.

use std::path::Path;

use crate::control::lists::held::id;
use crate::control::lists::held::kept::Kept;
use crate::control::lists::reading::{self, file_fault};
use crate::control::lists::{Keys, Places, Sizes, shrink};
use crate::document::{Fault, Faults};
use crate::lists::parse::detect;
use crate::lists::statutory::{Content, TakenFrom};
use crate::lists::{HashedList, ListHasher, Sealed};
use crate::model::{Timestamp, counted};

/// What a list that is there to be tried out begins with; such a list does not count as held.
const SYNTHETIC: &[u8] = b"# schoolgate: synthetic";
/// A mark that some editors put before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
/// The most faults that are shown of one list.
const SHOWN: usize = 100;

/// A list as it was taken, before it is compared with the one before.
pub(super) struct Taken {
    pub(super) list: HashedList,
    pub(super) synthetic: bool,
    pub(super) content: Content,
    /// Whether its last line has no end, as where writing was cut off.
    unfinished: bool,
}

impl Taken {
    pub(super) fn sealed(self, from: TakenFrom, taken: Timestamp) -> Sealed {
        let Taken { list, synthetic, content, .. } = self;
        Sealed { list, taken, from, synthetic, content }
    }
}

/// Reads and hashes one list; every line must be sound.
pub(super) fn take(
    keys: &Keys,
    name: &str,
    path: &Path,
    bytes: &[u8],
    content: Content,
) -> Result<Taken, Faults> {
    let mut faults = Faults::new();
    let no_list = |problem: String| file_fault(path, problem).help("put the last good copy back");
    if let Err(why) = detect(&path.display().to_string(), bytes) {
        faults.push(no_list(why.to_string()));
        return Err(faults);
    }
    let version = reading::dated(bytes).unwrap_or_else(|| content.version());
    let mut hasher = ListHasher::new(keys.statutory, name, &version);
    if add_lines(&mut hasher, path, bytes, &mut faults) == 0 {
        faults.push(no_list("the list holds no entry".to_owned()));
    }
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let first = text.split(|&byte| byte == b'\n').next();
    let synthetic = first.is_some_and(|first| first.trim_ascii_end() == SYNTHETIC);
    let unfinished = !text.ends_with(b"\n");
    faults.or(Taken { list: hasher.finish(), synthetic, content, unfinished })
}

/// Refuses what is smaller than it may be, and a test list in the place of one that counts.
pub(super) fn guard(
    name: &str,
    taken: &Taken,
    kept: &Kept,
    places: &Places,
    sizes: &Sizes,
) -> Result<(), Fault> {
    let last = match kept {
        Kept::Sound(sealed) => Some(sealed),
        Kept::Absent | Kept::Unusable(_) => None,
    };
    let before = sizes.get(&id(name)).copied().or(last.map(|sealed| sealed.list.about().entries));
    let (before, now) = (before.unwrap_or(0), taken.list.about().entries);
    // However short: of a list that must be whole no line is too few to miss.
    if !shrink::keeps_enough(before, now, places.max_shrink_percent) {
        return Err(shrink::shrunk(places, &id(name), before, now));
    }
    if taken.unfinished && now < before {
        let now = counted(now, "entry");
        let problem = format!("it has {now} where it had {before}, and its last line has no end");
        return Err(file_fault(Path::new(name), problem).help("copy it again: it is half written"));
    }
    if taken.synthetic && last.is_some_and(|sealed| !sealed.synthetic) {
        let problem = "it says that it is made up for tests, and the list before did not";
        return Err(
            file_fault(Path::new(name), problem).help("put the list that your licence gives you there")
        );
    }
    Ok(())
}

/// Adds every line; gives how many are neither blank nor a comment.
fn add_lines(hasher: &mut ListHasher, path: &Path, bytes: &[u8], faults: &mut Faults) -> usize {
    let text = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let (mut read, mut wrong) = (0, 0);
    for (number, line) in (1u32..).zip(text.split(|&byte| byte == b'\n')) {
        let blank = line.trim_ascii_start();
        if blank.is_empty() || blank.starts_with(b"#") {
            continue;
        }
        read += 1;
        let problem = match std::str::from_utf8(line) {
            Ok(line) => hasher.add_line(line).err().map(|reason| reason.to_string()),
            Err(_) => Some("this is not UTF-8".to_owned()),
        };
        let Some(problem) = problem else { continue };
        wrong += 1;
        if wrong <= SHOWN {
            faults.push(line_fault(path, number, problem));
        }
    }
    if wrong > SHOWN {
        faults.push(file_fault(path, format!("{} can't be used", counted(wrong - SHOWN, "more line"))));
    }
    read
}

fn line_fault(path: &Path, line: u32, problem: String) -> Fault {
    let help = "ask whoever gives you the list; the line itself is not shown";
    let fault = file_fault(path, format!("line {line}: {problem}")).help(help);
    Fault { line, column: 1, width: 1, text: "(not shown: statutory)".to_owned(), ..fault }
}

/// What is wrong, in one sentence.
pub(super) fn sentence(faults: &Faults) -> String {
    let first = faults.iter().find(|fault| fault.line > 0).or_else(|| faults.iter().next());
    let first = first.map(|fault| fault.problem.clone()).unwrap_or_default();
    match faults.len() {
        0 | 1 => first,
        more => format!("{first}, and {}", counted(more - 1, "more fault")),
    }
}
