//! `schoolgate audit tail`: the last events, and each new one as it comes.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::audit::{Closes, Filter, Order, query};
use crate::cli::audit::reading::{Place, Reading};
use crate::cli::audit::which::{What, written};
use crate::cli::gateway::Gateway;
use crate::cli::output::file;
use crate::settings::Settings;

/// How often it looks for more in a folder.
const LOOK: Duration = Duration::from_millis(250);
/// Most lines from before now.
const MOST: u64 = 1000;

/// Options of `tail`.
#[derive(Args)]
pub(in crate::cli) struct Tail {
    /// How many events of the trail to begin with, up to 1,000; of these, those that are asked for.
    #[arg(short = 'n', long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=MOST))]
    lines: u64,
    /// Go on behind this event instead: the last one that came before.
    #[arg(long, value_name = "SEQUENCE", conflicts_with = "lines")]
    after: Option<u64>,
    #[command(flatten)]
    what: What,
    /// End instead of waiting for more.
    #[arg(long)]
    no_follow: bool,
    #[command(flatten)]
    reading: Reading,
}

/// What came of a stream so far.
#[derive(Default)]
struct Streamed {
    buffer: Vec<u8>,
    /// The record of the stream's own beginning.
    began: u64,
    last: Option<u64>,
    ended: Option<String>,
}

impl Tail {
    pub(super) fn run(&self, settings: &Settings) -> anyhow::Result<ExitCode> {
        let asked =
            self.what.asked().into_iter().chain([("after", self.after.map(|after| after.to_string()))]);
        let asked = asked.filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
        match self.reading.place(settings, "events.read", asked.collect())? {
            Place::Gateway(gateway, root) => self.stream(&gateway, root),
            Place::Folder(dir) => self.read(&dir),
        }
    }

    /// From the running gateway; a stream that has lasted its time is gone on with.
    fn stream(&self, gateway: &Gateway, root: &str) -> anyhow::Result<ExitCode> {
        let mut from = match self.after {
            Some(after) => format!("after={after}"),
            None => format!("last={}", self.lines),
        };
        let what = written(self.what.asked());
        loop {
            let mut streamed = Streamed::default();
            let path = format!("{root}/events/stream?{from}&{what}{}", self.reading.because());
            gateway.pour("GET", &path, None, |piece| self.take(&mut streamed, piece))?;
            if self.no_follow {
                return Ok(ExitCode::SUCCESS);
            }
            match streamed.ended.as_deref() {
                Some("time") => {
                    from = format!("after={}", streamed.last.unwrap_or(streamed.began));
                }
                Some("access") => anyhow::bail!("you may not read this any more"),
                Some("stop") | None => anyhow::bail!("the gateway stopped"),
                Some(other) => anyhow::bail!("the gateway ended the stream: {other}"),
            }
        }
    }

    fn take(&self, streamed: &mut Streamed, piece: &[u8]) -> io::Result<ControlFlow<()>> {
        streamed.buffer.extend_from_slice(piece);
        while let Some(end) = streamed.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = streamed.buffer.drain(..end + 2).collect();
            let frame = String::from_utf8_lossy(&frame).into_owned();
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            let data = field("data: ").unwrap_or_default();
            match field("event: ") {
                Some("start") => {
                    let told: Value = serde_json::from_str(data)?;
                    streamed.began = told["audit_seq"].as_u64().unwrap_or_default();
                }
                Some("end") => {
                    let told: Value = serde_json::from_str(data)?;
                    streamed.ended = told["reason"].as_str().map(ToOwned::to_owned);
                }
                // All there is has come.
                None if self.no_follow && frame.starts_with(':') => return Ok(ControlFlow::Break(())),
                Some("event") => {
                    let id = field("id: ").and_then(|id| id.parse().ok()).unwrap_or(0);
                    // The look itself is the first that was not there before.
                    if self.no_follow && id >= streamed.began {
                        return Ok(ControlFlow::Break(()));
                    }
                    streamed.last = Some(id);
                    file(&format!("{data}\n"));
                }
                Some(_) | None => {}
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// From a folder to which no gateway writes, or whose writer is not asked.
    fn read(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let what = Filter { closes: Closes::Apart, limit: number(MOST), ..self.what.filter()? };
        let mut after = match self.after {
            Some(after) => after,
            None => newest(dir)?.saturating_sub(self.lines),
        };
        loop {
            let reached = newest(dir)?;
            let more = Filter { after: Some(after), order: Order::OldestFirst, ..what.clone() };
            let records = query(dir, &more)?.records;
            for record in &records {
                after = record.sequence;
                file(&format!("{}\n", record.line));
            }
            if records.len() < number(MOST) {
                if self.no_follow {
                    return Ok(ExitCode::SUCCESS);
                }
                // What was not asked for is not read again.
                after = after.max(reached);
            }
            if records.is_empty() {
                std::thread::sleep(LOOK);
            }
        }
    }
}

/// The last line of all.
fn newest(dir: &Path) -> anyhow::Result<u64> {
    let newest = Filter { closes: Closes::Apart, limit: 1, ..Filter::default() };
    Ok(query(dir, &newest)?.records.pop().map_or(0, |newest| newest.sequence))
}

fn number(lines: u64) -> usize {
    usize::try_from(lines).unwrap_or(usize::MAX)
}
