//! The end of the audit chain, and whether the chain holds.

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};

use crate::audit::{self, Anchor, Fault};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// `GET /audit/head`: what to note down for a later verification.
pub(super) async fn head(State(shared): State<Shared>, _: Caller) -> Answer {
    let head = shared.recorder.head();
    Answer::ok(json!({
        "sequence": head.sequence,
        "hash": head.hash,
        "time": head.time,
        "anchor": head.anchor().to_string(),
    }))
}

/// `GET /audit/verify?head=SEQUENCE:HASH`: reads the whole trail.
pub(super) async fn verify(State(shared): State<Shared>, _: Caller, uri: Uri) -> Result<Answer, Problem> {
    let noted: Option<Anchor> = Query::read(&uri, &["head"])?.parsed("head")?;
    let now = shared.recorder.head();
    let known: Vec<Anchor> = [now.anchor()].into_iter().chain(noted).collect();
    let report = shared.search(move |dir| audit::verify(dir, &known)).await?;
    let report = report.map_err(|fault| Problem::internal("audit", &fault))?;
    // Lines behind the head are being written at this moment; the next verification reads them.
    let standing = |fault: &&Fault| fault.sequence.is_none_or(|sequence| sequence <= now.sequence);
    let faults: Vec<Value> =
        report.faults.iter().filter(standing).map(|fault| described(&shared, fault)).collect();
    Ok(Answer::ok(json!({
        "sound": faults.is_empty() && report.further_faults == 0,
        "events": report.events,
        "first": report.first,
        "last": report.last,
        "head": report.head,
        "days": report.days,
        "faults": faults,
        "further_faults": report.further_faults,
    })))
}

fn described(shared: &Shared, fault: &Fault) -> Value {
    let file = fault.file.strip_prefix(&shared.audit_dir).unwrap_or(&fault.file);
    let fault = Fault { file: file.to_owned(), ..fault.clone() };
    json!({
        "file": fault.file,
        "line": fault.line,
        "sequence": fault.sequence,
        "what": fault.what,
        "text": fault.to_string(),
    })
}
