//! An authority that the school gives: kinds that work, and every fault with what to do.

use rcgen::{BasicConstraints, CertificateParams, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints};
use rcgen::{KeyUsagePurpose, date_time_ymd};

use super::bench::{Bench, NOW, at, authority, host, today};
use crate::ca::{AuthorityError, Minter};

#[tokio::test]
async fn those_that_openssl_makes_are_taken() {
    let subject = "-subj /O=A.Trust/CN=Filter -keyout ca.key -out ca.pem -days 30";
    let kinds = [
        format!("req -x509 -newkey rsa:2048 -nodes {subject}"),
        format!("req -x509 -newkey rsa:3072 -sha384 -nodes {subject}"),
        format!("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes {subject}"),
        format!("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha384 -nodes {subject}"),
    ];
    for kind in kinds {
        let bench = Bench::given();
        bench.made(&kind);
        let authority = bench.open_at(today()).unwrap_or_else(|fault| panic!("{kind}: {fault}"));
        assert_eq!((authority.is_new(), authority.public().name.as_str()), (false, "Filter"));
        let minter = Minter::new(authority).unwrap();
        let leaf = minter.leaf(&host("www.example.org"), today()).await.unwrap();
        std::fs::write(bench.file("leaf.der"), &leaf.cert[0]).unwrap();
        bench.made("x509 -inform DER -in leaf.der -out leaf.pem");
        bench.made("verify -purpose sslserver -verify_hostname www.example.org -CAfile ca.pem leaf.pem");
    }
}

#[test]
fn keys_in_the_older_forms_are_taken() {
    let bench = Bench::given();
    bench.made("ecparam -name prime256v1 -genkey -noout -out ca.key");
    assert!(bench.text("ca.key").contains("BEGIN EC PRIVATE KEY"));
    bench.made("req -x509 -new -key ca.key -out ca.pem -days 30 -subj /CN=Filter");
    bench.open_at(today()).unwrap();
    bench.made("genrsa -traditional -out ca.key 2048");
    assert!(bench.text("ca.key").contains("BEGIN RSA PRIVATE KEY"));
    bench.made("req -x509 -new -key ca.key -out ca.pem -days 30 -subj /CN=Filter");
    bench.open_at(today()).unwrap();
}

#[tokio::test]
async fn one_below_a_root_sends_itself_behind_each_leaf() {
    let (root_key, own_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = authority("The trust");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let own = authority("The school").signed_by(&own_key, &Issuer::new(root, root_key)).unwrap();
    let bench = Bench::given();
    bench.write("ca.pem", &format!("The school's, then the trust's\n{}{root_pem}", own.pem()));
    bench.write_key("ca.key", &own_key.serialize_pem());
    bench.write("root.pem", &root_pem);
    let minter = bench.minter();
    assert_eq!(minter.public().name, "The school");
    assert!(minter.public().pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let leaf = minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap();
    assert_eq!(leaf.cert.len(), 2, "leaf and authority: the device has the root");
    assert_eq!(leaf.cert[1], *own.der());
    std::fs::write(bench.file("leaf.der"), &leaf.cert[0]).unwrap();
    bench.made("x509 -inform DER -in leaf.der -out leaf.pem");
    bench.made("verify -purpose sslserver -no_check_time -CAfile root.pem -untrusted ca.pem leaf.pem");
}

#[test]
fn what_is_wrong_with_one_is_told_with_what_to_do() {
    let mut expired = authority("X");
    expired.not_after = date_time_ymd(2026, 11, 23);
    let mut early = authority("X");
    early.not_before = date_time_ymd(2026, 11, 25);
    let mut no_usage = authority("X");
    no_usage.key_usages = vec![KeyUsagePurpose::CrlSign];
    let mut confined = authority("X");
    let permitted_subtrees = vec![GeneralSubtree::DnsName("sch.uk".to_owned())];
    confined.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let mut odd = authority("X");
    odd.is_ca = IsCa::ExplicitNoCa;
    let cases = [
        (CertificateParams::default(), "may not sign others"),
        (odd, "may not sign others"),
        (no_usage, "may not sign others"),
        (expired, "ended on 2026-11-23; give a new one"),
        (early, "begins on 2026-11-25; is this machine's clock right?"),
        (confined, "may sign for some names alone"),
    ];
    for (params, told) in cases {
        let bench = Bench::given_as(&params);
        let fault = bench.open().unwrap_err().to_string();
        assert!(fault.contains(told) && fault.contains("ca.pem"), "{fault}");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let bench = Bench::given_as(&authority("X"));
    bench.open().unwrap();
    for mode in [0o640, 0o604, 0o660, 0o610, 0o601, 0o644, 0o777] {
        bench.allow("ca.key", mode);
        let fault = bench.open().unwrap_err();
        assert!(matches!(fault, AuthorityError::Exposed { .. }), "{fault}");
        let told = fault.to_string();
        assert!(told.contains(&format!("mode {mode:o}")) && told.contains("chmod 600"), "{told}");
    }
    bench.allow("ca.key", 0o400);
    bench.open().unwrap();
    // The gateway's own key is held to the same.
    let own = Bench::new();
    own.open().unwrap();
    own.allow("ca/authority.key", 0o640);
    assert!(matches!(own.open(), Err(AuthorityError::Exposed { .. })));
}

#[test]
fn a_pair_that_is_none_is_refused() {
    let bench = Bench::given_as(&authority("X"));
    let (certificate, key) = (bench.text("ca.pem"), bench.text("ca.key"));
    bench.write_key("ca.key", &KeyPair::generate().unwrap().serialize_pem());
    let fault = bench.open().unwrap_err();
    assert!(matches!(fault, AuthorityError::Mismatched { .. }), "{fault}");
    for unusable in [String::new(), certificate, key.replace("MI", "!!"), public_half(&key)] {
        bench.write_key("ca.key", &unusable);
        let fault = bench.open().unwrap_err();
        assert!(matches!(fault, AuthorityError::NoKey { .. }), "{fault}");
    }
    bench.made("genpkey -algorithm ed25519 -out ca.key");
    assert!(matches!(bench.open(), Err(AuthorityError::NoKey { .. })), "browsers take no Ed25519");
    bench.made("ecparam -name prime256v1 -genkey -noout -out plain.key");
    bench.made("pkcs8 -topk8 -v2 aes256 -passout pass:secret -in plain.key -out ca.key");
    let told = bench.open().unwrap_err().to_string();
    assert!(told.contains("must not be encrypted"), "{told}");
    for text in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key] {
        bench.write("ca.pem", text);
        let fault = bench.open().unwrap_err();
        assert!(matches!(fault, AuthorityError::NoCertificate { .. }), "{fault}");
    }
    std::fs::remove_file(bench.file("ca.pem")).unwrap();
    let fault = bench.open().unwrap_err();
    assert!(matches!(fault, AuthorityError::File { .. }), "one that is given is never made: {fault}");
    assert!(!bench.file("ca.pem").exists());
}

#[test]
fn one_whose_leaves_would_not_verify_is_told_at_the_start() {
    let bench = Bench::given();
    // Two units in one name: leaves would name their issuer otherwise than it calls itself.
    bench.made("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /OU=A/OU=B/CN=X");
    let fault = bench.open_at(today()).unwrap_err();
    assert!(matches!(fault, AuthorityError::Unusable { .. }), "{fault}");
    bench.made("req -x509 -newkey rsa:1024 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=X");
    let fault = bench.open_at(today()).unwrap_err();
    assert!(matches!(fault, AuthorityError::Unusable { .. } | AuthorityError::NoKey { .. }), "{fault}");
}

fn public_half(key: &str) -> String {
    KeyPair::from_pem(key).unwrap().public_key_pem()
}
