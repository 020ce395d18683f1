//! What a group has enforced at services, and which of their hosts that concerns.

use super::facts::{ConnectRow, FACTS, HeaderRow, Service, When};
use crate::model::Host;

/// What a group has enforced; derived from its policy text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforce {
    /// Whether search engines are held to their safe search.
    pub safe_search: SafeSearch,
    /// How far YouTube is restricted.
    pub youtube: Restrict,
    /// The tenants that sign-ins are confined to.
    pub tenants: Tenants,
}

/// Whether search engines are held to their safe search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SafeSearch {
    /// As the visitor has set it.
    #[default]
    Off,
    /// Always on.
    Enforce,
}

/// How far YouTube is restricted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restrict {
    /// As the visitor has set it.
    #[default]
    Off,
    /// YouTube's moderate restricted mode.
    Moderate,
    /// YouTube's strict restricted mode.
    Strict,
}

/// The tenants that sign-ins are confined to. The texts go into headers as they are: whoever
/// makes one sees to it that they hold neither commas nor controls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenants {
    /// Domains of Google Workspace whose accounts may sign in, and Google's own words
    /// `consumer_accounts` and `gserviceaccounts.com`; empty: any account.
    pub google: Vec<String>,
    /// Tenants of Microsoft Entra; `None`: any.
    pub microsoft: Option<Microsoft>,
    /// Whether personal Microsoft accounts may sign in.
    pub microsoft_consumer: Consumer,
    /// Workspaces of Slack; `None`: any.
    pub slack: Option<Slack>,
    /// Ids of Dropbox teams; empty: any account.
    pub dropbox: Vec<String>,
}

/// The Microsoft Entra tenants that may be signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Microsoft {
    /// Their domains: `school.onmicrosoft.com`.
    pub tenants: Vec<String>,
    /// The id of the directory that sets the restriction.
    pub directory: String,
}

/// Whether personal accounts may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consumer {
    /// They may.
    #[default]
    Allow,
    /// They are refused.
    Block,
}

/// The Slack workspaces that may be signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    /// Ids of workspaces or of an Enterprise organisation.
    pub workspaces: Vec<String>,
    /// The id of the workspace that sets the restriction.
    pub requester: String,
}

impl Enforce {
    /// Whether anything of this needs the URL or the headers of requests to `host`; also where
    /// dialling another host ([`Enforce::connect_as`]) does as much: two walls are better than one,
    /// and a request says what the visitor had asked for.
    #[must_use]
    pub fn needs_url(&self, host: &Host) -> bool {
        let safe = self.safe_search == SafeSearch::Enforce && FACTS.safe.hosts.holds(host);
        safe || self.header_rows(host).next().is_some()
    }

    /// The host whose addresses are dialled in `host`'s stead; the name in the handshake and in
    /// the request stays what it is.
    #[must_use]
    pub fn connect_as(&self, host: &Host) -> Option<Host> {
        self.connect_row(host).map(|row| row.to.clone())
    }

    fn connect_row(&self, host: &Host) -> Option<&'static ConnectRow> {
        FACTS.connects.of(host).find(|row| match row.when {
            When::SafeSearch => self.safe_search == SafeSearch::Enforce,
            When::YoutubeStrict => self.youtube == Restrict::Strict,
            When::YoutubeModerate => self.youtube == Restrict::Moderate,
        })
    }

    /// The headers that are in force at a host.
    pub(super) fn header_rows(&self, host: &Host) -> impl Iterator<Item = &'static HeaderRow> {
        FACTS.headers.of(host).filter(|row| self.confines(row.service))
    }

    fn confines(&self, service: Service) -> bool {
        match service {
            Service::Youtube => self.youtube != Restrict::Off,
            Service::Google => !self.tenants.google.is_empty(),
            Service::Microsoft => self.tenants.microsoft.is_some(),
            Service::MicrosoftConsumer => self.tenants.microsoft_consumer == Consumer::Block,
            Service::Slack => self.tenants.slack.is_some(),
            Service::Dropbox => !self.tenants.dropbox.is_empty(),
        }
    }

    /// What a header row's headers say, in the row's order.
    pub(super) fn header_values(&self, service: Service) -> Vec<String> {
        let tenants = &self.tenants;
        match service {
            Service::Youtube => vec![self.youtube.header().to_owned()],
            Service::Google => vec![tenants.google.join(",")],
            Service::Microsoft => tenants
                .microsoft
                .iter()
                .flat_map(|microsoft| [microsoft.tenants.join(","), microsoft.directory.clone()])
                .collect(),
            Service::MicrosoftConsumer => vec!["restrict-msa".to_owned()],
            Service::Slack => tenants
                .slack
                .iter()
                .flat_map(|slack| [slack.requester.clone(), slack.workspaces.join(",")])
                .collect(),
            Service::Dropbox => vec![tenants.dropbox.join(",")],
        }
    }
}

impl Restrict {
    fn header(self) -> &'static str {
        match self {
            Restrict::Off => "",
            Restrict::Moderate => "Moderate",
            Restrict::Strict => "Strict",
        }
    }
}
