//! One file from the web: with a deadline on the whole, a bound on its size, and no surprises.
//!
//! **Invariant:** what is cut short, too large or too slow is never given out as a file; https
//! never turns into http on the way.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use ureq::http::{Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::control::feeds::Fault;
use crate::model::{Scheme, Url};

/// How many times a server may point elsewhere.
const REDIRECTS: u32 = 5;
/// How long a server may take to take the call.
const CONNECT: Duration = Duration::from_secs(15);
/// The largest checksum or signature file.
const SMALL: u64 = 1 << 20;

/// Asks for files until the time is over.
pub(super) struct Web {
    agent: Agent,
    deadline: Instant,
    in_all: Duration,
}

/// What a server called its answer the last time.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// An answer.
pub(super) enum Answer {
    /// What is known is what there is.
    NotModified,
    /// A file.
    File(Vec<u8>, Known),
}

impl Web {
    /// Trusts the system's authorities and those of these files.
    pub(super) fn new(extra_roots: &[PathBuf], in_all: Duration) -> Result<Web, Fault> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots(extra_roots)?)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("schoolgate/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Web { agent, deadline: Instant::now() + in_all, in_all })
    }

    /// Asks for a file of at most so many bytes.
    pub(super) fn get(&self, url: &Url, known: &Known, max_bytes: u64) -> Result<Answer, Fault> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.too_slow());
        }
        let mut request = self.agent.get(url.to_string());
        for (field, value) in
            [(header::IF_NONE_MATCH, &known.etag), (header::IF_MODIFIED_SINCE, &known.last_modified)]
        {
            if let Some(value) = value {
                request = request.header(field, value);
            }
        }
        let request = request.config().https_only(url.scheme() == Scheme::Https);
        let answer = request.timeout_global(Some(left)).build().call().map_err(|fault| self.fault(&fault))?;
        match answer.status().as_u16() {
            200 => self.body(answer, max_bytes),
            304 => Ok(Answer::NotModified),
            status => Err(Fault::Failed(format!("the server answered {status}"))),
        }
    }

    /// Asks for the small text of a checksum or a signature.
    pub(super) fn text(&self, url: &Url, what: &str) -> Result<String, Fault> {
        match self.get(url, &Known::default(), SMALL) {
            Ok(Answer::File(bytes, _)) => {
                String::from_utf8(bytes).map_err(|_| Fault::Refused(format!("{what} is no text")))
            }
            Ok(Answer::NotModified) => Err(Fault::Failed(format!("{what}: the server sent none"))),
            Err(Fault::Failed(why)) => Err(Fault::Failed(format!("{what}: {why}"))),
            Err(Fault::Refused(why)) => Err(Fault::Refused(format!("{what}: {why}"))),
        }
    }

    fn body(&self, answer: Response<Body>, max_bytes: u64) -> Result<Answer, Fault> {
        let field = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let known = Known {
            etag: field(header::ETAG).map(str::to_owned),
            last_modified: field(header::LAST_MODIFIED).map(str::to_owned),
        };
        let promised: Option<u64> = field(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let too_large = || Fault::Refused(format!("it is larger than max_bytes, {max_bytes}"));
        if promised.is_some_and(|length| length > max_bytes) {
            return Err(too_large());
        }
        let mut bytes = Vec::new();
        let mut body = answer.into_body().into_with_config().limit(max_bytes + 2).reader();
        let read = body.by_ref().take(max_bytes + 1).read_to_end(&mut bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if length > max_bytes {
            return Err(too_large());
        }
        if self.deadline <= Instant::now() {
            return Err(self.too_slow());
        }
        let cut = || match promised {
            Some(promised) => format!("it was cut short: {length} of {promised} bytes came"),
            None => format!("it was cut short after {length} bytes"),
        };
        match read {
            Err(fault) if is_timeout(&fault) => Err(self.too_slow()),
            Err(_) => Err(Fault::Refused(cut())),
            Ok(_) if promised.is_some_and(|promised| promised != length) => Err(Fault::Refused(cut())),
            Ok(_) => Ok(Answer::File(bytes, known)),
        }
    }

    fn too_slow(&self) -> Fault {
        Fault::Failed(format!("it took longer than {} s", self.in_all.as_secs_f64()))
    }

    /// In the gateway's own words: the client's may hold the addresses that a server named.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the client's other faults all mean one thing here")]
    fn fault(&self, fault: &ureq::Error) -> Fault {
        use ureq::Error;
        match fault {
            Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                Fault::Failed("the server can't be reached: it did not take the call in time".to_owned())
            }
            Error::Timeout(_) => self.too_slow(),
            Error::HostNotFound => Fault::Failed("the server's name has no address".to_owned()),
            Error::ConnectionFailed => Fault::Failed("the server can't be reached".to_owned()),
            Error::TooManyRedirects => {
                Fault::Failed(format!("it points elsewhere more than {REDIRECTS} times"))
            }
            Error::RedirectFailed => Fault::Failed("it points to nowhere".to_owned()),
            Error::RequireHttpsOnly(_) => Fault::Refused("it points from https to http".to_owned()),
            Error::Rustls(fault) => Fault::Failed(format!("TLS with the server failed: {fault}")),
            Error::Tls(fault) => Fault::Failed(format!("TLS with the server failed: {fault}")),
            Error::Io(fault) if is_timeout(fault) => self.too_slow(),
            Error::Io(io) if io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
                let fault = io.get_ref().map(ToString::to_string).unwrap_or_default();
                Fault::Failed(format!("TLS with the server failed: {fault}"))
            }
            Error::Io(fault) => Fault::Failed(format!("the server can't be reached: {}", fault.kind())),
            _ => Fault::Failed("the server's answer makes no sense".to_owned()),
        }
    }
}

fn is_timeout(fault: &std::io::Error) -> bool {
    let inner = fault.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    matches!(fault.kind(), std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock)
        || matches!(inner, Some(ureq::Error::Timeout(_)))
}

pub(super) fn roots(extra: &[PathBuf]) -> Result<Vec<Certificate<'static>>, Fault> {
    // Where the system has none, the files alone are trusted; with neither, TLS fails and says so.
    let mut found = rustls_native_certs::load_native_certs().certs;
    for path in extra {
        let unreadable =
            |fault| Fault::Failed(format!("upstream.extra_roots: {} can't be read: {fault}", path.display()));
        let certificates = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
        found.extend(certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable)?);
    }
    Ok(found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}
