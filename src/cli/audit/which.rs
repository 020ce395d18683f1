//! Which events a command is about: the options that `query` and `export` have in common.

use std::net::IpAddr;

use clap::Args;

use crate::audit::Filter;
use crate::model::{Host, Timestamp};

/// What to look for; what is not said is not asked.
#[derive(Args, Default)]
pub(in crate::cli) struct Which {
    /// From this moment on (RFC 3339).
    #[arg(long)]
    pub(super) from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long)]
    pub(super) to: Option<Timestamp>,
    /// A person.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// A filtering group.
    #[arg(long)]
    pub(super) group: Option<String>,
    /// A device.
    #[arg(long)]
    pub(super) device: Option<String>,
    /// A client's address.
    #[arg(long)]
    pub(super) client: Option<IpAddr>,
    /// A host and its subdomains.
    #[arg(long)]
    pub(super) host: Option<String>,
    /// A category.
    #[arg(long)]
    pub(super) category: Option<String>,
    /// allow, alert or block.
    #[arg(long)]
    pub(super) action: Option<String>,
    /// The rung that decided.
    #[arg(long)]
    pub(super) rung: Option<String>,
    /// schoolgate.access, schoolgate.change, …
    #[arg(long)]
    pub(super) dataset: Option<String>,
    /// Words that all stand in what was searched for, in either case.
    #[arg(long)]
    pub(super) search: Option<String>,
    /// A temporary unblock.
    #[arg(long)]
    pub(super) unblock: Option<uuid::Uuid>,
}

impl Which {
    /// The same as a filter of the trail; an error where no event can be what is asked for.
    pub(super) fn filter(&self) -> anyhow::Result<Filter> {
        let whole = |name: &String| match name.starts_with("schoolgate.") {
            true => name.clone(),
            false => format!("schoolgate.{name}"),
        };
        let filter = Filter {
            from: self.from,
            to: self.to,
            user: self.user.clone(),
            group: self.group.clone(),
            device: self.device.clone(),
            client: self.client,
            host: self.host.as_deref().map(Host::parse).transpose()?,
            category: self.category.clone(),
            action: self.action.clone(),
            rung: self.rung.clone(),
            dataset: self.dataset.as_ref().map(whole),
            search: self.search.clone(),
            unblock: self.unblock,
            ..Filter::default()
        };
        filter.check()?;
        Ok(filter)
    }

    /// The same by its names in the API.
    pub(super) fn asked(&self) -> [(&'static str, Option<String>); 13] {
        [
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
            ("user", self.user.clone()),
            ("group", self.group.clone()),
            ("device", self.device.clone()),
            ("client", self.client.map(|client| client.to_string())),
            ("host", self.host.clone()),
            ("category", self.category.clone()),
            ("action", self.action.clone()),
            ("rung", self.rung.clone()),
            ("dataset", self.dataset.clone()),
            ("search", self.search.clone()),
            ("unblock", self.unblock.map(|unblock| unblock.to_string())),
        ]
    }
}
