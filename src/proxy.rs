//! The data plane: takes connections, asks the policy, records, and acts on the answer.
//!
//! **Invariant:** the only way out is [`upstream`], which takes a `Permit`; and an access is
//! recorded before a byte of it leaves.

mod body;
mod connection;
mod forward;
mod gate;
mod guard;
mod http;
mod listen;
mod parting;
mod refuse;
mod sniff;
pub mod splice;
mod tunnel;
mod upstream;

pub use gate::{Bounds, Gate};
pub use listen::{Client, Crowd, Door, accept, bind};
pub use upstream::{DialError, NameError, ResolverError, Upstream, Ways};
