//! Text for people and scripts, to stdout.
//!
//! **Invariant:** no character that drives a terminal, or turns the reading direction, is printed
//! as it came; what could not be written is never told as done.

use std::fmt::Arguments;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process;

use anyhow::Context;

use crate::model::visible;

mod table;

pub(super) use table::{Cell, Column, Table, table};

/// What lays text out, and may be printed.
const LAYOUT: [char; 2] = ['\n', '\t'];

/// Prints a line. A reader that has gone, as `head` goes, is no fault: the command just ends.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::output::line(format_args!($($text)*)) };
}

/// Prints a line; see `out!`.
pub(super) fn line(text: Arguments<'_>) {
    ended_if_not(writeln!(io::stdout().lock(), "{}", harmless(&text.to_string())));
}

/// Writes a file's content to stdout as it is; to a terminal, as a line.
pub(super) fn file(text: &str) {
    let mut stdout = io::stdout().lock();
    let shown = if stdout.is_terminal() { harmless(text) } else { text.to_owned() };
    ended_if_not(stdout.write_all(shown.as_bytes()).and_then(|()| stdout.flush()));
}

/// Writes a file that is not there yet.
///
/// # Errors
/// When it is there, or can't be written: with its name.
pub(super) fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let named = || format!("can't write {}", file.display());
    let mut new = File::options().write(true).create_new(true).open(file).with_context(named)?;
    new.write_all(bytes).and_then(|()| new.sync_all()).with_context(named)
}

/// Ends the command where its output can't be written: well, if only its reader has gone.
pub(super) fn ended_if_not(written: io::Result<()>) {
    let Err(fault) = written else { return };
    if fault.kind() == io::ErrorKind::BrokenPipe {
        process::exit(0);
    }
    eprintln!("schoolgate: the output can’t be written: {fault}");
    process::exit(1);
}

/// The text with what drives a terminal, hides, or turns the reading direction, as `\u001b`; lines and
/// tabs stay. JSON stays JSON, and says the same.
pub(super) fn harmless(text: &str) -> String {
    text.split_inclusive(LAYOUT)
        .map(|part| {
            let plain = part.trim_end_matches(LAYOUT);
            visible(plain) + &part[plain.len()..]
        })
        .collect()
}

/// A moment as tables have it, in UTC: `2026-11-24 09:00`; what is none stays as it is.
pub(super) fn moment(text: &str) -> String {
    let is_moment = text.len() >= 17 && text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) if is_moment => format!("{day} {time}"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::hides;

    #[test]
    fn what_drives_a_terminal_is_spelt_out() {
        let cases = [
            ("plain “text”\n\tof two lines", "plain “text”\n\tof two lines"),
            ("\u{1b}[31mcut", "\\u001b[31mcut"),
            ("raw\u{202e}war\u{9b}\u{7f}\r", "raw\\u202ewar\\u009b\\u007f\\u000d"),
        ];
        for (text, shown) in cases {
            assert_eq!(harmless(text), shown);
        }
    }

    #[test]
    fn moments_are_told_to_the_minute() {
        assert_eq!(moment("2026-11-24T09:00:31.250Z"), "2026-11-24 09:00");
        assert_eq!(moment("no moment"), "no moment");
    }

    proptest! {
        #[test]
        fn no_text_drives_the_terminal(text in any::<String>()) {
            let harms = |c: char| !LAYOUT.contains(&c) && hides(c);
            prop_assert!(!harmless(&text).contains(harms));
        }

        #[test]
        fn json_says_the_same_when_it_is_printed(text in any::<String>()) {
            let value = serde_json::Value::String(text);
            let printed = harmless(&value.to_string());
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
        }
    }
}
