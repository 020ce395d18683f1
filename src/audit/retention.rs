//! Retention: what is past its time goes for good, and chain, checkpoints and proofs still hold.
//!
//! **Invariant:** kept lines stay byte for byte; the trail tells of a removal, durably and signed,
//! before it takes place; a segment that is not as it was written is left alone, as evidence.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::audit::chain::LineHash;
use crate::audit::event::{Act, Actor, Entry};
use crate::audit::index::Index;
use crate::audit::notary::SealError;
use crate::audit::packed;
use crate::audit::recorder::{RecordError, Recorder};
use crate::audit::segment::Segment;
use crate::audit::verify::segment_name;
use crate::model::Timestamp;
use crate::settings;

mod rewrite;

use rewrite::Rewritten;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What the name of a file ends in that is to take a segment's place.
const NEW: &str = "zst.kept";

/// How many days lines are kept, by what they tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Accesses and their ends.
    pub accesses: u16,
    /// Acts of staff: changes, unblocks, what they read, when they signed in.
    pub acts: u16,
    /// Alerts and what became of them.
    pub alerts: u16,
    /// What the gateway tells of itself.
    pub system: u16,
}

/// Whose lines are kept whatever their time: those under a legal hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Names of people and devices, and addresses of clients, as lines have them.
    names: HashSet<String>,
}

/// Lines of one segment that are past their time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Due {
    /// The segment: `2026-11-24/000000000001`.
    pub segment: String,
    /// The first of them.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// How many, by dataset.
    pub datasets: BTreeMap<String, u64>,
    /// The SHA-256 of the lines that are left.
    pub sha256: String,
}

/// Why lines that are past their time are still there.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// A file can't be read or written.
    #[error("the audit trail can't be thinned out: {0}")]
    Files(#[from] io::Error),
    /// The removal could not be recorded.
    #[error("nothing was removed, since that could not be recorded: {0}")]
    Unrecorded(#[from] RecordError),
    /// The record of the removal could not be signed.
    #[error("nothing was removed, since its record could not be forced to disk and signed: {0}")]
    Unsealed(#[from] SealError),
}

impl From<&settings::Audit> for Terms {
    fn from(audit: &settings::Audit) -> Terms {
        Terms {
            accesses: audit.retention_days,
            acts: audit.acts_days,
            alerts: audit.alerts_days,
            system: audit.system_days,
        }
    }
}

impl Terms {
    /// The moment before which what goes by a dataset's clock is past its time: a midnight in UTC.
    #[must_use]
    pub fn until(&self, dataset: &str, now: Timestamp) -> Timestamp {
        let midnight = format!("{}T00:00:00Z", self.cutoff(dataset, now));
        midnight.parse().unwrap_or(Timestamp::from_millis(i64::MIN))
    }

    /// The days before which lines of a dataset are past their time.
    fn cutoff(&self, dataset: &str, now: Timestamp) -> String {
        let days = match dataset {
            "schoolgate.access" | "schoolgate.close" => self.accesses,
            "schoolgate.alert" => self.alerts,
            "schoolgate.system" | "schoolgate.selftest" => self.system,
            _ => self.acts,
        };
        now.minus(DAY * u32::from(days)).day()
    }

    /// The day before which a segment can hold anything past its time.
    fn latest(&self, now: Timestamp) -> String {
        let least = self.accesses.min(self.acts).min(self.alerts).min(self.system);
        now.minus(DAY * u32::from(least)).day()
    }
}

impl Held {
    /// Keeps every line that names this person or device.
    pub fn name(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// Keeps every line that names this client.
    pub fn client(&mut self, client: IpAddr) {
        self.names.insert(client.to_canonical().to_string());
    }

    /// Whether that is the name of somebody who is held, or of what is.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether a line is about somebody who is held.
    fn keeps(&self, line: &[u8]) -> bool {
        !self.names.is_empty()
            && serde_json::from_slice::<Value>(line).is_ok_and(|event| self.is_named_in(&event))
    }

    fn is_named_in(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => self.names.contains(text),
            Value::Array(values) => values.iter().any(|value| self.is_named_in(value)),
            Value::Object(map) => map.values().any(|value| self.is_named_in(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// What is past its time, segment by segment; nothing is touched.
///
/// # Errors
/// When a segment can't be read.
pub fn due(dir: &Path, terms: &Terms, held: &Held, now: Timestamp) -> io::Result<Vec<Due>> {
    let mut found = Vec::new();
    sweep(dir, terms, &mut || Ok(held.clone()), now, |_, rewritten, _| {
        found.push(rewritten.due);
        Ok(())
    })?;
    Ok(found)
}

/// Removes what is past its time. Each removal is told by `audit.removed` before it takes place;
/// one that a crash came before is done at the next call. `held` is asked anew for every segment, before
/// it is judged and before it is replaced: whom a hold came for meanwhile it keeps.
///
/// # Errors
/// [`RetentionError`]; segments before the one that failed are done.
pub async fn retain(
    recorder: &Recorder,
    index: &Index,
    terms: Terms,
    mut held: impl FnMut() -> io::Result<Held> + Send + 'static,
    now: Timestamp,
) -> Result<Vec<Due>, RetentionError> {
    let (told, mut telling) = tokio::sync::mpsc::channel::<(Due, std::sync::mpsc::Sender<()>)>(1);
    let dir = recorder.dir().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let held = RefCell::new(&mut held);
        let mut left = Vec::new();
        sweep(&dir, &terms, &mut || (held.borrow_mut())(), now, |segment, rewritten, judged_by| {
            let new = rewritten.write(segment)?;
            let (tell, may) = std::sync::mpsc::channel();
            let name = rewritten.due.segment.clone();
            let recorded = told.blocking_send((rewritten.due, tell)).is_ok() && may.recv().is_ok();
            if !recorded {
                fs::remove_file(&new)?;
                return Err(io::Error::other("the removal was not recorded"));
            }
            match (held.borrow_mut())() {
                Ok(held) if held == judged_by => put(segment, &new),
                // Judged anew at the next call.
                Ok(_) => {
                    left.push(name);
                    fs::remove_file(&new)
                }
                Err(fault) => fs::remove_file(&new).and(Err(fault)),
            }
        })?;
        remove_copies(&dir, &terms, now)?;
        Ok(left)
    });
    let mut done = Vec::new();
    let mut failed = None;
    while let Some((due, may)) = telling.recv().await {
        match tell(recorder, &due).await {
            // Who waits for it has not gone.
            Ok(()) => drop(may.send(())),
            Err(fault) => failed = failed.or(Some(fault)),
        }
        done.push(due);
    }
    let worked: io::Result<Vec<String>> = work.await.map_err(io::Error::other)?;
    if let Ok(left) = &worked {
        done.retain(|due| !left.contains(&due.segment));
    }
    done.iter().filter_map(|due| due.segment.split_once('/')).for_each(|(day, _)| index.forget(day));
    match (failed, worked) {
        (Some(fault), _) => Err(fault),
        (None, Err(fault)) => Err(fault.into()),
        (None, Ok(_)) => Ok(done),
    }
}

async fn tell(recorder: &Recorder, due: &Due) -> Result<(), RetentionError> {
    let act = Act::new(Actor::System, "audit.removed")
        .with("segment", due.segment.as_str())
        .with("from", due.from)
        .with("to", due.to)
        .with("datasets", serde_json::json!(due.datasets))
        .with("sha256", due.sha256.as_str());
    recorder.record(Entry::System(act)).await?;
    recorder.seal().await?;
    Ok(())
}

/// Hands every segment with lines past their time to `each`, with what would be left of it.
fn sweep(
    dir: &Path,
    terms: &Terms,
    held: &mut dyn FnMut() -> io::Result<Held>,
    now: Timestamp,
    mut each: impl FnMut(&Segment, Rewritten, Held) -> io::Result<()>,
) -> io::Result<()> {
    let mut segments = Segment::list(dir)?;
    // The last one is being written to.
    segments.pop();
    let latest = terms.latest(now);
    // The ends of accesses of those who are held: they name nobody.
    let mut ends = HashSet::new();
    for segment in segments.iter().filter(|segment| segment.is_packed() && segment.day < latest) {
        let held = held()?;
        let keep = |place: &crate::audit::line::Place<'_>, line: &[u8]| {
            let is_kept = segment.day >= terms.cutoff(place.dataset, now)
                || tells_of_the_trail(place.dataset, line)
                || held.keeps(line)
                || (place.dataset == "schoolgate.close" && ends.contains(place.id));
            if is_kept && place.dataset == "schoolgate.access" && held.keeps(line) {
                ends.insert(place.id.to_owned());
            }
            is_kept
        };
        match Rewritten::of(segment, keep)? {
            Some(rewritten) if !rewritten.due.datasets.is_empty() => each(segment, rewritten, held)?,
            Some(_) => {}
            None => tracing::warn!(
                segment = segment_name(&segment.path),
                "this segment is not as it was written, and nothing is removed from it"
            ),
        }
    }
    Ok(())
}

/// What a verification needs, whatever its time.
fn tells_of_the_trail(dataset: &str, line: &[u8]) -> bool {
    let named = |action: &str| {
        let needle = format!("\"action\":\"{action}\"");
        line.windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    dataset == "schoolgate.system" && (named("audit.signing") || named("audit.removed"))
}

impl Rewritten {
    /// Writes what is left beside the segment, on disk.
    fn write(&self, segment: &Segment) -> io::Result<PathBuf> {
        let new = segment.path.with_extension(NEW);
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&new)?;
        if !packed::pack(&self.lines[..], &mut file, || Ok(()))? {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "what is left can't be compressed"));
        }
        file.flush()?;
        file.sync_all()?;
        Ok(new)
    }
}

/// Puts the new file in the segment's place; the day's index, which held the same words, goes.
fn put(segment: &Segment, new: &Path) -> io::Result<()> {
    fs::rename(new, &segment.path)?;
    let folder = segment.path.parent().unwrap_or(Path::new("."));
    remove_where(folder, |name| name.starts_with("index."))?;
    File::open(folder)?.sync_all()
}

/// Removes copies of lines that stand beside the segments of days whose accesses are past their
/// time: tails that were cut off, and what a crash left of an earlier call.
fn remove_copies(dir: &Path, terms: &Terms, now: Timestamp) -> io::Result<()> {
    let cutoff = terms.cutoff("schoolgate.access", now);
    for day in Segment::days(dir)?.into_iter().filter(|day| *day < cutoff) {
        remove_where(&dir.join(day), |name| name.contains(".torn-") || name.ends_with(NEW))?;
    }
    Ok(())
}

fn remove_where(folder: &Path, is: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is(&entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The SHA-256 of some lines, as 64 hex digits.
fn sha256(lines: &[u8]) -> String {
    LineHash::from_bytes(Sha256::digest(lines).into()).to_string()
}
