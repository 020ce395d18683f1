//! A URL as it is judged and forwarded.
//!
//! **Invariant:** the host judged is the host dialled; the path forwarded is what WHATWG
//! parsing made of the client's text, and judging reads the same text.

use std::fmt;

use crate::model::{Host, HostError};

/// The longest URL that is read; over it a request is refused with 414.
pub const MAX_URL: usize = 16 * 1024;

/// The schemes that this gateway carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

/// An absolute `http` or `https` URL without fragment and without userinfo.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Url {
    scheme: Scheme,
    host: Host,
    port: u16,
    path: Box<str>,
    query: Option<Box<str>>,
}

/// Why a text is not a URL that this gateway carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`MAX_URL`] bytes.
    #[error("the URL is longer than 16 KiB")]
    TooLong,
    /// Neither `http` nor `https`.
    #[error("only http and https are carried")]
    Scheme,
    /// The host is none.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Port 0, or no number that fits.
    #[error("the port is not between 1 and 65535")]
    Port,
    /// Whatever else WHATWG parsing refuses, or a NUL in the path.
    #[error("the text is not a URL")]
    Text,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port when none is written: 80 or 443.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Url {
    /// Reads an absolute URL by WHATWG rules (what a browser would make of it).
    ///
    /// # Errors
    /// [`UrlError`] says what keeps it from being carried.
    pub fn parse(text: &str) -> Result<Url, UrlError> {
        if text.len() > MAX_URL {
            return Err(UrlError::TooLong);
        }
        let parsed = ::url::Url::parse(text).map_err(reading_fault)?;
        let scheme = match parsed.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UrlError::Scheme),
        };
        let host = Host::parse(parsed.host_str().unwrap_or_default())?;
        let port = parsed.port().unwrap_or(scheme.default_port());
        if port == 0 {
            return Err(UrlError::Port);
        }
        Url::from_parts(scheme, host, port, parsed.path(), parsed.query())
    }

    /// Reads what a person typed: a missing scheme is taken as `https`.
    ///
    /// # Errors
    /// As [`Url::parse`].
    pub fn parse_typed(text: &str) -> Result<Url, UrlError> {
        let text = text.trim();
        if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("https://{text}")) }
    }

    /// The root of a host: what a TLS name or a CONNECT target says and no more.
    #[must_use]
    pub fn root(scheme: Scheme, host: Host, port: u16) -> Url {
        Url { scheme, host, port, path: "/".into(), query: None }
    }

    /// The same URL with another query; what no query may hold as it is gets escaped.
    #[must_use]
    pub fn with_query(&self, query: &str) -> Url {
        let plain = |c: char| matches!(c, '!'..='~') && !matches!(c, '"' | '#' | '<' | '>' | '\'');
        let mut escaped = String::with_capacity(query.len());
        for c in query.chars() {
            if plain(c) {
                escaped.push(c);
            } else {
                let mut bytes = [0; 4];
                escaped.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")));
            }
        }
        Url { query: Some(escaped.into()), ..self.clone() }
    }

    fn from_parts(
        scheme: Scheme,
        host: Host,
        port: u16,
        path: &str,
        query: Option<&str>,
    ) -> Result<Url, UrlError> {
        if path.contains("%00") {
            return Err(UrlError::Text);
        }
        Ok(Url { scheme, host, port, path: path.into(), query: query.map(Into::into) })
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, written or implied; never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path as forwarded; starts with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as forwarded, without the `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Host and, where it is not the scheme's own, port: the value of a `Host` field.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Path and query: the request target in origin form (RFC 9112 section 3.2.1).
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.to_string(),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the parser's other faults all mean one thing here")]
fn reading_fault(fault: ::url::ParseError) -> UrlError {
    match fault {
        ::url::ParseError::InvalidPort => UrlError::Port,
        ::url::ParseError::InvalidIpv4Address => UrlError::Host(HostError::Address),
        ::url::ParseError::EmptyHost => UrlError::Host(HostError::Empty),
        ::url::ParseError::IdnaError
        | ::url::ParseError::InvalidDomainCharacter
        | ::url::ParseError::InvalidIpv6Address => UrlError::Host(HostError::Character),
        _ => UrlError::Text,
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme.as_str(), self.authority(), self.target())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_as_a_browser_reads_it() {
        let cases = [
            ("http://0x7f.1/%70ath\\..\\x", "http://127.0.0.1/x"),
            ("http://ok.example%2f@blocked.example/", "http://blocked.example/"),
            ("http://blocked%2eexample/", "http://blocked.example/"),
            ("HTTP://Example.org:80/a?b#c", "http://example.org/a?b"),
            ("https://example.org:80/", "https://example.org:80/"),
            ("http://münchen.example.", "http://xn--mnchen-3ya.example/"),
        ];
        for (written, judged) in cases {
            assert_eq!(Url::parse(written).map(|url| url.to_string()), Ok(judged.into()), "{written}");
        }
    }

    #[test]
    fn a_url_with_another_query_is_what_its_text_reads_as() {
        let url = Url::parse("https://example.org:8443/a?b").unwrap();
        for (query, expected) in
            [("x=1&y", "x=1&y"), ("%7e'", "%7e%27"), ("a b#<\u{e9}>", "a%20b%23%3C%C3%A9%3E"), ("", "")]
        {
            let with = url.with_query(query);
            assert_eq!(with.to_string(), format!("https://example.org:8443/a?{expected}"));
            assert_eq!(Url::parse(&with.to_string()), Ok(with));
        }
    }

    #[test]
    fn what_is_not_carried_is_named() {
        let long = format!("http://a.example/{}", "x".repeat(MAX_URL));
        let cases = [
            ("ftp://example.org/", UrlError::Scheme),
            ("http://example.org:0/", UrlError::Port),
            ("http://example.org:65536/", UrlError::Port),
            ("http://site.example/a%00b", UrlError::Text),
            ("http://1.192.0.2.5/", UrlError::Host(HostError::Address)),
            ("/only/a/path", UrlError::Text),
            (&long, UrlError::TooLong),
        ];
        for (written, fault) in cases {
            assert_eq!(Url::parse(written), Err(fault), "{written}");
        }
    }
}
