//! How many alerts of each theme had something to them.

use crate::control::alerts::alert::{AlertState, KeptAlert};
use crate::model::Theme;

/// How often alerts of a theme were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Of which theme.
    pub theme: Theme,
    /// Closed, with something to them.
    pub right: u64,
    /// Closed, with nothing to them.
    pub wrong: u64,
    /// Not closed.
    pub open: u64,
}

impl Precision {
    /// Of each theme, the gravest last.
    #[must_use]
    pub fn of(alerts: &[KeptAlert]) -> Vec<Precision> {
        let count = |theme, which: &dyn Fn(&KeptAlert) -> bool| {
            alerts.iter().filter(|alert| alert.theme == theme && which(alert)).count() as u64
        };
        let is_closed = |alert: &KeptAlert| alert.state == AlertState::Closed;
        Theme::ALL
            .into_iter()
            .map(|theme| Precision {
                theme,
                right: count(theme, &|alert| is_closed(alert) && !alert.false_positive),
                wrong: count(theme, &|alert| is_closed(alert) && alert.false_positive),
                open: count(theme, &|alert| !is_closed(alert)),
            })
            .collect()
    }

    /// The share of those closed that had something to them, 0 to 1; none before one was closed.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        let closed = self.right + self.wrong;
        (closed > 0).then(|| self.right as f64 / closed as f64)
    }
}
