//! DNS over HTTPS, told by what a request carries: on any host, listed or not.

use super::facts::FACTS;
use super::parameter::fields;
use super::path::segments;
use crate::model::Url;

/// The shortest DNS message: a header (RFC 1035 section 4.1.1) and the shortest question.
const SHORTEST: usize = 12 + 5;

/// Whether a request is a DNS query (RFC 8484, RFC 9230, or the JSON forms of large resolvers).
#[must_use]
pub fn is_doh(url: &Url, content_type: Option<&str>, accept: Option<&str>) -> bool {
    if [content_type, accept].into_iter().flatten().any(names_dns) {
        return true;
    }
    let path = segments(url.path());
    let fields = fields(url.query().unwrap_or_default());
    let has = |wanted: &str| fields.iter().any(|(name, value)| name == wanted && !value.trim().is_empty());
    let named = path.last().is_some_and(|last| last.eq_ignore_ascii_case("dns-query"));
    let json = FACTS.dns_json.of(url.host()).flatten().any(|pattern| pattern.covers(&path).is_some());
    (named && (has("dns") || has("name")))
        || (json && has("name"))
        || fields.iter().any(|(name, value)| name == "dns" && is_message(value))
}

fn names_dns(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    let types = [
        "application/dns-message",
        "application/dns-json",
        "application/oblivious-dns-message",
        "application/dns-udpwireformat",
    ];
    types.iter().any(|name| field.contains(name))
}

/// Whether a text is a DNS query with one question, in base64url.
fn is_message(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let sextet = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'-' | b'+' | b' ' => Some(62),
        b'_' | b'/' => Some(63),
        _ => None,
    };
    let Some(sextets) = text.bytes().map(sextet).collect::<Option<Vec<u8>>>() else { return false };
    let bytes: Vec<u8> = sextets
        .chunks(4)
        .flat_map(|four| {
            let bits = four.iter().fold(0_u32, |bits, sextet| bits << 6 | u32::from(*sextet));
            let bits = bits << (6 * (4 - four.len()));
            bits.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect();
    // No answer bit, an ordinary query, one question, no answers.
    bytes.len() >= SHORTEST && bytes[2] & 0xf8 == 0 && bytes[4..8] == [0, 1, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dns_over_https_is_told_on_any_host() {
        let cases = [
            (
                "https://unlisted.example/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB",
                "",
                "",
                true,
            ),
            ("https://unlisted.example/x?a=1&DNS=q80BAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB", "", "", true),
            ("https://unlisted.example/anything", "application/dns-message", "", true),
            ("https://unlisted.example/anything", "", "text/html, Application/DNS-Message", true),
            ("https://unlisted.example/anything", "", "application/dns-json", true),
            ("https://unlisted.example/proxy", "application/oblivious-dns-message", "", true),
            ("https://unlisted.example/DNS-Query/?name=example.com&type=A", "", "", true),
            ("https://dns.google/resolve?name=example.com", "", "", true),
            ("https://unlisted.example/resolve?name=example.com", "", "", false),
            ("https://unlisted.example/dns-query", "", "", false),
            ("https://unlisted.example/?dns=cloudflare", "", "", false),
            ("https://unlisted.example/?dns=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", "", false),
            ("https://unlisted.example/", "application/json", "text/html", false),
        ];
        for (url, content_type, accept, dns) in cases {
            let url = Url::parse(url).unwrap();
            assert_eq!(is_doh(&url, Some(content_type), Some(accept)), dns, "{url}");
        }
    }
}
