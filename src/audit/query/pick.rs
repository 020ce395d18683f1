//! Of lines that were read by other means, those that are asked for.

use crate::audit::follow::Written;
use crate::audit::query::filter::Judged;
use crate::audit::query::{Filter, Halt, QueryError, Record};
use crate::audit::segment::Piece;

/// Those of the lines that match, in their order; limit and order of the filter are not minded, and
/// ends are not joined.
///
/// # Errors
/// [`QueryError::Filter`] when the filter's text has no JSON form.
pub fn pick(filter: &Filter, lines: &[Written]) -> Result<Vec<Record>, QueryError> {
    let halt = Halt::default();
    let matcher = filter.matcher(&halt)?;
    let judge = |line: &Written| {
        let piece = Piece { offset: 0, bytes: line.line.as_bytes(), complete: true };
        match matcher.judge(piece) {
            Judged::Match(record) => Some(*record),
            Judged::Pass | Judged::Beyond => None,
        }
    };
    Ok(lines.iter().filter_map(judge).collect())
}
