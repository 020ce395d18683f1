//! Legal holds: placed, looked at, lifted. For those alone who may place one: they name pupils.

use std::net::IpAddr;

use axum::extract::State as Has;
use axum::http::Uri;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::Entry;
use crate::control::holds::{HOLDERS, Hold, HoldOf, HoldRequest};
use crate::control::{Lifted, Recorded};
use crate::model::{DeviceName, Justification, StaffName, Timestamp, UserName};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::openapi::words::Moment;
use crate::web::page::{Page, Paging};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::Why;

/// Most holds of a page.
const MOST: usize = 500;

/// A hold that is asked for: just one of `user`, `device` and `client`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"user": "y9.117", "reason": "Police request of 24 November, reference 4711"})))]
pub(super) struct HoldWish {
    /// Whose lines are kept.
    user: Option<String>,
    /// Which device's.
    device: Option<String>,
    /// Which address's.
    client: Option<String>,
    /// Why.
    #[schema(min_length = 15, max_length = 1000)]
    reason: String,
    /// When it ends by itself; when somebody lifts it, if absent.
    #[schema(value_type = Option<Moment>)]
    until: Option<Timestamp>,
}

/// A legal hold.
#[derive(Serialize, ToSchema)]
pub(super) struct LegalHold {
    /// UUIDv7.
    id: Uuid,
    /// Whether it keeps lines now.
    in_force: bool,
    /// Whose lines are kept.
    #[schema(value_type = Option<String>)]
    user: Option<UserName>,
    /// Which device's.
    #[schema(value_type = Option<String>)]
    device: Option<DeviceName>,
    /// Which address's.
    #[schema(value_type = Option<String>)]
    client: Option<IpAddr>,
    /// Why.
    #[schema(value_type = String)]
    reason: Justification,
    /// Who placed it.
    #[schema(value_type = String)]
    placed_by: StaffName,
    /// When.
    #[schema(value_type = Moment)]
    placed_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = Option<Moment>)]
    until: Option<Timestamp>,
    /// Who lifted it, if somebody has.
    #[schema(value_type = Option<String>)]
    lifted_by: Option<StaffName>,
    /// When.
    #[schema(value_type = Option<Moment>)]
    lifted_at: Option<Timestamp>,
    /// Why.
    lifted_why: Option<String>,
    /// The record of it, in the answer to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// Keep somebody's lines of the log past their time
///
/// For an inquiry or the police: retention passes them over until the hold is lifted.
#[utoipa::path(post, path = "/holds", operation_id = "place_hold", tag = "audit", request_body = HoldWish,
    responses((status = 201, description = "The hold", body = LegalHold)))]
pub(super) async fn place(
    Has(shared): Has<Shared>,
    caller: Caller,
    Sent(wish): Sent<HoldWish>,
) -> Result<Answer<LegalHold>, Problem> {
    let placed = shared.control.place_hold(&caller.staff, wish.request()?, caller.client).await?;
    Ok(Answer::created(LegalHold::recorded(placed, shared.control.now())))
}

/// Legal holds
///
/// The newest first. The look is recorded first.
#[utoipa::path(get, path = "/holds", operation_id = "list_holds", tag = "audit", params(Paging),
    responses((status = 200, description = "A page of holds", body = Page<LegalHold>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
pub(super) async fn all(
    Has(shared): Has<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answer<Page<LegalHold>>, Problem> {
    caller.must_hold(&HOLDERS, &shared, "holds.read", Entry::Read).await?;
    let query = Query::read::<Paging>(&uri)?;
    caller.looks(&shared, "holds.read", query.asked()).await?;
    let (kept, now) = (shared.control.holds().await?, shared.control.now());
    Page::of(kept, &query, MOST, |hold| hold.id, |hold| LegalHold::new(hold, now))
}

/// Lift a legal hold
///
/// By somebody else than placed it, or the headteacher. What it kept past its time is removed within
/// a day.
#[utoipa::path(post, path = "/holds/{id}/lift", operation_id = "lift_hold", tag = "audit", params(Id),
    request_body = Why, responses((status = 200, description = "The hold, lifted", body = LegalHold)))]
pub(super) async fn lift(
    Has(shared): Has<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Answer<LegalHold>, Problem> {
    let lifted = shared.control.lift_hold(&caller.staff, id, &why.reason, caller.client).await?;
    Ok(Answer::ok(LegalHold::recorded(lifted, shared.control.now())))
}

impl HoldWish {
    fn request(self) -> Result<HoldRequest, Problem> {
        let of = match (&self.user, &self.device, &self.client) {
            (Some(user), None, None) => user.parse().map(HoldOf::User).map_err(|_| "user"),
            (None, Some(device), None) => device.parse().map(HoldOf::Device).map_err(|_| "device"),
            (None, None, Some(client)) => client.parse().map(HoldOf::Client).map_err(|_| "client"),
            _ => return Err(Problem::invalid("user", "name just one of `user`, `device` and `client`")),
        };
        let of =
            of.map_err(|field| Problem::invalid(field, format!("this is no {field} that can be named")))?;
        Ok(HoldRequest { of, reason: self.reason, until: self.until })
    }
}

impl LegalHold {
    fn new(hold: Hold, now: Timestamp) -> LegalHold {
        let in_force = hold.is_in_force(now);
        let (user, device, client) = match hold.of {
            HoldOf::User(user) => (Some(user), None, None),
            HoldOf::Device(device) => (None, Some(device), None),
            HoldOf::Client(client) => (None, None, Some(client)),
        };
        let (lifted_by, lifted_at, lifted_why) = Lifted::apart(hold.lifted);
        LegalHold {
            id: hold.id,
            in_force,
            user,
            device,
            client,
            reason: hold.reason,
            placed_by: hold.by,
            placed_at: hold.at,
            until: hold.until,
            lifted_by,
            lifted_at,
            lifted_why,
            audit_seq: None,
        }
    }

    fn recorded(done: Recorded<Hold>, now: Timestamp) -> LegalHold {
        LegalHold { audit_seq: Some(done.audit_seq), ..LegalHold::new(done.value, now) }
    }
}
