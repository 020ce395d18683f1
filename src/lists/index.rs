//! All lists in one index: what covers this host or URL, and from which line of which list?
//!
//! **Invariant:** immutable once built; the answer depends on the entries and the question only,
//! never on the key or the order in which entries were added. An index that was built and one
//! that is mapped from a file are the same thing: sections of bytes.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::lists::domains::{Domains, DomainsDraft, Lengths};
use crate::lists::keys::HostText;
use crate::lists::networks::{Networks, NetworksDraft};
use crate::lists::origin::Place;
use crate::lists::patterns::{PatternPosting, Patterns};
use crate::lists::sections::Compiled;
use crate::lists::urls::{Urls, UrlsDraft};
use crate::lists::{Asked, Entry, Item, Match, Origin, OriginId, Reading};
use crate::model::Host;

/// Takes entries, gives an [`Index`].
pub struct IndexBuilder {
    key: [u8; 16],
    origins: Vec<Origin>,
    domains: DomainsDraft,
    networks: NetworksDraft,
    urls: UrlsDraft,
    patterns: Vec<PatternPosting>,
}

/// What is listed, and where.
pub struct Index {
    origins: Box<[Origin]>,
    counts: Box<[usize]>,
    domains: Domains,
    networks: Networks,
    urls: Urls,
    patterns: Patterns,
}

/// What a compiled index says of itself besides its sections.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    key: [u8; 16],
    origins: Vec<Origin>,
    counts: Vec<usize>,
    lengths: u64,
    deepest: usize,
    patterns: Vec<PatternPosting>,
}

impl IndexBuilder {
    /// An empty index; `key` is random per index, so that nobody can craft names that share
    /// fingerprints.
    #[must_use]
    pub fn new(key: [u8; 16]) -> IndexBuilder {
        IndexBuilder {
            key,
            origins: Vec::new(),
            domains: DomainsDraft::new(&key),
            networks: NetworksDraft::default(),
            urls: UrlsDraft::new(&key),
            patterns: Vec::new(),
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
        let Item { line, entry, effect } = item;
        match entry {
            Entry::Host { host, scope } => self.domains.add(origin, line, &host, scope, effect),
            Entry::Network(network) => self.networks.add(origin, line, network, effect),
            Entry::Url(url) => self.urls.add(origin, line, &url, effect),
            Entry::Pattern(pattern) => {
                self.patterns.push(PatternPosting { pattern, origin: origin.0, effect: effect as u8, line });
            }
        }
    }

    /// Sorts everything; of the same entry twice in one file the first line stays.
    #[must_use]
    pub fn build(self) -> Index {
        let (compiled, about) = self.compile();
        Index::open(about, &compiled)
    }

    pub(super) fn compile(mut self) -> (Compiled, About) {
        let (mut compiled, mut counts) = (Compiled::default(), vec![0; self.origins.len()]);
        let lengths = self.domains.build(&mut compiled, &mut counts).0;
        self.networks.build(&mut compiled, &mut counts);
        let deepest = self.urls.build(&mut compiled, &mut counts);
        self.patterns.sort_unstable();
        let same = |a: &PatternPosting, b: &PatternPosting| {
            (&a.pattern, a.origin, a.effect) == (&b.pattern, b.origin, b.effect)
        };
        self.patterns.dedup_by(|later, first| same(later, first));
        for posting in &self.patterns {
            counts[usize::from(posting.origin)] += 1;
        }
        let (key, origins, patterns) = (self.key, self.origins, self.patterns);
        (compiled, About { key, origins, counts, lengths, deepest, patterns })
    }
}

impl About {
    /// How many entries each file has, duplicates counted once.
    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }
}

impl Index {
    pub(super) fn open(about: About, compiled: &Compiled) -> Index {
        Index {
            origins: about.origins.into(),
            counts: about.counts.into(),
            domains: Domains::open(&about.key, Lengths(about.lengths), compiled),
            networks: Networks::open(compiled),
            urls: Urls::open(&about.key, about.deepest, compiled),
            patterns: Patterns::of(about.patterns),
        }
    }

    /// Every entry that covers what is asked and puts it on its list, the most specific first; of
    /// equal ones in the order in which their files were added. Allocates only if something
    /// matches, the host has URL entries, or there are patterns.
    #[must_use]
    pub fn find(&self, asked: &Asked<'_>, reading: Reading) -> Vec<Match> {
        let mut matches = Vec::new();
        match asked.host {
            Host::Name(name) => self.domains.find(name, reading, &mut matches),
            Host::Address(address) => self.networks.find(*address, &mut matches),
        }
        if let Some(url) = asked.url {
            self.urls.find(url, reading, &mut matches);
        }
        self.patterns.find(asked, &mut matches);
        self.settle(&mut matches);
        matches.sort_by_key(|found| (Reverse(found.specificity), found.origin, self.tie(found)));
        matches
    }

    /// The file that a match names.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> &Origin {
        &self.origins[id.index()]
    }

    /// The matched entry's line in its file, from 1; of duplicates the first.
    #[must_use]
    pub fn line(&self, found: &Match) -> u32 {
        match found.place {
            Place::Name { row, member } => self.domains.line(row, member),
            Place::Network(number) => self.networks.line(number),
            Place::Url(number) => self.urls.line(number),
            Place::Pattern(number) => self.patterns.line(number),
        }
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

    /// The matched entry in its normal form, as [`Entry`] displays it.
    #[must_use]
    pub fn entry_text(&self, found: &Match) -> String {
        match found.place {
            Place::Name { row, member } => self.domains.text(row, member),
            Place::Network(number) => self.networks.text(number),
            Place::Url(number) => self.urls.text(number),
            Place::Pattern(number) => self.patterns.text(number),
        }
    }

    /// Takes out the exceptions, and whatever they take off their lists.
    fn settle(&self, matches: &mut Vec<Match>) {
        if !matches.iter().any(|found| found.effect.excepts()) {
            return;
        }
        let list = |found: &Match| &*self.origins[found.origin.index()].list;
        let weight = |found: &Match| (found.effect.rank(), found.specificity, found.effect.excepts());
        let all = std::mem::take(matches);
        let stays = |found: &Match| {
            let heaviest =
                all.iter().filter(|other| list(other) == list(found)).max_by_key(|one| weight(one));
            !found.effect.excepts() && heaviest.is_some_and(|heaviest| !heaviest.effect.excepts())
        };
        matches.extend(all.iter().filter(|found| stays(found)));
    }

    /// What parts two matches of one file that are equally specific: never the key.
    fn tie(&self, found: &Match) -> u32 {
        match found.place {
            Place::Name { member, .. } => member,
            Place::Network(_) | Place::Url(_) | Place::Pattern(_) => self.line(found),
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
