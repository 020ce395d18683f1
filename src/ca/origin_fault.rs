//! What is wrong with an origin's certificate or TLS, in one word for the record and one sentence
//! for a child.

use std::io;

use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};
use webpki::EndEntityCert;

/// Why a connection to an origin can't be trusted, or can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OriginFault {
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not come.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// The certificate is signed by itself: nobody else vouches for it.
    SelfSigned,
    /// Whoever signed it is not trusted here, or did not sign it.
    UnknownIssuer,
    /// It is signed in a way that can be forged: SHA-1 and the like.
    Weak,
    /// Its authority has taken it back.
    Revoked,
    /// Its authority may not sign for this name.
    NameConstraint,
    /// The origin wants to know who the client is, by a certificate of the client's own.
    WantsClientCertificate,
    /// No cipher, key exchange or application protocol in common.
    NoCommonProtocol,
    /// The origin speaks TLS 1.1 or older alone.
    OldTls,
    /// What the origin sent is broken, or no TLS.
    Malformed,
    /// Anything else.
    Other,
}

/// A certificate that nobody but itself vouches for.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is signed by itself")]
pub(super) struct SelfSigned;

impl SelfSigned {
    /// Whether this is why a certificate was refused. It may call itself an authority, which the
    /// verifier sees first.
    pub(super) fn is(certificate: &CertificateDer<'_>, fault: &CertificateError) -> bool {
        let unknown = matches!(fault, CertificateError::UnknownIssuer)
            || matches!(inner(fault), Some(webpki::Error::CaUsedAsEndEntity));
        let parsed = EndEntityCert::try_from(certificate);
        unknown && parsed.is_ok_and(|parsed| parsed.issuer() == parsed.subject())
    }
}

impl OriginFault {
    /// What a fault of TLS means.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is open: new cases are Other")]
    pub fn of(fault: &Error) -> OriginFault {
        match fault {
            Error::InvalidCertificate(fault) => OriginFault::of_certificate(fault),
            Error::AlertReceived(alert) => OriginFault::of_alert(*alert),
            Error::PeerIncompatible(fault) => OriginFault::of_incompatible(fault),
            Error::NoApplicationProtocol => OriginFault::NoCommonProtocol,
            Error::InvalidCertRevocationList(_) => OriginFault::Revoked,
            Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::InvalidMessage(_)
            | Error::NoCertificatesPresented
            | Error::DecryptError
            | Error::PeerMisbehaved(_)
            | Error::PeerSentOversizedRecord => OriginFault::Malformed,
            _ => OriginFault::Other,
        }
    }

    /// What a fault of TLS means that came wrapped in one of a stream; `None` when it is another.
    #[must_use]
    pub fn of_stream(fault: &io::Error) -> Option<OriginFault> {
        fault.get_ref()?.downcast_ref::<Error>().map(OriginFault::of)
    }

    /// As the record has it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            OriginFault::Expired => "expired",
            OriginFault::NotYetValid => "not_yet_valid",
            OriginFault::WrongName => "wrong_name",
            OriginFault::SelfSigned => "self_signed",
            OriginFault::UnknownIssuer => "unknown_issuer",
            OriginFault::Weak => "weak",
            OriginFault::Revoked => "revoked",
            OriginFault::NameConstraint => "name_constraint",
            OriginFault::WantsClientCertificate => "wants_client_certificate",
            OriginFault::NoCommonProtocol => "no_common_protocol",
            OriginFault::OldTls => "old_tls",
            OriginFault::Malformed => "malformed",
            OriginFault::Other => "other",
        }
    }

    /// One sentence for a child of nine, in English and in Welsh.
    #[must_use]
    pub fn words(&self) -> (&'static str, &'static str) {
        match self {
            OriginFault::Expired => (
                "This website's safety certificate is too old, so we can't be sure that it is the real one.",
                "Mae tystysgrif diogelwch y wefan hon yn rhy hen, felly allwn ni ddim bod yn siŵr mai hon yw'r un go iawn.",
            ),
            OriginFault::NotYetValid => (
                "This website's safety certificate has not started yet, so we can't be sure that it is the real one.",
                "Dydy tystysgrif diogelwch y wefan hon ddim wedi dechrau eto, felly allwn ni ddim bod yn siŵr mai hon yw'r un go iawn.",
            ),
            OriginFault::WrongName => (
                "This website shows a safety certificate that belongs to a different website.",
                "Mae'r wefan hon yn dangos tystysgrif diogelwch sy'n perthyn i wefan arall.",
            ),
            OriginFault::SelfSigned => (
                "This website made its own safety certificate, and nobody else has checked it.",
                "Mae'r wefan hon wedi gwneud ei thystysgrif diogelwch ei hun, a does neb arall wedi'i gwirio.",
            ),
            OriginFault::UnknownIssuer => (
                "This website's safety certificate comes from somebody we don't know.",
                "Mae tystysgrif diogelwch y wefan hon yn dod oddi wrth rywun dydyn ni ddim yn ei adnabod.",
            ),
            OriginFault::Weak => (
                "This website's safety certificate is too easy to copy.",
                "Mae tystysgrif diogelwch y wefan hon yn rhy hawdd ei chopïo.",
            ),
            OriginFault::Revoked => (
                "This website's safety certificate has been taken away.",
                "Mae tystysgrif diogelwch y wefan hon wedi cael ei chymryd yn ôl.",
            ),
            OriginFault::NameConstraint => (
                "This website's safety certificate comes from somebody who is not allowed to give it one.",
                "Mae tystysgrif diogelwch y wefan hon yn dod oddi wrth rywun sydd ddim yn cael rhoi un iddi.",
            ),
            OriginFault::WantsClientCertificate => (
                "This website wants this computer to show a special pass, and it doesn't have one.",
                "Mae'r wefan hon eisiau i'r cyfrifiadur hwn ddangos tocyn arbennig, a does ganddo ddim un.",
            ),
            OriginFault::NoCommonProtocol => (
                "This website and our filter don't speak the same safe language.",
                "Dydy'r wefan hon a'n hidlydd ni ddim yn siarad yr un iaith ddiogel.",
            ),
            OriginFault::OldTls => (
                "This website uses an old way of keeping secrets that is not safe any more.",
                "Mae'r wefan hon yn defnyddio hen ffordd o gadw cyfrinachau sydd ddim yn ddiogel bellach.",
            ),
            OriginFault::Malformed => (
                "This website sent something that makes no sense to us.",
                "Anfonodd y wefan hon rywbeth sydd ddim yn gwneud synnwyr i ni.",
            ),
            OriginFault::Other => (
                "We can't make a safe connection to this website.",
                "Allwn ni ddim gwneud cysylltiad diogel â'r wefan hon.",
            ),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is open: new cases are Other")]
    fn of_certificate(fault: &CertificateError) -> OriginFault {
        match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => OriginFault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                OriginFault::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                OriginFault::WrongName
            }
            // Signed by another than the one that it names: nobody who is known vouches for it.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => OriginFault::UnknownIssuer,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => OriginFault::Weak,
            CertificateError::Revoked
            | CertificateError::UnknownRevocationStatus
            | CertificateError::ExpiredRevocationList
            | CertificateError::ExpiredRevocationListContext { .. } => OriginFault::Revoked,
            CertificateError::BadEncoding
            | CertificateError::UnhandledCriticalExtension
            | CertificateError::InvalidOcspResponse
            | CertificateError::InvalidPurpose
            | CertificateError::InvalidPurposeContext { .. } => OriginFault::Malformed,
            CertificateError::Other(other) if other.0.is::<SelfSigned>() => OriginFault::SelfSigned,
            other => inner(other).map_or(OriginFault::Other, OriginFault::of_verifier),
        }
    }

    /// What the library hands on without a word of its own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest are certificates that break the rules")]
    fn of_verifier(fault: &webpki::Error) -> OriginFault {
        match fault {
            webpki::Error::NameConstraintViolation | webpki::Error::PathLenConstraintViolated => {
                OriginFault::NameConstraint
            }
            webpki::Error::CertDistrusted => OriginFault::Revoked,
            _ => OriginFault::Malformed,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is open: new cases are Other")]
    fn of_alert(alert: AlertDescription) -> OriginFault {
        match alert {
            AlertDescription::ProtocolVersion => OriginFault::OldTls,
            AlertDescription::CertificateRequired => OriginFault::WantsClientCertificate,
            AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol => OriginFault::NoCommonProtocol,
            _ => OriginFault::Other,
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum is open: the rest have no common way"
    )]
    fn of_incompatible(fault: &PeerIncompatible) -> OriginFault {
        match fault {
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => OriginFault::OldTls,
            _ => OriginFault::NoCommonProtocol,
        }
    }
}

/// The verifier's own fault inside the library's.
fn inner(fault: &CertificateError) -> Option<&webpki::Error> {
    let CertificateError::Other(other) = fault else { return None };
    other.0.downcast_ref()
}
