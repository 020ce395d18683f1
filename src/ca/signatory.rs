//! The authority's key, as something that signs and does nothing else.
//!
//! **Invariant:** the bytes of the key can't be had from here: they are in the cryptographic
//! library alone, which wipes them when it lets go of them.

use std::sync::Arc;

use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PublicKeyData, SigningKey};
use rcgen::{SignatureAlgorithm, SubjectPublicKeyInfo};
use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;

/// A key that signs.
pub(super) struct Signatory {
    key: Arc<dyn rustls::sign::SigningKey>,
    scheme: SignatureScheme,
    public: SubjectPublicKeyInfo,
}

impl Signatory {
    /// A key of a kind that every browser takes from an authority.
    pub(super) fn new(key: &PrivateKeyDer<'_>) -> Option<Signatory> {
        let key = any_supported_type(key).ok()?;
        let public = SubjectPublicKeyInfo::from_der(&key.public_key()?).ok()?;
        let kinds = [
            (&PKCS_ECDSA_P256_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256),
            (&PKCS_ECDSA_P384_SHA384, SignatureScheme::ECDSA_NISTP384_SHA384),
            (&PKCS_RSA_SHA256, SignatureScheme::RSA_PKCS1_SHA256),
        ];
        let (_, scheme) = kinds.into_iter().find(|(kind, _)| *kind == public.algorithm())?;
        Some(Signatory { key, scheme, public })
    }
}

impl PublicKeyData for Signatory {
    fn der_bytes(&self) -> &[u8] {
        self.public.der_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.public.algorithm()
    }
}

impl SigningKey for Signatory {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signer = self.key.choose_scheme(&[self.scheme]);
        let signed = signer.and_then(|signer| signer.sign(message).ok());
        signed.ok_or(rcgen::Error::RemoteKeyError)
    }
}
