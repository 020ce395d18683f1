//! What a browser says of why it asks: from which page, and for what.
//!
//! **Invariant:** an address of a statutory list is not recorded by the way of another request.

use hyper::header::{self, HeaderMap, HeaderValue};

use crate::audit::Fetch;
use crate::model::Url;
use crate::policy::Policy;

/// The page that led here (RFC 9110 section 10.1.3), as far as it may be recorded.
pub(super) fn referrer(headers: &HeaderMap, policy: &Policy) -> Option<String> {
    let url = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    (!policy.is_statutory(&url)).then(|| url.to_string())
}

/// The fetch metadata (W3C), where there is any. Browsers send words of their own alone: what is
/// none is not kept.
pub(super) fn fetch(headers: &HeaderMap) -> Option<Fetch> {
    let fetch = Fetch {
        site: word(headers.get("sec-fetch-site")),
        mode: word(headers.get("sec-fetch-mode")),
        dest: word(headers.get("sec-fetch-dest")),
        user: word(headers.get("sec-fetch-user")),
    };
    (fetch != Fetch::default()).then_some(fetch)
}

fn word(value: Option<&HeaderValue>) -> Option<String> {
    let word = value?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-?".contains(&byte);
    (word.len() <= 32 && word.bytes().all(plain)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_browsers_are_kept_and_nothing_else() {
        let mut headers = HeaderMap::new();
        assert_eq!(fetch(&headers), None);
        headers.insert("sec-fetch-mode", HeaderValue::from_static("navigate"));
        headers.insert("sec-fetch-user", HeaderValue::from_static("?1"));
        headers.insert("sec-fetch-dest", HeaderValue::from_static("https://child.example/secret"));
        let expected = Fetch { mode: Some("navigate".into()), user: Some("?1".into()), ..Fetch::default() };
        assert_eq!(fetch(&headers), Some(expected));
    }
}
