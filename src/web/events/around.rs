//! What happened around an event: how it was reached, what the person did before and after, and who
//! else was there.
//!
//! **Invariant:** the look is recorded before it is answered; names are those the reader may see, and
//! of a statutory match nothing is said that says where it went.

use std::time::Duration;

use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::audit::Entry;
use crate::audit::around::{Around, Step, told};
use crate::audit::pages::shown;
use crate::web::Shared;
use crate::web::events::mask::Mask;
use crate::web::events::{Form, Reader, SeenEvent, Ward, about_event};
use crate::web::openapi::words::{Moment, ReachedWord, ViewWord};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// How far it is looked, on either side, in minutes.
const MINUTES: u64 = 30;
const MOST_MINUTES: u64 = 240;
/// Most other people who are named.
const MOST_OTHERS: usize = 100;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(in crate::web) struct AroundWanted {
    /// How far to look before and after, in minutes.
    #[param(minimum = 1, maximum = 240, default = 30)]
    minutes: Option<u32>,
    /// What the person did: as events, or collapsed to page views.
    #[param(inline)]
    view: Option<ViewWord>,
    /// What you look at it for: needed with names, and recorded.
    #[param(min_length = 10, max_length = 1000)]
    reason: Option<String>,
}

/// An event and what was around it.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct AroundAnswer {
    /// The event.
    event: SeenEvent,
    /// How it was reached, as a sentence; empty for what is no access.
    told: String,
    /// How it was reached, step by step back to where that began; the event itself is the first. Empty
    /// for what is no access.
    chain: Vec<ChainStep>,
    /// What the same person did before and after, the oldest first; with `view=pages` each has a
    /// member `page`. Empty where the event is nobody's.
    person: Vec<SeenEvent>,
    /// Whether the person did more within that time than is here.
    person_cut: bool,
    /// Who else asked for the same host within that time; 100 at most.
    others: Vec<AlsoThere>,
    /// Whether there may be more of them: so much was asked of that host that only the nearest was looked
    /// at, or there were more than 100.
    others_cut: bool,
    /// The record of the look.
    audit_seq: u64,
}

/// A step of how an address was reached.
#[derive(Serialize, ToSchema)]
struct ChainStep {
    /// Its event.
    sequence: u64,
    /// When.
    #[schema(value_type = Moment)]
    time: String,
    /// The host.
    host: Option<String>,
    /// What was searched for, where it was a search.
    search: Option<String>,
    /// How it was reached.
    #[schema(value_type = ReachedWord)]
    reached: &'static str,
    /// The host that the browser says led to it.
    from: Option<String>,
}

/// Somebody else who asked for the same host; names or pseudonyms.
#[derive(Serialize, ToSchema)]
struct AlsoThere {
    /// Their first event there.
    sequence: u64,
    /// When that was.
    #[schema(value_type = Moment)]
    time: String,
    /// The person.
    user: Option<String>,
    /// The device.
    device: Option<String>,
    /// The address.
    client: Option<String>,
    /// The group.
    group: Option<String>,
    /// How often they asked for it.
    accesses: u64,
}

/// Answers what was around event `sequence`, and records that it was asked.
pub(in crate::web) async fn around(
    shared: &Shared,
    sequence: u64,
    uri: &Uri,
    reader: Reader,
) -> Result<AroundAnswer, Problem> {
    let query = Query::read::<AroundWanted>(uri)?;
    let minutes = query.parsed::<u64>("minutes")?.unwrap_or(MINUTES);
    if !(1..=MOST_MINUTES).contains(&minutes) {
        let detail = format!("`minutes` is a number from 1 to {MOST_MINUTES}");
        return Err(Problem::invalid("minutes", detail));
    }
    let form = Form::of(&query)?;
    let ward = Ward::of(&reader.inquiries, shared).await?;
    let (act, sight) = reader.act("events.around", &query)?;
    let routed = about_event(shared, sequence).await;
    let act = act.with("sequence", sequence).with("minutes", minutes).with("routed", routed);
    let audit_seq = shared.control.record(Entry::Read(act)).await?;
    let span = Duration::from_secs(minutes * 60);
    let found = shared.look_up(move |index| index.around(sequence, span)).await??;
    let found = found.ok_or_else(Problem::not_found)?;
    answer(found, form, &Mask::new(sight, ward), audit_seq).ok_or_else(Problem::not_found)
}

fn answer(found: Around, form: Form, mask: &Mask, audit_seq: u64) -> Option<AroundAnswer> {
    let Around { event, person, is_cut, others, others_cut, chain } = found;
    let person = match form {
        Form::Events => person,
        Form::Pages => shown(person),
    };
    let others_cut = others_cut || others.len() > MOST_OTHERS;
    let others = others.into_iter().take(MOST_OTHERS);
    Some(AroundAnswer {
        event: SeenEvent(mask.seen(event)?),
        told: told(&chain),
        chain: chain.into_iter().map(ChainStep::of).collect(),
        person: person.into_iter().filter_map(|event| mask.seen(event)).map(SeenEvent).collect(),
        person_cut: is_cut,
        others: others.filter_map(|(first, accesses)| AlsoThere::of(&mask.seen(first)?, accesses)).collect(),
        others_cut,
        audit_seq,
    })
}

impl ChainStep {
    fn of(step: Step) -> ChainStep {
        let Step { at: _, sequence, time, host, search, reached, from } = step;
        ChainStep { sequence, time, host, search, reached: reached.as_str(), from }
    }
}

impl AlsoThere {
    fn of(first: &Value, accesses: u64) -> Option<AlsoThere> {
        let text = |path: &str| first.pointer(path).and_then(Value::as_str).map(str::to_owned);
        Some(AlsoThere {
            sequence: first.pointer("/event/sequence")?.as_u64()?,
            time: text("/@timestamp")?,
            user: text("/user/name"),
            device: text("/host/name"),
            client: text("/source/ip"),
            group: text("/user/group/name"),
            accesses,
        })
    }
}
