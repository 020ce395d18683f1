//! Whom a look at the log is about, as far as it says who is told of the look.
//!
//! **Invariant:** of an inquiry about a member of staff nobody learns but headteachers and whoever made
//! it: not the other leads, not the one concerned.

use std::net::IpAddr;

use serde_json::Value;

use crate::audit::Filter;
use crate::control::Staff;
use crate::control::alerts::About;
use crate::model::{GroupName, Role, StaffName};
use crate::web::Shared;
use crate::web::events::{NAMES, Sight};
use crate::web::problem::Problem;
use crate::web::query::Query;

/// What is recorded where there is no such event: a look that is about nobody.
const NOBODY: &str = "nobody";
/// And where that could not be read: it is kept back as if it were about staff.
const UNKNOWN: &str = "unknown";
/// Looks at one event, which older records name by its number alone.
const BY_SEQUENCE: [&str; 3] = ["events.around", "events.explain", "events.evidence"];

/// Of whose inquiries about staff a reader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) enum Inquiries {
    /// Of everybody's.
    All,
    /// Of their own alone.
    Own(StaffName),
}

/// The accounts, by which looks are judged.
#[derive(Debug)]
pub(in crate::web) struct Ward {
    inquiries: Inquiries,
    accounts: Vec<Staff>,
}

impl Inquiries {
    /// What a member of staff is told.
    pub(in crate::web) fn of(staff: &Staff) -> Inquiries {
        match staff.is_any(&[Role::Headteacher]) {
            true => Inquiries::All,
            false => Inquiries::Own(staff.name.clone()),
        }
    }
}

impl Ward {
    /// As the accounts stand.
    pub(super) async fn of(inquiries: &Inquiries, shared: &Shared) -> Result<Ward, Problem> {
        Ok(Ward { inquiries: inquiries.clone(), accounts: shared.control.staff().await? })
    }

    /// Whether an event is an inquiry of which the reader is not to learn.
    pub(super) fn keeps_back(&self, event: &Value) -> bool {
        let Inquiries::Own(reader) = &self.inquiries else { return false };
        if event["event"]["dataset"] != "schoolgate.read" || by(event) == Some(reader.as_str()) {
            return false;
        }
        let details = &event["schoolgate"]["details"];
        match details["routed"].as_str() {
            Some(routed) => ![About::Pupil.as_str(), NOBODY].contains(&routed),
            // Recorded before it was said whom a look is about.
            None => {
                let action = event["event"]["action"].as_str().unwrap_or_default();
                let by_sequence = BY_SEQUENCE.contains(&action) && !details["sequence"].is_null();
                let by_place = ["page", "device", "client"].iter().any(|name| !details[*name].is_null());
                by_sequence || by_place || self.is_account(&details["user"])
            }
        }
    }

    /// Whether an event is a look by somebody who is not known to see names: what they typed as a
    /// name may have been a guess.
    pub(super) fn may_be_a_guess(&self, event: &Value) -> bool {
        let sees_names =
            |name| self.accounts.iter().any(|member| member.name.as_str() == name && member.is_any(&NAMES));
        event["event"]["dataset"] == "schoolgate.read" && by(event).is_some_and(|name| !sees_names(name))
    }

    fn is_account(&self, user: &Value) -> bool {
        let is =
            |name: &str| self.accounts.iter().any(|member| member.name.as_str().eq_ignore_ascii_case(name));
        user.as_str().is_some_and(is)
    }
}

/// The member of staff who did it.
fn by(event: &Value) -> Option<&str> {
    let name = event["user"]["name"].as_str();
    name.filter(|_| event["schoolgate"]["actor"] == "staff")
}

/// Whom event `sequence` is about, for the record of a look at it. Whatever goes wrong is told by the
/// look itself, once that is recorded.
pub(super) async fn about_event(shared: &Shared, sequence: u64) -> &'static str {
    let filter = Filter {
        after: Some(sequence.saturating_sub(1)),
        before: Some(sequence.saturating_add(1)),
        ..Filter::default()
    };
    about_newest(shared, filter).await
}

/// Whom a search by names is about, where that is to be said: an address is its group's, a device is
/// whoever's had it last. Who sees pseudonyms has no names to search by.
pub(super) async fn about_search(
    shared: &Shared,
    query: &Query,
    sight: &Sight,
) -> Result<Option<&'static str>, Problem> {
    let (user, group) = (query.text("user"), query.text("group"));
    let (device, client) = match (sight, user.or(group)) {
        (Sight::Names, None) => (query.text("device"), query.parsed::<IpAddr>("client")?),
        (Sight::Names, Some(_)) | (Sight::Pseudonyms(_), _) => (None, None),
    };
    if let Some(device) = device {
        let filter = Filter { device: Some(device.to_owned()), ..Filter::default() };
        return Ok(Some(about_newest(shared, filter).await));
    }
    if let Some(client) = client {
        let group = shared.control.attribute(client).await.group;
        let about = shared.control.whose(None, group.as_ref().map(GroupName::as_str)).await?;
        return Ok(Some(about.as_str()));
    }
    let about = shared.control.whose(user, group).await?;
    // Older records with a device or an address don't say it, and are kept back.
    let is_said =
        matches!(sight, Sight::Names) && ["device", "client"].iter().any(|name| query.text(name).is_some());
    Ok(Some(about.as_str()).filter(|_| about != About::Pupil || is_said))
}

/// Whom the newest event is about that matches.
async fn about_newest(shared: &Shared, filter: Filter) -> &'static str {
    let filter = Filter { limit: 1, ..filter };
    let newest = shared.look_up(move |index| index.query(&filter)).await;
    let Ok(Ok(mut found)) = newest else { return UNKNOWN };
    let Some(event) = found.records.pop().map(|record| record.event) else { return NOBODY };
    let text = |place: &str| event.pointer(place).and_then(Value::as_str);
    let about = shared.control.whose(text("/user/name"), text("/user/group/name")).await;
    about.map_or(UNKNOWN, About::as_str)
}
