//! The session's cookie, and whether a request comes from a page of ours.
//!
//! **Invariant:** the cookie is for this host alone, over a channel that a browser holds to be
//! safe, out of reach of scripts and of other sites (`__Host-`, `Secure`, `HttpOnly`,
//! `SameSite=Strict`). Browsers hold `http://localhost` and `http://127.0.0.1` to be safe too.

use axum::http::{HeaderMap, HeaderValue, Method, header};

/// The cookie's name.
const NAME: &str = "__Host-schoolgate";
/// The longest secret that is looked up.
const MAX_SECRET: usize = 128;

/// The secret of the one cookie of ours; two are none.
pub(super) fn read(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == NAME).map(|(_, secret)| secret);
    let (secret, None) = (ours.next()?, ours.next()) else { return None };
    (secret.len() <= MAX_SECRET).then_some(secret)
}

/// Signs a browser in.
pub(super) fn set(secret: &str) -> HeaderValue {
    let text = format!("{NAME}={secret}; Path=/; Secure; HttpOnly; SameSite=Strict");
    // A secret is letters and digits, so that this can't fail.
    HeaderValue::from_str(&text).unwrap_or_else(|_| clear())
}

/// Signs a browser out.
pub(super) fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-schoolgate=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Whether a method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

/// Whether the browser says that a page of ours sent this: `Sec-Fetch-Site`, and where a browser
/// doesn't know it, `Origin`.
pub(super) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text("origin"), text("host")) else { return false };
    let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    authority.is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = fields
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), HeaderValue::from_static(value)));
        fields.collect()
    }

    #[test]
    fn only_a_page_of_ours_is_of_ours() {
        let host = ("host", "filter.example:8443");
        let rows: [(&[(&'static str, &'static str)], bool); 10] = [
            (&[host, ("sec-fetch-site", "same-origin")], true),
            (&[host, ("sec-fetch-site", "same-site")], false),
            (&[host, ("sec-fetch-site", "cross-site")], false),
            (&[host, ("sec-fetch-site", "none")], false),
            (&[host, ("sec-fetch-site", "cross-site"), ("origin", "https://filter.example:8443")], false),
            (&[host, ("origin", "https://filter.example:8443")], true),
            (&[host, ("origin", "https://filter.example")], false),
            (&[host, ("origin", "null")], false),
            (&[host, ("origin", "https://evil.example/https://filter.example:8443")], false),
            (&[host], false),
        ];
        for (fields, expected) in rows {
            assert_eq!(is_same_origin(&headers(fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn one_cookie_of_ours_is_read() {
        let rows: [(&'static str, Option<&str>); 5] = [
            ("__Host-schoolgate=sgs_1", Some("sgs_1")),
            ("a=b; __Host-schoolgate=sgs_1; c=d", Some("sgs_1")),
            ("__Host-schoolgate=one; __Host-schoolgate=two", None),
            ("schoolgate=sgs_1; __host-schoolgate=x", None),
            ("", None),
        ];
        for (field, expected) in rows {
            assert_eq!(read(&headers(&[("cookie", field)])), expected, "{field}");
        }
    }
}
