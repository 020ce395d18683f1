//! `schoolgate report`: the daily, weekly and termly report, as a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::cli::decisions::Token;
use crate::control::reports::Report as Made;
use crate::settings::Settings;
use crate::web::escaped;

/// A report, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    token: Token,
    /// daily, weekly, or termly for governors.
    kind: Kind,
    /// The first day, by the school's clock: 2026-09-07.
    #[arg(long, requires = "to")]
    from: Option<String>,
    /// The last day.
    #[arg(long, requires = "from")]
    to: Option<String>,
    /// Where it is written: FILE.html, FILE.csv or FILE.json; to the terminal, as text, when absent.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Daily,
    Weekly,
    Termly,
}

impl Report {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let kind = match self.kind {
            Kind::Daily => "daily",
            Kind::Weekly => "weekly",
            Kind::Termly => "termly",
        };
        let days = match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("?from={}&to={}", escaped(from), escaped(to)),
            (None, _) | (_, None) => String::new(),
        };
        let answer = self.token.gateway(settings)?.get(&format!("/api/v1/reports/{kind}{days}"))?;
        let report: Made = serde_json::from_value(answer).context("the gateway's answer is no report")?;
        match &self.out {
            None => out!("{}", report.text()),
            Some(file) => {
                let text = in_form_of(file, &report)?;
                std::fs::write(file, text).with_context(|| format!("can't write {}", file.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// In the form that the file's name asks for.
fn in_form_of(file: &Path, report: &Made) -> anyhow::Result<String> {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => Ok(report.html()),
        Some("csv") => Ok(report.csv()),
        Some("json") => Ok(serde_json::to_string_pretty(report)?),
        Some("txt") => Ok(report.text()),
        Some(_) | None => anyhow::bail!("name the file .html, .csv, .json or .txt"),
    }
}
