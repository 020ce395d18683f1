//! The short risk assessment that opening a category takes.

use crate::control::ControlError;
use crate::control::changes::{Change, What};
use crate::model::Justification;
use crate::policy::Effect;

/// What was thought through before a category was opened.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// What it is good for.
    pub benefit: String,
    /// What can go wrong.
    pub risk: String,
    /// What is done about that.
    pub mitigation: String,
}

impl Risk {
    /// The same, if each part says something.
    ///
    /// # Errors
    /// Which part does not, in words for the person who wrote it.
    pub(super) fn sound(self) -> Result<Risk, ControlError> {
        let says = |field: &'static str, text: &str| {
            let said = Justification::parse(text);
            said.map(|said| said.to_string()).map_err(|fault| ControlError::Invalid(field, fault.to_string()))
        };
        Ok(Risk {
            benefit: says("risk.benefit", &self.benefit)?,
            risk: says("risk.risk", &self.risk)?,
            mitigation: says("risk.mitigation", &self.mitigation)?,
        })
    }
}

impl Change {
    /// Whether it opens a category, or what no category knows: that takes a risk assessment and a
    /// day on which it is looked at again.
    #[must_use]
    pub fn needs_risk(&self) -> bool {
        let of_category = |key: &str| {
            let parts: Vec<&str> = key.split('.').collect();
            match parts[..] {
                ["categories", ..] => true,
                ["groups", _, field, ..] => {
                    ["categories", "default", "timetable", "uncategorised"].contains(&field)
                }
                ["groups", _] | [..] => false,
            }
        };
        match &self.what {
            What::Policy { edits } => {
                self.effect == Effect::Loosens && edits.iter().any(|edit| of_category(&edit.key))
            }
            What::Entry(_) | What::LiftBlock { .. } => false,
        }
    }
}
