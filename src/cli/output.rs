//! Text for people and scripts, to stdout.

use std::fmt::Arguments;
use std::io::{self, Write};

/// Prints a line. A reader that has gone, as `head` goes, is no fault: the command just ends.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::output::line(format_args!($($text)*)) };
}

pub(super) fn line(text: Arguments<'_>) {
    if writeln!(io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}
