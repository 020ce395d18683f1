//! Where a stream begins.

use axum::http::HeaderMap;

use crate::web::Shared;
use crate::web::problem::Problem;
use crate::web::query::Query;

/// Most lines from before the stream began.
const MOST_BEFORE: u64 = 1000;

/// Where a stream begins.
pub(super) enum From {
    /// With the line after this sequence.
    Behind(u64),
    /// With so many lines from before now.
    Last(u64),
    /// With what comes.
    Now,
}

/// Where it is asked to begin.
pub(super) fn from(shared: &Shared, query: &Query, headers: &HeaderMap) -> Result<From, Problem> {
    let field = "Last-Event-ID";
    let sent = headers.get(field).map(|value| value.to_str().ok().and_then(|text| text.trim().parse().ok()));
    let after = match sent {
        Some(Some(sequence)) => Some(sequence),
        Some(None) => return Err(Problem::invalid(field, format!("`{field}` is the number of an event"))),
        None => query.parsed("after")?,
    };
    let head = shared.recorder.head().sequence;
    match (after, query.parsed("last")?) {
        (Some(after), _) if after > head => {
            Err(Problem::invalid("after", format!("the record ends at {head}: is it of this gateway?")))
        }
        (Some(after), _) => Ok(From::Behind(after)),
        (None, Some(last)) if last > MOST_BEFORE => {
            Err(Problem::invalid("last", format!("`last` is a number from 0 to {MOST_BEFORE}")))
        }
        (None, Some(last)) => Ok(From::Last(last)),
        (None, None) => Ok(From::Now),
    }
}
