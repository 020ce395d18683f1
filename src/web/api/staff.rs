//! Staff: who has an account, added, changed, disabled, let in.

use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::Entry;
use crate::control::accounts::{ADMINISTRATORS, Invitation, MemberChanges, NewMember};
use crate::control::{Kind, Recorded, Staff};
use crate::model::{GroupName, Role, StaffName, Timestamp};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer, Sent};
use crate::web::problem::Problem;

/// An account that is to be.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewMember)]
#[serde(deny_unknown_fields)]
struct New {
    #[schema(value_type = String)]
    name: StaffName,
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// `school`, or `supplier`: somebody who is let in for a while and a reason.
    #[serde(default = "school")]
    #[schema(value_type = String)]
    kind: Kind,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    /// The groups that they teach.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    groups: Vec<String>,
    /// Why, in 15 characters or more.
    reason: String,
}

/// What is to be other than it is; what is absent stays, and `null` takes a moment away.
#[derive(Deserialize, ToSchema)]
#[schema(as = MemberChanges)]
#[serde(deny_unknown_fields)]
struct Patch {
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Vec<Role>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Option<Timestamp>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Option<Timestamp>>,
    #[schema(value_type = Option<Vec<String>>)]
    groups: Option<Vec<String>>,
    /// Why, in 15 characters or more.
    reason: String,
}

/// Why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// In 15 characters or more.
    reason: String,
}

/// A supplier's window.
#[derive(Deserialize, ToSchema)]
#[schema(as = SupplierAccess)]
#[serde(deny_unknown_fields)]
struct Access {
    /// Why, in 15 characters or more.
    reason: String,
    /// 1 to 480.
    minutes: u32,
}

/// An account. No secret of it is ever shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
struct Shown {
    #[schema(value_type = String)]
    name: StaffName,
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    #[schema(value_type = String)]
    kind: Kind,
    disabled: bool,
    /// Whether they are somebody at this moment.
    active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Timestamp>,
    #[schema(value_type = Vec<String>)]
    groups: Vec<GroupName>,
    /// Until when a supplier is let in.
    #[schema(value_type = Option<String>, format = DateTime)]
    access_until: Option<Timestamp>,
    /// As whose it counts where a second person is asked for, until a headteacher confirms it.
    #[schema(value_type = Option<String>)]
    counts_as: Option<StaffName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_seq: Option<u64>,
}

/// Everybody, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = MemberPage)]
struct Everybody {
    items: Vec<Shown>,
    next: Option<String>,
}

/// A link, shown this once, by which somebody sets their password.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitedMember)]
struct Invited {
    #[schema(value_type = String)]
    name: StaffName,
    /// Behind the gateway's own address; none for a token, which must not become an account.
    setup_path: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    audit_seq: u64,
}

/// What answers a secret, or nothing new; no `Idempotency-Key` is kept for it.
pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(all, add)).routes(routes!(one, change)).routes(routes!(invite))
}

/// What an `Idempotency-Key` is kept for.
pub(super) fn once_only() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(confirm))
        .routes(routes!(let_in, let_out))
}

/// Everybody who has an account
#[utoipa::path(get, path = "/staff", operation_id = "list_staff", tag = "staff",
    responses((status = 200, description = "As asked", body = Everybody)))]
async fn all(State(shared): State<Shared>, caller: Caller) -> Result<Answer<Value>, Problem> {
    caller.must_hold(&ADMINISTRATORS, &shared, "staff.read", Entry::Read).await?;
    let now = shared.control.now();
    let items = shared.control.staff().await?.into_iter().map(|staff| shown(staff, now, None)).collect();
    Ok(Answer::ok(json!(Everybody { items, next: None })))
}

/// Add a member of staff
///
/// The answer has the link by which they set their password, for somebody signed in; who adds by a
/// token has it made with `invite`.
#[utoipa::path(post, path = "/staff", operation_id = "add_staff", tag = "staff", request_body = New,
    responses((status = 201, description = "What was made", body = Invited), (status = 409, description = "`taken`")))]
async fn add(
    State(shared): State<Shared>,
    caller: Caller,
    Sent(sent): Sent<New>,
) -> Result<Answer<Value>, Problem> {
    let staff = Staff {
        kind: sent.kind,
        starts_at: sent.starts_at,
        ends_at: sent.ends_at,
        groups: groups(&sent.groups)?,
        ..Staff::of(sent.name, &sent.roles)
    };
    let name = staff.name.clone();
    let new = NewMember { staff, reason: Some(sent.reason) };
    let made = shared.control.add_member(&caller.by(), &new).await?;
    Ok(Answer::created(json!(invited(&caller, name, made))))
}

/// One account
#[utoipa::path(get, path = "/staff/{name}", operation_id = "show_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    responses((status = 200, description = "As asked", body = Shown), (status = 404, description = "there is no such account")))]
async fn one(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Answer<Value>, Problem> {
    caller.must_hold(&ADMINISTRATORS, &shared, "staff.read", Entry::Read).await?;
    let staff = shared.control.member(&named(&name)?).await?;
    Ok(Answer::ok(json!(shown(staff, shared.control.now(), None))))
}

/// Change roles, dates or groups
///
/// A change of roles ends the sessions.
#[utoipa::path(patch, path = "/staff/{name}", operation_id = "change_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")), request_body = Patch,
    responses((status = 200, description = "As asked", body = Shown), (status = 403, description = "`forbidden`, `own_account`"),
              (status = 409, description = "`last_holder`")))]
async fn change(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Patch>,
) -> Result<Answer<Value>, Problem> {
    let changes = MemberChanges {
        roles: sent.roles,
        starts_at: sent.starts_at,
        ends_at: sent.ends_at,
        groups: sent.groups.as_deref().map(groups).transpose()?,
        disabled: None,
    };
    changed(&shared, &caller, &name, changes, &sent.reason).await
}

/// End an account, its sessions and its tokens, at once
#[utoipa::path(post, path = "/staff/{name}/disable", operation_id = "disable_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    request_body = Why, responses((status = 200, description = "As asked", body = Shown), (status = 409, description = "`last_holder`")))]
async fn disable(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let changes = MemberChanges { disabled: Some(true), ..MemberChanges::default() };
    changed(&shared, &caller, &name, changes, &sent.reason).await
}

/// Let somebody back in
#[utoipa::path(post, path = "/staff/{name}/enable", operation_id = "enable_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    request_body = Why, responses((status = 200, description = "As asked", body = Shown)))]
async fn enable(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let changes = MemberChanges { disabled: Some(false), ..MemberChanges::default() };
    changed(&shared, &caller, &name, changes, &sent.reason).await
}

/// Say that an account is in the hands of a person of its own
///
/// Until then it counts as whoever had its link: the two are one where a second person is asked for. For
/// a headteacher whose own account counts for itself.
#[utoipa::path(post, path = "/staff/{name}/confirm", operation_id = "confirm_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    request_body = Why, responses((status = 200, description = "As asked", body = Shown), (status = 403, description = "`forbidden`, `own_account`"),
              (status = 409, description = "`wrong_state`: its link is not used yet")))]
async fn confirm(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let name = named(&name)?;
    let done = shared.control.confirm_member(&caller.by(), &name, Some(&sent.reason)).await?;
    Ok(Answer::ok(json!(told(&shared, done))))
}

/// Send somebody back to the start
///
/// Password, second factor, sessions and tokens are gone, and the answer has a new link. For somebody
/// signed in, not for a token: `session_needed`.
#[utoipa::path(post, path = "/staff/{name}/invite", operation_id = "invite_staff", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    request_body = Why, responses((status = 201, description = "What was made", body = Invited)))]
async fn invite(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Why>,
) -> Result<Answer<Value>, Problem> {
    let name = named(&name)?;
    caller.in_session()?;
    let made = shared.control.reset_member(&caller.by(), &name, Some(&sent.reason)).await?;
    Ok(Answer::created(json!(invited(&caller, name, made))))
}

/// Let a supplier in for a while
#[utoipa::path(post, path = "/staff/{name}/access", operation_id = "let_in_supplier", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    request_body = Access, responses((status = 200, description = "As asked", body = Shown)))]
async fn let_in(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(sent): Sent<Access>,
) -> Result<Answer<Value>, Problem> {
    let name = named(&name)?;
    let done = shared.control.let_in(&caller.by(), &name, sent.minutes, &sent.reason).await?;
    Ok(Answer::ok(json!(told(&shared, done))))
}

/// End a supplier's window now
#[utoipa::path(delete, path = "/staff/{name}/access", operation_id = "let_out_supplier", tag = "staff",
    params(("name" = String, Path, description = "The sign-in name")),
    responses((status = 200, description = "As asked", body = Shown)))]
async fn let_out(
    State(shared): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Answer<Value>, Problem> {
    let done = shared.control.let_out(&caller.by(), &named(&name)?).await?;
    Ok(Answer::ok(json!(told(&shared, done))))
}

fn invited(caller: &Caller, name: StaffName, made: Recorded<Invitation>) -> Invited {
    let setup_path = caller.in_session().is_ok().then(|| format!("/setup/{}", made.value.token));
    Invited { name, setup_path, expires_at: made.value.expires_at, audit_seq: made.audit_seq }
}

async fn changed(
    shared: &Shared,
    caller: &Caller,
    name: &str,
    changes: MemberChanges,
    reason: &str,
) -> Result<Answer<Value>, Problem> {
    let done = shared.control.change_member(&caller.by(), &named(name)?, changes, Some(reason)).await?;
    Ok(Answer::ok(json!(told(shared, done))))
}

fn told(shared: &Shared, done: Recorded<Staff>) -> Shown {
    shown(done.value, shared.control.now(), Some(done.audit_seq))
}

fn shown(staff: Staff, now: Timestamp, audit_seq: Option<u64>) -> Shown {
    Shown {
        active: staff.is_active(now),
        name: staff.name,
        roles: staff.roles,
        kind: staff.kind,
        disabled: staff.disabled,
        starts_at: staff.starts_at,
        ends_at: staff.ends_at,
        groups: staff.groups,
        access_until: staff.access_until,
        counts_as: staff.counts_as,
        audit_seq,
    }
}

fn groups(names: &[String]) -> Result<Vec<GroupName>, Problem> {
    let read = |name: &String| name.parse().map_err(|fault| Problem::invalid("groups", format!("{fault}")));
    names.iter().map(read).collect()
}

/// What is no name is nobody's.
fn named(name: &str) -> Result<StaffName, Problem> {
    name.parse().map_err(|_| Problem::not_found())
}

fn school() -> Kind {
    Kind::School
}

/// Tells `null` from what is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Timestamp>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
