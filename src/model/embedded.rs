//! Pages of other sites inside an address: carried by translators, archives, caches and readers,
//! or named by a URL inside the URL.
//!
//! **Invariant:** linear in the address's length, and bounded in number and in depth; what lies
//! beyond a bound is told by [`Targets::beyond`], so that nobody takes it for looked at. An
//! ordinary address costs no allocation.
//!
//! What is *carried* comes back as the answer to the request: reading it here is reading the
//! other site. What is *named* is known to the site that is asked, no more: many sites name
//! pages (sharing, counting visits, checking), and some proxies fetch what is named. Names of
//! parameters that sign-in pages use to come back (`continue`, `next`, `returnUrl`,
//! `redirect_uri`, …) are not read: what they lead to is asked for by a request of its own.

mod carriers;
mod text;

use crate::model::{Host, Name, Url};
use carriers::Carrier;

/// A page in a page in a page; beyond that only somebody who hides something goes.
pub const MAX_DEPTH: usize = 3;
/// The most pages that are taken out of one address.
pub const MAX_TARGETS: usize = 16;
/// The most places in one path or query that look like a URL and turn out to be none.
const MAX_ATTEMPTS: usize = 8;

/// The parameters in which proxies, translators and the like take the page to be fetched.
const PARAMETERS: [&str; 7] = ["url", "u", "uri", "q", "link", "href", "site"];

/// A page of another site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its host.
    pub host: Host,
    /// Its URL, where more than the host can be told.
    pub url: Option<Url>,
    /// How it is there.
    pub carriage: Carriage,
}

/// How a page is inside the address of another, the closest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Carriage {
    /// The answer is that page: the site asked is a translator, an archive, a cache or a reader.
    Carried,
    /// The address names it, and the site asked may or may not fetch it.
    Named,
    /// As [`Carriage::Named`], and it is a page of the very site that is asked.
    NamedOwn,
}

/// The pages inside one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// The pages found, those inside others behind them; all of them, if nothing is beyond.
    pub found: Vec<Target>,
    /// Whether there was more than is looked at.
    pub beyond: Beyond,
}

/// Whether an address holds more than is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beyond {
    /// Everything in it was looked at.
    #[default]
    Nothing,
    /// It is nested deeper than [`MAX_DEPTH`], or holds more than [`MAX_TARGETS`].
    Unread,
}

/// The pages inside the address of `host`, whose URL is `url` where it can be seen.
#[must_use]
pub fn targets(host: &Host, url: Option<&Url>) -> Targets {
    let mut targets = Targets::default();
    targets.gather(url.map_or(host, Url::host), url, 1);
    if url.is_some_and(|url| url.host() != host) {
        targets.gather(host, None, 1);
    }
    targets
}

impl Targets {
    /// The pages of another address, put behind these.
    pub fn append(&mut self, other: Targets) {
        if other.beyond == Beyond::Unread {
            self.beyond = Beyond::Unread;
        }
        for target in other.found {
            let _ = self.take(&target);
        }
    }

    fn gather(&mut self, host: &Host, url: Option<&Url>, depth: usize) {
        let mut inside = Inside { host, depth, targets: self };
        let carrier = host.name().and_then(Carrier::of);
        if let Some(url) = url {
            inside.path(carrier, url);
            inside.query(carrier, url);
        }
        if let Some(name) = host.name() {
            for (host, url) in carriers::written_in(name, url) {
                inside.found(host, url, Carriage::Carried);
            }
        }
    }

    /// Keeps a target unless it is there already; whether it is new.
    fn take(&mut self, target: &Target) -> bool {
        let same = |known: &&mut Target| {
            known.host == target.host && (target.url.is_none() || known.url == target.url)
        };
        if let Some(known) = self.found.iter_mut().find(same) {
            known.carriage = known.carriage.min(target.carriage);
            return false;
        }
        if self.found.len() == MAX_TARGETS {
            self.beyond = Beyond::Unread;
            return false;
        }
        self.found.push(target.clone());
        true
    }
}

/// One address that is looked through.
struct Inside<'a> {
    host: &'a Host,
    depth: usize,
    targets: &'a mut Targets,
}

impl Inside<'_> {
    fn found(&mut self, host: Host, url: Option<Url>, carriage: Carriage) {
        if self.depth > MAX_DEPTH {
            self.targets.beyond = Beyond::Unread;
            return;
        }
        let own = carriage == Carriage::Named && is_same_site(self.host, &host);
        let carriage = if own { Carriage::NamedOwn } else { carriage };
        let target = Target { host, url, carriage };
        if self.targets.take(&target) {
            self.targets.gather(&target.host, target.url.as_ref(), self.depth + 1);
        }
    }

    fn url(&mut self, url: Url, carriage: Carriage) {
        self.found(url.host().clone(), Some(url), carriage);
    }

    /// `/web/2020/http://host/path`, `/c/s/host/path`, `/http:/host/path`.
    fn path(&mut self, carrier: Option<Carrier>, url: &Url) {
        let mut carrier = carrier.filter(|carrier| carrier.carries_in_path(url.path()));
        let mut attempts = 0;
        for (place, (at, _)) in url.path().match_indices('/').enumerate() {
            let rest = &url.path()[at + 1..];
            let bare = carrier.is_some() && place < carriers::MAX_PREFIX && text::may_be_a_host(rest);
            if !bare && !text::may_be_absolute(rest) {
                continue;
            }
            if attempts == MAX_ATTEMPTS {
                self.targets.beyond = Beyond::Unread;
            }
            if self.targets.beyond == Beyond::Unread {
                return;
            }
            attempts += 1;
            let read = if bare { text::read_bare } else { text::read };
            let found = read(rest, url.query());
            // What stands behind the carried page is named by its path, whoever reads it so.
            let carriage = carrier.map_or(Carriage::Named, |_| Carriage::Carried);
            carrier = carrier.filter(|_| found.is_empty());
            found.into_iter().for_each(|found| self.url(found, carriage));
        }
    }

    /// `?url=http://host/path`, `?http://host/path`.
    fn query(&mut self, carrier: Option<Carrier>, url: &Url) {
        let Some(query) = url.query() else { return };
        self.named(query);
        for parameter in query.split('&') {
            if self.targets.beyond == Beyond::Unread {
                return;
            }
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            if let Some(found) = carrier.and_then(|carrier| carrier.carried_in(name, value)) {
                self.url(found, Carriage::Carried);
            } else if text::may_be_a_url(value) && PARAMETERS.iter().any(|known| text::is_word(name, known)) {
                text::read_form(value).into_iter().for_each(|found| self.url(found, Carriage::Named));
            } else {
                self.named(parameter);
            }
        }
    }

    /// A query or a parameter that is a URL without a name before it.
    fn named(&mut self, query: &str) {
        if text::may_be_absolute(query) {
            text::read(query, None).into_iter().for_each(|found| self.url(found, Carriage::Named));
        }
    }
}

/// Whether two hosts are one site: the same, or one below the other, a `www` apart.
fn is_same_site(one: &Host, other: &Host) -> bool {
    let (Some(one), Some(other)) = (one.name().map(bare), other.name().map(bare)) else {
        return one == other;
    };
    let below = |name: &str, parent: &str| {
        name.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    below(one, other) || below(other, one)
}

fn bare(name: &Name) -> &str {
    name.as_str().strip_prefix("www.").unwrap_or(name.as_str())
}

#[cfg(test)]
mod tests;
