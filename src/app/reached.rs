//! Where people reach the gateway's own pages, as far as it can be known here.

use std::net::SocketAddr;

use crate::settings::Settings;

/// Where the system says what the machine is called.
const HOSTNAME: &str = "/proc/sys/kernel/hostname";

/// An address for people, before a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// `https://filter.school.county.sch.uk:4080`
    pub base: String,
    /// What to replace in it where it does not open, as the name of a machine may be known to few.
    pub guessed: Option<String>,
}

/// What to write before a path of the pages at `address`: where the school says that its console is,
/// else the address, else the machine's name, since nobody reaches 0.0.0.0.
#[must_use]
pub fn reached(settings: &Settings, address: &SocketAddr) -> Reached {
    if let Some(link) = &settings.alerts.link {
        return sure(link.to_string().trim_end_matches('/').to_owned());
    }
    let scheme = if address.ip().is_loopback() { "http" } else { "https" };
    if !address.ip().is_unspecified() {
        return sure(format!("{scheme}://{address}"));
    }
    let name = machine(std::fs::read_to_string(HOSTNAME).unwrap_or_default().trim());
    Reached { base: format!("{scheme}://{name}:{}", address.port()), guessed: Some(name) }
}

fn sure(base: String) -> Reached {
    Reached { base, guessed: None }
}

/// The machine's name, if it is one that may stand in an address.
fn machine(name: &str) -> String {
    let fits =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if fits { name.to_owned() } else { "GATEWAY".to_owned() }
}

impl Reached {
    /// What to say below the address, where a part of it is a guess.
    #[must_use]
    pub fn caution(&self) -> Option<String> {
        let name = self.guessed.as_ref()?;
        Some(format!(
            "{name} is this machine's name: put its address there where that is not known, or set alerts.link"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(link: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("schoolgate.toml");
        std::fs::write(&file, link).unwrap();
        Settings::load(&file, std::iter::empty()).unwrap()
    }

    #[test]
    fn a_link_names_what_somebody_can_open() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        let plain = settings("");
        assert_eq!(reached(&plain, &at("127.0.0.1:4080")), sure("http://127.0.0.1:4080".to_owned()));
        assert_eq!(reached(&plain, &at("10.1.0.2:4080")), sure("https://10.1.0.2:4080".to_owned()));
        for unspecified in ["0.0.0.0:4080", "[::]:4080"] {
            let found = reached(&plain, &at(unspecified));
            let name = found.guessed.clone().unwrap();
            assert_eq!(found.base, format!("https://{name}:4080"));
            assert!(!name.contains("0.0.0.0") && found.caution().unwrap().contains(&name), "{found:?}");
        }
        let said = settings("[alerts]\nlink = \"https://filter.school.county.sch.uk:8443/\"\n");
        let expected = sure("https://filter.school.county.sch.uk:8443".to_owned());
        assert_eq!(reached(&said, &at("0.0.0.0:4080")), expected);
        assert_eq!(
            (machine("gw-1.local"), machine(""), machine("a b")),
            ("gw-1.local".into(), "GATEWAY".into(), "GATEWAY".into())
        );
    }
}
