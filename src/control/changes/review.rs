//! Reviews: who answers for what the school opened or shut by itself, and when somebody looks at
//! it again.
//!
//! **Invariant:** an entry of the school's lists and a loosening in force are each on the list of
//! reviews, with a day or with the word that they have none.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::changes::acts::read_comment;
use crate::control::changes::record::details;
use crate::control::changes::weigh::{self, Stated};
use crate::control::changes::{Change, ChangeState, EntryChange, Op, School, SchoolList, What};
use crate::control::journal::{Mutation, PolicyVersion};
use crate::control::requests::DECIDERS;
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, Recorded};
use crate::document::Plain;
use crate::model::{StaffName, Timestamp};
use crate::policy::{Edit, Effect, Written};

/// The longest time until a review.
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// Something that is looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The entry, where it is one of the school's lists.
    pub entry: Option<(SchoolList, String)>,
    /// What it is, for people.
    pub sentence: String,
    /// Who answers for it.
    pub owner: Option<StaffName>,
    /// The day on which it is looked at again: `2027-07-01`.
    pub review_on: Option<String>,
    /// When it came in force, where that is known.
    pub since: Option<Timestamp>,
    /// The change by which it did, if it was one.
    pub change: Option<Uuid>,
    /// Whether somebody should have looked.
    pub due: Due,
}

/// Whether somebody should have looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// The day has passed.
    Overdue,
    /// There is no day.
    NoDay,
    /// The day is to come.
    Later,
}

/// What somebody says who has looked.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// The day on which it is looked at again.
    pub review_on: String,
    /// What was looked at, and what came of it.
    pub comment: String,
}

/// What reviews are made of.
pub(super) struct Standing<'a> {
    /// What of the school's files is in force, and what staff put on the lists besides.
    pub(super) lists: [&'a School; 2],
    /// The policy of record.
    pub(super) policy: &'a Written,
    /// Every change, the newest first.
    pub(super) changes: &'a [Change],
    /// Every version, the newest first.
    pub(super) versions: &'a [PolicyVersion],
}

impl Due {
    /// All, the most urgent first.
    pub const ALL: [Due; 3] = [Due::Overdue, Due::NoDay, Due::Later];

    /// As written in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Due::Overdue => "overdue",
            Due::NoDay => "no_day",
            Due::Later => "later",
        }
    }

    fn on(day: Option<&str>, today: &str) -> Due {
        match day {
            None => Due::NoDay,
            Some(day) if day < today => Due::Overdue,
            Some(_) => Due::Later,
        }
    }
}

impl Control {
    /// What is to be looked at again, the most urgent first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn reviews(&self) -> Result<Vec<Review>, ControlError> {
        let journal = self.journal.lock().await;
        let store = &journal.store;
        let (files, added) = (store.school_in_force()?.unwrap_or_default(), store.school_added()?);
        let (policy, changes) = (journal.policy_of_record()?.1, store.changes()?);
        let versions = store.policy_versions(None, usize::MAX)?;
        drop(journal);
        let standing =
            Standing { lists: [&files, &added], policy: &policy, changes: &changes, versions: &versions };
        Ok(standing.reviews(&self.clock.now().day()))
    }

    /// How many reviews are overdue; the metric is told.
    ///
    /// # Errors
    /// What the store says.
    pub async fn reviews_overdue(&self) -> Result<usize, ControlError> {
        let overdue = self.reviews().await?.iter().filter(|review| review.due == Due::Overdue).count();
        self.metrics.reviews_overdue(overdue);
        Ok(overdue)
    }

    /// Keeps that somebody has looked at what a change did, and when that is done again.
    ///
    /// # Errors
    /// When there is no such change, it is not in force, or `staff` neither owns it nor decides.
    pub async fn renew_review(
        &self,
        staff: &Staff,
        id: Uuid,
        renewal: Renewal,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Change>, ControlError> {
        let mut journal = self.journal.lock().await;
        let now = self.clock.now();
        let change = journal.store.change(id)?.ok_or(ControlError::NotFound)?;
        if change.owner.as_ref() != Some(&staff.name) && !staff.is_any(&DECIDERS) {
            let act = Act::new(Actor::Staff(staff.name.clone()), "change.reviewed")
                .with("changes", vec![details(&change)]);
            let why = ControlError::Forbidden(
                "a review takes the one who owns the change, a filtering manager, DSL or headteacher",
            );
            return Err(self.refused(Act { client, ..act }, Entry::Change, why).await);
        }
        match change.state {
            ChangeState::Approved | ChangeState::AtOnce => {}
            ChangeState::Pending | ChangeState::Refused | ChangeState::Withdrawn => {
                return Err(ControlError::NotInForce);
            }
        }
        let comment = read_comment(Some(&renewal.comment))?.ok_or_else(|| {
            ControlError::Invalid("comment", "say what was looked at, and what came of it".to_owned())
        })?;
        let review_on = Some(review_day(Some(renewal.review_on), now)?);
        let renewed = Change { review_on, ..change.clone() };
        let act = Act::new(Actor::Staff(staff.name.clone()), "change.reviewed")
            .with("changes", vec![details(&renewed)])
            .with("review_was", change.review_on);
        let act = Act { client, reason: Some(comment), ..act };
        let mutation = Mutation::new(now, vec![renewed.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Change, act, mutation).await?;
        Ok(Recorded { value: renewed, audit_seq })
    }
}

impl Standing<'_> {
    pub(super) fn reviews(&self, today: &str) -> Vec<Review> {
        let mut reviews = self.entries(today);
        reviews.extend(self.loosenings(today));
        reviews.sort_by(|a, b| (a.due, &a.review_on, &a.sentence).cmp(&(b.due, &b.review_on, &b.sentence)));
        reviews
    }

    /// Every entry of both lists.
    fn entries(&self, today: &str) -> Vec<Review> {
        let came = self.came();
        let mut reviews = Vec::new();
        for list in SchoolList::ALL {
            let mut known = BTreeSet::new();
            for stated in self.lists.iter().flat_map(|school| weigh::stated(school.text(list))) {
                if known.insert(stated.entry.clone()) {
                    reviews.push(self.entry(list, stated, &came, today));
                }
            }
        }
        reviews
    }

    fn entry(
        &self,
        list: SchoolList,
        stated: Stated,
        came: &BTreeMap<&str, Timestamp>,
        today: &str,
    ) -> Review {
        let title = list.title();
        let change = self.in_force().find(|change| {
            change.entry().is_some_and(|change| {
                change.list == list && change.op == Op::Add && names(change, &stated.entry)
            })
        });
        let (owner, day) = said(stated.remark.as_deref());
        // Whoever wrote the line knows best who answers; a review may be kept here or there.
        let owner = owner.or_else(|| change.and_then(|change| change.owner.clone()));
        let review_on = day.max(change.and_then(|change| change.review_on.clone()));
        let added = format!("{title}: added {}", stated.entry);
        let since = change.and_then(|change| change.decided_at).or_else(|| {
            came.get(added.as_str()).copied().or_else(|| self.versions.last().map(|first| first.at))
        });
        Review {
            sentence: format!("{} is on the {title}.", stated.entry),
            entry: Some((list, stated.entry)),
            due: Due::on(review_on.as_deref(), today),
            owner,
            review_on,
            since,
            change: change.map(|change| change.id),
        }
    }

    /// What opened something besides an entry of the allow list, and still does.
    fn loosenings(&self, today: &str) -> Vec<Review> {
        let blocked: BTreeSet<String> =
            self.lists.iter().flat_map(|school| weigh::entries(&school.block)).collect();
        let (mut keys, mut reviews) = (BTreeSet::new(), Vec::new());
        for change in self.in_force().filter(|change| change.effect == Effect::Loosens) {
            let stands = match &change.what {
                What::Entry(entry) => {
                    let open = entry.list == SchoolList::Block && entry.op == Op::Remove;
                    open && !blocked.contains(&entry.entry) && keys.insert(entry.entry.clone())
                }
                What::Policy { edits } => {
                    let standing = edits.iter().filter(|edit| self.stands(edit));
                    // Every key is claimed, so that an older change of the same is not told twice.
                    standing.filter(|edit| keys.insert(edit.key.clone())).count() > 0
                }
                // A block that is no more leaves things as they were before it.
                What::LiftBlock { .. } => false,
            };
            if stands {
                reviews.push(Review {
                    entry: None,
                    sentence: change.sentence(),
                    owner: change.owner.clone(),
                    review_on: change.review_on.clone(),
                    since: change.decided_at,
                    change: Some(change.id),
                    due: Due::on(change.review_on.as_deref(), today),
                });
            }
        }
        reviews
    }

    /// The changes that came in force, the newest first.
    fn in_force(&self) -> impl Iterator<Item = &Change> {
        let came = |change: &&Change| matches!(change.state, ChangeState::Approved | ChangeState::AtOnce);
        self.changes.iter().filter(came)
    }

    /// Whether what an edit says is what stands there now; of a whole table, whether it stands.
    fn stands(&self, edit: &Edit) -> bool {
        let now = self.policy.value(&edit.key);
        match (&now, &edit.after) {
            (Some(Plain::Table(_)), Some(Plain::Table(_))) => true,
            (now, after) => now == after,
        }
    }

    /// When each entry last came in force, by the sentence that the history has of it.
    fn came(&self) -> BTreeMap<&str, Timestamp> {
        let oldest_first = self.versions.iter().rev();
        oldest_first
            .flat_map(|version| version.changes.iter().map(|change| (change.as_str(), version.at)))
            .collect()
    }
}

/// Who answers and when it is looked at again, as a remark says it: `chess club; owner m.jones;
/// review 2027-07-01`.
pub(super) fn said(remark: Option<&str>) -> (Option<StaffName>, Option<String>) {
    let part = |word: &str| {
        let parts = remark.unwrap_or_default().split(';').map(str::trim);
        parts.filter_map(|part| part.strip_prefix(word)).map(str::trim).next_back().map(ToOwned::to_owned)
    };
    let owner = part("owner ").and_then(|name| name.parse().ok());
    (owner, part("review ").filter(|day| is_day(day)))
}

/// The day on which it is looked at again: not in the past, and a year from now at most.
pub(super) fn review_day(day: Option<String>, now: Timestamp) -> Result<String, ControlError> {
    let (today, last) = (now.day(), now.plus(YEAR).day());
    let Some(day) = day else { return Ok(last) };
    if !is_day(&day) || day < today || day > last {
        let text = format!("write a day such as {last}, from today to a year from now");
        return Err(ControlError::Invalid("review_on", text));
    }
    Ok(day)
}

fn is_day(day: &str) -> bool {
    format!("{day}T00:00:00Z").parse::<Timestamp>().is_ok_and(|at| at.day() == day)
}

fn names(change: &EntryChange, entry: &str) -> bool {
    change.entry.split(' ').any(|named| named == entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_says_who_answers_and_when() {
        let rows = [
            ("chess club; owner m.jones; review 2027-07-01", (Some("m.jones"), Some("2027-07-01"))),
            ("line 7; owner m.jones ;review 2027-07-01", (Some("m.jones"), Some("2027-07-01"))),
            ("review 2027-07-01; review 2027-09-01", (None, Some("2027-09-01"))),
            ("owner of the site asked; review soon", (None, None)),
            ("review 2027-02-30", (None, None)),
            ("", (None, None)),
        ];
        for (remark, (owner, day)) in rows {
            let (found, review_on) = said(Some(remark));
            let found = found.map(|name| name.to_string());
            assert_eq!((found.as_deref(), review_on.as_deref()), (owner, day), "{remark}");
        }
        assert_eq!(said(None), (None, None));
    }
}
