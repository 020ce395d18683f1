//! Named staff and their roles. There are no shared accounts.

use std::fmt;
use std::str::FromStr;

/// Why a text is not a name of a group, a person or a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits or any of . _ - @, starting with a letter or digit")]
pub struct WordError;

pub(crate) fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-@".contains(c);
    (1..=64).contains(&text.chars().count())
        && text.starts_with(char::is_alphanumeric)
        && text.chars().all(plain)
}

/// Makes a newtype over a short name that is safe in logs, files and URLs.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::WordError;

            fn from_str(text: &str) -> Result<$name, Self::Err> {
                if $crate::model::staff::is_word(text) { Ok($name(text.into())) } else { Err($crate::model::WordError) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use word;

word! {
    /// A member of staff's sign-in name.
    StaffName
}

impl StaffName {
    /// Whoever opened the sealed code: nobody's account has this name.
    pub const BREAK_GLASS: &str = "break-glass";

    /// Whether this stands for whoever opened the sealed code.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        self.as_str() == StaffName::BREAK_GLASS
    }
}

/// What a member of staff may do; one person may hold several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Installs the box and edits lists; sees pseudonyms, not names.
    Technician,
    /// May change policy: the "web filtering management" status.
    FilteringManager,
    /// Designated safeguarding lead (KCSIE): reads the filtering log with names.
    Dsl,
    /// The headteacher.
    Headteacher,
    /// Reads reports without pupil names.
    Governor,
    /// Asks for temporary unblocks.
    Teacher,
}

impl Role {
    /// Every role, in the order they are documented.
    pub const ALL: [Role; 6] = [
        Role::Technician,
        Role::FilteringManager,
        Role::Dsl,
        Role::Headteacher,
        Role::Governor,
        Role::Teacher,
    ];

    /// As written in settings, policy, API and audit events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Technician => "technician",
            Role::FilteringManager => "filtering_manager",
            Role::Dsl => "dsl",
            Role::Headteacher => "headteacher",
            Role::Governor => "governor",
            Role::Teacher => "teacher",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        Role::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            format!("there is no role “{text}”; the roles are {}", Role::ALL.map(Role::as_str).join(", "))
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_a_record_or_a_path() {
        for good in ["y5.042", "Siân", "m.jones@school.example", "CB-2-017"] {
            assert!(good.parse::<StaffName>().is_ok(), "{good}");
        }
        for bad in ["", ".hidden", "a b", "a\nb", "../x", "a\"b", &"x".repeat(65)] {
            assert!(bad.parse::<StaffName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn roles_read_back_as_written() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("admin".parse::<Role>().is_err());
    }
}
