//! Where policy and lists come from, and why they may not come in force.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::control::ControlError;
use crate::control::lists::Places;
use crate::control::store::StoreError;
use crate::document::Faults;
use crate::policy::Reach;
use crate::settings::{Alerts, Loosening, Smtp, Source};

/// Where policy and lists come from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The policy text.
    pub policy_file: PathBuf,
    /// The store.
    pub store_file: PathBuf,
    /// The folders of the lists.
    pub places: Places,
    /// What becomes of an edit of the school's lists that opens something.
    pub loosening: Loosening,
    /// What becomes of an edit of the policy that opens something.
    pub policy_loosening: Loosening,
    /// Whether this box may run without a licensed statutory list.
    pub unlicensed: Unlicensed,
    /// The addresses within reach.
    pub reach: Arc<Reach>,
    /// Where lists are fetched from.
    pub feeds: Vec<Source>,
    /// Further authorities that their servers may be signed by.
    pub extra_roots: Vec<PathBuf>,
    /// The zone of the clock on the school's wall.
    pub zone: TimeZone,
    /// Whom alerts are about and who is told.
    pub alerts: Alerts,
    /// The server that takes the gateway's mail.
    pub smtp: Option<Smtp>,
}

impl Sources {
    /// The same, for the gateway itself: what it compiles is kept.
    #[must_use]
    pub fn keeping(mut self) -> Sources {
        self.places.compiled = self.places.compiled.written();
        self
    }
}

/// Whether a box may run without a statutory list under licence; audited and shown everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlicensed {
    /// It may: a demonstration.
    Accepted,
    /// It may not.
    Refused,
}

/// Why policy and lists can't be put in force.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Every fault of the policy text and the lists.
    #[error("{0}")]
    Faults(Faults),
    /// What the store or the trail says.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl StartError {
    /// The faults on one line each, without the text around them: for the record.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        match self {
            StartError::Faults(faults) => faults
                .iter()
                .take(20)
                .map(|fault| format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.problem))
                .collect(),
            StartError::Control(fault) => vec![fault.to_string()],
        }
    }
}

impl From<StoreError> for StartError {
    fn from(fault: StoreError) -> StartError {
        StartError::Control(fault.into())
    }
}
