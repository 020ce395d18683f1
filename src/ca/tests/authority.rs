//! An authority as it is made: its files, its form, what it can't sign for.

use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::bench::{Bench, DAY, NOW, SCHOOL, at, host, lint, parsed};
use crate::ca::{Authority, AuthorityError, MintError, OriginFault, Public, provider, since_epoch};

#[test]
fn it_is_made_once_for_its_own_user_alone() {
    let bench = Bench::new();
    let first = bench.open().unwrap();
    assert!(first.is_new());
    assert_eq!((bench.mode("ca"), bench.mode("ca/authority.key")), (0o700, 0o600));
    let files: Vec<_> =
        std::fs::read_dir(bench.file("ca")).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "nothing is left beside: {files:?}");
    let second = bench.open().unwrap();
    assert!(!second.is_new());
    assert_eq!(second.public().fingerprint, first.public().fingerprint);
    assert_eq!(Public::open(&bench.inspect, bench.dir.path()).unwrap().der, first.public().der);
}

#[test]
fn it_is_what_browsers_want_of_an_authority() {
    let bench = Bench::new();
    let authority = bench.open().unwrap();
    let public = authority.public();
    let certificate = parsed(&public.der);
    assert_eq!(lint(&public.der), [""; 0]);
    let constraints = certificate.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign());
    assert_eq!(usage.value.flags.count_ones(), 2);
    assert!(certificate.name_constraints().unwrap().unwrap().critical);
    assert!(certificate.extended_key_usage().unwrap().is_none());
    assert_eq!(public.not_before, at("2026-11-22T09:00:00Z"));
    assert_eq!(public.not_after, at(NOW).plus(3652 * DAY));
    let digest = Sha256::digest(certificate.public_key().raw);
    let mark: String = digest.iter().take(4).map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(public.name, format!("{SCHOOL} web filter {mark}"));
    let (_, said) = bench.openssl("x509 -noout -fingerprint -sha256 -in ca/authority.pem");
    assert_eq!(said.trim().split('=').next_back(), Some(public.fingerprint.as_str()));
    assert_eq!(public.pem, bench.text("ca/authority.pem"));
}

#[test]
fn the_common_name_fits_however_the_school_is_called() {
    let long = "Ysgol Gynradd Gymraeg Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch".to_owned();
    let wide = "學".repeat(80);
    for school in ["", "A", "St Mary\u{0}'s\n", long.as_str(), wide.as_str()] {
        let bench = Bench::new();
        let made = Authority::open(&bench.inspect, bench.dir.path(), school, at(NOW)).unwrap();
        let name = &made.public().name;
        assert!(name.chars().count() <= 64, "{name}");
        assert!(!name.chars().any(char::is_control) && name.contains(" web filter "), "{name:?}");
        assert_eq!(lint(&made.public().der), [""; 0], "{school:?}");
    }
}

#[tokio::test]
async fn what_it_excludes_is_refused_by_itself_and_by_every_verifier() {
    let bench = Bench::new();
    let minter = bench.minter();
    let public = minter.public().clone();
    let cases = [
        ("nhs.uk", true),
        ("www.nhs.uk", true),
        ("a.b.nhs.uk", true),
        ("childline.org.uk", true),
        ("notnhs.uk", false),
        ("nhs.uk.example.org", false),
        ("192.0.2.1", false),
        ("[2001:db8::1]", false),
    ];
    for (text, excluded) in cases {
        let host = host(text);
        assert_eq!(public.excludes(&host), excluded, "{text}");
        let leaf = minter.leaf(&host, at(NOW)).await;
        assert_eq!(matches!(leaf, Err(MintError::Excluded(_))), excluded, "{text}");
        let said = leaf.err().map(|fault| fault.to_string()).unwrap_or_default();
        assert!(!said.contains(text), "a fault goes to the diagnostics, which name no host: {said}");
        let stolen = forged(&bench, text);
        let (taken, said) = bench.verify(&stolen, "");
        assert_eq!(taken, !excluded, "{text}: {said}");
        assert!(taken || said.contains("excluded subtree violation"), "{text}: {said}");
        let verdict = by_webpki(&public, &stolen, text);
        assert_eq!(verdict, excluded.then_some(OriginFault::NameConstraint), "{text}");
    }
    assert_eq!(minter.minted(), 4);
}

#[test]
fn it_excludes_nothing_where_nothing_is_to_be_excluded() {
    let mut bench = Bench::new();
    bench.inspect.never.clear();
    let authority = bench.open().unwrap();
    assert!(authority.public().excluded.is_empty());
    assert!(parsed(&authority.public().der).name_constraints().unwrap().is_none());
    // What a later setting says changes nothing of an authority that is there.
    bench.inspect.never = Bench::new().inspect.never;
    assert!(!bench.open().unwrap().public().excludes(&host("nhs.uk")));
}

#[test]
fn a_lost_key_is_told_and_a_lost_certificate_is_made_anew_for_its_key() {
    let bench = Bench::new();
    let first = bench.open().unwrap().public().clone();
    let (certificate, key) = (bench.file("ca/authority.pem"), bench.file("ca/authority.key"));
    let kept = bench.text("ca/authority.key");
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(bench.open(), Err(AuthorityError::KeyGone { .. })));
    assert!(!key.exists(), "no other key is put beside a certificate");
    bench.write_key("ca/authority.key", &kept);
    std::fs::remove_file(certificate).unwrap();
    let again = bench.open().unwrap();
    assert!(again.is_new());
    assert_eq!(again.public().name, first.name, "the name is made from the key");
    assert_eq!(bench.text("ca/authority.key"), kept);
}

#[test]
fn before_the_first_start_there_is_none() {
    let bench = Bench::new();
    let fault = Public::open(&bench.inspect, bench.dir.path()).unwrap_err();
    assert!(matches!(fault, AuthorityError::NotMade { .. }), "{fault}");
    assert!(!bench.file("ca").exists(), "to look makes nothing");
}

#[test]
fn the_profile_is_stable_well_formed_and_holds_the_certificate_alone() {
    let bench = Bench::new();
    let public = bench.open().unwrap().public().clone();
    let profile = public.mobileconfig("Fish & <Chips> \"Primary\"\u{1}");
    assert_eq!(profile, public.mobileconfig("Fish & <Chips> \"Primary\"\u{1}"));
    assert!(profile.contains("<string>Fish &amp; &lt;Chips&gt; &quot;Primary&quot;: web filter</string>"));
    assert!(profile.contains("<string>com.apple.security.root</string>"));
    let (start, end) = (profile.find("<data>").unwrap() + 6, profile.find("</data>").unwrap());
    let body: String = profile[start..end].split_whitespace().collect();
    let pem: String = public.pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert_eq!(body, pem);
    let other = Bench::new().open().unwrap().public().mobileconfig("X");
    let id = |text: &str| text.lines().find(|line| line.contains("PayloadUUID")).unwrap().to_owned();
    assert_ne!(id(&profile), id(&other));
    let opened = |tag: &str| profile.matches(&format!("<{tag}>")).count();
    for tag in ["dict", "array", "key", "string", "integer", "data"] {
        assert_eq!(opened(tag), profile.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

/// A certificate for any host, by one who has the key and heeds nothing.
fn forged(bench: &Bench, host: &str) -> Vec<u8> {
    let mut params = CertificateParams::new([host.trim_matches(['[', ']']).to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name = rcgen::DistinguishedName::new();
    let key = KeyPair::generate().unwrap();
    params.signed_by(&key, &bench.stolen()).unwrap().der().to_vec()
}

fn by_webpki(public: &Public, leaf: &[u8], host: &str) -> Option<OriginFault> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(public.der.clone())).unwrap();
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider()).build().unwrap();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).unwrap();
    let at = UnixTime::since_unix_epoch(since_epoch(at(NOW)).saturating_add(Duration::from_secs(1)));
    let verified = verifier.verify_server_cert(&CertificateDer::from(leaf), &[], &name, &[], at);
    verified.err().map(|fault| OriginFault::of(&fault))
}
