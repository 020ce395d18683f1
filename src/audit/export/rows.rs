//! Reads what is asked for out of the trail, once for every format together.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::export::cells::{Cell, cells};
use crate::audit::export::commas::Commas;
use crate::audit::export::matter::Matter;
use crate::audit::export::sheet::{LAST_ROW, Sheet};
use crate::audit::export::views::Visits;
use crate::audit::export::{ExportError, Exporting, Format, Names, Rows};
use crate::audit::proof::{ProveError, Prover};
use crate::audit::query::Ends as Open;
use crate::audit::{ClosedBy, Closes, Filter, Order, Record};

/// After how many events it is looked whether there is room for more.
const LOOK: u64 = 1024;

/// What was written, by the names of the files.
pub(super) struct Written {
    pub(super) files: Vec<(&'static str, &'static str, File)>,
    pub(super) events: u64,
    /// How many lines of the trail stand among them.
    pub(super) lines: u64,
    /// How many page views the events make, where they are rows.
    pub(super) pages: Option<u64>,
    /// And among their ends.
    pub(super) closes: u64,
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
    pub(super) checkpoints: u64,
    pub(super) unproven: u64,
}

/// A file without a name.
pub(super) fn scratch(folder: &Path) -> io::Result<File> {
    let path = folder.join(format!("export-{}", Uuid::now_v7()));
    let file = File::options().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

type Out = BufWriter<File>;

/// The files being written.
struct Outs {
    lines: Option<Out>,
    closes: Option<Out>,
    proofs: Option<(Out, Prover)>,
    explanations: Option<Out>,
    commas: Option<Commas<Out>>,
    sheet: Option<Sheet>,
    matter: Option<Matter<Out>>,
    checkpoints: BTreeMap<(u64, u64), String>,
    /// How many lines stand among the events.
    whole: u64,
    unproven: u64,
}

/// How an access ended; small, since a million of them are held.
#[derive(Clone, Copy)]
struct End {
    up: u64,
    down: u64,
    nanos: u64,
    by: ClosedBy,
}

/// What matches.
struct Matching {
    /// The accesses that do not say how they ended.
    open: Open,
    /// What page views are made of, where those are rows.
    visits: Option<Visits>,
    /// How many events.
    count: u64,
}

/// How accesses ended, by `event.id`.
type Ended = HashMap<Uuid, End>;

/// Writes every event that matches, the oldest first.
pub(super) fn write(wanted: &Exporting<'_>) -> Result<Written, ExportError> {
    let Matching { open, visits, count } = matching(wanted)?;
    if count > wanted.most || (wanted.formats.contains(&Format::Xlsx) && count > u64::from(LAST_ROW)) {
        return Err(ExportError::TooMany { most: wanted.most.min(u64::from(LAST_ROW)) });
    }
    let mut outs = Outs::open(wanted)?;
    let (ended, closes) = outs.ends(wanted, open)?;
    let views = visits.map(|visits| visits.collapse(|id| ended.get(&id).map(|end| end.down)));
    let (mut events, mut first, mut last) = (0, None, None);
    each(wanted, |record, shown| {
        first.get_or_insert(record.sequence);
        last = Some(record.sequence);
        if events % LOOK == 0 {
            wanted.room_for(0)?;
        }
        events += 1;
        outs.line(&record, &shown)?;
        let event = joined(shown, &ended);
        let row = match &views {
            Some(views) => views.row(record.sequence, event),
            None => Some(event),
        };
        row.map_or(Ok(()), |row| outs.event(wanted, record.sequence, &row))
    })?;
    let (lines, unproven) = (outs.whole, outs.unproven);
    let checkpoints = outs.checkpoints.len() as u64;
    Ok(Written {
        files: outs.close(wanted.scratch)?,
        events,
        lines,
        pages: views.map(|views| views.count()),
        closes,
        first,
        last,
        checkpoints,
        unproven,
    })
}

/// Reads through what matches for the first time.
fn matching(wanted: &Exporting<'_>) -> Result<Matching, ExportError> {
    let visits = match wanted.rows {
        Rows::Events => None,
        Rows::Pages => Some(Visits::default()),
    };
    let mut found = Matching { open: Open::before(wanted.filter.before), visits, count: 0 };
    each(wanted, |record, shown| {
        found.count += 1;
        if found.count > wanted.most {
            return Err(ExportError::TooMany { most: wanted.most });
        }
        let id = found.open.add(record.sequence, &record.event);
        found.visits.iter_mut().for_each(|visits| visits.add(&shown, id));
        Ok(())
    })?;
    Ok(found)
}

/// Hands over every event that matches, with what of it may be shown.
fn each(
    wanted: &Exporting<'_>,
    mut found: impl FnMut(Record, Value) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let filter = Filter { order: Order::OldestFirst, closes: Closes::Joined, ..wanted.filter.clone() };
    let mut failed = None;
    wanted.index.scan(&filter, |record| {
        let Some(shown) = (wanted.show)(record.event.clone()) else { return true };
        match found(record, shown) {
            Ok(()) => true,
            Err(fault) => {
                failed = Some(fault);
                false
            }
        }
    })?;
    failed.map_or(Ok(()), Err)
}

fn joined(mut event: Value, ended: &Ended) -> Value {
    if let Some(end) = id(&event).and_then(|id| ended.get(&id)) {
        event["schoolgate"]["bytes_up"] = end.up.into();
        event["schoolgate"]["bytes_down"] = end.down.into();
        event["schoolgate"]["closed_by"] = end.by.as_str().into();
        event["event"]["duration"] = end.nanos.into();
    }
    event
}

fn id(event: &Value) -> Option<Uuid> {
    event["event"]["id"].as_str()?.parse().ok()
}

impl End {
    fn of(close: &Value) -> Option<End> {
        let own = &close["schoolgate"];
        let by = own["closed_by"].as_str()?;
        Some(End {
            up: own["bytes_up"].as_u64()?,
            down: own["bytes_down"].as_u64()?,
            nanos: close["event"]["duration"].as_u64()?,
            by: ClosedBy::ALL.into_iter().find(|one| one.as_str() == by)?,
        })
    }
}

impl Outs {
    fn open(wanted: &Exporting<'_>) -> Result<Outs, ExportError> {
        let out = || scratch(wanted.scratch).map(BufWriter::new);
        let has = |format| wanted.formats.contains(&format);
        let lines = has(Format::Jsonl) && wanted.names == Names::Own;
        let when = |yes: bool| yes.then(out).transpose();
        let proofs = when(lines)?;
        let prover = proofs.map(|out| Prover::new(wanted.index.dir()).map(|prover| (out, prover)));
        Ok(Outs {
            lines: when(lines)?,
            closes: when(lines)?,
            proofs: prover.transpose()?,
            explanations: when(wanted.explain.is_some())?,
            commas: when(has(Format::Csv))?.map(|out| Commas::begin(out, wanted.rows)).transpose()?,
            sheet: has(Format::Xlsx).then(|| Sheet::begin(wanted.scratch, wanted.rows)).transpose()?,
            matter: when(wanted.explain.is_some())?
                .map(|out| Matter::begin(out, &wanted.about, &wanted.zone))
                .transpose()?,
            checkpoints: BTreeMap::new(),
            whole: 0,
            unproven: 0,
        })
    }

    /// Reads how the accesses that match ended.
    fn ends(&mut self, wanted: &Exporting<'_>, open: Open) -> Result<(Ended, u64), ExportError> {
        let (mut ended, mut found, mut failed) = (Ended::new(), 0, None);
        open.find(wanted.index.dir(), Some(wanted.index), &mut |id, sequence, line| {
            let close = serde_json::from_slice(line).unwrap_or_default();
            ended.extend(End::of(&close).map(|end| (id, end)));
            let room = if found % LOOK == 0 { wanted.room_for(0) } else { Ok(()) };
            found += 1;
            failed = room.and_then(|()| self.close_line(sequence, line)).err();
            failed.is_none()
        })?;
        failed.map_or(Ok((ended, found)), Err)
    }

    fn close_line(&mut self, sequence: u64, line: &[u8]) -> Result<(), ExportError> {
        let Some(out) = &mut self.closes else { return Ok(()) };
        out.write_all(line)?;
        out.write_all(b"\n")?;
        self.proven(sequence)
    }

    /// The line itself, where nothing of it is kept back.
    fn line(&mut self, record: &Record, shown: &Value) -> Result<(), ExportError> {
        let Some(out) = self.lines.as_mut().filter(|_| *shown == record.event) else { return Ok(()) };
        writeln!(out, "{}", record.line)?;
        self.whole += 1;
        self.proven(record.sequence)
    }

    fn event(&mut self, wanted: &Exporting<'_>, sequence: u64, shown: &Value) -> Result<(), ExportError> {
        if let (Some(out), Some(explain)) = (&mut self.explanations, wanted.explain)
            && let Some(decision) = explain(shown)
        {
            writeln!(out, "{}", json!({ "sequence": sequence, "decision": decision }))?;
        }
        let cells: Vec<Cell> = cells(shown, &wanted.zone, wanted.rows);
        self.commas.as_mut().map(|commas| commas.row(&cells)).transpose()?;
        self.sheet.as_mut().map(|sheet| sheet.row(&cells)).transpose()?;
        self.matter.as_mut().map(|matter| matter.row(&cells)).transpose()?;
        Ok(())
    }

    /// Writes the proof of a line; its checkpoint stands with the others, once.
    fn proven(&mut self, sequence: u64) -> Result<(), ExportError> {
        let Some((out, prover)) = &mut self.proofs else { return Ok(()) };
        let proof = match prover.prove(sequence) {
            Ok(proof) => proof,
            Err(ProveError::Unreadable(fault)) => return Err(fault.into()),
            // What was damaged before is shown all the same, and said to be unproven.
            Err(fault @ (ProveError::Unknown(_) | ProveError::Uncovered(_) | ProveError::Spoilt(_))) => {
                writeln!(out, "{}", json!({ "sequence": sequence, "unproven": fault.to_string() }))?;
                self.unproven += 1;
                return Ok(());
            }
        };
        let said = json!({
            "sequence": sequence, "segment": proof.segment, "index": proof.index, "size": proof.size,
            "path": proof.path,
        });
        writeln!(out, "{said}")?;
        self.checkpoints.insert((proof.segment, proof.size), proof.checkpoint);
        Ok(())
    }

    fn close(self, folder: &Path) -> io::Result<Vec<(&'static str, &'static str, File)>> {
        let whole = |out: Out| out.into_inner().map_err(io::IntoInnerError::into_error);
        let mut files = Vec::new();
        let mut put = |name, what, out: Option<Out>| -> io::Result<()> {
            files.extend(out.map(whole).transpose()?.map(|file| (name, what, file)));
            Ok(())
        };
        put("events.jsonl", "the lines of the trail as they stand", self.lines)?;
        put("closes.jsonl", "the lines that end those accesses", self.closes)?;
        let commas = self.commas.map(Commas::end).transpose()?;
        put("events.csv", "the events for any spreadsheet", commas)?;
        if let Some(sheet) = self.sheet {
            let mut out = BufWriter::new(scratch(folder)?);
            sheet.end(&mut out)?;
            put("events.xlsx", "the events as an Excel workbook", Some(out))?;
        }
        let matter = self.matter.map(Matter::end).transpose()?;
        put("matter.html", "the matter for people: open it in a browser, print it", matter)?;
        put("explanations.jsonl", "how each was decided: rung, rule, list, version", self.explanations)?;
        if let Some((out, _)) = self.proofs {
            put("proofs.jsonl", "the way from each line to a signed root (RFC 9162)", Some(out))?;
            let mut out = BufWriter::new(scratch(folder)?);
            self.checkpoints.values().try_for_each(|line| writeln!(out, "{line}"))?;
            put("checkpoints.jsonl", "what the gateway signed", Some(out))?;
        }
        Ok(files)
    }
}
