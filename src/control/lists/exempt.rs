//! The hosts that are not decrypted: the school's no-inspect list, or the one that comes with the
//! program, and those for which the school's authority can't sign.

use std::path::PathBuf;

use crate::control::lists::reading;
use crate::document::Faults;
use crate::lists::{Entry, Format, Index, IndexBuilder, Item, Origin, ReadOptions, Reading, Scope, parse};
use crate::model::Name;
use crate::settings::NO_INSPECT;

/// Where that list comes from.
#[derive(Clone, Debug, Default)]
pub struct Exempt {
    /// The school's own list in the place of the one that comes with the program.
    pub file: Option<PathBuf>,
    /// What the authority can't sign for, with all below.
    pub never: Vec<Name>,
}

/// Reads the list.
pub(super) fn read(exempt: &Exempt, key: [u8; 16], faults: &mut Faults) -> Index {
    let mut builder = IndexBuilder::new(key);
    match &exempt.file {
        None => {
            add(&mut builder, "no-inspect.txt", NO_INSPECT.as_bytes(), parsed(NO_INSPECT.as_bytes()).items)
        }
        Some(path) => match reading::bytes(path) {
            Err(fault) => faults.push(fault),
            Ok(bytes) => {
                let parsed = parsed(&bytes);
                faults.extend(reading::line_faults(path, &bytes, &parsed));
                add(&mut builder, &path.display().to_string(), &bytes, parsed.items);
            }
        },
    }
    let never =
        exempt.never.iter().cloned().map(|host| Item::listed(0, Entry::Host { host, scope: Scope::Subtree }));
    add(&mut builder, "authority", b"", never.collect());
    builder.build()
}

fn parsed(bytes: &[u8]) -> crate::lists::Parsed {
    parse::read(&ReadOptions::of(Reading::Allow), Format::Domains, bytes)
}

fn add(builder: &mut IndexBuilder, file: &str, bytes: &[u8], items: Vec<Item>) {
    let version = reading::version(bytes).into();
    let origin = builder.add_origin(Origin { list: "no-inspect".into(), version, file: file.into() });
    for item in items {
        builder.add(origin, item);
    }
}
