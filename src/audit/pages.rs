//! What a person did, out of all that was fetched for it: many events collapse into one page view.
//!
//! **Invariant:** nothing is lost, since every event is in exactly one view; and a block, an
//! alert, an unblock, a search or an act of staff is never inside the view of something else.
//!
//! Where the browser says what it fetches for, that is believed: it tells pages from their parts.
//! Where only hosts are seen it is judged by time, by names that serve parts, and by which hosts
//! nearly always come in others' bursts.

mod habits;
mod shown;
mod visit;
mod window;

use std::collections::HashMap;
use std::time::Duration;

use crate::model::Timestamp;
use habits::Habits;
use visit::Aim;

pub use shown::{holding, shown};
pub use visit::Visit;
pub use window::Views;

pub(super) use shown::lead;
pub(super) use visit::host_of;
pub(super) use window::whose;

/// Within which time of the last part a further one belongs to the page, whatever its host.
const BURST: Duration = Duration::from_millis(1000);
/// The same for a host of the page's own site.
const OWN_BURST: Duration = Duration::from_millis(1500);
/// For how long a page takes in parts.
pub const SPAN: Duration = Duration::from_secs(10 * 60);
/// Within which time refusals of one site are one line.
const REPEATED: Duration = Duration::from_secs(60);
/// How many pages of a person are held open at a time: tabs.
const TABS: usize = 8;

/// Events that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The event that says what it was, as a place among those given.
    pub lead: usize,
    /// All its events, the leading one first, in order.
    pub events: Vec<usize>,
    /// Whether a device fetched it by itself, as far as can be told.
    pub background: bool,
}

/// A view that may still take in events.
struct Open {
    view: usize,
    host: Option<String>,
    site: Option<String>,
    mark: Option<String>,
    is_blocked: bool,
    background: bool,
    start: Timestamp,
    last: Timestamp,
}

/// Collapses visits, which are in the order of the trail, into views in the order of their leads.
#[must_use]
pub fn collapse(visits: &[Visit]) -> Vec<View> {
    let habits = Habits::of(visits);
    let mut views: Vec<View> = Vec::new();
    let mut people: HashMap<&str, Vec<Open>> = HashMap::new();
    for (at, visit) in visits.iter().enumerate() {
        let open = people.entry(&visit.person).or_default();
        open.retain(|open| visit.time.since(open.start) <= SPAN);
        let aim = habits.aim(visit);
        if let Some(found) = belongs(open, visit, aim) {
            let mut taken = open.remove(found);
            taken.last = visit.time;
            views[taken.view].events.push(at);
            open.push(taken);
            continue;
        }
        if open.len() == TABS {
            open.remove(0);
        }
        let background = aim == Aim::Part && visit.mark.is_none();
        open.push(Open {
            view: views.len(),
            host: visit.host.clone(),
            site: visit.site.clone(),
            mark: visit.mark.clone(),
            is_blocked: visit.is_blocked,
            background,
            start: visit.time,
            last: visit.time,
        });
        views.push(View { lead: at, events: vec![at], background });
    }
    views
}

/// Which of the open views, the last one used standing last, an event belongs to.
fn belongs(open: &[Open], visit: &Visit, aim: Aim) -> Option<usize> {
    let newest = |fits: &dyn Fn(&Open) -> bool| open.iter().rposition(fits);
    if visit.is_act {
        return None;
    }
    if visit.is_blocked {
        return newest(&|open| open.mark == visit.mark && visit.time.since(open.last) <= REPEATED);
    }
    // What stands out is taken in only by a view that stands out for the same.
    let fits = |open: &Open| !open.is_blocked && (visit.mark.is_none() || open.mark == visit.mark);
    let referring = |open: &Open| visit.referrer.is_some() && open.host == visit.referrer;
    match aim {
        Aim::Page => None,
        Aim::Part => newest(&|open| fits(open) && referring(open))
            .or_else(|| newest(&|open| fits(open) && !open.background))
            .or_else(|| newest(&fits)),
        Aim::Unknown => newest(&|open| {
            let burst = if open.site == visit.site { OWN_BURST } else { BURST };
            fits(open) && !open.background && visit.time.since(open.last) <= burst
        }),
    }
}
