//! Whose clients reject the school's authority.

use axum::extract::State;
use axum::http::Uri;

use crate::audit::Entry;
use crate::model::Role;
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::inspection::{self, Candidates, Days};
use crate::web::problem::Problem;

/// Who may know which hosts' clients reject the school's authority.
const INSPECTORS: [Role; 4] = [Role::Technician, Role::FilteringManager, Role::Dsl, Role::Headteacher];

/// Candidates for the no-inspect list
///
/// Hosts whose clients rejected the school's authority, the one with the most devices first. The look
/// is recorded.
#[utoipa::path(get, path = "/inspection/candidates", operation_id = "list_inspection_candidates",
    tag = "inspection", params(Days),
    responses((status = 200, description = "The hosts", body = Candidates)))]
pub(super) async fn candidates(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Candidates>, Problem> {
    caller.must_hold(&INSPECTORS, &shared, "inspection.read", Entry::Read).await?;
    Ok(Answer::ok(inspection::candidates(&shared, &uri, caller.actor(), caller.client).await?))
}
