//! `schoolgate ca`: the authority's certificate, for people and for devices.
//!
//! **Invariant:** the key is neither read nor written here.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::ca::Public;
use crate::cli::gateway::Gateway;
use crate::cli::output::{self, Cell, Column, Table};
use crate::model::counted;
use crate::settings::Settings;

/// What a list says of each host.
const CANDIDATES: &[Column] = &[
    ("host", Cell::Of("host")),
    ("devices", Cell::Of("devices")),
    ("connections", Cell::Of("connections")),
    ("last", Cell::At("last_at")),
    ("how they said it", Cell::Of("how")),
];

/// What to do with the certificate. It is public: whoever has it can trust the gateway, no more.
#[derive(Subcommand)]
pub(super) enum Ca {
    /// Say what it is called, its fingerprint, how long it holds and what it can't sign for.
    Show {
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write it out, to be installed on devices.
    Export {
        /// The form of the file.
        #[arg(long, value_enum, default_value = "pem")]
        format: Form,
        /// Where to; to standard output when absent. A file that is there is never overwritten.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// List the hosts whose clients would not trust it: candidates for the no-inspect list.
    Candidates {
        /// How far back to look.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=366))]
        days: u64,
        /// Print as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A form in which devices take a certificate.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Form {
    /// Text: Chromebooks, Linux, Firefox.
    Pem,
    /// Bytes: Windows, Android.
    Der,
    /// A configuration profile: iPads and Macs.
    Mobileconfig,
}

impl Ca {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let public = Public::open(&settings.inspect, &settings.state.dir)?;
        match self {
            Ca::Show { json: true } => out!("{}", as_json(&public)),
            Ca::Show { json: false } => show(&public),
            Ca::Export { format, out: None } => print(*format, &public, settings)?,
            Ca::Export { format, out: Some(file) } => write(*format, &public, settings, file)?,
            Ca::Candidates { days, json } => candidates(settings, *days, *json)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The running gateway answers, so that it is recorded who looked.
fn candidates(settings: &Settings, days: u64, json: bool) -> anyhow::Result<()> {
    let path = format!("/local/inspection/candidates?days={days}");
    let answer = Gateway::of(settings, None).get(&path)?;
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    if json {
        out!("{answer}");
        return Ok(());
    }
    if items.is_empty() {
        out!("In {} no device or app has refused the school's authority.", counted(days, "day"));
        return Ok(());
    }
    out!("{}", Table::of(CANDIDATES, &items));
    out!("One device: has it the school's authority? Many: an app that brings its own. Put it");
    out!("on the no-inspect list, or leave it refused. Nothing is let past by itself.");
    Ok(())
}

impl Form {
    fn bytes(self, public: &Public, settings: &Settings) -> Vec<u8> {
        match self {
            Form::Pem => public.pem.clone().into_bytes(),
            Form::Der => public.der.clone(),
            Form::Mobileconfig => public.mobileconfig(&settings.site.name).into_bytes(),
        }
    }
}

fn show(public: &Public) {
    let mut table = output::table();
    table.add_row(["name", &public.name]);
    table.add_row(["fingerprint (SHA-256)", &public.fingerprint]);
    table.add_row(["holds from", &public.not_before.day()]);
    table.add_row(["holds until", &public.not_after.day()]);
    let never: Vec<&str> = public.excluded.iter().map(crate::model::Name::as_str).collect();
    let never = if never.is_empty() { vec!["nothing"] } else { never };
    for (at, name) in never.into_iter().enumerate() {
        table.add_row([if at == 0 { "can't sign for, nor for what is below" } else { "" }, name]);
    }
    table.add_row(["certificate", &public.file.display().to_string()]);
    out!("{table}");
    out!("Devices get it at /ca of the console, or from: schoolgate ca export --format FORM --out FILE");
}

fn as_json(public: &Public) -> serde_json::Value {
    json!({
        "name": public.name, "fingerprint": public.fingerprint,
        "not_before": public.not_before, "not_after": public.not_after,
        "excluded": public.excluded.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "file": public.file,
    })
}

fn print(format: Form, public: &Public, settings: &Settings) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    if matches!(format, Form::Der) && stdout.is_terminal() {
        bail!("these bytes are no text for a terminal: name a file with --out, or send them into one");
    }
    output::ended_if_not(stdout.write_all(&format.bytes(public, settings)).and_then(|()| stdout.flush()));
    Ok(())
}

fn write(format: Form, public: &Public, settings: &Settings, file: &Path) -> anyhow::Result<()> {
    output::write_new(file, &format.bytes(public, settings))?;
    out!("Wrote {}. Its fingerprint (SHA-256) is {}", file.display(), public.fingerprint);
    Ok(())
}
