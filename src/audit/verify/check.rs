//! The walk along the chain: one line after another, each held against what is known by then.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use crate::audit::chain::{Head, LineHash};
use crate::audit::checkpoint::Checkpoint;
use crate::audit::key::Key;
use crate::audit::merkle::{Edge, Subtree};
use crate::audit::removed::Removed;
use crate::audit::segment::Segment;
use crate::audit::verify::lines::{Event, Lines, Seen, Tells};
use crate::audit::verify::sealed::Day;
use crate::audit::verify::{Fault, FaultKind, LISTED, Report};

/// The state of a verification.
pub(super) struct Check<'a> {
    pub(super) report: Report,
    dir: &'a Path,
    keys: &'a [Key],
    known: HashMap<u64, LineHash>,
    /// Whether there are earlier lines, which are not read.
    has_earlier: bool,
    /// The line before.
    last: Option<Last>,
    time: String,
    day: Option<Day>,
    /// Days that come, and what is wrong with their checkpoints.
    ahead: VecDeque<(Day, Vec<Fault>)>,
    /// Whether segments end in checkpoints by now.
    signing: bool,
    /// Segments of which lines were removed: file, line, what is left of it.
    holed: Vec<(PathBuf, u64, u64, String)>,
    /// What the trail says was left of segments.
    told: HashSet<(String, String)>,
}

/// The last line that was in its place.
#[derive(Clone, Copy)]
struct Last {
    sequence: u64,
    /// What the next line may name as its predecessor: the line's hash as stated and as
    /// computed. `None` when that line can't be read.
    hashes: Option<[LineHash; 2]>,
}

/// What is known of a segment while its lines are gone through.
struct Tree {
    edge: Edge,
    /// What was signed, the smallest first, with its line in the file.
    signed: Vec<(u64, Checkpoint)>,
    /// The last line, as it states.
    end: (u64, LineHash),
    /// The last record that is as it was signed.
    held: u64,
    /// How many faults there were before the segment.
    faults: u64,
}

impl<'a> Check<'a> {
    pub(super) fn new(dir: &'a Path, keys: &'a [Key], known: HashMap<u64, LineHash>) -> Check<'a> {
        Check {
            report: Report::default(),
            dir,
            keys,
            known,
            has_earlier: false,
            last: None,
            time: String::new(),
            day: None,
            ahead: VecDeque::new(),
            signing: false,
            holed: Vec::new(),
            told: HashSet::new(),
        }
    }

    /// Leaves out earlier lines, which are there.
    pub(super) fn leaves_out_earlier(&mut self) {
        self.has_earlier = true;
    }

    /// Starts after the lines that this checkpoint covers, whose segments end in checkpoints too.
    pub(super) fn starts_after(&mut self, trusted: &Checkpoint) {
        self.known.insert(trusted.sequence, trusted.hash);
        self.signing = true;
    }

    /// Reads the checkpoints of these segments' days.
    pub(super) fn looks_ahead(&mut self, segments: &[Segment]) -> io::Result<()> {
        for segment in segments {
            let known = self.day.iter().chain(self.ahead.iter().map(|(day, _)| day));
            if known.into_iter().all(|day| day.name != segment.day) {
                self.ahead.push_back(Day::read(self.dir, &segment.day, self.keys)?);
            }
        }
        Ok(())
    }

    /// Goes on with this day.
    pub(super) fn enters(&mut self, day: &str) -> io::Result<()> {
        if self.day.as_ref().is_some_and(|current| current.name == day) {
            return Ok(());
        }
        self.leaves();
        let ahead = self.ahead.pop_front().filter(|(ahead, _)| ahead.name == day);
        let (day, faults) = ahead.map_or_else(|| Day::read(self.dir, day, self.keys), Ok)?;
        self.report.checkpoints += day.count;
        faults.into_iter().for_each(|fault| self.list(fault));
        self.day = Some(day);
        Ok(())
    }

    /// The next segment's lines. `closed` when there are later ones.
    pub(super) fn segment(&mut self, segment: &Segment, closed: Closed, lines: Lines) {
        let faults = self.faults();
        if lines.damaged {
            self.fault(segment, 0, None, FaultKind::Damaged);
        }
        let signed = self.day.as_mut().map(|day| day.of(segment.first)).unwrap_or_default();
        let held = segment.first.saturating_sub(1);
        let mut tree = Tree { edge: Edge::default(), signed, end: (0, LineHash::NONE), held, faults };
        let mut holed = None;
        for (number, seen) in (1..).zip(&lines.seen) {
            self.report.events += 1;
            match seen {
                Seen::Event(event) => self.event(segment, number, event, &mut tree),
                Seen::Removed(removed) => {
                    holed = holed.or(Some((number, removed.from)));
                    self.report.events -= 1;
                    self.report.removed += removed.to - removed.from + 1;
                    self.removed(segment, number, removed, &mut tree);
                }
                Seen::Malformed => {
                    let expected = self.last.map(|last| last.sequence + 1);
                    self.fault(segment, number, expected, FaultKind::Malformed);
                    self.pass(Last { sequence: expected.unwrap_or(segment.first), hashes: None });
                }
            }
        }
        if let (Some((number, from)), Some(digest)) = (holed, lines.digest) {
            self.holed.push((segment.path.clone(), number, from, digest));
        }
        self.ends(segment, closed, &tree);
    }

    fn event(&mut self, segment: &Segment, number: u64, event: &Event, tree: &mut Tree) {
        let expected = self.last.map(|last| last.sequence + 1);
        if event.computed != event.stated {
            let sequence = expected.unwrap_or(segment.first);
            self.fault(segment, number, Some(sequence), FaultKind::Edited);
            self.pass(Last { sequence, hashes: Some([event.stated, event.computed]) });
            self.grow(tree, &[Subtree::line(event.stated)], (sequence, event.stated));
            return;
        }
        let this = Last { sequence: event.sequence, hashes: Some([event.stated; 2]) };
        let wrong = self.place(event.sequence, this, event.prev);
        if wrong == Some(FaultKind::OutOfPlace) {
            self.fault(segment, number, Some(event.sequence), FaultKind::OutOfPlace);
            return;
        }
        let misnamed = number == 1 && event.sequence != segment.first;
        let untimely = !event.time.starts_with(&segment.day) || event.time < self.time;
        let rewritten = self.known.get(&event.sequence).is_some_and(|hash| *hash != event.stated);
        let further = [
            misnamed.then_some(FaultKind::Misnamed),
            untimely.then_some(FaultKind::Untimely),
            rewritten.then_some(FaultKind::Rewritten),
        ];
        for what in wrong.into_iter().chain(further.into_iter().flatten()) {
            self.fault(segment, number, Some(event.sequence), what);
        }
        self.time.clone_from(&event.time);
        match &event.tells {
            Tells::Nothing => {}
            Tells::Signing => self.signing = true,
            Tells::Removed(segment, digest) => {
                self.told.insert((segment.clone(), digest.clone()));
            }
        }
        self.grow(tree, &[Subtree::line(event.stated)], (event.sequence, event.stated));
    }

    fn removed(&mut self, segment: &Segment, number: u64, removed: &Removed, tree: &mut Tree) {
        let Some(subtrees) = removed.subtrees(segment.first) else {
            self.fault(segment, number, Some(removed.from), FaultKind::Malformed);
            self.pass(Last { sequence: removed.to, hashes: None });
            return;
        };
        let this = Last { sequence: removed.to, hashes: Some([removed.hash; 2]) };
        let wrong = self.place(removed.from, this, removed.prev);
        let misnamed = number == 1 && removed.from != segment.first;
        let rewritten = self.known.get(&removed.to).is_some_and(|hash| *hash != removed.hash);
        let further = [misnamed.then_some(FaultKind::Misnamed), rewritten.then_some(FaultKind::Rewritten)];
        for what in wrong.into_iter().chain(further.into_iter().flatten()) {
            self.fault(segment, number, Some(removed.from), what);
        }
        self.grow(tree, &subtrees, (removed.to, removed.hash));
    }

    /// Whether what starts with `sequence` is where it belongs, and what is wrong if it is not.
    fn place(&mut self, sequence: u64, this: Last, prev: LineHash) -> Option<FaultKind> {
        let Some(last) = self.last else {
            self.report.first.get_or_insert(sequence);
            self.pass(this);
            return (!self.is_beginning(sequence, prev)).then_some(FaultKind::NoBeginning);
        };
        let Some(hashes) = last.hashes else {
            // The unreadable line was this one's predecessor, or was put in between.
            if sequence < last.sequence {
                return Some(FaultKind::OutOfPlace);
            }
            self.pass(this);
            return (sequence > last.sequence + 1).then_some(FaultKind::Missing { from: last.sequence + 1 });
        };
        if sequence <= last.sequence {
            return Some(FaultKind::OutOfPlace);
        }
        self.pass(this);
        if sequence > last.sequence + 1 {
            return Some(FaultKind::Missing { from: last.sequence + 1 });
        }
        (!hashes.contains(&prev)).then_some(FaultKind::Unlinked)
    }

    fn pass(&mut self, line: Last) {
        self.report.first.get_or_insert(line.sequence);
        self.last = Some(line);
    }

    fn is_beginning(&self, sequence: u64, prev: LineHash) -> bool {
        let known = |before| self.known.get(&before) == Some(&prev);
        (sequence == 1 && prev == LineHash::NONE) || sequence.checked_sub(1).is_some_and(known)
    }

    /// Grows the segment's tree, and holds what was signed against it.
    fn grow(&mut self, tree: &mut Tree, subtrees: &[Subtree], end: (u64, LineHash)) {
        let grown = subtrees.iter().all(|subtree| tree.edge.push(*subtree));
        tree.end = end;
        let (size, faults) = (tree.edge.size(), self.faults() - tree.faults);
        let reached = tree.signed.partition_point(|(_, signed)| signed.size <= size);
        for (number, signed) in tree.signed.drain(..reached) {
            // Amid what was removed there is nothing to hold it against; after a fault it would
            // only say again that there was one.
            let comparable = grown && signed.size == size && faults == 0;
            let holds = signed.root == tree.edge.root() && (signed.sequence, signed.hash) == end;
            if comparable && holds {
                tree.held = signed.sequence;
            } else if comparable {
                self.contradicted(number, &signed, tree.held);
            }
        }
    }

    /// The segment's end: all that was signed of it was seen, and its last line is signed.
    fn ends(&mut self, segment: &Segment, closed: Closed, tree: &Tree) {
        let faults = self.faults() - tree.faults;
        for (number, signed) in &tree.signed {
            self.contradicted(*number, signed, tree.held);
        }
        let size = tree.edge.size();
        if closed == Closed::No || !self.signing || size == 0 || faults > 0 || !tree.signed.is_empty() {
            return;
        }
        let is_signed = |day: &Day| day.is_signed_now(segment.first, size, self.keys);
        if !self.day.as_ref().is_some_and(is_signed) {
            self.fault(segment, 0, Some(tree.end.0), FaultKind::Unsealed);
        }
    }

    fn contradicted(&mut self, number: u64, signed: &Checkpoint, after: u64) {
        if let Some(day) = &self.day {
            let fault = day.fault(number, Some(signed.sequence), FaultKind::Contradicted { after });
            self.list(fault);
        }
    }

    fn leaves(&mut self) {
        if let Some(day) = self.day.take() {
            day.left().into_iter().for_each(|fault| self.list(fault));
        }
    }

    fn faults(&self) -> u64 {
        self.report.faults.len() as u64 + self.report.further_faults
    }

    fn fault(&mut self, segment: &Segment, line: u64, sequence: Option<u64>, what: FaultKind) {
        self.list(Fault { file: segment.path.clone(), line, sequence, what });
    }

    fn list(&mut self, fault: Fault) {
        if self.report.faults.len() < LISTED {
            self.report.faults.push(fault);
        } else {
            self.report.further_faults += 1;
        }
    }

    /// The trail's end.
    pub(super) fn end(mut self, last: Option<&Segment>) -> Report {
        self.leaves();
        let end = self.last.map_or(Head::NONE.sequence, |line| line.sequence);
        self.report.last = self.last.map(|line| line.sequence);
        self.report.head = self.last.and_then(|line| line.hashes).map(|[stated, _]| stated);
        for (file, line, from, digest) in std::mem::take(&mut self.holed) {
            let name = segment_name(&file);
            if !self.told.contains(&(name, digest)) {
                self.list(Fault { file, line, sequence: Some(from), what: FaultKind::Unexplained });
            }
        }
        let file = last.map_or(self.dir, |segment| &segment.path).to_owned();
        let mut beyond: Vec<u64> = self.known.keys().copied().filter(|sequence| *sequence > end).collect();
        beyond.sort_unstable();
        for head in beyond {
            let what = FaultKind::Truncated { head };
            self.list(Fault { file: file.clone(), line: 0, sequence: Some(end + 1), what });
        }
        let is_empty = self.report.events == 0 && self.report.removed == 0 && !self.has_earlier;
        if is_empty && self.faults() == 0 {
            self.list(Fault { file, line: 0, sequence: None, what: FaultKind::NoTrail });
        }
        self.report
    }
}

/// Whether a segment is written to no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    Yes,
    No,
}

/// How events name a segment: `2026-11-24/000000000001`.
pub(in crate::audit) fn segment_name(path: &Path) -> String {
    let part = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
    let day = part(path.parent().and_then(Path::file_name));
    let file = part(path.file_name());
    format!("{day}/{}", file.split('.').next().unwrap_or_default())
}
