//! Every list entry that covers a site, whoever asks: what a technician looks for.

use crate::lists::{Asked as Wanted, Catalogue, Reading};
use crate::model::{Host, Url};
use crate::policy::{Evidence, Policy};

/// An entry that covers a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The list, its version, the file and the line.
    pub evidence: Evidence,
    /// The entry in its normal form.
    pub entry: String,
}

/// The entries of the category lists and of the school's own that cover `url` or its host, the
/// most specific of each list first. Statutory lists are not asked: nobody may read them.
#[must_use]
pub fn lookup(policy: &Policy, url: &Url) -> Vec<Listed> {
    let wanted = Wanted { host: url.host(), url: Some(url) };
    let lists = [
        (&*policy.school_block, Reading::Block),
        (&*policy.school_allow, Reading::Allow),
        (&*policy.catalogue, Reading::Block),
    ];
    lists.into_iter().flat_map(|(catalogue, reading)| covering(catalogue, &wanted, reading)).collect()
}

/// The ids of the categories that hold a site, whatever any group makes of them.
#[must_use]
pub fn categories_of<'p>(policy: &'p Policy, host: &Host, url: Option<&Url>) -> Vec<&'p str> {
    let found = policy.catalogue.index().find(&Wanted { host, url }, Reading::Block);
    let mut numbers: Vec<usize> = found.iter().filter_map(|found| policy.category_of(found)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.into_iter().map(|number| policy.draft.categories[number].id.as_str()).collect()
}

fn covering(catalogue: &Catalogue, wanted: &Wanted<'_>, reading: Reading) -> Vec<Listed> {
    let index = catalogue.index();
    index
        .find(wanted, reading)
        .into_iter()
        .map(|found| {
            let origin = index.origin(found.origin);
            let evidence = Evidence {
                list: origin.list.to_string(),
                version: origin.version.to_string(),
                file: origin.file.to_string(),
                line: index.line(&found),
                entry: None,
            };
            Listed { evidence, entry: index.entry_text(&found) }
        })
        .collect()
}
