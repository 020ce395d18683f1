//! What can be wrong with an authority, a leaf, or the roots that origins are verified by.
//!
//! **Invariant:** no fault holds a byte of a key.

use std::io;
use std::path::PathBuf;

use crate::model::{Host, Timestamp};

/// Why there is no authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// None was made yet.
    #[error(
        "there is no authority yet: the gateway makes one at its first start (systemctl start schoolgate), \
         in {}",
        .file.display()
    )]
    NotMade {
        /// Where its certificate will be.
        file: PathBuf,
    },
    /// A file can't be read or written.
    #[error("{}: {fault}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        fault: io::Error,
    },
    /// The certificate is there and its key is not.
    #[error(
        "{}: the authority's key is gone, its certificate {} is there; put the key back from where it \
         came from, or move the certificate away to have a new authority made, which every device \
         must then be told to trust",
        .key.display(),
        .certificate.display()
    )]
    KeyGone {
        /// The certificate.
        certificate: PathBuf,
        /// Where its key should be.
        key: PathBuf,
    },
    /// Others than the service's user may read or write the key.
    #[error(
        "{}: others may read this key (mode {mode:o}), and whoever has it can pose as any site; \
         run chmod 600, and if others did read it, make a new authority",
        .file.display()
    )]
    Exposed {
        /// The key.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file holds no certificate in PEM.
    #[error("{}: no certificate in PEM form (-----BEGIN CERTIFICATE-----)", .file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A file holds no key that can be used.
    #[error(
        "{}: no private key in PEM form that can sign here: it must not be encrypted, and be of the \
         kind EC P-256, EC P-384, or RSA of 2048 bits and more",
        .file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// A certificate that may not sign others.
    #[error(
        "{}: this certificate may not sign others; an authority's has the basic constraint CA:TRUE \
         and the key usage keyCertSign",
        .file.display()
    )]
    NotAnAuthority {
        /// The certificate.
        file: PathBuf,
    },
    /// An authority that may sign for some names alone.
    #[error(
        "{}: this authority may sign for some names alone (permitted name constraints); inspection \
         needs one that may sign for all but those it excludes",
        .file.display()
    )]
    Confined {
        /// The certificate.
        file: PathBuf,
    },
    /// Its time is over.
    #[error("{}: this authority ended on {}; give a new one, and have the devices trust it", .file.display(), .ended.day())]
    Expired {
        /// The certificate.
        file: PathBuf,
        /// When.
        ended: Timestamp,
    },
    /// Its time has not come.
    #[error("{}: this authority begins on {}; is this machine's clock right?", .file.display(), .begins.day())]
    NotYetValid {
        /// The certificate.
        file: PathBuf,
        /// When.
        begins: Timestamp,
    },
    /// The key is another certificate's.
    #[error(
        "{}: this key does not belong to the certificate {}; give the two that were made together",
        .key.display(),
        .certificate.display()
    )]
    Mismatched {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// What it signs would not be taken for its own.
    #[error("{}: what this authority signs does not verify, so no device would take it: {fault}", .file.display())]
    Unusable {
        /// The certificate.
        file: PathBuf,
        /// What a device would say.
        fault: String,
    },
    /// None could be made.
    #[error("no authority could be made: {0}")]
    Unmade(#[source] rcgen::Error),
}

impl AuthorityError {
    /// Whether somebody must mend files or settings, so that another start would fail likewise.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            AuthorityError::KeyGone { .. }
            | AuthorityError::Exposed { .. }
            | AuthorityError::NoCertificate { .. }
            | AuthorityError::NoKey { .. }
            | AuthorityError::NotAnAuthority { .. }
            | AuthorityError::Confined { .. }
            | AuthorityError::Expired { .. }
            | AuthorityError::Mismatched { .. }
            | AuthorityError::Unusable { .. } => true,
            AuthorityError::NotMade { .. }
            | AuthorityError::File { .. }
            | AuthorityError::NotYetValid { .. }
            | AuthorityError::Unmade(_) => false,
        }
    }
}

/// Why a host gets no leaf.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The authority may not sign for it: it is never inspected. Its text names no host, for it
    /// goes to the diagnostics.
    #[error("the authority may not sign for this host")]
    Excluded(Host),
    /// The authority's time is over, or has not come.
    #[error("the authority is not in date")]
    OutOfDate,
    /// It could not be made.
    #[error("no certificate could be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// The system gave no random numbers, or no key.
    #[error("no key could be made: {0}")]
    NoKey(#[from] rustls::Error),
}

/// Why origins can't be verified.
#[derive(Debug, thiserror::Error)]
pub enum OriginsError {
    /// A file of `upstream.extra_roots` can't be read, or holds what is no certificate.
    #[error("upstream.extra_roots: {}: {fault}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The library refuses its own defaults.
    #[error("TLS to origins can't be set up: {0}")]
    Tls(#[from] rustls::Error),
}
