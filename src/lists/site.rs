//! The site that a host belongs to: what somebody registered.

use crate::model::Host;

/// The host's registrable name (`example.org` of `www.example.org`, by the public suffix list), or
/// the host itself where nobody registers anything: an address, a name of one label.
#[must_use]
pub fn site(host: &Host) -> String {
    match host {
        Host::Name(name) => psl::domain_str(name.as_str()).unwrap_or(name.as_str()).to_owned(),
        Host::Address(address) => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_owner_are_one_site() {
        let table = [
            ("games.example", "games.example"),
            ("chess.www.games.example", "games.example"),
            ("www.school.county.sch.uk", "school.county.sch.uk"),
            ("a.blogspot.com", "a.blogspot.com"),
            ("intranet", "intranet"),
            ("10.1.2.3", "10.1.2.3"),
        ];
        for (host, owned) in table {
            assert_eq!(site(&Host::parse(host).unwrap()), owned, "{host}");
        }
    }
}
