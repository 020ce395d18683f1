//! `schoolgate audit query`: searches the trail.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::audit::{Filter, Index};
use crate::cli::audit::reading::{Place, Reading};
use crate::cli::audit::table;
use crate::cli::audit::which::{Which, written};
use crate::cli::gateway::Gateway;
use crate::model::counted;
use crate::settings::Settings;

/// Most events that the API answers at once.
const MOST: u64 = 1000;

/// What to search for.
#[derive(Args, Default)]
pub(in crate::cli) struct Query {
    #[command(flatten)]
    which: Which,
    /// Collapsed to what people did, instead of every event.
    #[arg(long)]
    pages: bool,
    /// Only the events of the page view that holds this one.
    #[arg(long)]
    page: Option<u64>,
    /// Most events to print.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=MOST))]
    limit: u64,
    /// Go on before this sequence: where the last page ended.
    #[arg(long)]
    before: Option<u64>,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

impl Query {
    fn filter(&self) -> anyhow::Result<Filter> {
        Ok(Filter {
            before: self.before,
            limit: usize::try_from(self.limit).unwrap_or(usize::MAX),
            ..self.which.filter()?
        })
    }

    /// The same as stands behind `?` of `GET /events`.
    pub(super) fn query_string(&self) -> String {
        let paging = [
            ("limit", Some(self.limit.to_string())),
            ("cursor", self.before.map(|before| before.to_string())),
        ];
        format!("?{}", written(self.asked().chain(paging)))
    }

    /// What is asked for, by its names in the API.
    fn asked(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        let further = [
            ("view", self.pages.then(|| "pages".to_owned())),
            ("page", self.page.map(|page| page.to_string())),
        ];
        self.which.asked().chain(further)
    }

    /// Events as the running gateway answers them, which records that it was asked.
    fn ask(&self, gateway: &Gateway, root: &str) -> anyhow::Result<(Vec<Value>, Option<u64>)> {
        let path = format!("{root}/events{}{}", self.query_string(), self.reading.because());
        let mut page = gateway.get(&path)?;
        for note in page["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            eprintln!("note: {note}");
        }
        let next = page["next"].as_str().and_then(|next| next.parse().ok());
        Ok((page["items"].as_array_mut().map(std::mem::take).unwrap_or_default(), next))
    }

    fn find(&self, dir: &Path) -> anyhow::Result<(Vec<Value>, Option<u64>)> {
        let (index, filter) = (Index::of(dir), self.filter()?);
        if let Some(page) = self.page {
            return Ok((index.view(page)?, None));
        }
        if self.pages {
            let views = index.views(&filter)?;
            return Ok((views.leads, views.next));
        }
        let page = index.query(&filter)?;
        Ok((page.records.into_iter().map(|record| record.event).collect(), page.next))
    }

    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let asked = self.asked().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        let (events, next) = match self.reading.place(settings, "events.read", asked.collect())? {
            Place::Gateway(gateway, root) => self.ask(&gateway, root)?,
            Place::Folder(dir) => self.find(&dir)?,
        };
        if self.json {
            for event in &events {
                out!("{event}");
            }
            return Ok(ExitCode::SUCCESS);
        }
        out!("{}", table(&events));
        match next {
            Some(next) => out!("{}; more with --before {next}", counted(events.len(), "event")),
            None => out!("{}", counted(events.len(), "event")),
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::audit::which::What;

    #[test]
    fn options_are_written_as_the_api_reads_them() {
        let query = Query {
            which: Which {
                what: What {
                    user: Some("y5.042".into()),
                    client: "10.1.2.3".parse().ok(),
                    search: Some("how to & where".into()),
                    ..What::default()
                },
                ..Which::default()
            },
            pages: true,
            limit: 50,
            before: Some(9),
            ..Query::default()
        };
        assert_eq!(
            query.query_string(),
            "?user=y5.042&client=10.1.2.3&search=how%20to%20%26%20where&view=pages&limit=50&cursor=9"
        );
    }
}
