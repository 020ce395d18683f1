//! `schoolgate audit tail`: the last events, and each new one as it comes.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::audit::{Closes, Filter, Order, query};

/// How often it looks for more.
const LOOK: Duration = Duration::from_millis(250);

/// Options of `tail`.
#[derive(Args)]
pub(in crate::cli) struct Tail {
    /// How many events to begin with.
    #[arg(short = 'n', long, default_value_t = 10)]
    lines: usize,
    /// End instead of waiting for more.
    #[arg(long)]
    no_follow: bool,
}

impl Tail {
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let last = Filter { closes: Closes::Apart, limit: self.lines.max(1), ..Filter::default() };
        let mut records = query(dir, &last)?.records;
        records.reverse();
        let mut after = 0;
        loop {
            for record in &records {
                after = record.sequence;
                out!("{}", record.line);
            }
            if self.no_follow {
                return Ok(ExitCode::SUCCESS);
            }
            if records.is_empty() {
                std::thread::sleep(LOOK);
            }
            let more = Filter {
                after: Some(after),
                order: Order::OldestFirst,
                closes: Closes::Apart,
                limit: 1000,
                ..Filter::default()
            };
            records = query(dir, &more)?.records;
        }
    }
}
