//! What a file held, and what became of each of its lines.
//!
//! **Invariant:** every line that is neither blank nor a comment is counted once in `read`, and
//! gave an item, or is rejected, or is skipped.

use crate::lists::Item;
use crate::lists::parse::intake::Intake;
use crate::lists::parse::lines::{Text, lines};
use crate::lists::parse::{RejectReason, Said};

/// What a file held.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What the lines say. One line may give several.
    pub items: Vec<Item>,
    /// How many of the items take off the list what they cover.
    pub exceptions: usize,
    /// The lines not taken, or not in full, the first [`MAX_REPORTED`] of them.
    pub rejected: Vec<Rejected>,
    /// How many lines were not taken, or not in full.
    pub rejected_total: usize,
    /// The lines that mean nothing at a gateway, the first [`MAX_REPORTED`] of them.
    pub skipped: Vec<Rejected>,
    /// How many lines mean nothing at a gateway.
    pub skipped_total: usize,
    /// How many lines were taken after a repair (a scheme, port or stray dot cut, …).
    pub repaired: usize,
    /// What would cover far too much, the first [`MAX_REPORTED`]: not taken from a block list;
    /// public suffixes are taken from an allow list, where `gov.uk` may be meant.
    pub dangerous: Vec<Rejected>,
    /// How many lines are neither blank nor a comment; of CSV and JSON how many rows.
    pub read: usize,
}

/// The most lines that one file's report shows; all are counted.
pub const MAX_REPORTED: usize = 1000;

/// A line that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// From 1.
    pub line: u32,
    /// In characters from 1: where the text at fault starts.
    pub column: u32,
    /// The start of the line, without control and direction characters.
    pub text: Box<str>,
    /// Why.
    pub reason: RejectReason,
}

impl Parsed {
    /// Takes every line of a text.
    pub(super) fn take_lines(
        &mut self,
        intake: &mut Intake<'_>,
        comment_signs: &[char],
        bytes: &[u8],
        mut read: impl FnMut(&mut Intake<'_>, &str) -> Result<Said, RejectReason>,
    ) {
        for (number, raw) in (1u32..).zip(lines(bytes)) {
            let text = Text::of(raw);
            intake.indented = text.is_indented();
            self.take(intake, number, &text, |intake| read(intake, text.read(comment_signs)?));
        }
    }

    /// Takes one line or row.
    pub(super) fn take(
        &mut self,
        intake: &mut Intake<'_>,
        line: u32,
        text: &Text<'_>,
        read: impl FnOnce(&mut Intake<'_>) -> Result<Said, RejectReason>,
    ) {
        intake.start(line);
        let outcome = read(intake);
        let said = intake.said();
        self.exceptions = intake.exceptions;
        match outcome {
            Ok(Said::Nothing) => return,
            Ok(Said::Entries) => {
                self.repaired += usize::from(said.repaired || text.was_repaired());
                if let Some(reason) = said.dangerous {
                    self.note_dangerous(text.rejected(line, reason));
                }
                if let Some(reason) = said.fault {
                    self.reject(text.rejected(line, reason));
                }
            }
            Ok(Said::Skipped(reason)) => self.skip(text.rejected(line, reason)),
            Err(reason) => self.reject(text.rejected(line, reason)),
        }
        self.read += 1;
    }

    fn reject(&mut self, rejected: Rejected) {
        self.rejected_total += 1;
        if rejected.reason.is_dangerous() {
            self.note_dangerous(rejected.clone());
        }
        if self.rejected.len() < MAX_REPORTED {
            self.rejected.push(rejected);
        }
    }

    fn skip(&mut self, skipped: Rejected) {
        self.skipped_total += 1;
        if self.skipped.len() < MAX_REPORTED {
            self.skipped.push(skipped);
        }
    }

    fn note_dangerous(&mut self, rejected: Rejected) {
        if self.dangerous.len() < MAX_REPORTED {
            self.dangerous.push(rejected);
        }
    }
}
