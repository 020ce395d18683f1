//! What a request is for: its URL, as the connection that it came by allows it to be said.
//!
//! **Invariant:** the URL judged is the URL sent; a request that names another site than its
//! connection is told apart from one that can't be read.

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::http::uri::Authority;
use hyper::{Method, Request, StatusCode, Version};

use crate::model::{Host, HostError, Scheme, Url, UrlError};
use crate::proxy::refuse::Failure;

/// How requests on a connection name their URL.
#[derive(Clone, Debug)]
pub(super) enum Mode {
    /// To a proxy: absolute-form and CONNECT.
    Proxy,
    /// To an origin at this port, redirected here: the `Host` field names it.
    Origin {
        /// The port the client dialled.
        port: u16,
    },
    /// Inside a CONNECT tunnel to this host, which the `Host` field must agree with.
    Inside {
        /// What CONNECT said.
        host: Host,
        /// What CONNECT said.
        port: u16,
    },
    /// Inside TLS that this gateway ended in this host's name.
    Inspected {
        /// The name of the TLS connection, or the address where it named nothing.
        host: Host,
        /// The port the client dialled.
        port: u16,
    },
}

/// What a request asks for.
pub(super) enum Wanted {
    /// This.
    Url(Url),
    /// This, although the connection was made to another site (RFC 9110 section 15.5.20).
    Elsewhere(Url),
}

impl Mode {
    /// The URL that a request is for. Over HTTP/1 the guard has seen to it that target and `Host`
    /// agree.
    ///
    /// # Errors
    /// What the client is answered when it can't be told.
    pub(super) fn wanted(&self, request: &Request<Incoming>) -> Result<Wanted, Failure> {
        match self {
            Mode::Inspected { host, port } => inspected(request, host, *port),
            Mode::Proxy | Mode::Origin { .. } | Mode::Inside { .. } => self.plain(request).map(Wanted::Url),
        }
    }

    fn plain(&self, request: &Request<Incoming>) -> Result<Url, Failure> {
        let target = request.uri();
        let absolute = target.scheme().is_some();
        let path = target.path_and_query().map_or("/", |path| path.as_str());
        let url = match (self, absolute, field(request.headers())) {
            (_, true, _) => Url::parse(&target.to_string()),
            (Mode::Proxy | Mode::Inspected { .. }, false, _) | (_, false, None) => {
                return Err(Failure::NotASite);
            }
            (Mode::Origin { port } | Mode::Inside { port, .. }, false, Some(host)) => {
                Url::parse(&written(Scheme::Http, host, *port, path))
            }
        };
        let url = url.map_err(|fault| bad_url(&fault))?;
        let agrees = match self {
            Mode::Proxy => true,
            Mode::Origin { port } => url.port() == *port,
            Mode::Inside { host, port } | Mode::Inspected { host, port } => {
                url.host() == host && url.port() == *port
            }
        };
        if url.scheme() != Scheme::Http {
            return Err(Failure::BadRequest(400, "https pages are asked for with CONNECT"));
        }
        if agrees {
            Ok(url)
        } else {
            Err(Failure::BadRequest(400, "the request and the connection disagree"))
        }
    }
}

/// A request inside TLS: origin-form, and for the site that the connection was made to.
fn inspected(request: &Request<Incoming>, host: &Host, port: u16) -> Result<Wanted, Failure> {
    let target = request.uri();
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return Err(Failure::BadRequest(400, "the request names two sites"));
    }
    let over_http2 = request.version() == Version::HTTP_2;
    let named = field(request.headers());
    let absolute = target.scheme().is_some() || target.authority().is_some();
    let authority = match (over_http2, target.authority(), named) {
        // Two names on one request could be read in two ways.
        (true, Some(authority), Some(named)) if !named.eq_ignore_ascii_case(authority.as_str()) => {
            return Err(Failure::BadRequest(400, "the request names two sites"));
        }
        (true, Some(authority), _) => authority.as_str(),
        (false, _, _) if absolute => {
            return Err(Failure::BadRequest(400, "a proxy is asked where the site should be"));
        }
        (_, _, Some(named)) => named,
        (_, _, None) => return Err(Failure::BadRequest(400, "the request names no site")),
    };
    let path = target.path_and_query().map_or("", |path| path.as_str());
    if request.method() == Method::CONNECT || !path.starts_with('/') || authority.contains('@') {
        return Err(Failure::BadRequest(400, "the address is not one that a browser would send"));
    }
    if over_http2 && target.scheme_str() != Some("https") {
        return Err(Failure::BadRequest(400, "the request is for another scheme than its connection"));
    }
    let url = Url::parse(&written(Scheme::Https, authority, port, path)).map_err(|fault| bad_url(&fault))?;
    Ok(if url.host() == host && url.port() == port { Wanted::Url(url) } else { Wanted::Elsewhere(url) })
}

/// What CONNECT asks for.
///
/// # Errors
/// What the client is answered when it can't be told.
pub(super) fn target(authority: Option<&Authority>) -> Result<(Host, u16), Failure> {
    let authority = authority.ok_or(Failure::NotASite)?;
    let host = Host::parse(authority.host()).map_err(|fault| bad_host(&fault))?;
    Ok((host, authority.port_u16().unwrap_or(0)))
}

fn field(fields: &HeaderMap) -> Option<&str> {
    fields.get(header::HOST).and_then(|host| host.to_str().ok())
}

/// Where a `Host` names no port, the one that was dialled is meant.
fn written(scheme: Scheme, host: &str, port: u16, path: &str) -> String {
    let port = if names_port(host) { String::new() } else { format!(":{port}") };
    format!("{}://{host}{port}{path}", scheme.as_str())
}

fn names_port(host: &str) -> bool {
    host.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bad_host(_: &HostError) -> Failure {
    Failure::BadRequest(400, "the address is not one that a browser would send")
}

fn bad_url(fault: &UrlError) -> Failure {
    match fault {
        UrlError::TooLong => {
            Failure::BadRequest(StatusCode::URI_TOO_LONG.as_u16(), "the address is too long")
        }
        UrlError::Scheme => Failure::BadRequest(400, "only http and https are carried"),
        UrlError::Host(_) | UrlError::Port | UrlError::Text => {
            Failure::BadRequest(400, "the address is not one that a browser would send")
        }
    }
}
