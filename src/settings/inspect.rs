//! `[inspect]`: the authority, and what is never decrypted.

use super::Inspect;
use super::sections::{Section, pair, path};
use super::words::Domain;
use crate::document::{Faults, Spanned};
use crate::model::{Host, Name};

/// Where somebody in need asks for help, and what they tell a doctor: an authority that is made
/// here can't sign for these, whoever holds its key. Help lines as the NSPCC, the NHS
/// ("Help for suicidal thoughts", "Where to get mental health help") and Childline's own pages
/// name them, looked up in 2026.
const NEVER: [&str; 24] = [
    "childline.org.uk",
    "nspcc.org.uk",
    "samaritans.org",
    "papyrus-uk.org",
    "ceop.police.uk",
    "nhs.uk",
    "nhs.wales",
    "nhs.scot",
    "nhsinform.scot",
    "hscni.net",
    "giveusashout.org",
    "youngminds.org.uk",
    "themix.org.uk",
    "kooth.com",
    "meiccymru.org",
    "mind.org.uk",
    "beateatingdisorders.org.uk",
    "runawayhelpline.org.uk",
    "nationaldahelpline.org.uk",
    "refuge.org.uk",
    "womensaid.org.uk",
    "stopitnow.org.uk",
    "iwf.org.uk",
    "winstonswish.org",
];

impl Inspect {
    pub(super) fn read((mut table, base): Section<'_, '_>, faults: &mut Faults) -> Inspect {
        let authority = pair(&mut table, ["ca_cert", "ca_key"], base, faults);
        let no_inspect = path(&mut table, "no_inspect", base, faults);
        let never: Option<Vec<Spanned<Domain>>> = table.take_parsed_list("never", faults);
        table.finish(faults);
        let never = never.map(|never| never.into_iter().map(|domain| domain.value.0).collect());
        Inspect { authority, no_inspect, never: never.unwrap_or_else(core) }
    }
}

/// The shipped core of what is never decrypted.
fn core() -> Vec<Name> {
    NEVER.iter().filter_map(|text| Host::parse(text).ok()?.name().cloned()).collect()
}
