//! Who looked at whose log, when and why.
//!
//! **Invariant:** only those who may read the log with names see whose it was.

use axum::http::Uri;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::audit::Filter;
use crate::model::{Role, StaffName};
use crate::web::Shared;
use crate::web::auth::Caller;
use crate::web::body::Answer;
use crate::web::events::mask::Mask;
use crate::web::events::{Inquiries, NAMES, Sight, Ward, events as in_order, gather};
use crate::web::openapi::words::{ActorWord, Moment, OutcomeWord};
use crate::web::page::Page;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Who may see who looked.
pub(in crate::web) const READS_READERS: [Role; 3] = [Role::Headteacher, Role::Dsl, Role::Governor];
/// Most looks of a page.
const MOST: usize = 500;

/// What may stand behind `?`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "a description; `Query` reads by its names")]
pub(in crate::web) struct ReadsWanted {
    /// At this moment or later.
    #[param(inline)]
    from: Option<Moment>,
    /// Before this moment.
    #[param(inline)]
    to: Option<Moment>,
    /// A member of staff.
    by: Option<String>,
    /// How many items a page may have.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// What `next` of the page before said.
    #[param(minimum = 0)]
    cursor: Option<u64>,
}

/// One look.
#[derive(Serialize, ToSchema)]
pub(in crate::web) struct Read {
    /// Its record.
    sequence: u64,
    /// When.
    #[schema(value_type = Moment)]
    time: String,
    /// Which kind of actor looked.
    #[schema(value_type = ActorWord)]
    actor: String,
    /// The member of staff, if it was one.
    by: Option<String>,
    /// From which address, when over the network.
    client: Option<String>,
    /// At what: `events.read`, `unblock.usage_read`.
    action: String,
    /// Whether it was let happen.
    #[schema(value_type = OutcomeWord)]
    outcome: String,
    /// What for, in their words; not for governors.
    reason: Option<String>,
    /// What was asked for; names are pseudonyms for governors.
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    details: Value,
}

/// Answers the looks that the query of `uri` asks for, newest first, and records that.
pub(in crate::web) async fn reads(
    shared: &Shared,
    uri: &Uri,
    caller: &Caller,
) -> Result<Answer<Page<Read>>, Problem> {
    let query = Query::read::<ReadsWanted>(uri)?;
    let (from, to) = query.span()?;
    let mut filter = Filter {
        from,
        to,
        user: query.parsed::<StaffName>("by")?.map(|name| name.to_string()),
        dataset: Some("schoolgate.read".to_owned()),
        before: query.parsed("cursor")?,
        limit: query.limit(MOST)?,
        ..Filter::default()
    };
    let sight = match caller.staff.is_any(&NAMES) {
        true => Sight::Names,
        false => Sight::Pseudonyms(shared.control.pseudonyms().await?),
    };
    let audit_seq = caller.looks(shared, "reads.read", query.asked()).await?;
    filter.before = Some(filter.before.map_or(audit_seq, |cursor| cursor.min(audit_seq)));
    let mask = Mask::new(sight, Ward::of(&Inquiries::of(&caller.staff), shared).await?);
    let (events, next) = shared.look_up(move |index| gather(index, filter, &mask, in_order)).await??;
    let items = events.iter().map(Read::of).collect();
    Ok(Page::new(items, next.map(|next| next.to_string())).recorded(audit_seq).answer(&query))
}

impl Read {
    fn of(event: &Value) -> Read {
        let maybe = |place: &str| event.pointer(place).and_then(Value::as_str).map(ToOwned::to_owned);
        let text = |place: &str| maybe(place).unwrap_or_default();
        Read {
            sequence: event["event"]["sequence"].as_u64().unwrap_or_default(),
            time: text("/@timestamp"),
            actor: text("/schoolgate/actor"),
            by: maybe("/user/name"),
            client: maybe("/source/ip"),
            action: text("/event/action"),
            outcome: text("/event/outcome"),
            reason: maybe("/event/reason"),
            details: event["schoolgate"]["details"].clone(),
        }
    }
}
