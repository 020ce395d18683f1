//! `schoolgate audit verify`: does the chain hold?

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::audit::{Anchor, index, verify};

/// Options of `verify`.
#[derive(Args)]
pub(in crate::cli) struct Verify {
    /// A head noted earlier, SEQUENCE:HASH; finds a cut-off end. May be given several times.
    #[arg(long)]
    head: Vec<Anchor>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let report = verify(dir, &self.head)?;
        let head = report.head.zip(report.last).map(|(hash, sequence)| Anchor { sequence, hash });
        if self.json {
            let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
            let answer = serde_json::json!({
                "sound": report.is_sound(), "events": report.events, "first": report.first, "last": report.last,
                "days": report.days, "head": head.map(|head| head.to_string()), "faults": faults,
                "further_faults": report.further_faults,
            });
            out!("{answer}");
        } else {
            for fault in &report.faults {
                out!("{fault}");
            }
            for damage in index::check(dir)? {
                out!("{damage}");
            }
            let days = report.days;
            match (report.is_sound(), head) {
                (true, Some(head)) => {
                    out!("The chain holds: {} events over {days} days. Head {head}", report.events)
                }
                (true, None) => out!("The trail is empty."),
                (false, _) => out!("THE CHAIN DOES NOT HOLD: see above."),
            }
        }
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
