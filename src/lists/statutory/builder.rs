//! Puts statutory lists together: read now, or hashed before.

use crate::lists::ListNo;
use crate::lists::parse::RejectReason;
use crate::lists::statutory::hashed::HashedList;
use crate::lists::statutory::hashes::{Hash, Hasher, Quick};
use crate::lists::statutory::{Hidden, Statutory};

/// Takes lines and lists, gives a [`Statutory`].
pub struct StatutoryBuilder {
    hasher: Hasher,
    lists: Vec<HashedList>,
}

impl StatutoryBuilder {
    /// Nothing held yet; `key` is random, the gateway's own, and kept from run to run so that
    /// entries keep their names in the record.
    #[must_use]
    pub fn new(key: [u8; 32]) -> StatutoryBuilder {
        StatutoryBuilder { hasher: Hasher::new(key), lists: Vec::new() }
    }

    /// Names a list, so that its lines can be added.
    ///
    /// # Panics
    /// At the 65,537th list.
    pub fn add_list(&mut self, name: &str, version: &str) -> ListNo {
        self.push(HashedList::empty(self.hasher.id(), name, version))
    }

    /// Reads one line: a host, an address or a URL with or without scheme; blank lines and `#`
    /// comments are passed over.
    ///
    /// # Errors
    /// Why the line was not taken, without its text. It is counted as rejected.
    pub fn add_line(&mut self, list: ListNo, line: &str) -> Result<(), RejectReason> {
        self.lists[list.index()].add_line(&self.hasher, line)
    }

    /// Adds a list that was hashed before.
    ///
    /// # Panics
    /// When it was hashed under another key, under which nothing of it would ever be found.
    pub fn add_hashed(&mut self, list: HashedList) -> ListNo {
        assert!(list.key == self.hasher.id(), "one key for all statutory lists");
        self.push(list)
    }

    /// Sorts everything; an entry that a list has twice counts once.
    #[must_use]
    pub fn build(mut self) -> Statutory {
        let mut held = Statutory {
            front: self.hasher.front(&[]),
            hasher: self.hasher,
            lists: Box::default(),
            entries: Box::default(),
            parameters: Box::default(),
            paged: Box::default(),
            deepest: self.lists.iter().map(|list| list.deepest).max().unwrap_or(0),
        };
        let (mut entries, mut parameters, mut paged) = (Vec::new(), Vec::<Hash>::new(), Vec::new());
        let mut quick: Vec<Quick> = Vec::new();
        for (number, list) in (0u16..).zip(&mut self.lists) {
            list.finish();
            for entry in &list.entries {
                let start = u32::try_from(parameters.len()).expect("at most 4 Gi parameters");
                let count =
                    u16::try_from(entry.parameters.len()).expect("a URL of 16 KiB has fewer parameters");
                parameters.extend_from_slice(&entry.parameters);
                quick.push(entry.quick);
                let parameters = (start, count);
                entries.push(Hidden { hash: entry.hash, id: entry.id, list: number, parameters });
            }
            paged.extend(list.hosts.iter().map(|host| host.hash));
            quick.extend(list.hosts.iter().map(|host| host.quick));
        }
        entries.sort_unstable_by_key(|held| (held.hash, held.list, held.id));
        paged.sort_unstable();
        paged.dedup();
        held.front = held.hasher.front(&quick);
        held.lists = self.lists.into_iter().map(|list| list.about).collect();
        (held.entries, held.parameters, held.paged) = (entries.into(), parameters.into(), paged.into());
        held
    }

    fn push(&mut self, list: HashedList) -> ListNo {
        let number = u16::try_from(self.lists.len()).expect("at most 65,536 statutory lists");
        self.lists.push(list);
        ListNo(number)
    }
}

impl std::fmt::Debug for StatutoryBuilder {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatutoryBuilder").field("lists", &self.lists.len()).finish_non_exhaustive()
    }
}
