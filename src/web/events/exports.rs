//! The log to take away: archives of events, and the evidence of one matter.
//!
//! **Invariant:** what is taken away is recorded twice: that it was asked for, before anything is read,
//! and what it was (the digest of its manifest), before anything is handed over.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{
    Act, Actor, Entry, ExportError, Exported, Exporting, Filter, Format, Names, Rows, export as write,
};
use crate::web::Shared;
use crate::web::events::mask::Mask;
use crate::web::events::takers::{Taking, busy};
use crate::web::events::{Form, Reader, Sight, Wanted, Ward, explained, read, told_about};
use crate::web::openapi::words::{FormatWord, Moment, ViewWord};
use crate::web::problem::Problem;
use crate::web::query::Query;

mod matter;

pub(in crate::web) use matter::{EvidenceWish, evidence};

/// Most events of the evidence of one matter: more is no matter but a log.
const MOST_EVIDENCE: u64 = 50_000;
/// How much of the disk must be free before an archive is begun, in bytes.
const ROOM: u64 = 2 << 30;
/// And how much stays free for the trail whatever is written.
const LEAST_FREE: u64 = 1 << 30;
/// How much of an archive is handed over at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Which events are taken away, and as what.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "query": { "user": "y5.042", "from": "2026-11-23T00:00:00Z" },
    "reason": "Asked for by the safeguarding board", "formats": ["xlsx", "jsonl"] })))]
pub(in crate::web) struct ExportWish {
    /// Which events; all of them, where nothing is said.
    #[serde(default)]
    query: Which,
    /// What it is for: needed with names.
    #[schema(min_length = 10, max_length = 1000)]
    reason: Option<String>,
    /// As what: all three unless said; for whom names are pseudonyms, `csv` alone.
    #[schema(value_type = Option<Vec<FormatWord>>, min_items = 1, max_items = 3)]
    formats: Option<Vec<String>>,
}

/// As behind `?` of `/events`.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Which {
    /// At this moment or later.
    #[schema(value_type = Option<Moment>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Before this moment.
    #[schema(value_type = Option<Moment>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// A person; for whom names are pseudonyms, a pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// A filtering group.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// A device; for whom names are pseudonyms, a pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// A client's address; for whom names are pseudonyms, a pseudonym.
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    /// A host, its subdomains included.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// A category that decided, or that matched besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// `event.action`: `allow`, `alert`, `block`, or what staff did.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// The rung that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    rung: Option<String>,
    /// A temporary unblock.
    #[serde(skip_serializing_if = "Option::is_none")]
    unblock: Option<Uuid>,
    /// Which kind of event.
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<String>,
    /// Words that all stand in what was searched for, or was being typed, in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<String>,
    /// What a row of the spreadsheets is: an event, or a page view with the numbers of its events.
    #[schema(value_type = Option<ViewWord>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<String>,
}

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Events.
    Export,
    /// One matter.
    Evidence,
}

/// What is known of what is taken away.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// The event that it is about.
    event: Option<u64>,
    /// Whom it is about.
    about: Option<&'static str>,
}

/// An archive to be written.
struct Job {
    kind: Kind,
    filter: Filter,
    mask: Mask,
    names: Names,
    formats: BTreeSet<Format>,
    rows: Rows,
    about: Map<String, Value>,
    scratch: PathBuf,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::Export => "export",
            Kind::Evidence => "evidence",
        }
    }

    fn most(self, rows: Rows) -> u64 {
        match self {
            Kind::Export => rows.most(),
            Kind::Evidence => MOST_EVIDENCE,
        }
    }
}

/// Answers an archive of the events that are asked for.
pub(in crate::web) async fn export(
    shared: &Shared,
    reader: Reader,
    wish: ExportWish,
) -> Result<Response, Problem> {
    let query = Query::of::<Wanted>(said(&wish.query, wish.reason.as_deref()))?;
    let formats = formats(wish.formats.as_deref(), &reader.sight)?;
    taken_away(shared, reader, Kind::Export, (&query, Known::default()), formats).await
}

/// What is asked for, as it would stand behind `?`.
fn said(which: &Which, reason: Option<&str>) -> Vec<(String, String)> {
    let which = serde_json::to_value(which).unwrap_or_default();
    let pairs = which.as_object().into_iter().flatten();
    let pairs = pairs.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    pairs.chain(reason.map(|reason| ("reason".to_owned(), reason.to_owned()))).collect()
}

fn formats(asked: Option<&[String]>, sight: &Sight) -> Result<BTreeSet<Format>, Problem> {
    let may: &[Format] = match sight {
        Sight::Names => &Format::ALL,
        Sight::Pseudonyms(_) => &[Format::Csv],
    };
    let Some(asked) = asked else { return Ok(may.iter().copied().collect()) };
    let one = |text: &String| match text.parse() {
        Ok(format) if may.contains(&format) => Ok(format),
        Ok(_) => Err(Problem::invalid("formats", "with pseudonyms there is csv alone")),
        Err(problem) => Err(Problem::invalid("formats", problem)),
    };
    let formats: BTreeSet<Format> = asked.iter().map(one).collect::<Result<_, _>>()?;
    match formats.is_empty() {
        true => Err(Problem::invalid("formats", "name at least one: jsonl, csv or xlsx")),
        false => Ok(formats),
    }
}

/// What a row is, which the spreadsheets alone have.
fn rows(query: &Query, formats: &BTreeSet<Format>) -> Result<Rows, Problem> {
    match Form::of(query)? {
        Form::Events => Ok(Rows::Events),
        Form::Pages if formats.iter().any(|format| *format != Format::Jsonl) => Ok(Rows::Pages),
        Form::Pages => {
            Err(Problem::invalid("formats", "page views are rows of csv and xlsx: ask for one of these too"))
        }
    }
}

/// Records, writes, records, hands over.
async fn taken_away(
    shared: &Shared,
    reader: Reader,
    kind: Kind,
    (query, known): (&Query, Known),
    formats: BTreeSet<Format>,
) -> Result<Response, Problem> {
    let ward = Ward::of(&reader.inquiries, shared).await?;
    let (mut filter, mask) = read(query, &reader.sight, ward)?;
    let rows = rows(query, &formats)?;
    let (actor, client) = (reader.actor.clone(), reader.client);
    let taking = shared.takers.begin(&actor).ok_or_else(busy)?;
    let turn = Arc::clone(&shared.exports).try_acquire_owned().map_err(|_| busy())?;
    if shared.recorder.free_bytes().is_some_and(|free| free < ROOM) {
        return Err(no_room(&ExportError::NoRoom));
    }
    let (act, sight) = reader.search("events.export", query, shared).await?;
    let act = told_about(act, known.about);
    let routed = act.details.get("routed").and_then(Value::as_str).map(ToOwned::to_owned);
    let written: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
    let reason = act.reason.clone();
    let act = act.with("kind", kind.as_str()).with("formats", json!(written));
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    filter.before = Some(audit_seq);
    let names = match sight {
        Sight::Names => Names::Own,
        Sight::Pseudonyms(_) => Names::Pseudonyms,
    };
    if let Err(fault) = shared.recorder.seal().await {
        tracing::warn!(%fault, "an archive of events is written without the newest checkpoint");
    }
    let mut about = about(shared, (kind, names), (&actor, client), query, reason, audit_seq);
    about.extend(known.event.map(|event| ("event".to_owned(), event.into())));
    let scratch = shared.audit_dir.parent().unwrap_or(&shared.audit_dir).join("exports");
    let job = Job { kind, filter, mask, names, formats, rows, about, scratch };
    let exported = written_by(shared, job, turn).await?;
    let act = Act::new(actor, "events.exported")
        .with("export", audit_seq)
        .with("events", exported.events)
        .with("bytes", exported.length)
        .with("manifest", exported.manifest.as_str());
    let act = told_about(act, routed.as_deref());
    let told = shared.control.record(Entry::Read(Act { client, ..act })).await?;
    Ok(handed_over((exported, taking), kind, audit_seq, told))
}

/// The beginning of the manifest.
fn about(
    shared: &Shared,
    (kind, names): (Kind, Names),
    (actor, client): (&Actor, Option<std::net::IpAddr>),
    query: &Query,
    reason: Option<String>,
    audit_seq: u64,
) -> Map<String, Value> {
    let by = match actor {
        Actor::Staff(name) => name.to_string(),
        Actor::Local | Actor::System => actor.as_str().to_owned(),
    };
    let mut about = json!({
        "kind": kind.as_str(), "school": &*shared.school, "asked_by": by, "asked_from": client,
        "asked_at": shared.control.now(), "reason": reason, "query": query.asked(), "audit_seq": audit_seq,
        "product": concat!("schoolgate ", env!("CARGO_PKG_VERSION")),
    });
    // Between two heads there may be one event, of which all is known but the name: a guess at that
    // could be held against the hash.
    if names == Names::Own {
        let head = shared.recorder.head();
        about["head"] = json!({ "anchor": head.anchor().to_string(), "time": head.time });
    }
    match about {
        Value::Object(about) => about,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Writes the archive where that holds up nothing else.
async fn written_by(shared: &Shared, job: Job, turn: OwnedSemaphorePermit) -> Result<Exported, Problem> {
    let (index, zone) = (shared.reading(), shared.control.live().snapshot().zone().clone());
    let job = move || {
        let _turn = turn;
        let Job { kind, mut filter, mask, names, formats, rows, about, scratch } = job;
        mask.narrow(&index, &mut filter);
        let (show, explain) = (|event| mask.seen(event), explained::decision);
        write(Exporting {
            index: &index,
            filter,
            formats,
            rows,
            names,
            show: &show,
            explain: (kind == Kind::Evidence).then_some(&explain),
            zone,
            scratch: &scratch,
            about,
            parts: Vec::new(),
            most: kind.most(rows),
            least_free: LEAST_FREE,
        })
    };
    let written =
        tokio::task::spawn_blocking(job).await.map_err(|fault| Problem::internal("export", &fault))?;
    written.map_err(|fault| match fault {
        ExportError::TooMany { .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "too_many", fault.to_string())
                .with("field", "query")
        }
        ExportError::NoRoom => no_room(&fault),
        ExportError::Trail(fault) => fault.into(),
        ExportError::Proof(_) | ExportError::Key(_) | ExportError::Unwritten(_) => {
            Problem::internal("export", &fault)
        }
    })
}

/// The archive piece by piece; nothing of it is read before its reader takes it.
fn handed_over((exported, taking): (Exported, Taking), kind: Kind, audit_seq: u64, told: u64) -> Response {
    let Exported { file, length, manifest, .. } = exported;
    let pieces = futures_util::stream::try_unfold((file, taking), |(mut file, taking)| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((Bytes::from(piece), file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        Ok::<_, std::io::Error>((!piece.is_empty()).then_some((piece, (file, taking))))
    });
    let name = format!("attachment; filename=\"schoolgate-{}-{audit_seq}.zip\"", kind.as_str());
    let mut answer = Body::from_stream(pieces).into_response();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    for (field, value) in [
        (header::CONTENT_DISPOSITION, name),
        (HeaderName::from_static("audit-seq"), told.to_string()),
        (HeaderName::from_static("manifest-sha256"), manifest),
    ] {
        // Words, numbers and hex digits are always a value.
        headers.extend(HeaderValue::try_from(value).ok().map(|value| (field, value)));
    }
    answer
}

fn no_room(fault: &ExportError) -> Problem {
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", fault.to_string())
}
