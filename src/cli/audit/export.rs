//! `schoolgate audit export` and `verify-export`: events as an archive, and whether one is as it was
//! written.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::audit::{Format, Key, check_export};
use crate::cli::audit::reading::{Place, Reading};
use crate::cli::audit::which::Which;
use crate::settings::Settings;

/// What to write.
#[derive(Args)]
pub(in crate::cli) struct Export {
    /// Where to write the archive (ZIP); there must not be such a file yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// As what: jsonl, csv or xlsx; may be given several times. All three unless said.
    #[arg(long)]
    format: Vec<Format>,
    /// Instead of what the other options say: all that belongs to the matter of this event.
    #[arg(long, value_name = "SEQUENCE", conflicts_with_all = ["Which", "format"])]
    matter: Option<u64>,
    /// How many minutes before and after the event belong to its matter.
    #[arg(long, requires = "matter")]
    minutes: Option<u32>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    reading: Reading,
}

/// What to check.
#[derive(Args)]
pub(in crate::cli) struct VerifyExport {
    /// The archive.
    file: PathBuf,
    /// Public keys that you had before, instead of those that came along.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let place = self.reading.place(settings, "events.export", Map::new())?;
        let Place::Gateway(gateway, root) = place else {
            anyhow::bail!("the gateway writes archives, and none runs here: start it");
        };
        let (path, body) = self.asked();
        let mut out = File::options().write(true).create_new(true).mode(0o600).open(&self.out)?;
        let take = |piece: &[u8]| -> io::Result<ControlFlow<()>> {
            out.write_all(piece)?;
            Ok(ControlFlow::Continue(()))
        };
        if let Err(fault) = gateway.pour("POST", &format!("{root}/{path}"), Some(body), take) {
            // What is not whole is worth nothing, and may hold names.
            let _ = std::fs::remove_file(&self.out);
            return Err(fault);
        }
        out.sync_all()?;
        out!("{} is written; VERIFY.txt in it says how to check it", self.out.display());
        Ok(ExitCode::SUCCESS)
    }

    /// Where, and what is sent there.
    fn asked(&self) -> (&'static str, Value) {
        let mut body = Map::new();
        body.extend(self.reading.reason().map(|reason| ("reason".to_owned(), reason.into())));
        if let Some(event) = self.matter {
            body.insert("event".to_owned(), event.into());
            body.extend(self.minutes.map(|minutes| ("minutes".to_owned(), minutes.into())));
            return ("evidence", body.into());
        }
        let which: Map<String, Value> = self
            .which
            .asked()
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.into())))
            .collect();
        body.insert("query".to_owned(), which.into());
        if !self.format.is_empty() {
            let formats: Vec<&str> = self.format.iter().map(|format| format.as_str()).collect();
            body.insert("formats".to_owned(), json!(formats));
        }
        ("exports", body.into())
    }
}

impl VerifyExport {
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        let keys = self.key.as_deref().map(Key::read).transpose()?;
        let checked = match check_export(&self.file, keys) {
            Ok(checked) => checked,
            Err(fault) => {
                out!("{fault}");
                out!("THIS ARCHIVE IS NOT AS IT WAS WRITTEN: see above.");
                return Ok(ExitCode::FAILURE);
            }
        };
        out!("Every file is as it was written. Lines of the trail that are proven: {}.", checked.proven);
        out!("manifest.json has the SHA-256 {}.", checked.manifest);
        checked.keys.iter().for_each(|key| out!("Signed by the key {key}."));
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        export: Export,
    }

    /// All of a matter is written; what would choose among it was once taken and not minded.
    #[test]
    fn a_matter_takes_no_other_choice_of_events() {
        let given = |more: &[&str]| {
            Command::try_parse_from([&["x", "--out", "a.zip", "--reason", "a case"], more].concat())
        };
        assert!(given(&["--matter", "11"]).is_ok_and(|given| given.export.matter == Some(11)));
        assert!(given(&["--user", "y5.042", "--format", "csv"]).is_ok());
        for more in [["--user", "y5.042"], ["--host", "a.example"], ["--format", "csv"]] {
            assert!(given(&[&["--matter", "11"], &more[..]].concat()).is_err(), "{more:?}");
        }
    }
}
