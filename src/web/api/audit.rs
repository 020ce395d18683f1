//! The end of the audit chain, and whether the chain holds.
//!
//! **Invariant:** nobody for whom names are pseudonyms is told a hash of the trail, or whether one is
//! right: of an event all but the name is known to them, and a guess could be held against it.

use axum::extract::State;
use axum::http::Uri;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{self, Anchor, Entry, Fault, FaultKind, Index, LineHash, Options};
use crate::control::Staff;
use crate::model::{Role, Timestamp};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::events::{NAMES, READERS};
use crate::web::openapi::words::Moment;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Who may note down where the trail ends.
const NOTERS: [Role; 3] = [Role::Dsl, Role::Headteacher, Role::Governor];

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Noted {
    /// An `anchor` noted down before: that it still stands is verified too. For DSL,
    /// headteacher and governor.
    #[param(pattern = "^[0-9]+:[0-9a-f]{64}$")]
    head: Option<String>,
    /// Starts with the day (UTC) of this moment, trusting the signed checkpoint before it.
    #[param(inline)]
    since: Option<Moment>,
}

/// The end of the chain.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditHead {
    /// The last line's number.
    sequence: u64,
    /// Its hash; for DSL, headteacher and governor.
    #[schema(value_type = Option<String>)]
    hash: Option<LineHash>,
    /// Its time.
    #[schema(value_type = Moment)]
    time: Timestamp,
    /// Number and hash as one: what to note down. For the same.
    anchor: Option<String>,
}

/// What a verification found.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditReport {
    /// Whether everything is as it was written.
    sound: bool,
    /// How many lines were read.
    events: u64,
    /// The first line's number.
    first: Option<u64>,
    /// The last line's.
    last: Option<u64>,
    /// The last line's hash; for DSL, headteacher and governor.
    #[schema(value_type = Option<String>)]
    head: Option<LineHash>,
    /// How many days have lines.
    days: u64,
    /// What is not as it was written; at most 1,000.
    faults: Vec<AuditFault>,
    /// How many further faults there are.
    further_faults: u64,
}

/// A line that is not as it was written.
#[derive(Serialize, ToSchema)]
struct AuditFault {
    /// The segment, within the audit folder.
    #[schema(value_type = String)]
    file: std::path::PathBuf,
    /// The line, from 1; 0 where it is about the segment.
    line: u64,
    /// The line's number, where it is known.
    sequence: Option<u64>,
    /// What is wrong: a word, or an object with it and more.
    #[schema(value_type = serde_json::Value)]
    what: FaultKind,
    /// The same for people.
    text: String,
}

/// The end of the audit chain
///
/// What to note down for a later verification.
#[utoipa::path(get, path = "/audit/head", operation_id = "get_audit_head", tag = "audit",
    responses((status = 200, description = "The head", body = AuditHead)))]
pub(super) async fn head(State(shared): State<Shared>, caller: Caller) -> Answer<AuditHead> {
    let head = shared.recorder.head();
    let notes = may_note(&caller.staff);
    let (hash, anchor) = (notes.then_some(head.hash), notes.then(|| head.anchor().to_string()));
    Answer::ok(AuditHead { sequence: head.sequence, hash, time: head.time, anchor })
}

/// Whether the audit chain holds
///
/// Reads the whole trail, or what was written since a day.
#[utoipa::path(get, path = "/audit/verify", operation_id = "verify_audit", tag = "audit", params(Noted),
    responses((status = 200, description = "What was found", body = AuditReport)))]
pub(super) async fn verify(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<AuditReport>, Problem> {
    let query = Query::read::<Noted>(&uri)?;
    let (noted, since) = (query.parsed::<Anchor>("head")?, query.parsed::<Timestamp>("since")?);
    if noted.is_some() && !may_note(&caller.staff) {
        return Err(caller.refused(&shared, "audit.verify", Entry::Read, &NOTERS).await);
    }
    let now = shared.recorder.head();
    let known: Vec<Anchor> = [now.anchor()].into_iter().chain(noted).collect();
    let verify = move |index: &Index| {
        let options = Options { since, halt: index.halt().clone(), ..Options::knowing(&known) };
        audit::verify(index.dir(), &options)
    };
    let report = shared.look_up(verify).await??;
    let unread = |noted: Anchor| since.is_some() && report.first.is_some_and(|first| noted.sequence < first);
    if noted.is_some_and(unread) {
        return Err(Problem::invalid(
            "head",
            "it was noted before `since`: leave `since` away, or begin earlier",
        ));
    }
    // Lines behind the head are being written at this moment; the next verification reads them.
    let standing = |fault: &Fault| fault.sequence.is_none_or(|sequence| sequence <= now.sequence);
    let faults: Vec<AuditFault> =
        report.faults.into_iter().filter(standing).map(|fault| described(&shared, fault)).collect();
    Ok(Answer::ok(AuditReport {
        sound: faults.is_empty() && report.further_faults == 0,
        events: report.events,
        first: report.first,
        last: report.last,
        head: report.head.filter(|_| may_note(&caller.staff)),
        days: report.days,
        faults,
        further_faults: report.further_faults,
    }))
}

/// Whether somebody may note down a hash: whoever sees names, and a governor, who sees no events. Of
/// whoever sees pseudonyms besides, neither.
fn may_note(staff: &Staff) -> bool {
    staff.is_any(&NAMES) || (staff.is_any(&[Role::Governor]) && !staff.is_any(&READERS))
}

fn described(shared: &Shared, fault: Fault) -> AuditFault {
    let file = fault.file.strip_prefix(&shared.audit_dir).unwrap_or(&fault.file).to_owned();
    let fault = Fault { file, ..fault };
    let text = fault.to_string();
    AuditFault { file: fault.file, line: fault.line, sequence: fault.sequence, what: fault.what, text }
}
