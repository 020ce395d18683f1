//! Which events a command is about: the options that `query`, `export` and `tail` have in common.

use std::net::IpAddr;

use clap::Args;

use crate::audit::Filter;
use crate::model::{Host, Timestamp};
use crate::web::escaped;

/// A name in the API, and what is asked for by it.
pub(super) type Asked = (&'static str, Option<String>);

/// What to look for, and in which time; what is not said is not asked.
#[derive(Args, Default)]
pub(in crate::cli) struct Which {
    /// From this moment on (RFC 3339).
    #[arg(long)]
    pub(super) from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long)]
    pub(super) to: Option<Timestamp>,
    #[command(flatten)]
    pub(super) what: What,
}

/// What to look for, whenever it was.
#[derive(Args, Default)]
pub(in crate::cli) struct What {
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
        Ok(Filter { from: self.from, to: self.to, ..self.what.filter()? })
    }

    /// The same by its names in the API.
    pub(super) fn asked(&self) -> impl Iterator<Item = Asked> {
        let span = [("from", self.from), ("to", self.to)];
        let span = span.map(|(name, time)| (name, time.map(|time| time.to_string())));
        span.into_iter().chain(self.what.asked())
    }
}

impl What {
    /// As [`Which::filter`].
    pub(super) fn filter(&self) -> anyhow::Result<Filter> {
        let whole = |name: &String| match name.starts_with("schoolgate.") {
            true => name.clone(),
            false => format!("schoolgate.{name}"),
        };
        let filter = Filter {
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

    /// As [`Which::asked`].
    pub(super) fn asked(&self) -> [Asked; 11] {
        [
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

/// What is asked for, as it stands behind `?`.
pub(super) fn written(asked: impl IntoIterator<Item = Asked>) -> String {
    let pairs = asked.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", escaped(&value?))));
    pairs.collect::<Vec<_>>().join("&")
}
