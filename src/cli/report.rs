//! `schoolgate report`: the daily, weekly and termly report, as a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::cli::form::{Form, Token};
use crate::cli::output::{self, Table};
use crate::cli::said::Day;
use crate::control::reports::Report as Made;
use crate::settings::Settings;
use crate::web::escaped;

/// A report, in the name of the token's owner.
#[derive(Args)]
pub(super) struct Report {
    #[command(flatten)]
    token: Token,
    #[command(flatten)]
    form: Form,
    /// daily, weekly, or termly for governors.
    kind: Kind,
    /// The first day, by the school's clock: 2026-09-07.
    #[arg(long, requires = "to")]
    from: Option<Day>,
    /// The last day.
    #[arg(long, requires = "from")]
    to: Option<Day>,
    /// Where it is written: FILE.html, FILE.csv, FILE.json or FILE.txt; to the terminal, when absent. A
    /// file that is there is never overwritten.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
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
            (Some(from), Some(to)) => format!("?from={}&to={}", escaped(from.as_str()), escaped(to.as_str())),
            (None, _) | (_, None) => String::new(),
        };
        let answer = self.token.gateway(settings)?.get(&format!("/api/v1/reports/{kind}{days}"))?;
        let report: Made =
            serde_json::from_value(answer.clone()).context("the gateway's answer is no report")?;
        match &self.out {
            None => self.form.answer(&answer, |_| out!("{}", as_text(&report, Table::to_string))),
            Some(file) => {
                output::write_new(file, in_form_of(file, &report)?.as_bytes())?;
                out!("Wrote {}.", file.display());
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
        Some("txt") => Ok(as_text(report, Table::whole)),
        Some(_) | None => anyhow::bail!("name the file .html, .csv, .json or .txt"),
    }
}

/// The tables of a report, each drawn so.
fn as_text(report: &Made, drawn: fn(&Table) -> String) -> String {
    let mut text = format!("{}\n{}; made {}", report.title, report.span, report.made_at);
    for section in &report.sections {
        text.push_str(&format!("\n\n{}\n", section.title));
        text.extend(section.note.iter().map(|note| format!("({note})\n")));
        let mut table = Table::default();
        table.set_header(&section.columns);
        section.rows.iter().for_each(|row| table.add_row(row));
        text.push_str(&if table.is_empty() { "None.".to_owned() } else { drawn(&table) });
    }
    text
}
