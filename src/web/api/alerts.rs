//! Safeguarding alerts: listed without names, read with them, answered step by step.
//!
//! **Invariant:** whoever may not see an alert learns nothing of it, not even that it is there.

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::audit::{Act, Entry};
use crate::control::alerts::{ALERTED, About, AlertState, Answer, Precision as Counted};
use crate::model::{Role, Severity, Theme};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::{Answer as Answered, Sent};
use crate::web::openapi::words::{AlertStateWord, SeverityWord, ThemeWord};
use crate::web::page::{Page, Paged, Paging};
use crate::web::path::Id;
use crate::web::problem::Problem;
use crate::web::query::Query;
use crate::web::said::{Purpose, Why};

mod events;
mod shown;

use shown::{Alert, Dismissal, Precision, Precisions, Suppression, Words};

/// Most alerts of a page.
const MOST: usize = 500;
/// Most events of an alert that are shown, the newest.
const MOST_EVENTS: usize = 100;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
struct Wanted {
    /// Only those that stand there.
    #[param(inline)]
    state: Option<AlertStateWord>,
    /// Only of this theme.
    #[param(inline)]
    theme: Option<ThemeWord>,
    /// Only of this severity.
    #[param(inline)]
    severity: Option<SeverityWord>,
}

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
struct Looking {
    /// What you look at it for: recorded.
    #[param(min_length = 10, max_length = 1000)]
    reason: String,
}

/// What is done once however often it is sent.
pub(super) fn once_only() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(seen))
        .routes(routes!(action))
        .routes(routes!(outcome))
        .routes(routes!(close))
        .routes(routes!(false_positive))
        .routes(routes!(end_suppression))
}

pub(super) fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::default()
        .routes(routes!(all))
        .routes(routes!(precision))
        .routes(routes!(suppressions))
        .routes(routes!(one))
}

/// Alerts
///
/// Those that you may see, the newest first, without names, and that you looked is recorded first: alerts about pupils for DSL and
/// headteacher, about staff for the headteacher, about a headteacher for the governor who is named for
/// that. Nobody sees their own.
#[utoipa::path(get, path = "/alerts", operation_id = "list_alerts", tag = "alerts", params(Paged<Wanted>),
    responses((status = 200, description = "A page of alerts", body = Page<Alert>,
        headers(("Link", description = "The next page (RFC 8288)")))))]
async fn all(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answered<Page<Alert>>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alerts.read", Entry::Read).await?;
    let query = Query::read::<Paged<Wanted>>(&uri)?;
    let state = query.one_of("state", &AlertState::ALL, AlertState::as_str)?;
    let theme = query.one_of("theme", &Theme::ALL, Theme::as_str)?;
    let severity = query.one_of("severity", &Severity::ALL, Severity::as_str)?;
    let audit_seq = looked(&shared, &caller, "alerts", query.asked()).await?;
    let mut alerts = shared.control.alerts(&caller.staff).await?;
    alerts.retain(|alert| {
        state.is_none_or(|state| alert.state == state)
            && theme.is_none_or(|theme| alert.theme == theme)
            && severity.is_none_or(|severity| alert.severity == severity)
    });
    Page::recorded_of(alerts, (&query, audit_seq), MOST, |alert| alert.id, Alert::unnamed)
}

/// One alert
///
/// Whom it is about, what was done about it, and its events as the trail has them, the newest first (100
/// at most). The look is recorded before it is answered.
#[utoipa::path(get, path = "/alerts/{id}", operation_id = "get_alert", tag = "alerts",
    params(Id, Looking), responses((status = 200, description = "The alert", body = Alert)))]
async fn one(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    uri: Uri,
) -> Result<Answered<Alert>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alert.read", Entry::Read).await?;
    let query = Query::read::<Looking>(&uri)?;
    let (alert, steps, sequences) = shared.control.alert(&caller.staff, id, MOST_EVENTS).await?;
    let reason = Purpose::Needed.read(&query)?;
    let act = Act::new(caller.actor(), "alert.read").with("alert_id", id.to_string());
    let act = Act { reason, client: caller.client, ..act.with("routed", alert.about.as_str()) };
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    let person = alert.person.clone();
    let events = shared.look_up(move |index| events::of(index, &person, &sequences)).await??;
    Ok(Answered::ok(Alert::named(alert, steps, events).recorded(audit_seq)))
}

/// Say that you have looked at an alert
#[utoipa::path(post, path = "/alerts/{id}/seen", operation_id = "alert_seen", tag = "alerts",
    params(Id), request_body = Words,
    responses((status = 200, description = "The alert", body = Alert)))]
async fn seen(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(words): Sent<Words>,
) -> Result<Answered<Alert>, Problem> {
    answer(&shared, &caller, id, Answer::Seen, words).await
}

/// Say what is being done about an alert
#[utoipa::path(post, path = "/alerts/{id}/action", operation_id = "alert_action", tag = "alerts",
    params(Id), request_body = Words,
    responses((status = 200, description = "The alert", body = Alert)))]
async fn action(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(words): Sent<Words>,
) -> Result<Answered<Alert>, Problem> {
    answer(&shared, &caller, id, Answer::Action, words).await
}

/// Say what came of an alert
#[utoipa::path(post, path = "/alerts/{id}/outcome", operation_id = "alert_outcome", tag = "alerts",
    params(Id), request_body = Words,
    responses((status = 200, description = "The alert", body = Alert)))]
async fn outcome(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(words): Sent<Words>,
) -> Result<Answered<Alert>, Problem> {
    answer(&shared, &caller, id, Answer::Outcome, words).await
}

/// Close an alert of which it is known what came of it
///
/// An advisory may be closed once somebody has looked.
#[utoipa::path(post, path = "/alerts/{id}/close", operation_id = "close_alert", tag = "alerts",
    params(Id), request_body = Words,
    responses((status = 200, description = "The alert", body = Alert)))]
async fn close(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(words): Sent<Words>,
) -> Result<Answered<Alert>, Problem> {
    answer(&shared, &caller, id, Answer::Close, words).await
}

/// Close an alert to which there was nothing
///
/// With `suppress`, the same raises no alert for a while, 90 days at most: it is counted instead. What
/// a statutory list holds can't be suppressed.
#[utoipa::path(post, path = "/alerts/{id}/false_positive", operation_id = "alert_false_positive",
    tag = "alerts", params(Id), request_body = Dismissal,
    responses((status = 200, description = "The alert", body = Alert)))]
async fn false_positive(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(dismissal): Sent<Dismissal>,
) -> Result<Answered<Alert>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alert.false_positive", Entry::Alert).await?;
    let said = (Answer::FalsePositive, Some(dismissal.words.as_str()));
    let suppress = dismissal.suppress.map(shown::Suppress::request);
    let done = shared.control.answer_alert(&caller.staff, id, said, suppress.as_ref(), caller.client).await?;
    let alert = Alert::unnamed(done.value.alert).suppressing(done.value.suppression);
    Ok(Answered::ok(alert.recorded(done.audit_seq)))
}

/// How often alerts were right
///
/// By theme: closed with something to them, closed with nothing to them, open; and the share of the
/// first among those closed. Of the alerts that you may see.
#[utoipa::path(get, path = "/alerts/precision", operation_id = "alert_precision", tag = "alerts",
    responses((status = 200, description = "Every theme", body = Precisions)))]
async fn precision(State(shared): State<Shared>, caller: Caller) -> Result<Answered<Precisions>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alerts.read", Entry::Read).await?;
    let audit_seq = looked(&shared, &caller, "precision", Map::new()).await?;
    let alerts = shared.control.alerts(&caller.staff).await?;
    let items = Counted::of(&alerts).into_iter().map(Precision::new).collect();
    Ok(Answered::ok(Precisions { items, audit_seq }))
}

/// What raises no alert for a while
#[utoipa::path(get, path = "/alerts/suppressions", operation_id = "list_alert_suppressions", tag = "alerts",
    params(Paging), responses((status = 200, description = "A page of suppressions",
        body = Page<Suppression>, headers(("Link", description = "The next page (RFC 8288)")))))]
async fn suppressions(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Answered<Page<Suppression>>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alerts.read", Entry::Read).await?;
    let query = Query::read::<Paging>(&uri)?;
    let audit_seq = looked(&shared, &caller, "suppressions", query.asked()).await?;
    let (all, now) = (shared.control.suppressions(&caller.staff).await?, shared.control.now());
    Page::recorded_of(all, (&query, audit_seq), MOST, |one| one.id, |one| Suppression::new(one, now))
}

/// Records that `caller` looks at what there is of alerts, before they do. Whom that may be about goes
/// by what they may see, not by what there is: else a look that others are told of would say that there
/// was nothing to keep from them.
async fn looked(
    shared: &Shared,
    caller: &Caller,
    at: &'static str,
    asked: Map<String, Value>,
) -> Result<u64, Problem> {
    let about = match (caller.staff.is_any(&[Role::Governor]), caller.staff.is_any(&[Role::Headteacher])) {
        (true, false) => About::Headteacher,
        (true | false, true) => About::Staff,
        (false, false) => About::Pupil,
    };
    let more = [("of", at), ("routed", about.as_str())];
    let more = more.map(|(name, value)| (name.to_owned(), value.into()));
    caller.looks(shared, "alerts.read", asked.into_iter().chain(more).collect()).await
}

/// End a suppression before its time
#[utoipa::path(post, path = "/alerts/suppressions/{id}/end", operation_id = "end_alert_suppression",
    tag = "alerts", params(Id), request_body = Why,
    responses((status = 200, description = "The suppression, ended", body = Suppression)))]
async fn end_suppression(
    State(shared): State<Shared>,
    caller: Caller,
    Id(id): Id,
    Sent(why): Sent<Why>,
) -> Result<Answered<Suppression>, Problem> {
    caller.must_hold(&ALERTED, &shared, "alert.suppression_ended", Entry::Alert).await?;
    let ended = shared.control.end_suppression(&caller.staff, id, &why.reason, caller.client).await?;
    let shown = Suppression::new(ended.value, shared.control.now());
    Ok(Answered::ok(shown.recorded(ended.audit_seq)))
}

async fn answer(
    shared: &Shared,
    caller: &Caller,
    id: Uuid,
    answer: Answer,
    words: Words,
) -> Result<Answered<Alert>, Problem> {
    caller.must_hold(&ALERTED, shared, answer.action(), Entry::Alert).await?;
    let said = (answer, words.words.as_deref());
    let done = shared.control.answer_alert(&caller.staff, id, said, None, caller.client).await?;
    Ok(Answered::ok(Alert::unnamed(done.value.alert).recorded(done.audit_seq)))
}
