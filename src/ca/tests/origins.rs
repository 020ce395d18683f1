//! Every fault that an origin can have, by a real handshake.

use std::sync::Arc;

use rcgen::{CertificateParams, GeneralSubtree, Issuer, KeyPair, NameConstraints, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::bench::{Bench, authority};
use crate::ca::{Offer, OriginFault, Origins, OriginsError, provider};

const HOST: &str = "www.example.org";

/// What is offered, what is spoken, and what comes of it.
type Meeting = (Offer, &'static [&'static str], Result<Option<&'static str>, OriginFault>);

/// A root that is trusted through `upstream.extra_roots`, and what it signs.
struct Trust {
    bench: Bench,
    issuer: Issuer<'static, KeyPair>,
}

impl Trust {
    fn new() -> Trust {
        Trust::of(authority("Root"))
    }

    fn of(params: CertificateParams) -> Trust {
        let bench = Bench::new();
        let key = KeyPair::generate().unwrap();
        bench.write("root.pem", &params.self_signed(&key).unwrap().pem());
        Trust { bench, issuer: Issuer::new(params, key) }
    }

    fn origins(&self) -> Origins {
        Origins::new(&[self.bench.file("root.pem")]).unwrap()
    }

    fn signs(&self, params: &CertificateParams) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        serving(certificate.der().clone(), &key)
    }
}

fn for_host(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).unwrap()
}

fn serving(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    with_key(certificate, PrivateKeyDer::try_from(key.serialize_der()).unwrap())
}

fn with_key(certificate: CertificateDer<'static>, key: PrivateKeyDer<'static>) -> ServerConfig {
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}

/// Shakes hands over loopback and asks for a byte: the protocol agreed on, or the fault.
async fn meet(origins: &Origins, offer: Offer, server: ServerConfig) -> Result<Option<String>, OriginFault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(mut stream) = acceptor.accept(stream).await {
            let _ = stream.write_all(b"!").await;
            let _ = stream.shutdown().await;
        }
    });
    let met = dial(origins, offer, TcpStream::connect(to).await.unwrap()).await;
    served.await.unwrap();
    met
}

/// As [`meet`], with a server that says these bytes to whatever comes.
async fn meet_bytes(bytes: &'static [u8]) -> Result<Option<String>, OriginFault> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 512];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(bytes).await;
    });
    let met = dial(&Trust::new().origins(), Offer::Both, TcpStream::connect(to).await.unwrap()).await;
    served.await.unwrap();
    met
}

async fn dial(origins: &Origins, offer: Offer, stream: TcpStream) -> Result<Option<String>, OriginFault> {
    let told = |fault: std::io::Error| OriginFault::of_stream(&fault).unwrap_or_else(|| panic!("{fault:?}"));
    let name = ServerName::try_from(HOST).unwrap();
    let mut stream = TlsConnector::from(origins.config(offer)).connect(name, stream).await.map_err(told)?;
    stream.read_u8().await.map_err(told)?;
    Ok(stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()))
}

#[tokio::test]
async fn a_good_origin_is_taken_with_the_protocol_agreed_on() {
    let trust = Trust::new();
    let origins = trust.origins();
    let cases: [Meeting; 7] = [
        (Offer::Both, &["h2", "http/1.1"], Ok(Some("h2"))),
        (Offer::Both, &["http/1.1"], Ok(Some("http/1.1"))),
        (Offer::Http1, &["h2", "http/1.1"], Ok(Some("http/1.1"))),
        (Offer::Http2, &["h2", "http/1.1"], Ok(Some("h2"))),
        (Offer::Nothing, &["h2", "http/1.1"], Ok(None)),
        (Offer::Both, &[], Ok(None)),
        (Offer::Http1, &["h2"], Err(OriginFault::NoCommonProtocol)),
    ];
    for (offer, spoken, expected) in cases {
        let mut server = trust.signs(&for_host(HOST));
        server.alpn_protocols = spoken.iter().map(|name| name.as_bytes().to_vec()).collect();
        let met = meet(&origins, offer, server).await;
        assert_eq!(met, expected.map(|name| name.map(str::to_owned)), "{offer:?} {spoken:?}");
    }
}

#[tokio::test]
async fn each_fault_of_a_certificate_is_called_by_its_name() {
    let trust = Trust::new();
    let mut old = for_host(HOST);
    old.not_after = date_time_ymd(2020, 1, 1);
    let mut young = for_host(HOST);
    young.not_before = date_time_ymd(2999, 1, 1);
    let mut mail = for_host(HOST);
    mail.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::EmailProtection];
    let cases = [
        (trust.signs(&old), OriginFault::Expired),
        (trust.signs(&young), OriginFault::NotYetValid),
        (trust.signs(&for_host("www.example.com")), OriginFault::WrongName),
        (trust.signs(&CertificateParams::default()), OriginFault::WrongName),
        (Trust::new().signs(&for_host(HOST)), OriginFault::UnknownIssuer),
        (Trust::of(authority("Other")).signs(&for_host(HOST)), OriginFault::UnknownIssuer),
        (self_signed(for_host(HOST)), OriginFault::SelfSigned),
        (self_signed(authority_for_host()), OriginFault::SelfSigned),
        (trust.signs(&authority_for_host()), OriginFault::Malformed),
        (trust.signs(&mail), OriginFault::Malformed),
    ];
    for (number, (server, expected)) in cases.into_iter().enumerate() {
        let met = meet(&trust.origins(), Offer::Both, server).await;
        assert_eq!(met, Err(expected), "case {number}");
    }
}

#[tokio::test]
async fn a_name_that_the_authority_may_not_sign_for_is_told() {
    for permitted in [true, false] {
        let mut params = authority("Confined");
        let subtree = |name: &str| vec![GeneralSubtree::DnsName(name.to_owned())];
        let (permitted_subtrees, excluded_subtrees) =
            if permitted { (subtree("sch.uk"), Vec::new()) } else { (Vec::new(), subtree("example.org")) };
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees });
        let trust = Trust::of(params);
        let met = meet(&trust.origins(), Offer::Both, trust.signs(&for_host(HOST))).await;
        assert_eq!(met, Err(OriginFault::NameConstraint));
    }
}

#[tokio::test]
async fn what_can_be_forged_is_refused() {
    let bench = Bench::new();
    bench.write("names", "subjectAltName=DNS:www.example.org\n");
    bench.made("req -new -newkey rsa:2048 -nodes -keyout leaf.key -out leaf.csr -subj /CN=x");
    // What a short key signed is not looked at any further than that nobody vouches for it.
    let cases =
        [("rsa:2048", "-sha1", OriginFault::Weak), ("rsa:1024", "-sha256", OriginFault::UnknownIssuer)];
    for (root, digest, expected) in cases {
        bench.made(&format!(
            "req -x509 -newkey {root} -nodes -keyout root.key -out root.pem -days 30 -subj /CN=Root"
        ));
        bench.made(&format!(
            "x509 -req {digest} -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 30
             -extfile names -out leaf.pem"
        ));
        let certificate = CertificateDer::from_pem_file(bench.file("leaf.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(bench.file("leaf.key")).unwrap();
        let origins = Origins::new(&[bench.file("root.pem")]).unwrap();
        let met = meet(&origins, Offer::Both, with_key(certificate, key)).await;
        assert_eq!(met, Err(expected), "{root} {digest}");
    }
}

#[tokio::test]
async fn an_origin_that_wants_a_certificate_of_ours_is_told() {
    let trust = Trust::new();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trust.bench.file("root.pem")).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider()).build().unwrap();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let key = KeyPair::generate().unwrap();
        let certificate = for_host(HOST).signed_by(&key, &trust.issuer).unwrap();
        let server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let met = meet(&trust.origins(), Offer::Both, server).await;
        assert_eq!(met, Err(OriginFault::WantsClientCertificate), "{version:?}");
    }
}

#[tokio::test]
async fn what_an_origin_says_instead_of_tls_is_told() {
    let cases: [(&[u8], OriginFault); 5] = [
        (b"\x15\x03\x01\x00\x02\x02\x46", OriginFault::OldTls),
        (b"\x15\x03\x01\x00\x02\x02\x28", OriginFault::NoCommonProtocol),
        (b"\x15\x03\x01\x00\x02\x02\x50", OriginFault::Other),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", OriginFault::Malformed),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", OriginFault::Malformed),
    ];
    for (bytes, expected) in cases {
        assert_eq!(meet_bytes(bytes).await, Err(expected), "{bytes:?}");
    }
    let fault = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    assert_eq!(OriginFault::of_stream(&fault), None);
}

#[test]
fn what_no_handshake_here_can_bring_about_has_its_word_too() {
    let cases = [
        (CertificateError::Revoked, OriginFault::Revoked),
        (CertificateError::Expired, OriginFault::Expired),
        (CertificateError::NotValidYet, OriginFault::NotYetValid),
        (CertificateError::NotValidForName, OriginFault::WrongName),
        (CertificateError::BadEncoding, OriginFault::Malformed),
        (CertificateError::BadSignature, OriginFault::UnknownIssuer),
        (CertificateError::ApplicationVerificationFailure, OriginFault::Other),
    ];
    for (fault, expected) in cases {
        assert_eq!(OriginFault::of(&fault.into()), expected);
    }
}

#[test]
fn every_fault_has_a_word_and_a_plain_sentence_in_both_languages() {
    let all = [
        OriginFault::Expired,
        OriginFault::NotYetValid,
        OriginFault::WrongName,
        OriginFault::SelfSigned,
        OriginFault::UnknownIssuer,
        OriginFault::Weak,
        OriginFault::Revoked,
        OriginFault::NameConstraint,
        OriginFault::WantsClientCertificate,
        OriginFault::NoCommonProtocol,
        OriginFault::OldTls,
        OriginFault::Malformed,
        OriginFault::Other,
    ];
    let mut seen = std::collections::BTreeSet::new();
    for fault in all {
        let (english, welsh) = fault.words();
        for sentence in [english, welsh] {
            assert!(sentence.ends_with('.') && sentence.split(' ').count() <= 25, "{sentence}");
            assert!(seen.insert(sentence), "{sentence}");
            for word in ["TLS", "SSL", "issuer", "expired", "authority", "encryption"] {
                assert!(!sentence.contains(word), "{sentence}");
            }
        }
        assert!(seen.insert(fault.as_str()));
    }
}

#[tokio::test]
async fn without_any_authority_no_origin_is_right() {
    let none = Origins::trusting(RootCertStore::empty()).unwrap();
    let met = meet(&none, Offer::Both, Trust::new().signs(&for_host(HOST))).await;
    assert_eq!(met, Err(OriginFault::UnknownIssuer));
}

#[test]
fn a_file_of_roots_that_holds_none_is_told() {
    let bench = Bench::new();
    let cases = ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"];
    for text in cases {
        bench.write("roots.pem", text);
        let Err(OriginsError::File { file, .. }) = Origins::new(&[bench.file("roots.pem")]) else {
            panic!("{text:?} was taken");
        };
        assert_eq!(file, bench.file("roots.pem"));
    }
    assert!(Origins::new(&[bench.file("nowhere.pem")]).is_err());
}

#[test]
fn nothing_is_sent_before_the_origin_is_verified() {
    let origins = Trust::new().origins();
    for offer in [Offer::Both, Offer::Http1, Offer::Http2, Offer::Nothing] {
        assert!(!origins.config(offer).enable_early_data);
        assert!(Arc::ptr_eq(&origins.config(offer), &origins.config(offer)), "shared, with its sessions");
    }
}

fn authority_for_host() -> CertificateParams {
    let mut params = for_host(HOST);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
}

fn self_signed(params: CertificateParams) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    serving(params.self_signed(&key).unwrap().der().clone(), &key)
}
