//! `schoolgate audit query`: searches the trail.

use std::net::IpAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::audit::{Filter, query};
use crate::cli::audit::table;
use crate::model::{Host, Timestamp};

/// What to search for.
#[derive(Args, Default)]
pub(in crate::cli) struct Query {
    /// From this moment on (RFC 3339).
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long)]
    to: Option<Timestamp>,
    /// A person.
    #[arg(long)]
    user: Option<String>,
    /// A filtering group.
    #[arg(long)]
    group: Option<String>,
    /// A device.
    #[arg(long)]
    device: Option<String>,
    /// A client's address.
    #[arg(long)]
    client: Option<IpAddr>,
    /// A host and its subdomains.
    #[arg(long)]
    host: Option<String>,
    /// A category.
    #[arg(long)]
    category: Option<String>,
    /// allow, alert or block.
    #[arg(long)]
    action: Option<String>,
    /// The rung that decided.
    #[arg(long)]
    rung: Option<String>,
    /// A temporary unblock.
    #[arg(long)]
    unblock: Option<uuid::Uuid>,
    /// schoolgate.access, schoolgate.change, …
    #[arg(long)]
    dataset: Option<String>,
    /// Most events to print.
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// Go on before this sequence: where the last page ended.
    #[arg(long)]
    before: Option<u64>,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
}

impl Query {
    fn filter(&self) -> anyhow::Result<Filter> {
        Ok(Filter {
            from: self.from,
            to: self.to,
            user: self.user.clone(),
            group: self.group.clone(),
            device: self.device.clone(),
            host: self.host.as_deref().map(Host::parse).transpose()?,
            category: self.category.clone(),
            action: self.action.clone(),
            rung: self.rung.clone(),
            unblock: self.unblock,
            dataset: self.dataset.clone(),
            client: self.client,
            before: self.before,
            limit: self.limit.max(1),
            ..Filter::default()
        })
    }

    pub(super) fn run(&self, dir: &Path) -> anyhow::Result<ExitCode> {
        let page = query(dir, &self.filter()?)?;
        if self.json {
            for record in &page.records {
                out!("{}", record.event);
            }
            return Ok(ExitCode::SUCCESS);
        }
        out!("{}", table(&page.records));
        match page.next {
            Some(next) => out!("{} events; more with --before {next}", page.records.len()),
            None => out!("{} events", page.records.len()),
        }
        Ok(ExitCode::SUCCESS)
    }
}
