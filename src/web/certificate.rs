//! The certificate of the admin listener: the school's own, or a self-signed one made at first
//! start.
//!
//! **Invariant:** the key is the service's alone (0600) and is never read back by anybody but
//! the listener; TLS 1.2 is the least.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use tokio_rustls::TlsAcceptor;

use crate::model::Timestamp;
use crate::settings::{Pair, Settings};
use crate::whole;

/// How long a self-signed certificate holds, in years: what staff trust is the certificate.
const YEARS: i32 = 10;

/// TLS for the admin listeners.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    reach: Reach,
}

/// On which listeners TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// On all: the settings give a certificate.
    Everywhere,
    /// On those that other machines can reach.
    OffLoopback,
}

/// Why there is no certificate for the admin listener.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file can't be read or written.
    #[error("{}: {fault}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        fault: io::Error,
    },
    /// A file holds no certificate, or no key, in PEM.
    #[error("{}: no {what} in PEM form", .file.display())]
    NotPem {
        /// The file.
        file: PathBuf,
        /// What should be there.
        what: &'static str,
    },
    /// Certificate and key can't be used together.
    #[error("the certificate can't be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// None could be made.
    #[error("no certificate could be made: {0}")]
    Unmade(#[from] rcgen::Error),
}

impl Tls {
    /// The TLS that `settings` ask for; none when every admin listener is on loopback and no
    /// certificate is given. Makes `<state>/admin.crt` and `admin.key` where they are needed and
    /// not there.
    ///
    /// # Errors
    /// [`CertificateError`] names the file and what is wrong with it.
    pub fn for_admin(settings: &Settings, now: Timestamp) -> Result<Option<Tls>, CertificateError> {
        if let Some(pair) = &settings.admin.tls {
            return Tls::read(pair, Reach::Everywhere).map(Some);
        }
        if settings.listen.admin_is_local() {
            return Ok(None);
        }
        let dir = &settings.state.dir;
        let pair = Pair { certificate: dir.join("admin.crt"), key: dir.join("admin.key") };
        if !(pair.certificate.exists() && pair.key.exists()) {
            make(settings, &pair, now)?;
        }
        Tls::read(&pair, Reach::OffLoopback).map(Some)
    }

    /// Whether TLS is spoken on loopback too.
    pub(super) fn is_everywhere(&self) -> bool {
        self.reach == Reach::Everywhere
    }

    /// What takes a connection's handshake.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    fn read(pair: &Pair, reach: Reach) -> Result<Tls, CertificateError> {
        let pem = contents(&pair.certificate)?;
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
        if certificates.is_empty() {
            return Err(CertificateError::NotPem { file: pair.certificate.clone(), what: "certificate" });
        }
        let key = PrivateKeyDer::from_pem_slice(&contents(&pair.key)?)
            .map_err(|_| CertificateError::NotPem { file: pair.key.clone(), what: "private key" })?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(certificates, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { config: Arc::new(config), reach })
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("reach", &self.reach).finish_non_exhaustive()
    }
}

/// Makes a self-signed certificate with a P-256 key. The key comes first, so that a crash in
/// between leaves no certificate without one.
fn make(settings: &Settings, pair: &Pair, now: Timestamp) -> Result<(), CertificateError> {
    let gateway = settings.site.gateway.as_str();
    let listeners = settings.listen.admin.iter().map(|address| address.ip().to_canonical());
    let mut names: Vec<String> =
        listeners.filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()).collect();
    names.push("localhost".to_owned());
    names.extend(gateway.is_ascii().then(|| gateway.to_owned()));
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("schoolgate {gateway}"));
    let year = now.day().split('-').next().and_then(|year| year.parse().ok()).unwrap_or(2026);
    (params.not_before, params.not_after) = (date_time_ymd(year, 1, 1), date_time_ymd(year + YEARS, 1, 1));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    write(&pair.key, key.serialize_pem().as_bytes(), 0o600)?;
    write(&pair.certificate, certificate.pem().as_bytes(), 0o644)?;
    tracing::info!(file = %pair.certificate.display(), "made a self-signed certificate for the console");
    Ok(())
}

fn contents(file: &Path) -> Result<Vec<u8>, CertificateError> {
    fs::read(file).map_err(|fault| CertificateError::File { file: file.to_owned(), fault })
}

/// Writes a file whole or not at all.
fn write(file: &Path, bytes: &[u8], mode: u32) -> Result<(), CertificateError> {
    whole::write(file, bytes, mode).map_err(|fault| CertificateError::File { file: file.to_owned(), fault })
}
