//! All lists in one index: what covers this host or URL, and from which line of which list?
//!
//! **Invariant:** immutable once built; the answer depends on the entries and the question only,
//! never on the key or the order in which entries were added.

use crate::lists::domains::{Domains, DomainsDraft};
use crate::lists::keys::HostText;
use crate::lists::networks::{Networks, NetworksDraft};
use crate::lists::origin::Place;
use crate::lists::urls::{Urls, UrlsDraft};
use crate::lists::{Asked, Entry, Item, Match, Origin, OriginId, Reading};
use crate::model::Host;

/// Takes entries, gives an [`Index`].
pub struct IndexBuilder {
    origins: Vec<Origin>,
    domains: DomainsDraft,
    networks: NetworksDraft,
    urls: UrlsDraft,
}

/// What is listed, and where.
pub struct Index {
    origins: Box<[Origin]>,
    counts: Box<[usize]>,
    domains: Domains,
    networks: Networks,
    urls: Urls,
}

impl IndexBuilder {
    /// An empty index; `key` is random per index, so that nobody can craft names that share
    /// fingerprints.
    #[must_use]
    pub fn new(key: [u8; 16]) -> IndexBuilder {
        IndexBuilder {
            origins: Vec::new(),
            domains: DomainsDraft::new(&key),
            networks: NetworksDraft::default(),
            urls: UrlsDraft::new(&key),
        }
    }

    /// Names a file, so that its entries can be added.
    ///
    /// # Panics
    /// At the 65,537th file.
    pub fn add_origin(&mut self, origin: Origin) -> OriginId {
        let id = u16::try_from(self.origins.len()).expect("an index holds at most 65,536 files");
        self.origins.push(origin);
        OriginId(id)
    }

    /// Adds what a line of a file says.
    pub fn add(&mut self, origin: OriginId, item: Item) {
        let Item { line, entry, effect: _ } = item;
        match entry {
            Entry::Host { host, scope } => self.domains.add(origin, line, &host, scope),
            Entry::Network(network) => self.networks.add(origin, line, network),
            Entry::Url(url) => self.urls.add(origin, line, &url),
            Entry::Pattern(_) => {}
        }
    }

    /// Sorts everything; of the same entry twice in one file the first line stays.
    #[must_use]
    pub fn build(self) -> Index {
        let (domains, networks, urls) = (self.domains.build(), self.networks.build(), self.urls.build());
        let mut counts = vec![0; self.origins.len()];
        for origin in domains.origins().chain(networks.origins()).chain(urls.origins()) {
            counts[origin.index()] += 1;
        }
        Index { origins: self.origins.into(), counts: counts.into(), domains, networks, urls }
    }
}

impl Index {
    /// Every entry that covers what is asked, the most specific first; of equal ones in the order
    /// in which their files were added. Allocates only if something matches or the host has
    /// URL entries.
    #[must_use]
    pub fn find(&self, asked: &Asked<'_>, reading: Reading) -> Vec<Match> {
        let mut matches = Vec::new();
        match asked.host {
            Host::Name(name) => self.domains.find(name, &mut matches),
            Host::Address(address) => self.networks.find(*address, &mut matches),
        }
        if let Some(url) = asked.url {
            self.urls.find(url, reading, &mut matches);
        }
        matches.sort_by_key(|found| (std::cmp::Reverse(found.specificity), found.origin, found.line));
        matches
    }

    /// The file that a match names.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> &Origin {
        &self.origins[id.index()]
    }

    /// Whether some pages of this host are listed, so that the host alone can't decide.
    #[must_use]
    pub fn has_url_entries(&self, host: &Host) -> bool {
        self.urls.knows(&HostText::of(host))
    }

    /// All entries, duplicates within one file counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Whether nothing is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries of one file, duplicates counted once.
    #[must_use]
    pub fn entries(&self, origin: OriginId) -> usize {
        self.counts[origin.index()]
    }

    /// The matched entry in its normal form, as it could stand in a list: `games.example`,
    /// `=www.games.example` (this host only), `*.games.example` (below it only),
    /// `192.0.2.0/24`, `site.example/a?k=v`.
    #[must_use]
    pub fn entry_text(&self, found: &Match) -> String {
        match found.place {
            Place::Name(row, scope) => self.domains.text(row, scope),
            Place::Network(number) => self.networks.text(number),
            Place::Url(written) => self.urls.text(written),
        }
    }
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index")
            .field("files", &self.origins.len())
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}
