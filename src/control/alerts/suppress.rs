//! What raises no alert for a while, because somebody found that there is nothing to it.
//!
//! **Invariant:** it ends by itself; what a statutory list holds is never suppressed; and what was
//! suppressed is counted.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::alerts::alert::About;
use crate::control::alerts::rules::Finding;
use crate::control::alerts::sighting::Sighting;
use crate::control::journal::{Mutation, Put, Table};
use crate::control::requests::are_groups;
use crate::control::restrictions::reason;
use crate::control::staff::Staff;
use crate::control::store::{Cells, Store, StoreError};
use crate::control::{Control, ControlError, Recorded};
use crate::model::{GroupName, Host, Role, StaffName, Theme, Timestamp};
use crate::policy::Policy;

/// Who looks after what raises no alert.
pub const SUPPRESSORS: [Role; 2] = [Role::Dsl, Role::Headteacher];
/// How long one may last, in days.
const MOST_DAYS: u32 = 90;
/// The longest search that is suppressed, in characters.
const MAX_TERM: usize = 200;

/// What a suppression goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// These words as a whole search, or while they are being typed.
    Term,
    /// A host, with those below it, for the category that it has; no search that is made there.
    Host,
    /// A category.
    Category,
}

/// A suppression as it is asked for.
#[derive(Clone, Debug)]
pub struct SuppressionRequest {
    /// What it goes by.
    pub by: By,
    /// The words, the host, or the category.
    pub value: String,
    /// The group that it is for; everybody, when absent.
    pub group: Option<String>,
    /// For how many days, 1 to 90.
    pub days: u32,
}

/// A suppression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSuppression {
    /// UUIDv7.
    pub id: Uuid,
    /// The theme that it is of.
    pub theme: Theme,
    /// Of alerts on whom: those of others are raised all the same.
    pub about: About,
    /// What it goes by.
    pub by: By,
    /// The words, the host, or the category.
    pub value: String,
    /// The group that it is for; none: everybody's.
    pub group: Option<String>,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub made_by: StaffName,
    /// When.
    pub made_at: Timestamp,
    /// When it ends by itself.
    pub ends_at: Timestamp,
    /// Who ended it early, and when.
    pub ended: Option<(StaffName, Timestamp)>,
    /// How many events raised nothing because of it.
    pub hits: u64,
}

impl By {
    /// All.
    pub const ALL: [By; 3] = [By::Term, By::Host, By::Category];

    /// As written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            By::Term => "term",
            By::Host => "host",
            By::Category => "category",
        }
    }
}

impl KeptSuppression {
    /// Reads what is asked for.
    pub(super) fn read(
        request: &SuppressionRequest,
        (theme, about): (Theme, About),
        (staff, why): (&Staff, &str),
        (policy, now): (&Policy, Timestamp),
    ) -> Result<KeptSuppression, ControlError> {
        if theme == Theme::Illegal {
            return Err(ControlError::Statutory);
        }
        if !(1..=MOST_DAYS).contains(&request.days) {
            return Err(ControlError::Invalid("days", format!("from 1 to {MOST_DAYS} days")));
        }
        let group = request.group.as_deref().map(str::parse::<GroupName>).transpose();
        let group = group.map_err(|_| ControlError::Invalid("group", "no name of a group".to_owned()))?;
        are_groups("group", &group, policy)?;
        Ok(KeptSuppression {
            id: Uuid::now_v7(),
            theme,
            about,
            by: request.by,
            value: value(request)?,
            group: group.map(|group| group.to_string()),
            reason: reason(why)?.to_string(),
            made_by: staff.name.clone(),
            made_at: now,
            ends_at: now.plus(Duration::from_secs(86_400 * u64::from(request.days))),
            ended: None,
            hits: 0,
        })
    }

    /// Whether it is in force.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.ends_at
    }

    /// Whether it covers what was found.
    pub(super) fn covers(&self, sighting: &Sighting, finding: &Finding, about: About) -> bool {
        let of_group = self.group.is_none() || self.group == sighting.group;
        let same = match self.by {
            By::Term => sighting.words().is_some_and(|words| folded(words) == self.value),
            // That somebody goes there; what they search for there is another matter.
            By::Host => {
                finding.rule.starts_with("category:")
                    && sighting.host.as_deref().is_some_and(|host| is_within(host, &self.value))
            }
            By::Category => finding.rule == format!("category:{}", self.value),
        };
        of_group
            && same
            && about == self.about
            && finding.theme == self.theme
            && finding.theme != Theme::Illegal
    }

    /// Its row.
    pub(super) fn put(&self) -> Put {
        let ended = self.ended.as_ref();
        Put::new(
            Table::Suppressions,
            [
                ("id", json!(self.id)),
                ("theme", json!(self.theme)),
                ("about", json!(self.about)),
                ("kind", json!(self.by)),
                ("value", json!(self.value)),
                ("filter_group", json!(self.group)),
                ("reason", json!(self.reason)),
                ("made_by", json!(self.made_by)),
                ("made_at", json!(self.made_at.as_millis())),
                ("ends_at", json!(self.ends_at.as_millis())),
                ("ended_by", json!(ended.map(|(by, _)| by))),
                ("ended_at", json!(ended.map(|(_, at)| at.as_millis()))),
                ("hits", json!(self.hits)),
            ],
        )
    }

    /// The act of making or ending it.
    pub(super) fn described(&self, act: Act) -> Act {
        act.with("suppression_id", self.id.to_string())
            .with("theme", self.theme.as_str())
            .with("by", self.by.as_str())
            .with("value", self.value.as_str())
            .with("group", self.group.clone())
            .with("ends_at", self.ends_at.to_string())
            .with("routed", self.about.as_str())
    }
}

impl Control {
    /// Every suppression of alerts that `staff` may see, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn suppressions(&self, staff: &Staff) -> Result<Vec<KeptSuppression>, ControlError> {
        let mut all = self.journal.lock().await.store.suppressions()?;
        all.retain(|one| self.alerting.is_routed_to(one.about, staff));
        Ok(all)
    }

    /// Ends a suppression before its time.
    ///
    /// # Errors
    /// When there is none, it is over, or `staff` may not.
    pub async fn end_suppression(
        &self,
        staff: &Staff,
        id: Uuid,
        why: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<KeptSuppression>, ControlError> {
        let why = reason(why)?.to_string();
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let staff = journal.store.acting(staff, now)?;
        if !staff.is_any(&SUPPRESSORS) {
            return Err(ControlError::Forbidden("your role may not do this"));
        }
        let found = journal.store.suppressions()?.into_iter().find(|one| one.id == id);
        let found = found.filter(|one| self.alerting.is_routed_to(one.about, &staff));
        let kept = found.ok_or(ControlError::NotFound)?;
        if !kept.is_in_force(now) {
            return Err(ControlError::Conflict("over", "this suppression is over".to_owned()));
        }
        let kept = KeptSuppression { ended: Some((staff.name.clone(), now)), ..kept };
        let act = kept.described(Act::new(Actor::Staff(staff.name), "alert.suppression_ended"));
        let act = Act { reason: Some(why), client, ..act };
        let mutation = Mutation::new(now, vec![kept.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Alert, act, mutation).await?;
        Ok(Recorded { value: kept, audit_seq })
    }
}

impl Store {
    /// The suppressions in force.
    pub(super) fn suppressions_in_force(&self, now: Timestamp) -> Result<Vec<KeptSuppression>, StoreError> {
        self.suppressions_where("ended_at IS NULL AND ends_at > ?1", now.as_millis())
    }

    /// All, the newest first.
    fn suppressions(&self) -> Result<Vec<KeptSuppression>, StoreError> {
        self.suppressions_where("?1 = ?1", 0)
    }

    fn suppressions_where(&self, condition: &str, value: i64) -> Result<Vec<KeptSuppression>, StoreError> {
        let query = format!(
            "SELECT id, theme, kind, value, filter_group, reason, made_by, made_at, ends_at, ended_by, ended_at, hits, about
             FROM suppressions WHERE {condition} ORDER BY id DESC"
        );
        self.rows(&query, [value], read)
    }
}

/// The same search, however it is spaced and capitalised.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn is_within(host: &str, parent: &str) -> bool {
    host == parent || host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

fn value(request: &SuppressionRequest) -> Result<String, ControlError> {
    let invalid = |text: &str| ControlError::Invalid("value", text.to_owned());
    match request.by {
        By::Term => {
            let folded = folded(&request.value);
            let length = folded.chars().count();
            let fits = (3..=MAX_TERM).contains(&length) && !folded.chars().any(char::is_control);
            if fits { Ok(folded) } else { Err(invalid("a search of 3 to 200 characters")) }
        }
        By::Host => match Host::parse(&request.value) {
            Ok(host) if host.to_string().contains(['.', ':']) => Ok(host.to_string()),
            Ok(_) => Err(invalid("a single word; write the whole host")),
            Err(fault) => Err(invalid(&fault.to_string())),
        },
        By::Category => {
            let name: Result<GroupName, _> = request.value.parse();
            name.map(|name| name.to_string()).map_err(|_| invalid("no name of a category"))
        }
    }
}

fn read(cells: Cells<'_>) -> Result<KeptSuppression, StoreError> {
    Ok(KeptSuppression {
        id: cells.id(0)?,
        theme: cells.parsed(1, "theme")?,
        by: cells.word(2, (&By::ALL, By::as_str), "word")?,
        value: cells.text(3)?,
        group: cells.cell(4)?,
        reason: cells.text(5)?,
        made_by: cells.name(6)?,
        made_at: cells.moment(7)?,
        ends_at: cells.moment(8)?,
        ended: cells.name_if(9)?.zip(cells.moment_if(10)?),
        hits: cells.count(11)?,
        about: cells.word(12, (&About::ALL, About::as_str), "word")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::alerts::sighting::Person;
    use crate::model::Severity;

    fn suppression(by: By, value: &str) -> KeptSuppression {
        KeptSuppression {
            id: Uuid::nil(),
            theme: Theme::SelfHarm,
            about: About::Pupil,
            by,
            value: value.to_owned(),
            group: None,
            reason: "a poem that year 9 reads".to_owned(),
            made_by: "lead".parse().unwrap(),
            made_at: Timestamp::from_millis(0),
            ends_at: Timestamp::from_millis(1000),
            ended: None,
            hits: 0,
        }
    }

    fn seen(host: &str, search: Option<&str>, suggestion: Option<&str>) -> Sighting {
        Sighting {
            sequence: 1,
            at: Timestamp::from_millis(0),
            person: Person::User("y5.042".to_owned()),
            group: Some("ks2".to_owned()),
            host: Some(host.to_owned()),
            url: None,
            blocked: false,
            rung: "category".to_owned(),
            rule: String::new(),
            categories: Vec::new(),
            search: search.map(ToOwned::to_owned),
            suggestion: suggestion.map(ToOwned::to_owned),
            asked_for: true,
            inspected: false,
        }
    }

    /// Bugs: the words while they are typed raised an alert all the same; and one host that was suppressed
    /// kept every search there silent.
    #[test]
    fn a_suppression_covers_what_it_says_and_no_more() {
        let (term, site) = ("search_term:suicide", "category:self_harm");
        let searched = |words| seen("www.google.com", Some(words), None);
        let rows = [
            (By::Term, "sylvia plath", searched("  Sylvia   PLATH "), term, true),
            (By::Term, "sylvia plath", seen("www.google.com", None, Some("sylvia plath")), term, true),
            (By::Term, "sylvia plath", searched("sylvia plath poems"), term, false),
            (By::Term, "sylvia plath", seen("plath.example", None, None), site, false),
            (By::Host, "plath.example", seen("www.plath.example", None, None), site, true),
            (By::Host, "plath.example", seen("notplath.example", None, None), site, false),
            (By::Host, "google.com", searched("how to"), term, false),
            (By::Category, "self_harm", seen("plath.example", None, None), site, true),
            (By::Category, "self_harm", searched("how to"), term, false),
        ];
        for (by, value, seen, rule, covered) in rows {
            let finding =
                Finding { theme: Theme::SelfHarm, severity: Severity::Danger, rule: rule.to_owned() };
            let covers = suppression(by, value).covers(&seen, &finding, About::Pupil);
            assert_eq!(covers, covered, "{by:?} {value} {seen:?} {rule}");
            assert!(!suppression(by, value).covers(&seen, &finding, About::Staff), "another's");
            let other = Finding { theme: Theme::Drugs, ..finding };
            assert!(!suppression(by, value).covers(&seen, &other, About::Pupil), "another theme");
        }
    }

    #[test]
    fn a_suppression_ends_by_itself() {
        let one = suppression(By::Term, "sylvia plath");
        let at = Timestamp::from_millis;
        assert!(one.is_in_force(at(999)) && !one.is_in_force(at(1000)));
        assert!(!KeptSuppression { ended: Some(("lead".parse().unwrap(), at(1))), ..one }.is_in_force(at(2)));
    }
}
