//! What everybody may know of the authority: its certificate.

use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree};
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::error::AuthorityError;
use super::{file, profile};
use crate::model::{Host, Name, Timestamp};
use crate::settings::Inspect;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The authority's certificate.
#[derive(Clone, Debug)]
pub struct Public {
    /// Its common name.
    pub name: String,
    /// Where it is kept.
    pub file: PathBuf,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// The certificate, PEM, without anything before or after it.
    pub pem: String,
    /// SHA-256 of the DER, as browsers show it: `AA:BB:…`.
    pub fingerprint: String,
    /// From when it holds.
    pub not_before: Timestamp,
    /// Until when it holds.
    pub not_after: Timestamp,
    /// The names that it can't sign for, with all below them (RFC 5280 section 4.2.1.10).
    pub excluded: Vec<Name>,
}

/// A certificate file as read.
pub(super) struct Read {
    pub(super) public: Public,
    /// What is sent behind a leaf: the authority and what stands behind it in the file, without
    /// roots, which devices hold. Nothing when the authority is a root itself.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Public {
    /// Reads the certificate alone: never the key.
    ///
    /// # Errors
    /// [`AuthorityError`] names the file and what to do.
    pub fn open(inspect: &Inspect, state_dir: &Path) -> Result<Public, AuthorityError> {
        let file = file::pair(inspect, state_dir).certificate;
        if inspect.authority.is_none() && !file::is_there(&file)? {
            return Err(AuthorityError::NotMade { file });
        }
        Ok(read(&file)?.public)
    }

    /// Whether the authority can't sign for a host.
    #[must_use]
    pub fn excludes(&self, host: &Host) -> bool {
        host.name().is_some_and(|name| self.excluded.iter().any(|excluded| name.is_within(excluded)))
    }

    /// A configuration profile for Apple devices that holds the certificate.
    #[must_use]
    pub fn mobileconfig(&self, school: &str) -> String {
        profile::text(self, school)
    }
}

/// Reads and judges a certificate file: its first certificate is the authority's.
pub(super) fn read(file: &Path) -> Result<Read, AuthorityError> {
    let text = file::certificate(file)?;
    let none = || AuthorityError::NoCertificate { file: file.to_owned() };
    let mut all = CertificateDer::pem_slice_iter(text.as_bytes());
    let first = all.next().and_then(Result::ok).ok_or_else(none)?;
    let pem = first_block(&text).ok_or_else(none)?;
    let (_, parsed) = X509Certificate::from_der(&first).map_err(|_| none())?;
    if !may_sign(&parsed) {
        return Err(AuthorityError::NotAnAuthority { file: file.to_owned() });
    }
    let (permitted, excluded) = constraints(&parsed);
    if !permitted.is_empty() {
        return Err(AuthorityError::Confined { file: file.to_owned() });
    }
    let public = Public {
        name: common_name(&parsed),
        file: file.to_owned(),
        fingerprint: fingerprint(&first),
        not_before: moment(parsed.validity().not_before),
        not_after: moment(parsed.validity().not_after),
        excluded,
        der: first.to_vec(),
        pem,
    };
    let chain = std::iter::once(first.clone()).chain(all.filter_map(Result::ok));
    Ok(Read { public, chain: chain.filter(|certificate| !is_root(certificate)).collect() })
}

/// SHA-256 in pairs of capital digits, as browsers and `openssl x509 -fingerprint` show it.
pub(super) fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn is_root(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate)
        .is_ok_and(|(_, parsed)| parsed.issuer().as_raw() == parsed.subject().as_raw())
}

fn may_sign(certificate: &X509Certificate<'_>) -> bool {
    let is_ca = matches!(certificate.basic_constraints(), Ok(Some(constraints)) if constraints.value.ca);
    let usage = certificate.key_usage();
    is_ca && usage.is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()))
}

/// The names permitted and excluded; a permitted subtree of any kind of host counts.
fn constraints(certificate: &X509Certificate<'_>) -> (Vec<String>, Vec<Name>) {
    let Ok(Some(found)) = certificate.name_constraints() else { return (Vec::new(), Vec::new()) };
    let names = |subtrees: &Option<Vec<GeneralSubtree<'_>>>| -> Vec<String> {
        subtrees.iter().flatten().filter_map(|subtree| host_name(&subtree.base)).collect()
    };
    let read = |text: &String| Host::parse(text.trim_start_matches('.')).ok()?.name().cloned();
    let excluded = names(&found.value.excluded_subtrees).iter().filter_map(read).collect();
    (names(&found.value.permitted_subtrees), excluded)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "other kinds of names are no hosts")]
fn host_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(_) => Some(String::new()),
        _ => None,
    }
}

fn common_name(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject();
    let first = subject.iter_common_name().next().and_then(|name| name.as_str().ok());
    first.map_or_else(|| subject.to_string(), str::to_owned)
}

fn moment(time: ASN1Time) -> Timestamp {
    Timestamp::from_millis(time.timestamp().saturating_mul(1000))
}

fn first_block(text: &str) -> Option<String> {
    let start = text.find(BEGIN)?;
    let end = text[start..].find(END)? + start + END.len();
    let lines: Vec<&str> = text[start..end].lines().map(str::trim_end).collect();
    Some(lines.join("\n") + "\n")
}
