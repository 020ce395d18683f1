//! Who calls: by a bearer token, or by the cookie of a session.
//!
//! **Invariant:** every path of the API stands behind [`require_token`], unknown ones included, but
//! for the two by which one comes in; a change in a session's name comes from a page of ours and
//! carries the session's own word; no header says from where somebody calls.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Map, Value};

use crate::audit::{Act, Actor, Entry, Outcome};
use crate::control::Staff;
use crate::control::accounts::{AccountError, By, Scope, Session, Signed, csrf};
use crate::model::Role;
use crate::web::problem::Problem;
use crate::web::{Shared, cookie};

/// The longest token that is looked up.
const MAX_TOKEN: usize = 128;
/// By which one comes in: all that answers to nobody.
const ENTRANCES: [&str; 2] = ["/session", "/break-glass"];
/// All that may be done before a second factor is enrolled that must be.
const ENROLLING: [&str; 4] = ["/me", "/me/totp", "/me/totp/confirm", "/session"];

/// The address at the other end of the connection; none on the local socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) Option<IpAddr>);

/// The member of staff who calls, and from where.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) staff: Staff,
    pub(super) client: Option<IpAddr>,
    way: Way,
}

/// How they come.
#[derive(Clone, Debug)]
enum Way {
    Token,
    Session(Held),
}

/// By what somebody called: asked again for as long as an answer to them goes on.
pub(super) enum Credential {
    /// A bearer token.
    Token(String),
    /// The secret of a session.
    Session(String),
}

/// The session that somebody calls in.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) session: Session,
    pub(super) csrf: String,
    pub(super) must_enrol: bool,
}

/// Lets nobody past without a token that holds, or a session.
pub(super) async fn require_token(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::POST && ENTRANCES.contains(&path.as_str()) {
        return Ok(next.run(request).await);
    }
    let client = client(&request);
    let caller = match request.headers().get(header::AUTHORIZATION) {
        Some(_) => by_token(&shared, request.headers(), request.method(), &path, client).await?,
        None => by_session(&shared, request.headers(), request.method(), &path, client).await?,
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// The address that a request comes from.
pub(super) fn client(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Peer>().and_then(|peer| peer.0)
}

/// Who is signed in by the cookie of a request, and the secret of it.
pub(super) async fn signed_in(
    shared: &Shared,
    headers: &HeaderMap,
) -> Result<Option<(Signed, Held)>, Problem> {
    let Some(secret) = cookie::read(headers) else { return Ok(None) };
    let Some(signed) = shared.control.session(secret).await? else { return Ok(None) };
    let held = Held { session: signed.session.clone(), csrf: csrf(secret), must_enrol: signed.must_enrol };
    Ok(Some((signed, held)))
}

async fn by_token(
    shared: &Shared,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    client: Option<IpAddr>,
) -> Result<Caller, Problem> {
    let token = bearer(headers).ok_or_else(Problem::unauthenticated)?;
    let bearer = shared.control.bearing(token).await?.ok_or_else(Problem::unauthenticated)?;
    let scope = scope(method, path);
    let caller = Caller { staff: bearer.staff, client, way: Way::Token };
    if bearer.scopes.contains(&scope) {
        return Ok(caller);
    }
    let act = Act::new(caller.actor(), "token.refused").with("scope", scope.as_str());
    let act = Act { outcome: Outcome::Failure, client, ..act };
    shared.control.record(Entry::Auth(act)).await?;
    let detail = format!("this token is not for that: it takes the scope {scope}");
    Err(Problem::new(StatusCode::FORBIDDEN, "scope", detail))
}

async fn by_session(
    shared: &Shared,
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    client: Option<IpAddr>,
) -> Result<Caller, Problem> {
    let (signed, held) = signed_in(shared, headers).await?.ok_or_else(Problem::unauthenticated)?;
    if !cookie::is_safe(method) {
        let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
        if !cookie::is_same_origin(headers) || !held.is_own_word(sent.unwrap_or_default()) {
            let detail = "a change in a session's name takes its X-CSRF-Token, from a page of this gateway";
            return Err(Problem::new(StatusCode::FORBIDDEN, "csrf", detail));
        }
    }
    if held.must_enrol && !ENROLLING.contains(&path) {
        let detail = "enrol a second factor first: POST /api/v1/me/totp";
        return Err(Problem::new(StatusCode::FORBIDDEN, "enrol_totp", detail));
    }
    Ok(Caller { staff: signed.staff, client, way: Way::Session(held) })
}

/// What a token must be for to do this.
fn scope(method: &Method, path: &str) -> Scope {
    let noun = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match noun {
        _ if cookie::is_safe(method) => Scope::Read,
        "explain" | "exports" | "evidence" => Scope::Read,
        "unblocks" | "asks" => Scope::Unblock,
        "staff" | "me" | "session" | "sessions" | "tokens" | "break-glass" => Scope::Staff,
        _ => Scope::Change,
    }
}

impl Credential {
    /// What a request comes with.
    pub(super) fn of(headers: &HeaderMap) -> Option<Credential> {
        match bearer(headers) {
            Some(token) => Some(Credential::Token(token.to_owned())),
            None => cookie::read(headers).map(|secret| Credential::Session(secret.to_owned())),
        }
    }

    /// The member of staff, if it still holds; a session is not prolonged by that.
    pub(super) async fn staff(&self, shared: &Shared) -> Result<Option<Staff>, Problem> {
        Ok(match self {
            Credential::Token(token) => shared.control.bearing(token).await?.map(|bearer| bearer.staff),
            Credential::Session(secret) => shared.control.still_signed_in(secret).await?,
        })
    }
}

impl Held {
    /// Whether a page sent the word of this session.
    pub(super) fn is_own_word(&self, sent: &str) -> bool {
        // Of two hashes, nobody can choose where they differ.
        csrf(sent) == csrf(&self.csrf)
    }
}

impl Caller {
    /// The caller as the record names them.
    pub(super) fn actor(&self) -> Actor {
        Actor::Staff(self.staff.name.clone())
    }

    /// The caller as control takes them.
    pub(super) fn by(&self) -> By {
        By { staff: Some(self.staff.clone()), client: self.client }
    }

    /// The session that they call in, if it is one.
    pub(super) fn held(&self) -> Option<&Held> {
        match &self.way {
            Way::Session(held) => Some(held),
            Way::Token => None,
        }
    }

    /// The session, for what no token does: a token that leaks must not become an account.
    pub(super) fn in_session(&self) -> Result<&Held, Problem> {
        self.held().ok_or_else(|| {
            let detail = "no token does this: sign in";
            Problem::new(StatusCode::FORBIDDEN, "session_needed", detail)
        })
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

    /// Records that they look at something, and at what, before they are shown it.
    pub(super) async fn looks(
        &self,
        shared: &Shared,
        action: &'static str,
        asked: Map<String, Value>,
    ) -> Result<u64, Problem> {
        let act = Act { details: asked, client: self.client, ..Act::new(self.actor(), action) };
        Ok(shared.control.record(Entry::Read(act)).await?)
    }

    /// Records that `action` was refused for want of one of `roles`, and says so.
    pub(super) async fn refused(
        &self,
        shared: &Shared,
        action: &'static str,
        entry: fn(Act) -> Entry,
        roles: &[Role],
    ) -> Problem {
        let act = Act { client: self.client, ..Act::new(self.actor(), action) };
        if let Err(unrecorded) = shared.control.record_refused(act, entry, "forbidden").await {
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

impl From<AccountError> for Problem {
    fn from(fault: AccountError) -> Problem {
        if let AccountError::Control(fault) = fault {
            return fault.into();
        }
        let code = fault.code();
        let status = match &fault {
            AccountError::Control(_) | AccountError::Unhashed => return Problem::internal(code, &fault),
            AccountError::WrongCredentials | AccountError::CodeNeeded => StatusCode::UNAUTHORIZED,
            AccountError::Slow(wait) => {
                // Up, so that whoever waits as long is not turned away once more.
                let seconds = wait.as_millis().div_ceil(1000);
                let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
                let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, fault.to_string());
                return problem.with("retry_after", seconds);
            }
            AccountError::Busy => {
                let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, code, fault.to_string());
                return problem.with("retry_after", 1);
            }
            AccountError::Weak(_) => {
                let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, fault.to_string());
                return problem.with("field", "password");
            }
            AccountError::Mistyped | AccountError::Unconfirmed => StatusCode::UNPROCESSABLE_ENTITY,
            AccountError::OwnAccount => StatusCode::FORBIDDEN,
            AccountError::LastHolder(_) => StatusCode::CONFLICT,
            AccountError::NoInvitation => StatusCode::NOT_FOUND,
        };
        Problem::new(status, code, fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_does_what_it_is_for() {
        let rows = [
            (Method::GET, "/unblocks", Scope::Read),
            (Method::HEAD, "/staff", Scope::Read),
            (Method::POST, "/explain", Scope::Read),
            (Method::POST, "/exports", Scope::Read),
            (Method::POST, "/unblocks", Scope::Unblock),
            (Method::POST, "/unblocks/7/approve", Scope::Unblock),
            (Method::POST, "/changes/7/approve", Scope::Change),
            (Method::POST, "/lists/reload", Scope::Change),
            (Method::PATCH, "/staff/j.evans", Scope::Staff),
            (Method::POST, "/tokens", Scope::Staff),
            (Method::POST, "/break-glass/seal", Scope::Staff),
            (Method::DELETE, "/whatever-comes", Scope::Change),
        ];
        for (method, path, expected) in rows {
            assert_eq!(scope(&method, path), expected, "{method} {path}");
        }
    }
}
