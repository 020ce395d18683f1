//! `schoolgate audit verify`: does the chain hold, and was it signed by this gateway?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;

use crate::audit::{Anchor, FaultKind, Key, Options, Report, index, verify};
use crate::model::{Timestamp, counted};

/// Options of `verify`.
#[derive(Args)]
pub(in crate::cli) struct Verify {
    /// A head noted earlier, SEQUENCE:HASH, or a file with one a line; finds a cut-off end. May be
    /// given several times.
    #[arg(long, value_name = "FILE|SEQUENCE:HASH")]
    head: Vec<String>,
    /// Start with this day (2026-11-24, or RFC 3339), trusting the signed checkpoint before it.
    #[arg(long, value_parser = moment)]
    since: Option<Timestamp>,
    /// The public key that checkpoints must be signed with (PEM), instead of the trail's own.
    #[arg(long)]
    key: Option<PathBuf>,
    /// The folder of the trail: a copy, on any machine.
    #[arg(long)]
    pub(super) dir: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let known = self.head.iter().map(|head| heads(head)).collect::<anyhow::Result<Vec<_>>>()?.concat();
        let beside = dir.join(Key::FILE);
        let file = self.key.as_ref().or(Some(&beside).filter(|file| file.exists()));
        let keys = file.map(|file| Key::read(file)).transpose()?.unwrap_or_default();
        let bar = ProgressBar::new(0);
        let progress = |read: usize, all: usize| {
            bar.set_length(all as u64);
            bar.set_position(read as u64);
        };
        let options = Options {
            known,
            since: self.since,
            keys: keys.clone(),
            progress: Some(&progress),
            ..Options::default()
        };
        let report = verify(dir, &options)?;
        bar.finish_and_clear();
        if self.json {
            out!("{}", json(&report, &keys));
        } else {
            tell(&report, &keys);
            for damage in index::check(dir)? {
                out!("{damage}");
            }
        }
        Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// A day, or a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|_| "neither a day such as 2026-11-24 nor a moment in RFC 3339".to_owned())
}

/// A head, or those in a file.
fn heads(text: &str) -> anyhow::Result<Vec<Anchor>> {
    if let Ok(head) = text.parse() {
        return Ok(vec![head]);
    }
    let read = std::fs::read_to_string(text);
    let lines =
        read.with_context(|| format!("{text} is neither a head (SEQUENCE:HASH) nor a file of heads"))?;
    let read = |line: &str| line.trim().parse().with_context(|| format!("{text}: {line}"));
    let heads = lines.lines().filter(|line| !line.trim().is_empty()).map(read);
    let heads = heads.collect::<anyhow::Result<Vec<_>>>()?;
    anyhow::ensure!(
        !heads.is_empty(),
        "{text} has no head (SEQUENCE:HASH) in it: nothing would be held to it"
    );
    Ok(heads)
}

fn head(report: &Report) -> Option<Anchor> {
    report.head.zip(report.last).map(|(hash, sequence)| Anchor { sequence, hash })
}

fn json(report: &Report, keys: &[Key]) -> serde_json::Value {
    let faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "sound": report.is_sound(), "events": report.events, "removed": report.removed, "first": report.first,
        "last": report.last, "days": report.days, "head": head(report).map(|head| head.to_string()),
        "checkpoints": report.checkpoints, "keys": keys.iter().map(Key::fingerprint).collect::<Vec<_>>(),
        "faults": faults, "further_faults": report.further_faults,
    })
}

fn tell(report: &Report, keys: &[Key]) {
    for fault in &report.faults {
        out!("{fault}");
    }
    if report.further_faults > 0 {
        out!("… and {} more", report.further_faults);
    }
    for key in keys {
        out!("Key {}", key.fingerprint());
    }
    let Report { events, days, removed, checkpoints, .. } = report;
    let is_nothing = report.faults.iter().any(|fault| fault.what == FaultKind::NoTrail);
    match (report.is_sound(), head(report)) {
        (true, Some(head)) => out!(
            "The chain holds: {} over {}, {}, {} removed in their time.\nNote this down elsewhere: {head}",
            counted(events, "event"),
            counted(days, "day"),
            counted(checkpoints, "checkpoint"),
            counted(removed, "event"),
        ),
        (true, None) => out!("Nothing was verified: the last day has no record yet."),
        (false, _) if is_nothing => out!("NOTHING WAS VERIFIED: name the folder of a trail."),
        (false, _) => out!("THE CHAIN DOES NOT HOLD: see above."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_stand_on_the_command_line_or_in_a_file_and_a_file_without_one_is_a_fault() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("heads");
        let file = file.to_str().unwrap();
        let (one, two) = (format!("7:{}", "0a".repeat(32)), format!("9:{}", "0b".repeat(32)));
        assert_eq!(heads(&one).unwrap().len(), 1);
        for (text, expected) in [
            (format!("{one}\n\n  {two}\n"), Ok(2)),
            (String::new(), Err("has no head")),
            (" \n\n".to_owned(), Err("has no head")),
            (format!("{one}\nnonsense\n"), Err("nonsense")),
        ] {
            std::fs::write(file, &text).unwrap();
            match (heads(file), expected) {
                (Ok(found), Ok(count)) => assert_eq!(found.len(), count, "{text:?}"),
                (Err(fault), Err(said)) => assert!(fault.to_string().contains(said), "{fault}"),
                (found, _) => panic!("{text:?}: {found:?}"),
            }
        }
        assert!(heads("no such file").unwrap_err().to_string().contains("neither a head"));
    }
}
