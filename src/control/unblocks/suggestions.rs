//! Suggestions: a site that several members of staff have had opened may be in the wrong category.
//!
//! **Invariant:** one site has one open suggestion; what was asked for before somebody dismissed it
//! counts no more.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::journal::{Journal, Mutation, Put, Table};
use crate::control::requests::{Standing, standing};
use crate::control::staff::Staff;
use crate::control::store::{Cells, Store, StoreError};
use crate::control::unblocks::{Kept, Report};
use crate::control::{Control, ControlError, Recorded};
use crate::lists::site;
use crate::model::{Host, Justification, Role, StaffName, Timestamp, Window};
use crate::policy::{Decided, Policy, Target};

/// Who sees suggestions and dismisses them.
pub const REVIEWERS: [Role; 4] = [Role::FilteringManager, Role::Dsl, Role::Headteacher, Role::Technician];
/// How far back unblocks count.
const BACK: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many members of staff make a suggestion.
const ENOUGH: usize = 3;

/// A suggestion as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Its id.
    pub id: Uuid,
    /// The registrable name.
    pub site: String,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// When and by whom it was dismissed, and why.
    pub dismissed: Option<(Timestamp, StaffName, String)>,
}

/// A suggestion with what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggested {
    /// The suggestion.
    pub suggestion: Suggestion,
    /// The categories that block the site now, for any group, by id and name.
    pub categories: Vec<(String, String)>,
    /// How many unblocks of it there were.
    pub unblocks: usize,
    /// By how many members of staff.
    pub staff: usize,
}

/// What speaks for a suggestion.
struct Grounds {
    unblocks: usize,
    staff: BTreeSet<StaffName>,
}

impl Control {
    /// The suggestions that nobody has dismissed, the newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn suggestions(&self) -> Result<Vec<Suggested>, ControlError> {
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        let (kept, all) = {
            let journal = self.journal.lock().await;
            (journal.store.asked_since(now.minus(BACK))?, journal.store.suggestions()?)
        };
        let open = all.iter().filter(|suggestion| suggestion.dismissed.is_none());
        Ok(open.map(|one| suggested(one.clone(), &grounds(&one.site, &kept, &all), &policy, now)).collect())
    }

    /// Dismisses a suggestion, with a reason.
    ///
    /// # Errors
    /// [`ControlError::Forbidden`], recorded; a reason that says nothing; one that is not open.
    pub async fn dismiss_suggestion(
        &self,
        staff: &Staff,
        id: Uuid,
        reason: &str,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Suggested>, ControlError> {
        let reason = Justification::parse(reason)
            .map_err(|fault| ControlError::Invalid("reason", fault.to_string()))?;
        let mut journal = self.journal.lock().await;
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        let all = journal.store.suggestions()?;
        let open = all.iter().find(|one| one.id == id && one.dismissed.is_none());
        let open = open.ok_or(ControlError::NotFound)?.clone();
        let kept = journal.store.asked_since(now.minus(BACK))?;
        let grounds = grounds(&open.site, &kept, &all);
        let dismissed = Some((now, staff.name.clone(), reason.to_string()));
        let suggestion = Suggestion { dismissed, ..open };
        let act = Act::new(Actor::Staff(staff.name.clone()), "suggestion.dismissed")
            .with("site", suggestion.site.as_str())
            .with("suggestion_id", id.to_string());
        let act = Act { client, reason: Some(reason.to_string()), ..act };
        let mutation = Mutation::new(now, vec![suggestion.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
        Ok(Recorded { value: suggested(suggestion, &grounds, &policy, now), audit_seq })
    }

    /// Raises a suggestion if the unblock that was just approved gives reason to. The approval
    /// stands whatever becomes of this.
    pub(in crate::control) async fn suggest(&self, journal: &mut Journal, kept: &Kept) {
        if let Err(fault) = self.raise(journal, kept).await {
            tracing::error!(%fault, "a suggestion to review a category could not be kept");
        }
    }

    async fn raise(&self, journal: &mut Journal, kept: &Kept) -> Result<(), ControlError> {
        let Some(site) = site_of(&kept.unblock.target) else { return Ok(()) };
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        let all = journal.store.suggestions()?;
        if all.iter().any(|one| one.site == site && one.dismissed.is_none()) {
            return Ok(());
        }
        let grounds = grounds(&site, &journal.store.asked_since(now.minus(BACK))?, &all);
        if grounds.staff.len() < ENOUGH {
            return Ok(());
        }
        let suggestion = Suggestion { id: Uuid::now_v7(), site, raised_at: now, dismissed: None };
        let Suggested { suggestion, categories, unblocks, staff } =
            suggested(suggestion, &grounds, &policy, now);
        let categories: Vec<String> = categories.into_iter().map(|(id, _)| id).collect();
        let act = Act::new(Actor::System, "unblock.suggested_review")
            .with("site", suggestion.site.as_str())
            .with("suggestion_id", suggestion.id.to_string())
            .with("categories", categories)
            .with("unblocks", unblocks)
            .with("staff", staff);
        let mutation = Mutation::new(now, vec![suggestion.put()]);
        self.keep(journal, Entry::Unblock, act, mutation).await?;
        Ok(())
    }
}

fn suggested(suggestion: Suggestion, grounds: &Grounds, policy: &Policy, now: Timestamp) -> Suggested {
    let (unblocks, staff) = (grounds.unblocks, grounds.staff.len());
    let categories = categories(&suggestion.site, policy, now);
    Suggested { suggestion, categories, unblocks, staff }
}

/// The unblocks of a site that were approved and count.
fn grounds(site: &str, kept: &[Kept], all: &[Suggestion]) -> Grounds {
    let dismissed =
        all.iter().filter(|one| one.site == site).filter_map(|one| Some(one.dismissed.as_ref()?.0));
    let since = dismissed.max();
    let counts = |kept: &&Kept| {
        let approved = match kept.unblock.decided {
            Decided::Approved => true,
            Decided::Revoked => kept.report != Report::NotDue,
            Decided::Awaited | Decided::Refused => false,
        };
        approved
            && since.is_none_or(|since| kept.asked_at > since)
            && site_of(&kept.unblock.target).as_deref() == Some(site)
    };
    let counted: Vec<&Kept> = kept.iter().filter(counts).collect();
    Grounds {
        unblocks: counted.len(),
        staff: counted.iter().map(|kept| kept.unblock.requester.clone()).collect(),
    }
}

fn site_of(target: &Target) -> Option<String> {
    target.host().map(site)
}

/// The categories that block a site for any group.
fn categories(site: &str, policy: &Policy, now: Timestamp) -> Vec<(String, String)> {
    let Ok(host) = Host::parse(site) else { return Vec::new() };
    let Ok(window) = Window::new(now, now.plus(Duration::from_secs(24 * 3600))) else { return Vec::new() };
    let target = Target::Host(host);
    let mut found = BTreeSet::new();
    for group in &policy.draft().groups {
        match standing(&target, &group.id, window, policy, now) {
            Standing::Open(categories) => found.extend(categories),
            Standing::Statutory | Standing::Shut | Standing::Locked => {}
        }
    }
    found.into_iter().collect()
}

impl Suggestion {
    fn put(&self) -> Put {
        let dismissed = self.dismissed.as_ref();
        Put::new(
            Table::Suggestions,
            [
                ("id", json!(self.id)),
                ("site", json!(self.site)),
                ("raised_at", json!(self.raised_at)),
                ("dismissed_at", json!(dismissed.map(|(at, _, _)| at))),
                ("dismissed_by", json!(dismissed.map(|(_, by, _)| by))),
                ("reason", json!(dismissed.map(|(_, _, reason)| reason))),
            ],
        )
    }
}

impl Store {
    fn suggestions(&self) -> Result<Vec<Suggestion>, StoreError> {
        let query = "SELECT id, site, raised_at, dismissed_at, dismissed_by, reason FROM suggestions ORDER BY id DESC";
        self.rows(query, [], read)
    }
}

fn read(cells: Cells<'_>) -> Result<Suggestion, StoreError> {
    let dismissed = match (cells.time_if(3)?, cells.name_if(4)?, cells.cell(5)?) {
        (Some(at), Some(by), Some(reason)) => Some((at, by, reason)),
        (_, _, _) => None,
    };
    Ok(Suggestion { id: cells.id(0)?, site: cells.text(1)?, raised_at: cells.time(2)?, dismissed })
}
