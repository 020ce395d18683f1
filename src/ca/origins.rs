//! How sites' own certificates are verified: by the system's authorities and the school's further
//! ones, as a browser would, TLS 1.2 at least.
//!
//! **Invariant:** nothing turns verification off, and nothing is sent before it is done (no 0-RTT).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore};
use rustls::{SignatureScheme, crypto};

use super::error::OriginsError;
use super::origin_fault::SelfSigned;
use super::provider;

/// How many origins' sessions are kept to be resumed.
const SESSIONS: usize = 4096;

/// Which application protocols are offered to an origin (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/2, else HTTP/1.1.
    Both,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone.
    Http2,
    /// No protocol is named.
    Nothing,
}

/// TLS to origins; the sessions that can be resumed are shared by all offers.
#[derive(Clone)]
pub struct Origins {
    both: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    nothing: Arc<ClientConfig>,
}

impl Origins {
    /// Trusts the system's authorities and those of these PEM files. Where there are none at all,
    /// no origin verifies.
    ///
    /// # Errors
    /// [`OriginsError::File`] when a file can't be read or holds no certificate.
    pub fn new(extra_roots: &[PathBuf]) -> Result<Origins, OriginsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for file in extra_roots {
            add(&mut roots, file)?;
        }
        if roots.is_empty() {
            tracing::warn!(
                "this system holds no authorities, so no inspected site verifies: install ca-certificates"
            );
        }
        Origins::trusting(roots)
    }

    /// The TLS of one offer.
    #[must_use]
    pub fn config(&self, offer: Offer) -> Arc<ClientConfig> {
        Arc::clone(match offer {
            Offer::Both => &self.both,
            Offer::Http1 => &self.http1,
            Offer::Http2 => &self.http2,
            Offer::Nothing => &self.nothing,
        })
    }

    pub(super) fn trusting(roots: RootCertStore) -> Result<Origins, OriginsError> {
        let provider = provider();
        let verifier = Verifier::new(roots, &provider)?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.enable_early_data = false;
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let offering = |protocols: &[&str]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            Arc::new(config)
        };
        Ok(Origins {
            both: offering(&["h2", "http/1.1"]),
            http1: offering(&["http/1.1"]),
            http2: offering(&["h2"]),
            nothing: offering(&[]),
        })
    }
}

impl std::fmt::Debug for Origins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origins").finish_non_exhaustive()
    }
}

/// The library's verifier, asked about everything; what it refuses is told more exactly.
#[derive(Debug)]
struct Verifier {
    /// None where there is no authority to verify by: then nothing is right.
    inner: Option<Arc<WebPkiServerVerifier>>,
    algorithms: crypto::WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(roots: RootCertStore, provider: &Arc<crypto::CryptoProvider>) -> Result<Verifier, rustls::Error> {
        let algorithms = provider.signature_verification_algorithms;
        if roots.is_empty() {
            return Ok(Verifier { inner: None, algorithms });
        }
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        let inner = builder.build().map_err(|fault| rustls::Error::General(fault.to_string()))?;
        Ok(Verifier { inner: Some(inner), algorithms })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Err(CertificateError::UnknownIssuer.into()) };
        let verified = inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|fault| if is_self_signed(end_entity, &fault) { self_signed() } else { fault })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>, fault: &rustls::Error) -> bool {
    matches!(fault, rustls::Error::InvalidCertificate(fault) if SelfSigned::is(certificate, fault))
}

fn self_signed() -> rustls::Error {
    CertificateError::Other(OtherError(Arc::new(SelfSigned))).into()
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), OriginsError> {
    let failed = |fault: String| OriginsError::File { file: file.to_owned(), fault };
    let mut found = 0;
    for certificate in CertificateDer::pem_file_iter(file).map_err(|fault| failed(fault.to_string()))? {
        let certificate = certificate.map_err(|fault| failed(fault.to_string()))?;
        roots.add(certificate).map_err(|fault| failed(fault.to_string()))?;
        found += 1;
    }
    if found == 0 {
        return Err(failed("no certificate in PEM form".to_owned()));
    }
    Ok(())
}
