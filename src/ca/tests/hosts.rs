//! Every shape of host, and who takes its leaf.

use std::net::IpAddr;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::extensions::GeneralName;

use super::bench::{Bench, NOW, at, host, lint, parsed};
use crate::ca::{provider, since_epoch};
use crate::model::{Host, HostError};

/// A host of so many characters.
fn of_length(length: usize) -> String {
    let mut text = "example".to_owned();
    while text.len() < length {
        let left = length - text.len() - 1;
        let label = if left > 64 { 60 } else { left.min(63) };
        text = format!("{}.{text}", "x".repeat(label));
    }
    text
}

#[tokio::test]
async fn each_host_gets_a_leaf_for_itself_that_verifies() {
    let bench = Bench::new();
    let minter = bench.minter();
    let hosts = [
        "a.example".to_owned(),
        "localhost".to_owned(),
        "münchen.example".to_owned(),
        "點看.example".to_owned(),
        "games_16.example".to_owned(),
        "xn--mnchen-3ya.example".to_owned(),
        format!("{}.example", "l".repeat(63)),
        of_length(63),
        of_length(64),
        of_length(65),
        of_length(253),
        "192.0.2.7".to_owned(),
        "[2001:db8::7]".to_owned(),
        "[::ffff:192.0.2.8]".to_owned(),
    ];
    for text in &hosts {
        let host = host(text);
        let leaf = minter.leaf(&host, at(NOW)).await.unwrap();
        let certificate = parsed(&leaf.cert[0]);
        assert_eq!(lint(&leaf.cert[0]), [""; 0], "{text}");
        let plain = host.to_string().trim_matches(['[', ']']).to_owned();
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        let [only] = names.value.general_names.as_slice() else { panic!("{text}: one name alone") };
        let flag = match (&host, only) {
            (Host::Name(name), GeneralName::DNSName(found)) => {
                assert_eq!(name.as_str(), *found);
                "-verify_hostname"
            }
            (Host::Address(address), GeneralName::IPAddress(found)) => {
                assert_eq!(octets(*address), *found);
                "-verify_ip"
            }
            other => panic!("{other:?}"),
        };
        let common: Vec<&str> =
            certificate.subject().iter_common_name().map(|cn| cn.as_str().unwrap()).collect();
        if plain.len() < 64 {
            assert_eq!(common, [plain.as_str()], "{text}");
            assert!(!names.critical, "{text}");
        } else {
            assert!(certificate.subject().iter().next().is_none(), "{text}: no subject at all");
            assert!(names.critical, "{text}: RFC 5280 section 4.2.1.6");
        }
        let (good, said) = bench.verify(&leaf.cert[0], &format!("{flag} {plain}"));
        assert!(good, "{text}: {said}");
        by_webpki(&minter.public().der, &leaf.cert[0], &plain);
    }
    assert_eq!(minter.minted(), 13, "the two spellings of one host have one leaf");
}

#[test]
fn a_host_that_dns_does_not_allow_never_gets_as_far() {
    let label = format!("{}.example", "l".repeat(64));
    assert_eq!(Host::parse(&label), Err(HostError::TooLong));
    assert_eq!(of_length(253).len(), 253);
    assert_eq!(Host::parse(&of_length(254)), Err(HostError::TooLong));
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn by_webpki(authority: &[u8], leaf: &[u8], host: &str) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(authority)).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build().unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let at = UnixTime::since_unix_epoch(since_epoch(at(NOW)));
    verifier.verify_server_cert(&CertificateDer::from(leaf), &[], &name, &[], at).unwrap();
}
