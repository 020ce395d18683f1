//! Accounts, for whoever may write to the state folder: the way in when nobody else has one.
//!
//! **Invariant:** even here, the last who could set the filter right again stays.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::accounts::{By, Invitation, MemberChanges, NewMember, NewToken, Scope};
use crate::control::{Kind, Recorded, Staff};
use crate::model::{GroupName, Role, StaffName, Timestamp};
use crate::web::Shared;
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;

/// `{name, roles, kind?, starts_at?, ends_at?, groups?, reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: StaffName,
    roles: Vec<Role>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    starts_at: Option<Timestamp>,
    #[serde(default)]
    ends_at: Option<Timestamp>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// `{reason?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Why {
    reason: Option<String>,
}

/// `{label?, scopes?, days?}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Make {
    #[serde(default)]
    label: String,
    #[serde(default)]
    scopes: Vec<Scope>,
    days: Option<u32>,
}

/// `{reason, minutes}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Access {
    reason: String,
    minutes: u32,
}

/// Every route of it.
pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/staff", get(all).post(add))
        .route("/staff/{name}/disable", post(disable))
        .route("/staff/{name}/enable", post(enable))
        .route("/staff/{name}/confirm", post(confirm))
        .route("/staff/{name}/reset", post(reset))
        .route("/staff/{name}/token", post(token))
        .route("/staff/{name}/access", post(let_in).delete(let_out))
        .route("/break-glass/seal", post(seal))
}

async fn all(State(shared): State<Shared>) -> Result<Answer<Value>, Problem> {
    Ok(Answer::ok(json!({ "items": shared.control.staff().await?, "next": null })))
}

async fn add(State(shared): State<Shared>, Sent(new): Sent<New>) -> Result<Answer<Value>, Problem> {
    let read = |name: &String| name.parse().map_err(|fault| Problem::invalid("groups", format!("{fault}")));
    let groups: Vec<GroupName> = new.groups.iter().map(read).collect::<Result<_, _>>()?;
    let staff = Staff {
        kind: new.kind.unwrap_or(Kind::School),
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        groups,
        ..Staff::of(new.name, &new.roles)
    };
    let new = NewMember { staff, reason: new.reason };
    let made = shared.control.add_member(&By::local(), &new).await?;
    Ok(Answer::created(invited(&new.staff.name, &made)))
}

async fn disable(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(why): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    changed(&shared, &name, Some(true), &why).await
}

async fn enable(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(why): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    changed(&shared, &name, Some(false), &why).await
}

async fn confirm(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(why): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let done = shared.control.confirm_member(&By::local(), &staff(&name)?, why.reason.as_deref()).await?;
    Ok(Answer::ok(told(&done)))
}

async fn reset(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(why): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let name = staff(&name)?;
    let made = shared.control.reset_member(&By::local(), &name, why.reason.as_deref()).await?;
    Ok(Answer::created(invited(&name, &made)))
}

async fn token(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(make): Sent<Make>,
) -> Result<Answer<Value>, Problem> {
    let new = NewToken { label: make.label, scopes: make.scopes, days: make.days };
    let made = shared.control.issue_token(&By::local(), &staff(&name)?, &new).await?;
    Ok(Answer::created(json!({
        "name": name,
        "id": made.value.id,
        "token": made.value.text,
        "expires_at": made.value.expires_at,
        "audit_seq": made.audit_seq,
    })))
}

async fn let_in(
    State(shared): State<Shared>,
    Path(name): Path<String>,
    Sent(sent): Sent<Access>,
) -> Result<Answer<Value>, Problem> {
    let name = staff(&name)?;
    let done = shared.control.let_in(&By::local(), &name, sent.minutes, &sent.reason).await?;
    Ok(Answer::ok(told(&done)))
}

async fn let_out(State(shared): State<Shared>, Path(name): Path<String>) -> Result<Answer<Value>, Problem> {
    let done = shared.control.let_out(&By::local(), &staff(&name)?).await?;
    Ok(Answer::ok(told(&done)))
}

async fn seal(State(shared): State<Shared>, Sent(why): Sent<Why>) -> Result<Answer<Value>, Problem> {
    let sealed = shared.control.seal_anew(&By::local(), why.reason.as_deref()).await?;
    Ok(Answer::created(json!({ "code": sealed.value.code, "audit_seq": sealed.audit_seq })))
}

async fn changed(
    shared: &Shared,
    name: &str,
    disabled: Option<bool>,
    why: &Why,
) -> Result<Answer<Value>, Problem> {
    let changes = MemberChanges { disabled, ..MemberChanges::default() };
    let why = why.reason.as_deref();
    let done = shared.control.change_member(&By::local(), &staff(name)?, changes, why).await?;
    Ok(Answer::ok(told(&done)))
}

fn told(done: &Recorded<Staff>) -> Value {
    let mut answer = json!(done.value);
    answer["audit_seq"] = done.audit_seq.into();
    answer
}

fn invited(name: &StaffName, made: &Recorded<Invitation>) -> Value {
    json!({
        "name": name,
        "setup_path": format!("/setup/{}", made.value.token),
        "expires_at": made.value.expires_at,
        "audit_seq": made.audit_seq,
    })
}

/// What is no name is nobody's.
fn staff(name: &str) -> Result<StaffName, Problem> {
    name.parse().map_err(|_| Problem::not_found())
}
