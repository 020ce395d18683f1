//! Reports: daily and weekly for those who look after pupils, termly for governors.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::audit::{Act, Entry};
use crate::control::reports::{DIGEST_READERS, Days, Kind, Report as Made, TERMLY_READERS};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::openapi::words::{ReportFormat, ReportKind};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// The forms of a report.
const FORMATS: [&str; 3] = ["json", "html", "csv"];
/// A page of a report carries its own style, and nothing else.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(super) struct Wanted {
    /// The first day, by the school's clock: `2026-09-07`. With `to`.
    from: Option<String>,
    /// The last day. A termly report is of whole months that are over: so many that nobody is told by it.
    to: Option<String>,
    /// In which form.
    #[param(inline)]
    format: Option<ReportFormat>,
}

/// A report: the same tables in every form.
#[derive(Serialize, ToSchema)]
pub(super) struct Report {
    /// Which kind.
    #[schema(value_type = ReportKind)]
    kind: &'static str,
    /// What it is.
    title: String,
    /// Of which days.
    span: String,
    /// When it was made, by the school's clock.
    made_at: String,
    /// Its tables.
    sections: Vec<Section>,
}

/// A table of a report.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportSection)]
struct Section {
    /// What it says.
    title: String,
    /// How to read it.
    note: Option<String>,
    /// What its columns are called.
    columns: Vec<String>,
    /// Its rows, a cell a column.
    rows: Vec<Vec<String>>,
}

/// The daily report
///
/// Alerts, what is open, what was blocked and opened, lists and record; of yesterday, unless you say
/// otherwise. It names nobody.
#[utoipa::path(get, path = "/reports/daily", operation_id = "daily_report", tag = "reports", params(Wanted),
    responses((status = 200, description = "The report", content(
        (Report = "application/json"), (String = "text/html; charset=utf-8"),
        (String = "text/csv; charset=utf-8")))))]
pub(super) async fn daily(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.must_hold(&DIGEST_READERS, &shared, "reports.read", Entry::Read).await?;
    made(&shared, &caller, Kind::Daily, &uri).await
}

/// The weekly report
///
/// As the daily one, with the alerts by search terms, under pseudonyms; of last week, unless you say
/// otherwise.
#[utoipa::path(get, path = "/reports/weekly", operation_id = "weekly_report", tag = "reports", params(Wanted),
    responses((status = 200, description = "The report", content(
        (Report = "application/json"), (String = "text/html; charset=utf-8"),
        (String = "text/csv; charset=utf-8")))))]
pub(super) async fn weekly(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.must_hold(&DIGEST_READERS, &shared, "reports.read", Entry::Read).await?;
    made(&shared, &caller, Kind::Weekly, &uri).await
}

/// The report to governors
///
/// Of pupils alone, without names; numbers of what people did are rounded, and small ones hidden. Of the
/// last three months, unless you say otherwise, and always of whole months that are over.
#[utoipa::path(get, path = "/reports/termly", operation_id = "termly_report", tag = "reports", params(Wanted),
    responses((status = 200, description = "The report", content(
        (Report = "application/json"), (String = "text/html; charset=utf-8"),
        (String = "text/csv; charset=utf-8")))))]
pub(super) async fn termly(
    State(shared): State<Shared>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    caller.must_hold(&TERMLY_READERS, &shared, "reports.read", Entry::Read).await?;
    made(&shared, &caller, Kind::Termly, &uri).await
}

async fn made(shared: &Shared, caller: &Caller, kind: Kind, uri: &Uri) -> Result<Response, Problem> {
    let query = Query::read::<Wanted>(uri)?;
    let format = query.one_of("format", &FORMATS, |format| format)?.unwrap_or("json");
    let days = shared.control.report_days(kind, days(&query)?)?;
    let act = Act { client: caller.client, ..Act::new(caller.actor(), "reports.read") };
    let act = act.with("kind", kind.as_str()).with("from", days.from.to_string());
    let act = act.with("to", days.to.saturating_sub(1.day()).to_string());
    shared.control.record(Entry::Read(act)).await?;
    let _turn = shared.searches.acquire().await.map_err(|fault| Problem::internal("audit", &fault))?;
    let report = shared.control.report_of(kind, days, &caller.staff, &shared.reading()).await?;
    let policy = (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    Ok(match format {
        "html" => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8"), policy], report.html()).into_response()
        }
        "csv" => {
            let name = format!("attachment; filename=\"{}.csv\"", kind.as_str());
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned());
            ([kind, (header::CONTENT_DISPOSITION, name)], report.csv()).into_response()
        }
        _ => Answer::ok(Report::of(report)).into_response(),
    })
}

fn days(query: &Query) -> Result<Option<Days>, Problem> {
    let (from, last) = (query.parsed::<Date>("from")?, query.parsed::<Date>("to")?);
    match (from, last) {
        (None, None) => Ok(None),
        (Some(from), Some(last)) if from <= last => Ok(Some(Days { from, to: last.saturating_add(1.day()) })),
        (Some(_), Some(_)) => Err(Problem::invalid("to", "`to` is before `from`")),
        (Some(_), None) | (None, Some(_)) => Err(Problem::invalid("to", "`from` and `to` go together")),
    }
}

impl Report {
    fn of(made: Made) -> Report {
        let sections = made.sections.into_iter().map(|section| Section {
            title: section.title,
            note: section.note,
            columns: section.columns,
            rows: section.rows,
        });
        Report {
            kind: made.kind.as_str(),
            title: made.title,
            span: made.span,
            made_at: made.made_at,
            sections: sections.collect(),
        }
    }
}
