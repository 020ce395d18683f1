//! `schoolgate audit around`: what happened around an event.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::audit::Index;
use crate::audit::around::{Step, told};
use crate::audit::pages::shown;
use crate::cli::audit::reading::{Place, Reading};
use crate::cli::audit::table;
use crate::cli::output::moment;
use crate::model::counted;
use crate::settings::Settings;

/// What to look at.
#[derive(Args)]
pub(in crate::cli) struct Around {
    /// The event's number, as `audit query` prints it.
    sequence: u64,
    /// How far to look before and after, in minutes.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=240))]
    minutes: u64,
    /// Every event, instead of what the person did collapsed to page views.
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    reading: Reading,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Around {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let view = if self.events { "events" } else { "pages" };
        let details = Map::from_iter([("sequence".to_owned(), self.sequence.into())]);
        let answer = match self.reading.place(settings, "events.around", details)? {
            Place::Gateway(gateway, root) => {
                let (sequence, minutes) = (self.sequence, self.minutes);
                let because = self.reading.because();
                gateway
                    .get(&format!("{root}/events/{sequence}/around?minutes={minutes}&view={view}{because}"))?
            }
            Place::Folder(dir) => self.read(&dir)?,
        };
        if self.json {
            out!("{answer}");
            return Ok(ExitCode::SUCCESS);
        }
        out!("{}", table([&answer["event"]]));
        if let Some(told) = answer["told"].as_str().filter(|told| !told.is_empty()) {
            out!("{told}");
        }
        let list = |name: &str| answer[name].as_array().map_or(&[][..], Vec::as_slice);
        let (person, others) = (list("person"), list("others"));
        if !person.is_empty() {
            out!("\nThe same person, {} before and after", counted(self.minutes, "minute"));
            out!("{}", table(person));
        }
        if answer["person_cut"] == true {
            out!("They did more within that time than is shown: look at fewer minutes, or at `audit query`.");
        }
        if answer["event"]["event"]["dataset"] == "schoolgate.access" {
            let more = if answer["others_cut"] == true { ", and maybe more" } else { "" };
            out!("\nOthers at the same host: {}{more}", others.len());
        }
        for other in others {
            let who = ["user", "device", "client"].iter().find_map(|name| other[*name].as_str());
            let group = other["group"].as_str().unwrap_or_default();
            let since = moment(other["time"].as_str().unwrap_or_default());
            let times = counted(&other["accesses"], "time");
            out!("  {} {group} since {since} UTC, {times}", who.unwrap_or("somebody"));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The same from the trail itself, where no gateway runs.
    fn read(&self, dir: &Path) -> anyhow::Result<Value> {
        let span = Duration::from_secs(self.minutes * 60);
        let found = Index::of(dir).around(self.sequence, span)?;
        let found = found.with_context(|| format!("there is no event {}", self.sequence))?;
        let person = if self.events { found.person } else { shown(found.person) };
        let other = |(first, accesses): (Value, u64)| {
            json!({
                "sequence": first["event"]["sequence"], "time": first["@timestamp"],
                "user": first["user"]["name"], "device": first["host"]["name"], "client": first["source"]["ip"],
                "group": first["user"]["group"]["name"], "accesses": accesses,
            })
        };
        let step = |step: Step| {
            json!({
                "sequence": step.sequence, "time": step.time, "host": step.host, "search": step.search,
                "reached": step.reached.as_str(), "from": step.from,
            })
        };
        Ok(json!({
            "event": found.event,
            "told": told(&found.chain),
            "chain": found.chain.into_iter().map(step).collect::<Vec<_>>(),
            "person": person,
            "person_cut": found.is_cut,
            "others_cut": found.others_cut,
            "others": found.others.into_iter().map(other).collect::<Vec<_>>(),
        }))
    }
}
