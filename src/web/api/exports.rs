//! The filtering log to take away.

use axum::extract::State;
use axum::response::Response;

use crate::audit::Entry;
use crate::web::Shared;
use crate::web::api::events::reader;
use crate::web::auth::Caller;
use crate::web::body::Sent;
use crate::web::events::{self, EvidenceWish, ExportWish, NAMES};
use crate::web::problem::Problem;

/// Events as an archive
///
/// A ZIP with the events as spreadsheets (`csv`, `xlsx`) and as the lines of the trail themselves (`jsonl`),
/// with a proof of each, what the gateway signed, and a script that checks it all without the gateway. With
/// names for DSL and headteacher, who say what for; as CSV with pseudonyms for technicians. That it was asked
/// for is recorded before anything is read, and its manifest's SHA-256 before it is handed over.
#[utoipa::path(post, path = "/exports", operation_id = "export_events", tag = "events", request_body = ExportWish,
    responses(
        (status = 200, description = "The archive", body = String, content_type = "application/zip",
            headers(("Audit-Seq", description = "The record of what was handed over"),
                ("Manifest-SHA256", description = "The digest of `manifest.json`, as recorded"))),
        (status = 429, description = "Another archive is being written, or is on its way to you"),
        (status = 507, description = "The disk has too little room for an archive")))]
pub(super) async fn export(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(wish): Sent<ExportWish>,
) -> Result<Response, Problem> {
    let reader = reader(&shared, &caller, "events.export").await?;
    events::export(&shared, reader, wish).await
}

/// The evidence of one matter
///
/// What one person did around an event, or within a time, in every form, with proofs, how each decision was
/// made, and a page to read and print (`matter.html`). For DSL and headteacher; recorded as an export is.
#[utoipa::path(post, path = "/evidence", operation_id = "export_evidence", tag = "events",
    request_body = EvidenceWish,
    responses(
        (status = 200, description = "The archive", body = String, content_type = "application/zip",
            headers(("Audit-Seq", description = "The record of what was handed over"),
                ("Manifest-SHA256", description = "The digest of `manifest.json`, as recorded"))),
        (status = 404, description = "There is no such event"),
        (status = 429, description = "Another archive is being written, or is on its way to you"),
        (status = 507, description = "The disk has too little room for an archive")))]
pub(super) async fn evidence(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(wish): Sent<EvidenceWish>,
) -> Result<Response, Problem> {
    caller.must_hold(&NAMES, &shared, "events.export", Entry::Read).await?;
    let reader = reader(&shared, &caller, "events.export").await?;
    events::evidence(&shared, reader, wish).await
}
