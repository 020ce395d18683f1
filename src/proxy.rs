//! The data plane: takes connections, asks the policy, records, and acts on the answer.
//!
//! **Invariant:** the only way out is [`upstream`], which takes a `Permit`; and an access is
//! recorded before a byte of it leaves.

mod ask;
mod asked;
mod body;
mod connection;
mod content;
mod context;
mod forward;
mod gate;
mod guard;
mod http;
mod http2;
mod inspect;
mod line;
mod listen;
mod origins;
mod parting;
mod question;
mod refuse;
mod relay;
mod screen;
mod session;
mod sniff;
pub mod splice;
mod tunnel;
mod upstream;

pub use ask::{Answering, Asking, Denied, Offer, Told};
pub use gate::{Bounds, Gate};
pub use inspect::Inspection;
pub use listen::{Client, Crowd, Door, accept, bind};
pub use upstream::{DialError, NameError, ResolverError, Upstream, Ways};
