//! The evidence of one matter: whose events of which time it is.
//!
//! **Invariant:** that it was asked for is recorded before anybody hears whether there is such an event.

use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Kind, Known, Which, said, taken_away};
use crate::audit::{Act, Entry, Format};
use crate::web::Shared;
use crate::web::events::{Reader, Wanted, about_event, explained};
use crate::web::openapi::words::Moment;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// How many minutes before and after an event belong to its matter, unless said otherwise.
const AROUND: u32 = 30;
/// And at most: a week.
const MOST_AROUND: u32 = 7 * 24 * 60;

/// Which matter the evidence is of: what one person did around an event, or within a time.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "event": 88121, "minutes": 30, "reason": "Passed on to children's social care" })))]
pub(in crate::web) struct EvidenceWish {
    /// An event that it is about.
    event: Option<u64>,
    /// How many minutes before and after it: 30 unless said.
    #[schema(minimum = 1, maximum = 10080)]
    minutes: Option<u32>,
    /// Instead of an event: a person.
    user: Option<String>,
    /// Or a device.
    device: Option<String>,
    /// Or a client's address.
    client: Option<String>,
    /// From when.
    #[schema(value_type = Option<Moment>)]
    from: Option<String>,
    /// Until when.
    #[schema(value_type = Option<Moment>)]
    to: Option<String>,
    /// What it is for.
    #[schema(min_length = 10, max_length = 1000)]
    reason: String,
}

/// What is taken away of a matter, and what is known of it.
type Matter = (Which, Known);

/// Answers the evidence of one matter.
pub(in crate::web) async fn evidence(
    shared: &Shared,
    reader: Reader,
    wish: EvidenceWish,
) -> Result<Response, Problem> {
    let reason = wish.reason.clone();
    // So that nothing is looked up before it is said what for.
    let purpose = reader.purpose.read(&Query::of::<Wanted>(said(&Which::default(), Some(&reason)))?)?;
    let act =
        Act { reason: purpose, client: reader.client, ..Act::new(reader.actor.clone(), "events.evidence") };
    let (which, known) = matter(shared, wish, act).await?;
    let query = Query::of::<Wanted>(said(&which, Some(&reason)))?;
    taken_away(shared, reader, Kind::Evidence, (&query, known), Format::ALL.into()).await
}

/// Whose events of which time a matter is; where an event says so, `act` is recorded first.
async fn matter(shared: &Shared, wish: EvidenceWish, act: Act) -> Result<Matter, Problem> {
    let EvidenceWish { event, minutes, user, device, client, from, to, reason: _ } = wish;
    let person = [&user, &device, &client].into_iter().flatten().count();
    match (event, person) {
        (Some(sequence), 0) if from.is_none() && to.is_none() => {
            around(shared, sequence, minutes.unwrap_or(AROUND), act).await
        }
        (None, 1) if from.is_some() && to.is_some() && minutes.is_none() => {
            Ok((Which { from, to, user, device, client, ..Which::default() }, Known::default()))
        }
        (Some(_) | None, _) => {
            let detail =
                "name an `event` (and `minutes`), or one of `user`, `device` and `client`, `from` and `to`";
            Err(Problem::invalid("event", detail))
        }
    }
}

async fn around(shared: &Shared, sequence: u64, minutes: u32, act: Act) -> Result<Matter, Problem> {
    if !(1..=MOST_AROUND).contains(&minutes) {
        return Err(Problem::invalid("minutes", format!("`minutes` is a number from 1 to {MOST_AROUND}")));
    }
    let about = about_event(shared, sequence).await;
    let act = act.with("sequence", sequence).with("minutes", minutes).with("routed", about);
    shared.control.record(Entry::Read(act)).await?;
    let event = shared.look_up(move |index| explained::one(index, sequence)).await??;
    let event = event.ok_or_else(Problem::not_found)?;
    let text = |place: &str| event.pointer(place).and_then(Value::as_str).map(ToOwned::to_owned);
    let time = text("/@timestamp").and_then(|time| time.parse::<crate::model::Timestamp>().ok());
    let time = time.ok_or_else(Problem::not_found)?;
    let span = std::time::Duration::from_secs(u64::from(minutes) * 60);
    let (user, device, client) = (text("/user/name"), text("/host/name"), text("/source/ip"));
    let (device, client) = match (&user, device) {
        (Some(_), _) => (None, None),
        (None, Some(device)) => (Some(device), None),
        (None, None) => (None, client),
    };
    let (from, to) = (Some(time.minus(span).to_string()), Some(time.plus(span).to_string()));
    let known = Known { event: Some(sequence), about: Some(about) };
    Ok((Which { from, to, user, device, client, ..Which::default() }, known))
}
