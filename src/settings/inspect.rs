//! `[inspect]`: the authority, and what is never decrypted.

use super::Inspect;
use super::sections::{Section, pair, path};
use super::words::Domain;
use crate::document::{Faults, Spanned};
use crate::model::{Host, Name};

/// The shipped list of hosts that are never decrypted, one a line, `#` before a comment: what
/// `inspect.no_inspect` stands for when it is absent.
pub const NO_INSPECT: &str = include_str!("../../config/no-inspect.txt");

/// What nobody is to listen to, whoever comes by the key: an authority that is made here can't sign
/// for these. They are the nations' health services and the help lines of
/// `blocklists/lifeline/uk.txt`, whose sources stand there.
const NEVER: [&str; 30] = [
    "nhs.uk",
    "nhs.wales",
    "nhs.scot",
    "nhsinform.scot",
    "hscni.net",
    "childline.org.uk",
    "kooth.com",
    "meiccymru.org",
    "nspcc.org.uk",
    "runawayhelpline.org.uk",
    "missingpeople.org.uk",
    "themix.org.uk",
    "youngminds.org.uk",
    "callhelpline.org.uk",
    "giveusashout.org",
    "papyrus-uk.org",
    "samaritans.org",
    "thecalmzone.net",
    "ceop.police.uk",
    "nationaldahelpline.org.uk",
    "rapecrisis.org.uk",
    "report.iwf.org.uk",
    "reportharmfulcontent.com",
    "stopitnow.org.uk",
    "victimsupport.org.uk",
    "beateatingdisorders.org.uk",
    "gamcare.org.uk",
    "nacoa.org.uk",
    "switchboard.lgbt",
    "talktofrank.com",
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
