//! Who calls: a bearer token and nothing else.
//!
//! **Invariant:** every path of the API stands behind [`require_token`], unknown ones included;
//! no header but `Authorization` says who calls, and none says from where.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::Staff;
use crate::model::Role;
use crate::web::Shared;
use crate::web::problem::Problem;

/// The longest token that is looked up.
const MAX_TOKEN: usize = 128;

/// The address at the other end of the connection; none on the local socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) Option<IpAddr>);

/// The member of staff who calls, and from where.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) staff: Staff,
    pub(super) client: Option<IpAddr>,
}

/// Lets nobody past without a token that holds.
pub(super) async fn require_token(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = bearer(request.headers()).ok_or_else(Problem::unauthenticated)?;
    let staff = shared.control.bearer(token).await?.ok_or_else(Problem::unauthenticated)?;
    let client = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    request.extensions_mut().insert(Caller { staff, client });
    Ok(next.run(request).await)
}

impl Caller {
    /// The caller as the record names them.
    pub(super) fn actor(&self) -> Actor {
        Actor::Staff(self.staff.name.clone())
    }

    /// Goes on only for one of `roles`; a refusal is recorded as `entry` of `action`.
    pub(super) async fn must_hold(
        &self,
        roles: &[Role],
        shared: &Shared,
        action: &'static str,
        entry: fn(Act) -> Entry,
    ) -> Result<(), Problem> {
        if self.staff.is_any(roles) {
            return Ok(());
        }
        Err(self.refused(shared, action, entry, roles).await)
    }

    /// Records that `action` was refused for want of one of `roles`, and says so.
    pub(super) async fn refused(
        &self,
        shared: &Shared,
        action: &'static str,
        entry: fn(Act) -> Entry,
        roles: &[Role],
    ) -> Problem {
        let act = Act::new(self.actor(), action).with("refused", "forbidden");
        let act = Act { outcome: Outcome::Failure, client: self.client, ..act };
        if let Err(unrecorded) = shared.control.record(entry(act)).await {
            return unrecorded.into();
        }
        let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
        let detail = format!("this takes one of the roles {}", roles.join(", "));
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts.extensions.get::<Caller>().cloned().ok_or_else(Problem::unauthenticated)
    }
}

/// The token of the one `Authorization` field, if it is of our form (RFC 6750 section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (field, None) = (fields.next()?, fields.next()) else { return None };
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    let ours = scheme.eq_ignore_ascii_case("bearer") && token.starts_with("sg_") && token.len() <= MAX_TOKEN;
    ours.then_some(token)
}
