//! What is enforced at search engines, video sites and sign-ins.

use crate::policy::effect::group::is_within;
use crate::services::{Consumer, Enforce, Microsoft, Restrict, SafeSearch, Slack, Tenants};

/// Whether anything is held less than it was.
pub(super) fn opens(was: &Enforce, is: &Enforce) -> bool {
    let Enforce { safe_search, youtube, tenants } = is;
    (was.safe_search == SafeSearch::Enforce && *safe_search == SafeSearch::Off)
        || strictness(*youtube) < strictness(was.youtube)
        || tenants_open(&was.tenants, tenants)
}

fn strictness(youtube: Restrict) -> u8 {
    match youtube {
        Restrict::Off => 0,
        Restrict::Moderate => 1,
        Restrict::Strict => 2,
    }
}

fn tenants_open(was: &Tenants, is: &Tenants) -> bool {
    let Tenants { google, microsoft, microsoft_consumer, slack, dropbox } = is;
    widens(&was.google, google)
        || microsoft_opens(was.microsoft.as_ref(), microsoft.as_ref())
        || (was.microsoft_consumer == Consumer::Block && *microsoft_consumer == Consumer::Allow)
        || slack_opens(was.slack.as_ref(), slack.as_ref())
        || widens(&was.dropbox, dropbox)
}

/// Whether a sign-in may go where it could not; none named is anywhere.
fn widens(was: &[String], is: &[String]) -> bool {
    !was.is_empty() && (is.is_empty() || !is_within(is, was))
}

fn microsoft_opens(was: Option<&Microsoft>, is: Option<&Microsoft>) -> bool {
    let Some(was) = was else { return false };
    is.is_none_or(|is| {
        let Microsoft { tenants, directory } = is;
        is != was && (*directory != was.directory || tenants.is_empty() || !is_within(tenants, &was.tenants))
    })
}

fn slack_opens(was: Option<&Slack>, is: Option<&Slack>) -> bool {
    let Some(was) = was else { return false };
    is.is_none_or(|is| {
        let Slack { workspaces, requester } = is;
        let narrower = !workspaces.is_empty() && is_within(workspaces, &was.workspaces);
        is != was && (*requester != was.requester || !narrower)
    })
}
