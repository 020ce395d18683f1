//! Certificates of the tests' internet: of an authority that the gateway trusts, and of every kind
//! that nobody should.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion, version};

/// The name of the authority of all good origins.
pub(crate) const AUTHORITY: &str = "authority of the tests";
/// What the certificate of a client that names no site is for.
const UNNAMED: [&str; 3] = ["maths.example", "127.0.0.1", "::1"];

/// Made by openssl, which still can.
const SHA1: &str = r#"
set -eu
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=sha1.example \
    -addext subjectAltName=DNS:sha1.example -keyout leaf.key -out leaf.csr
openssl x509 -req -sha1 -in leaf.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
    -copy_extensions copy -out leaf.pem
"#;

/// The authority of all origins of this test process, and what it has signed so far.
pub(super) struct Internet {
    /// The authority's certificate.
    pub(super) authority: CertificateDer<'static>,
    /// The same as PEM.
    pub(super) authority_pem: String,
    authority_key: String,
    issuer: Issuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The one internet of this process.
pub(super) fn internet() -> &'static Internet {
    static INTERNET: OnceLock<Internet> = OnceLock::new();
    INTERNET.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let params = authority(AUTHORITY);
        let certificate = params.self_signed(&key).unwrap();
        Internet {
            authority: certificate.der().clone(),
            authority_pem: certificate.pem(),
            authority_key: key.serialize_pem(),
            issuer: Issuer::new(params, key),
            made: Mutex::default(),
        }
    })
}

impl Internet {
    /// How a site answers TLS; what its name makes of it stands here.
    pub(super) fn site(&self, name: &str) -> Arc<ServerConfig> {
        let mut made = self.made.lock().unwrap();
        Arc::clone(made.entry(name.to_owned()).or_insert_with(|| Arc::new(self.make(name))))
    }

    fn make(&self, name: &str) -> ServerConfig {
        let kind = kind_of(name);
        let versions: &[&SupportedProtocolVersion] =
            if kind == "client-cert-12" { &[&version::TLS12] } else { &[&version::TLS12, &version::TLS13] };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = if kind.starts_with("client-cert") {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = self.chain(kind, name);
        let mut config = builder.with_single_cert(chain, key).unwrap();
        let protocols: &[&str] = match kind {
            "h2" => &["h2", "http/1.1"],
            "h2only" | "client-cert-h2" | "raw-h2" => &["h2"],
            "h1only" => &["http/1.1"],
            "no-common" => &["spdy/1"],
            _ => &[],
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        config
    }

    fn chain(&self, kind: &str, name: &str) -> Chain {
        let mut leaf = match name {
            "" => CertificateParams::new(UNNAMED.map(str::to_owned)).unwrap(),
            _ if kind == "wrong-name" => CertificateParams::new(["other.example".to_owned()]).unwrap(),
            name => CertificateParams::new([name.to_owned()]).unwrap(),
        };
        leaf.distinguished_name.push(DnType::CommonName, name);
        match kind {
            "expired" => leaf.not_after = date_time_ymd(2020, 1, 1),
            "early" => leaf.not_before = date_time_ymd(2200, 1, 1),
            _ => {}
        }
        match kind {
            "sha1" => self.of_sha1(),
            "self-signed" => {
                let key = KeyPair::generate().unwrap();
                (vec![leaf.self_signed(&key).unwrap().der().clone()], private(&key))
            }
            "untrusted" => {
                signed(&leaf, &Issuer::new(authority("nobody knows"), KeyPair::generate().unwrap()), None)
            }
            "constrained" => {
                let mut params = authority("for elsewhere alone");
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.example".to_owned())],
                    excluded_subtrees: Vec::new(),
                });
                let key = KeyPair::generate().unwrap();
                let between = params.signed_by(&key, &self.issuer).unwrap();
                signed(&leaf, &Issuer::new(params, key), Some(between.der().clone()))
            }
            _ => signed(&leaf, &self.issuer, None),
        }
    }

    fn of_sha1(&self) -> Chain {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("authority.pem"), &self.authority_pem).unwrap();
        std::fs::write(at("authority.key"), &self.authority_key).unwrap();
        run(SHA1, folder.path());
        let certificate = CertificateDer::from_pem_file(at("leaf.pem")).unwrap();
        (vec![certificate], PrivateKeyDer::from_pem_file(at("leaf.key")).unwrap())
    }
}

/// What a site is there to show: the label below `.example`.
pub(super) fn kind_of(name: &str) -> &str {
    let site = name.strip_suffix(".example").unwrap_or_default();
    site.rsplit('.').next().unwrap_or_default()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn signed(
    leaf: &CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
    between: Option<CertificateDer<'static>>,
) -> Chain {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, issuer).unwrap();
    (std::iter::once(certificate.der().clone()).chain(between).collect(), private(&key))
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

fn run(script: &str, folder: &Path) {
    let said = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}
