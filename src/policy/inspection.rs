//! What is decrypted: of connections that show no more than a name, those of which a rule needs
//! the URL, where the group's devices trust the school's authority.
//!
//! **Invariant:** a group that is never inspected is never decrypted, whatever a list holds; and
//! the no-inspect list frees no host of which a statutory list holds pages.

use crate::lists::Reading;
use crate::model::Host;
use crate::policy::draft::{GroupDraft, Inspect};
use crate::policy::ladder::{Case, Shown};
use crate::services;

/// Whether what is inside a TLS connection may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seal {
    /// It stays between the client and the origin.
    Kept,
    /// It may be decrypted: to be judged, or to show the page that explains a refusal.
    Opened,
}

/// Whether this connection is to be decrypted, were it to pass.
pub(super) fn of_passed(case: &Case<'_>) -> Seal {
    match (of_refused(case), subject_to_rules(case)) {
        (Seal::Opened, Need::Url) => Seal::Opened,
        (Seal::Opened, Need::Host) | (Seal::Kept, _) => Seal::Kept,
    }
}

/// Whether this connection may be decrypted at all: to say on a page why it was refused.
pub(super) fn of_refused(case: &Case<'_>) -> Seal {
    let Some(host) = &case.asked.destination.host else { return Seal::Kept };
    let agreed = match case.asked.shown {
        Shown::TlsName | Shown::ConnectTarget => true,
        // A browser sends no name where the address itself is the site.
        Shown::TlsNoName => host.address().is_some(),
        Shown::Request | Shown::RequestElsewhere(_) | Shown::TlsOtherName(_) | Shown::OtherProtocol(_) => {
            false
        }
    };
    let exempt = is_exempt(case, host) && !case.policy.statutory.has_url_entries(host);
    if case.group.inspect == Inspect::Never || !agreed || exempt { Seal::Kept } else { Seal::Opened }
}

enum Need {
    /// Some rule needs to know more than the host.
    Url,
    /// The host says enough.
    Host,
}

fn subject_to_rules(case: &Case<'_>) -> Need {
    let Some(host) = &case.asked.destination.host else { return Need::Host };
    let policy = case.policy;
    let always = case.group.inspect == Inspect::Always;
    let listed = || {
        policy.statutory.has_url_entries(host)
            || [&policy.catalogue, &policy.school_allow, &policy.school_block]
                .iter()
                .any(|catalogue| catalogue.index().has_url_entries(host))
            || [&policy.opened, &policy.excepted, &policy.shut].iter().any(|own| own.has_url_entries(host))
    };
    let services = || {
        case.group.enforce.needs_url(host)
            || (!case.group.search_terms.is_empty() && services::is_search_host(host))
    };
    if always || is_chosen(case.group, host) || services() || listed() { Need::Url } else { Need::Host }
}

/// Whether the school has this host, or one above it, inspected by name.
fn is_chosen(group: &GroupDraft, host: &Host) -> bool {
    group.inspect_hosts.iter().any(|chosen| match (chosen, host) {
        (Host::Name(chosen), Host::Name(name)) => name.is_within(chosen),
        (Host::Address(chosen), Host::Address(address)) => chosen == address,
        (Host::Name(_), Host::Address(_)) | (Host::Address(_), Host::Name(_)) => false,
    })
}

fn is_exempt(case: &Case<'_>, host: &Host) -> bool {
    let wanted = crate::lists::Asked { host, url: None };
    !case.policy.no_inspect.find(&wanted, Reading::Allow).is_empty()
}
