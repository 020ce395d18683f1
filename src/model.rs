//! The domain's words, each with one normal form.
//!
//! **Invariant:** a value of these types can't be wrong once made (parse, don't validate), and
//! nothing here reads a clock, a file or a socket.

mod alert;
mod count;
pub mod embedded;
mod host;
mod justification;
mod staff;
mod subject;
mod text;
mod time;
mod url;

pub use self::url::{MAX_URL, Scheme, Url, UrlError};
pub use alert::{Severity, Theme};
pub use count::counted;
pub use host::{Host, HostError, Name};
pub use justification::{Justification, JustificationError};
pub use staff::{Role, StaffName, WordError};
pub use subject::{Attribution, DeviceName, GroupName, Subject, UserName};
pub use text::{hides, spelt, visible};
pub use time::{TimeError, Timestamp, Window};

#[cfg(test)]
mod tests;
