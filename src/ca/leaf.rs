//! One host's certificate, as browsers, iPads and Windows want it.
//!
//! Apple's rules (support article 103769): SHA-2, a subject alternative name, the purpose
//! serverAuth, at most 825 days. Windows refuses a leaf whose subject key identifier it would
//! have reckoned otherwise, so there is none.

use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer};
use rcgen::{KeyUsagePurpose, PublicKeyData, SanType, date_time_ymd};
use rustls::pki_types::CertificateDer;

use super::error::MintError;
use super::public::Public;
use super::signatory::Signatory;
use super::{backdated, serial_number, since_epoch};
use crate::model::{Host, Timestamp};

/// How long a leaf holds at most.
const LIFE: Duration = Duration::from_secs(90 * 86_400);
/// From this length on a host is no common name, which holds 64 characters at most (RFC 5280,
/// ub-common-name), and 63 with software that counts an end mark.
const TOO_LONG: usize = 64;

/// A signed certificate and when it holds.
pub(super) struct Leaf {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Signs a certificate for one host: that and no other, so that no browser takes a connection to
/// it for one to another host.
pub(super) fn sign(
    issuer: &Issuer<'static, Signatory>,
    public: &Public,
    key: &impl PublicKeyData,
    host: &Host,
    now: Timestamp,
) -> Result<Leaf, MintError> {
    if public.excludes(host) {
        return Err(MintError::Excluded(host.clone()));
    }
    if now < public.not_before || now >= public.not_after {
        return Err(MintError::OutOfDate);
    }
    let not_before = backdated(now).max(public.not_before);
    let not_after = now.plus(LIFE).min(public.not_after);
    let mut params = params(host)?;
    params.serial_number = Some(serial_number()?);
    params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(not_before);
    params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(not_after);
    let certificate = params.signed_by(key, issuer)?.into();
    Ok(Leaf { certificate, not_before, not_after })
}

fn params(host: &Host) -> Result<CertificateParams, MintError> {
    let (name, text) = match host {
        Host::Name(name) => (SanType::DnsName(name.as_str().try_into()?), name.as_str().to_owned()),
        Host::Address(address) => (SanType::IpAddress(*address), address.to_string()),
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    if text.len() < TOO_LONG {
        params.distinguished_name.push(DnType::CommonName, text);
    }
    params.subject_alt_names = vec![name];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
