//! What pupils ask for from the block page, and what staff make of it.
//!
//! **Invariant:** what was blocked for whom is what this gateway signed, not what a page sent; an ask
//! opens nothing: a member of staff turns it into a request of their own, under the usual rules.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::audit::{Act, Actor, Entry};
use crate::control::journal::Mutation;
use crate::control::requests::{Standing, standing};
use crate::control::staff::Staff;
use crate::control::store::{Store, StoreError};
use crate::control::unblocks::Kept;
use crate::control::{Control, ControlError, DECIDERS, Recorded, UnblockRequest};
use crate::model::{GroupName, Timestamp, Window};
use crate::policy::{Policy, Pupils, Target};

mod kept;
mod lapse;
mod ticket;

pub use kept::{AskDecided, AskState, PupilAsk};
pub use ticket::{Refused, Ticket, TicketError};

/// How often one client may ask within an hour.
const OFTEN: usize = 3;
const HOUR: Duration = Duration::from_secs(3600);
/// How long the block page tells what became of an ask.
const TOLD: Duration = Duration::from_secs(24 * 3600);
/// How long asks are remembered for the pages of those who asked.
const REMEMBERED: Duration = Duration::from_secs(15 * 24 * 3600);
/// Most asks that are remembered.
const MOST: usize = 5_000;
/// Fewest words, and most characters, of an ask.
const MIN_WORDS: usize = 3;
const MAX_WORDS: usize = 300;

/// The key of the tickets, and the newest asks for the block page: read without the journal.
pub(super) struct Asks {
    key: [u8; 32],
    newest: Mutex<Vec<PupilAsk>>,
}

/// Why an ask was not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// The ticket is none of ours, is another device's, or is old.
    #[error("the ticket does not hold")]
    Ticket,
    /// Three words at least.
    #[error("too few words")]
    Words,
    /// Three asks an hour at most.
    #[error("asked too often")]
    TooOften,
    /// Pupils may not ask, or nobody could open it.
    #[error("this can't be asked for")]
    NotOffered,
    /// The gateway failed.
    #[error(transparent)]
    Failed(#[from] ControlError),
}

impl Asks {
    pub(super) fn open(store: &Store, now: Timestamp) -> Result<Asks, StoreError> {
        let newest = store.asks_since(now.minus(REMEMBERED), MOST)?;
        Ok(Asks { key: store.key("ask")?, newest: Mutex::new(newest) })
    }

    fn renew(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let newest = store.asks_since(now.minus(REMEMBERED), MOST)?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = newest;
        Ok(())
    }

    fn of<T>(&self, look: impl FnOnce(&[PupilAsk]) -> T) -> T {
        look(&self.newest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// How the last ask of a client for a site stands, if there was one within a day.
    #[must_use]
    pub fn asked_before(&self, client: IpAddr, target: &str) -> Option<AskState> {
        let (target, now) = (Target::parse(target).ok()?, self.clock.now());
        let client = client.to_canonical();
        let is_it = |ask: &&PupilAsk| {
            let lately = now.since(ask.asked_at) < TOLD;
            ask.client == client && lately && ask.target.host() == target.host()
        };
        self.asks.of(|asks| Some(asks.iter().find(is_it)?.state(now)))
    }

    /// A ticket to ask for what was refused; nothing where pupils may not ask.
    #[must_use]
    pub fn ticket(&self, refused: &Refused<'_>) -> Option<String> {
        let policy = self.live.snapshot();
        (policy.draft().unblocks.pupils == Pupils::MayAsk)
            .then(|| ticket::seal(&self.asks.key, refused, self.clock.now()))
    }

    /// Takes what a pupil at `client` asks for with a ticket. Asked again while it waits, it is the
    /// same ask.
    ///
    /// # Errors
    /// [`NotAsked`] says why not.
    pub async fn ask(&self, client: IpAddr, sealed: &str, words: &str) -> Result<PupilAsk, NotAsked> {
        let ticket = ticket::open(&self.asks.key, sealed, client, self.clock.now());
        let ticket = ticket.map_err(|_| NotAsked::Ticket)?;
        let words = bounded(words).ok_or(NotAsked::Words)?;
        let client = client.to_canonical();
        let mut journal = self.journal.lock().await;
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        if !is_offered(&policy, &ticket, now) {
            return Err(NotAsked::NotOffered);
        }
        let mine = |ask: &PupilAsk| ask.client == client;
        let waiting =
            |ask: &&PupilAsk| mine(ask) && ask.target == ticket.target && ask.state(now) == AskState::Waiting;
        if let Some(same) = self.asks.of(|asks| asks.iter().find(waiting).cloned()) {
            return Ok(same);
        }
        let lately = |ask: &&PupilAsk| mine(ask) && now.since(ask.asked_at) < HOUR;
        if self.asks.of(|asks| asks.iter().filter(lately).count()) >= OFTEN {
            return Err(NotAsked::TooOften);
        }
        let unanswered = policy.draft().unblocks.unanswered;
        let ask = PupilAsk::new(ticket, words, now, now.plus(unanswered));
        let act = Act { client: Some(client), ..ask.told(Actor::System, "ask.made") };
        let mutation = Mutation::new(now, vec![ask.put()]);
        self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
        self.asks.renew(&journal.store, now).map_err(ControlError::from)?;
        Ok(ask)
    }

    /// What pupils asked for of groups that `staff` teach; every ask, for those who decide. The
    /// newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn asks(&self, staff: &Staff) -> Result<Vec<PupilAsk>, ControlError> {
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        let all = self.journal.lock().await.store.asks_since(now.minus(REMEMBERED), MOST)?;
        Ok(all.into_iter().filter(|ask| may_see(staff, &ask.group, &policy)).collect())
    }

    /// Turns an ask into a request of `staff`'s own, for the group that asked unless it names others.
    ///
    /// # Errors
    /// As for any request; [`ControlError::NotFound`] for an ask that is not theirs to see,
    /// [`ControlError::Answered`] for one that waits no more.
    pub async fn take_ask(
        &self,
        staff: &Staff,
        id: Uuid,
        request: UnblockRequest,
        client: Option<IpAddr>,
    ) -> Result<Recorded<Kept>, ControlError> {
        let mut journal = self.journal.lock().await;
        let ask = self.waiting(&journal.store, staff, id)?;
        let nobody = request.groups.is_empty() && request.users.is_empty() && request.devices.is_empty();
        let groups = if nobody { vec![ask.group.to_string()] } else { request.groups.clone() };
        let request = UnblockRequest { target: ask.target.to_string(), groups, ..request };
        let taken = |kept: &Kept| {
            let unblock = Some(kept.unblock.id);
            vec![ask.clone().decided(AskDecided::Taken, staff, None, unblock).put()]
        };
        let recorded = self.ask_for(&mut journal, staff, (&request, Some(ask.id)), client, taken).await?;
        let actor = Actor::Staff(staff.name.clone());
        let act = ask.told(actor, "ask.taken").with("unblock_id", recorded.value.unblock.id.to_string());
        self.asks.renew(&journal.store, self.clock.now())?;
        // The request is recorded with the ask's id: this says the same for whoever looks for asks.
        if let Err(fault) = self.record(Entry::Unblock(Act { client, ..act })).await {
            tracing::error!(%fault, "that an ask was taken is recorded with the request alone");
        }
        Ok(recorded)
    }

    /// Says no to an ask.
    ///
    /// # Errors
    /// As [`Control::take_ask`].
    pub async fn refuse_ask(
        &self,
        staff: &Staff,
        id: Uuid,
        comment: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<Recorded<PupilAsk>, ControlError> {
        let mut journal = self.journal.lock().await;
        let ask = self.waiting(&journal.store, staff, id)?;
        let refused = ask.decided(AskDecided::Refused, staff, comment, None);
        let act = refused.told(Actor::Staff(staff.name.clone()), "ask.refused");
        let act = Act { client, reason: refused.comment.clone(), ..act };
        let now = self.clock.now();
        let mutation = Mutation::new(now, vec![refused.put()]);
        let audit_seq = self.keep(&mut journal, Entry::Unblock, act, mutation).await?;
        self.asks.renew(&journal.store, now)?;
        Ok(Recorded { value: refused, audit_seq })
    }

    fn waiting(&self, store: &Store, staff: &Staff, id: Uuid) -> Result<PupilAsk, ControlError> {
        let (policy, now) = (self.live.snapshot(), self.clock.now());
        let found = store.ask(id)?.filter(|ask| may_see(staff, &ask.group, &policy));
        let ask = found.ok_or(ControlError::NotFound)?;
        match ask.state(now) {
            AskState::Waiting => Ok(ask),
            AskState::Taken | AskState::Refused | AskState::Lapsed => Err(ControlError::Answered),
        }
    }
}

/// Whether a pupil of that group may ask for that, by the policy in force.
fn is_offered(policy: &Policy, ticket: &Ticket, now: Timestamp) -> bool {
    let Ok(window) = Window::new(now, now.plus(HOUR)) else { return false };
    policy.draft().unblocks.pupils == Pupils::MayAsk
        && match standing(&ticket.target, &ticket.group, window, policy, now) {
            Standing::Open(_) => true,
            Standing::Statutory | Standing::Shut | Standing::Locked => false,
        }
}

fn may_see(staff: &Staff, group: &GroupName, policy: &Policy) -> bool {
    let known = policy.draft().groups.iter().find(|known| known.id == *group);
    let teaches = known.is_some_and(|known| staff.groups.iter().any(|taught| known.is_within(taught)));
    teaches || staff.is_any(&DECIDERS)
}

/// What a pupil wrote, on one line, if it is three words or more.
fn bounded(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    let good = words.len() >= MIN_WORDS && line.chars().count() <= MAX_WORDS;
    (good && !line.chars().any(char::is_control)).then_some(line)
}
