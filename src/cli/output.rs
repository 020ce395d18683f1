//! Text for people and scripts, to stdout.

use std::fmt::Arguments;
use std::io::{self, Write};

use comfy_table::{Table, presets};

/// Prints a line. A reader that has gone, as `head` goes, is no fault: the command just ends.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::output::line(format_args!($($text)*)) };
}

pub(super) fn line(text: Arguments<'_>) {
    if writeln!(io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// An empty table: a rule below its header, none between rows, as wide as what it holds.
pub(super) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table
}
