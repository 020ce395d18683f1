//! What the gateway knows of well-known services: what a search looks like, how an engine is held
//! to its safe search, which headers confine a sign-in to the school's own tenant.
//!
//! **Invariant:** facts stand as data in `services.toml`, each with its source; the code here
//! knows no host by name. A rewritten request keeps scheme, host, port, path and every byte of
//! the query that is not ours to set.

mod body;
mod dns;
mod enforce;
mod facts;
mod hosts;
mod parameter;
mod path;
mod rewrite;
mod search;

pub use dns::is_doh;
pub use enforce::{Consumer, Enforce, Microsoft, Restrict, SafeSearch, Slack, Tenants};
pub use rewrite::Rewrite;
pub use search::{MAX_QUERY_BODY, Search, SearchKind, is_search_host, search, wants_body};

#[cfg(test)]
mod tests;
