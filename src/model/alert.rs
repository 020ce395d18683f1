//! Words of safeguarding alerts: what one is about, and how much it presses.

use std::fmt;
use std::str::FromStr;

/// What an alert is about, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Ways round the filter.
    Bypass,
    /// Drugs.
    Drugs,
    /// Pornography and other things for adults.
    Adult,
    /// Violence and weapons.
    Violence,
    /// Bullying.
    Bullying,
    /// Extremism and hate.
    Radicalisation,
    /// Abuse that a child tells of, or a stranger who grooms one.
    Abuse,
    /// Suicide, self-harm, eating disorders.
    SelfHarm,
    /// What a statutory list holds.
    Illegal,
}

/// How much an alert presses, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing: stands in the list and in the digest.
    Advisory,
    /// Worth a look today: told at once.
    Caution,
    /// Somebody may come to harm: told at once, and again until somebody answers.
    Danger,
}

impl Theme {
    /// Every theme, the gravest last.
    pub const ALL: [Theme; 9] = [
        Theme::Bypass,
        Theme::Drugs,
        Theme::Adult,
        Theme::Violence,
        Theme::Bullying,
        Theme::Radicalisation,
        Theme::Abuse,
        Theme::SelfHarm,
        Theme::Illegal,
    ];

    /// As written in settings, API and audit events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Theme::SelfHarm => "self_harm",
            Theme::Abuse => "abuse",
            Theme::Radicalisation => "radicalisation",
            Theme::Adult => "adult",
            Theme::Violence => "violence",
            Theme::Drugs => "drugs",
            Theme::Bullying => "bullying",
            Theme::Bypass => "bypass",
            Theme::Illegal => "illegal",
        }
    }

    /// In words for people.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Theme::SelfHarm => "Self-harm",
            Theme::Abuse => "Abuse",
            Theme::Radicalisation => "Radicalisation",
            Theme::Adult => "Adult content",
            Theme::Violence => "Violence",
            Theme::Drugs => "Drugs",
            Theme::Bullying => "Bullying",
            Theme::Bypass => "Getting round the filter",
            Theme::Illegal => "Illegal content",
        }
    }
}

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Severity; 3] = [Severity::Advisory, Severity::Caution, Severity::Danger];

    /// As written in settings, API and audit events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Advisory => "advisory",
            Severity::Caution => "caution",
            Severity::Danger => "danger",
        }
    }

    /// One step more; danger stays danger.
    #[must_use]
    pub fn raised(self) -> Severity {
        match self {
            Severity::Advisory => Severity::Caution,
            Severity::Caution | Severity::Danger => Severity::Danger,
        }
    }

    /// One step less; advisory stays advisory.
    #[must_use]
    pub fn lowered(self) -> Severity {
        match self {
            Severity::Danger => Severity::Caution,
            Severity::Caution | Severity::Advisory => Severity::Advisory,
        }
    }
}

impl FromStr for Theme {
    type Err = String;

    fn from_str(text: &str) -> Result<Theme, String> {
        Theme::ALL.into_iter().find(|theme| theme.as_str() == text).ok_or_else(|| {
            format!("there is no theme “{text}”; the themes are {}", Theme::ALL.map(Theme::as_str).join(", "))
        })
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Severity, String> {
        let known = Severity::ALL.map(Severity::as_str).join(", ");
        let found = Severity::ALL.into_iter().find(|severity| severity.as_str() == text);
        found.ok_or_else(|| format!("there is no severity “{text}”; they are {known}"))
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_as_written() {
        for theme in Theme::ALL {
            assert_eq!(theme.as_str().parse(), Ok(theme));
            assert_eq!(serde_json::to_value(theme).unwrap(), theme.as_str());
        }
        assert!(Theme::ALL.is_sorted() && Severity::ALL.is_sorted(), "the gravest last");
        for severity in Severity::ALL {
            assert_eq!(severity.as_str().parse(), Ok(severity));
            assert!(severity.lowered() <= severity && severity <= severity.raised());
        }
        assert!("porn".parse::<Theme>().is_err() && "high".parse::<Severity>().is_err());
    }
}
