//! What a page needs from other hosts: those that were refused to the same clients while the page
//! was loaded, or was refused itself.
//!
//! **Invariant:** nobody's name and no client's address comes out; of what a statutory list holds
//! nothing does.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::audit::{Filter, Index, Order, QueryError};
use crate::control::requests::{Standing, standing};
use crate::control::staff::Staff;
use crate::control::{Control, ControlError, DECIDERS};
use crate::model::{GroupName, Host, Subject, Timestamp, Window};
use crate::policy::{GroupDraft, Policy, Target};

/// How far back is looked.
const BACK: Duration = Duration::from_secs(600);
/// How long before a page's access something of it may be asked for, in milliseconds.
const BEFORE: i64 = 2_000;
/// How long after, in milliseconds.
const AFTER: i64 = 30_000;
/// Most events that are looked at, and most hosts that are answered.
const MOST_READ: usize = 50_000;
const MOST: usize = 50;

/// Whose refusals are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A group, and those that inherit from it.
    Group(GroupName),
    /// One address.
    Client(IpAddr),
}

/// A host that was refused beside a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The host.
    pub host: String,
    /// How often it was refused.
    pub denied: u64,
    /// The categories that block it now, by id and name.
    pub categories: Vec<(String, String)>,
    /// Whether no unblock can open it.
    pub locked: bool,
}

/// A look that is allowed.
#[derive(Clone, Debug)]
pub struct Look {
    target: Target,
    whom: Whom,
    groups: Vec<String>,
    judged_as: GroupName,
    now: Timestamp,
}

impl Control {
    /// Lets `staff`, who call from `from`, look at what `target` needs for `whom`: for their own
    /// address, for groups that they teach, or for anybody if they decide on unblocks.
    ///
    /// # Errors
    /// [`ControlError::Forbidden`] otherwise; [`ControlError::Invalid`] for a target that is no page
    /// or host, or a group that is not there; [`ControlError::Statutory`].
    pub async fn may_look(
        &self,
        staff: &Staff,
        target: &str,
        whom: Whom,
        from: Option<IpAddr>,
    ) -> Result<Look, ControlError> {
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        policy
            .draft()
            .longest(&staff.roles)
            .map_err(|_| ControlError::Forbidden("your role may not ask for an unblock"))?;
        let target = Target::parse(target).map_err(|fault| ControlError::Invalid("target", fault))?;
        if target.host().is_none() {
            let text = "a category needs nothing: name a page or a host".to_owned();
            return Err(ControlError::Invalid("target", text));
        }
        let judged_as = match &whom {
            Whom::Group(name) => known(&policy, name)?.id.clone(),
            Whom::Client(client) => {
                let subject = self.journal.lock().await.directory.attribute(*client);
                policy.group_of(&Subject { address: *client, ..subject }).clone()
            }
        };
        let own = match &whom {
            Whom::Group(name) => {
                let group = known(&policy, name)?;
                staff.groups.iter().any(|taught| group.is_within(taught))
            }
            Whom::Client(client) => from.is_some_and(|from| from.to_canonical() == client.to_canonical()),
        };
        if !own && !staff.is_any(&DECIDERS) {
            let text = "look at your own device, or at a group that you teach";
            return Err(ControlError::Forbidden(text));
        }
        if stands(&target, &judged_as, &policy, now) == Some(Standing::Statutory) {
            return Err(ControlError::Statutory);
        }
        let groups = match &whom {
            Whom::Group(name) => {
                let all = policy.draft().groups.iter();
                all.filter(|group| group.is_within(name)).map(|group| group.id.to_string()).collect()
            }
            Whom::Client(_) => Vec::new(),
        };
        Ok(Look { target, whom, groups, judged_as, now })
    }

    /// What was found, as it stands in the policy in force, what was refused most first.
    #[must_use]
    pub fn dependencies(&self, look: &Look, found: BTreeMap<String, u64>) -> Vec<Dependency> {
        let policy = self.live.snapshot();
        let mut needed: Vec<Dependency> =
            found.into_iter().filter_map(|(host, denied)| look.judged(&policy, host, denied)).collect();
        needed.sort_by(|one, other| other.denied.cmp(&one.denied).then_with(|| one.host.cmp(&other.host)));
        needed.truncate(MOST);
        needed
    }
}

impl Look {
    /// The hosts that were refused near an access to the page, and how often.
    ///
    /// # Errors
    /// When the trail can't be read.
    pub fn read(&self, index: &Index) -> Result<BTreeMap<String, u64>, QueryError> {
        let filter = Filter {
            from: Some(self.now.minus(BACK)),
            dataset: Some("schoolgate.access".to_owned()),
            client: match &self.whom {
                Whom::Client(client) => Some(*client),
                Whom::Group(_) => None,
            },
            order: Order::NewestFirst,
            ..Filter::default()
        };
        let (mut pages, mut refused) = (HashMap::<String, Vec<i64>>::new(), Vec::new());
        let mut read = 0;
        index.scan(&filter, |record| {
            read += 1;
            if let Some((client, at, host)) = self.seen(&record.event) {
                if self.is_page(&host) {
                    pages.entry(client).or_default().push(at);
                } else if record.event["event"]["action"] == "block" {
                    refused.push((client, at, host));
                }
            }
            read < MOST_READ
        })?;
        let mut found = BTreeMap::new();
        for (client, at, host) in refused {
            let near = |page: &i64| (page - BEFORE..=page + AFTER).contains(&at);
            if pages.get(&client).is_some_and(|pages| pages.iter().any(near)) {
                *found.entry(host).or_default() += 1;
            }
        }
        Ok(found)
    }

    /// Client, time and host of an access that counts.
    fn seen(&self, event: &Value) -> Option<(String, i64, String)> {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str);
        let group = text("/user/group/name").unwrap_or_default();
        if matches!(self.whom, Whom::Group(_)) && !self.groups.iter().any(|name| name == group) {
            return None;
        }
        let at: Timestamp = text("/@timestamp")?.parse().ok()?;
        Some((text("/source/ip")?.to_owned(), at.as_millis(), text("/url/domain")?.to_owned()))
    }

    fn is_page(&self, host: &str) -> bool {
        match (&self.target, Host::parse(host)) {
            (Target::Host(Host::Name(own)), Ok(Host::Name(name))) => name.is_within(own),
            (Target::Url(url), Ok(host)) => *url.host() == host,
            (Target::Host(own), Ok(host)) => *own == host,
            (Target::Category(_), _) | (_, Err(_)) => false,
        }
    }

    fn judged(&self, policy: &Policy, host: String, denied: u64) -> Option<Dependency> {
        let target = Target::parse(&host).ok()?;
        let (categories, locked) = match stands(&target, &self.judged_as, policy, self.now)? {
            Standing::Statutory => return None,
            Standing::Shut | Standing::Locked => (Vec::new(), true),
            Standing::Open(categories) => (categories, false),
        };
        Some(Dependency { host, denied, categories, locked })
    }
}

fn stands(target: &Target, group: &GroupName, policy: &Policy, now: Timestamp) -> Option<Standing> {
    let window = Window::new(now, now.plus(BACK)).ok()?;
    Some(standing(target, group, window, policy, now))
}

fn known<'p>(policy: &'p Policy, name: &GroupName) -> Result<&'p GroupDraft, ControlError> {
    let found = policy.draft().groups.iter().find(|group| group.id == *name);
    found.ok_or_else(|| ControlError::Invalid("group", format!("there is no group “{name}”")))
}
