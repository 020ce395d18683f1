//! `schoolgate audit export` and `verify-export`: events as an archive, and whether one is as it was
//! written.

use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::audit::{Format, Key, Rows, check_export};
use crate::cli::audit::archive::{Archive, Trail};
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
    #[arg(long, value_name = "SEQUENCE", conflicts_with_all = ["Which", "What", "format", "pages"])]
    matter: Option<u64>,
    /// How many minutes before and after the event belong to its matter.
    #[arg(long, requires = "matter")]
    minutes: Option<u32>,
    #[command(flatten)]
    which: Which,
    /// Page views as the rows of csv and xlsx, instead of every event.
    #[arg(long)]
    pages: bool,
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
        let out = File::options().write(true).create_new(true).mode(0o600).open(&self.out)?;
        if let Err(fault) = self.fill(&out, settings) {
            // What is not whole is worth nothing, and may hold names.
            let _ = std::fs::remove_file(&self.out);
            return Err(fault);
        }
        out.sync_all()?;
        out!("{} is written; VERIFY.txt in it says how to check it", self.out.display());
        Ok(ExitCode::SUCCESS)
    }

    /// Has the gateway write the archive, or does it where none runs.
    fn fill(&self, mut out: &File, settings: &Settings) -> anyhow::Result<()> {
        let dir = match self.reading.place(settings, "events.export", self.query())? {
            Place::Gateway(gateway, root) => {
                let (path, body) = self.asked();
                let take = |piece: &[u8]| -> io::Result<ControlFlow<()>> {
                    out.write_all(piece)?;
                    Ok(ControlFlow::Continue(()))
                };
                return gateway.pour("POST", &format!("{root}/{path}"), Some(body), take);
            }
            Place::Folder(dir) => dir,
        };
        anyhow::ensure!(
            self.matter.is_none(),
            "the evidence of a matter is written by a gateway that runs: start it, or say whose events of \
             which time with --user, --from and --to"
        );
        let beside = self.out.parent().filter(|folder| !folder.as_os_str().is_empty());
        let archive = Archive {
            from: (&dir, if self.reading.is_of_a_copy() { Trail::Copy } else { Trail::Own }),
            filter: self.which.filter()?,
            formats: &self.format,
            rows: if self.pages { Rows::Pages } else { Rows::Events },
            query: self.query(),
            reason: self.reading.reason(),
            scratch: beside.unwrap_or(Path::new(".")),
        };
        archive.write(out, settings)
    }

    /// Which events, by their names in the API.
    fn query(&self) -> Map<String, Value> {
        let view = ("view", self.pages.then(|| "pages".to_owned()));
        let asked = self.which.asked().chain([view]);
        asked.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
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
        body.insert("query".to_owned(), self.query().into());
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
        for more in
            [["--user", "y5.042"], ["--host", "a.example"], ["--format", "csv"], ["--search", "words"]]
        {
            assert!(given(&[&["--matter", "11"], &more[..]].concat()).is_err(), "{more:?}");
        }
    }
}
