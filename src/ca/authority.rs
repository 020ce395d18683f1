//! The authority: opened, or made at the first start.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, GeneralSubtree, IsCa};
use rcgen::{Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, date_time_ymd};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::AuthorityError;
use super::public::{self, Public};
use super::signatory::Signatory;
use super::{backdated, file, leaf, provider, serial_number, since_epoch};
use crate::model::{Host, Name, Timestamp};
use crate::settings::{Inspect, Pair};

/// How long a new authority holds: ten years. To replace one means to visit every device.
const LIFE: Duration = Duration::from_secs(3652 * 86_400);
/// The longest common name, in characters (RFC 5280, ub-common-name).
const COMMON_NAME: usize = 64;
/// A host that no authority excludes, to try one out (RFC 2606).
const PROBE: &str = "schoolgate-probe.invalid";

/// The school's signing authority: its certificate, and what signs with its key.
pub struct Authority {
    issuer: Issuer<'static, Signatory>,
    chain: Vec<CertificateDer<'static>>,
    public: Public,
    is_new: bool,
}

impl Authority {
    /// Opens the pair that the settings name, or the one in `<state>/ca/`, or makes it there:
    /// for this school, unable to sign for the names of `inspect.never`.
    ///
    /// # Errors
    /// [`AuthorityError`] names the file and what to do.
    pub fn open(
        inspect: &Inspect,
        state_dir: &Path,
        school: &str,
        now: Timestamp,
    ) -> Result<Authority, AuthorityError> {
        let pair = file::pair(inspect, state_dir);
        let is_new = inspect.authority.is_none() && !file::is_there(&pair.certificate)?;
        if is_new {
            make(&pair, school, &inspect.never, now)?;
        }
        read(&pair, is_new, now)
    }

    /// What everybody may know of it.
    #[must_use]
    pub fn public(&self) -> &Public {
        &self.public
    }

    /// Whether it was made just now, so that no device trusts it yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    pub(super) fn issuer(&self) -> &Issuer<'static, Signatory> {
        &self.issuer
    }

    /// What is sent behind a leaf.
    pub(super) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("public", &self.public).finish_non_exhaustive()
    }
}

fn read(pair: &Pair, is_new: bool, now: Timestamp) -> Result<Authority, AuthorityError> {
    let read = public::read(&pair.certificate)?;
    let public = read.public;
    if now < public.not_before {
        return Err(AuthorityError::NotYetValid { file: public.file, begins: public.not_before });
    }
    if now >= public.not_after {
        return Err(AuthorityError::Expired { file: public.file, ended: public.not_after });
    }
    if !file::is_there(&pair.key)? {
        return Err(AuthorityError::KeyGone { certificate: pair.certificate.clone(), key: pair.key.clone() });
    }
    let signatory = file::key(&pair.key)?;
    let unusable = |fault: String| AuthorityError::Unusable { file: pair.certificate.clone(), fault };
    let certificate = CertificateDer::from(public.der.clone());
    let parsed = ParsedCertificate::try_from(&certificate).map_err(|fault| unusable(fault.to_string()))?;
    if parsed.subject_public_key_info().as_ref() != signatory.subject_public_key_info() {
        return Err(AuthorityError::Mismatched {
            certificate: pair.certificate.clone(),
            key: pair.key.clone(),
        });
    }
    let issuer =
        Issuer::from_ca_cert_der(&certificate, signatory).map_err(|fault| unusable(fault.to_string()))?;
    try_out(&issuer, &public, now).map_err(unusable)?;
    Ok(Authority { issuer, chain: read.chain, public, is_new })
}

/// Signs a leaf and verifies it as a device would: an authority whose name, key or constraints
/// can't be put into a chain is told at the start, not by every browser of the school.
fn try_out(issuer: &Issuer<'static, Signatory>, public: &Public, now: Timestamp) -> Result<(), String> {
    let host = Host::parse(PROBE).map_err(|fault| fault.to_string())?;
    let key = Zeroizing::new(KeyPair::generate().map_err(|fault| fault.to_string())?);
    let leaf = leaf::sign(issuer, public, &*key, &host, now).map_err(|fault| fault.to_string())?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(public.der.as_slice())).map_err(|fault| fault.to_string())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let verifier = verifier.map_err(|fault| fault.to_string())?;
    let name = ServerName::try_from(PROBE).map_err(|fault| fault.to_string())?;
    let at = UnixTime::since_unix_epoch(since_epoch(now));
    let verified = verifier.verify_server_cert(&leaf.certificate, &[], &name, &[], at);
    verified.map(drop).map_err(|fault| fault.to_string())
}

/// Makes the key, then the certificate: a stop in between leaves a key that nobody knows yet, and
/// the next start signs its certificate.
fn make(pair: &Pair, school: &str, never: &[Name], now: Timestamp) -> Result<(), AuthorityError> {
    file::make_folder(&pair.certificate)?;
    if !file::is_there(&pair.key)? {
        let key = Zeroizing::new(KeyPair::generate().map_err(AuthorityError::Unmade)?);
        let pem = Zeroizing::new(key.serialize_pem());
        file::write(&pair.key, pem.as_bytes(), 0o600)?;
    }
    let signatory = file::key(&pair.key)?;
    let certificate =
        params(school, never, &signatory, now).and_then(|params| params.self_signed(&signatory));
    let certificate = certificate.map_err(AuthorityError::Unmade)?;
    file::write(&pair.certificate, certificate.pem().as_bytes(), 0o644)
}

fn params(
    school: &str,
    never: &[Name],
    signatory: &Signatory,
    now: Timestamp,
) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name(school, signatory));
    params.serial_number = Some(serial_number().map_err(|_| rcgen::Error::RingUnspecified)?);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(backdated(now));
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(now.plus(LIFE));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let excluded = never.iter().map(|name| GeneralSubtree::DnsName(name.as_str().to_owned()));
    params.name_constraints =
        Some(NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: excluded.collect() });
    Ok(params)
}

/// The school and the beginning of its key's fingerprint: two authorities of one school, or of two
/// schools of one name, can be told apart in a list of certificates.
fn common_name(school: &str, signatory: &Signatory) -> String {
    let digest = Sha256::digest(signatory.subject_public_key_info());
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    let behind = format!(" web filter {mark}");
    let plain: String = school.chars().filter(|c| !c.is_control()).collect();
    let room = COMMON_NAME - behind.len();
    let cut: String = plain.trim().chars().take(room).collect();
    format!("{}{behind}", cut.trim_end())
}
