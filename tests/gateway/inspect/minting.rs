//! Leaves: one a host, for that host alone, and such that devices take them.

use std::sync::Arc;

use super::*;
use crate::harness::{BOTH, Browser};
use rustls::pki_types::CertificateDer;
use schoolgate::proxy::Door;
use tokio::process::Command;
use tokio::sync::Barrier;
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};

/// As many clients as ask at once.
const CROWD: usize = 1_000;

fn parsed<'a>(leaf: &'a CertificateDer<'_>) -> X509Certificate<'a> {
    X509Certificate::from_der(leaf).unwrap().1
}

/// A thousand first hits on one host at the same time make one leaf, and all get it.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_first_hits_make_one_leaf() {
    let policy = always_policy().replace("\"127.1.2.0/24\"", "\"127.9.0.0/16\"");
    let gateway = Gateway::new().policy(&policy).start().await;
    let trusted = vec![gateway.origin.authority.clone(), gateway.authority()];
    let (door, together) = (gateway.door(Door::Explicit), Arc::new(Barrier::new(CROWD)));
    let mut crowd = tokio::task::JoinSet::new();
    for client in 0..u16::try_from(CROWD).unwrap() {
        let [high, low] = client.to_be_bytes();
        let browser = Browser::new([127, 9, high, low].into(), door, trusted.clone());
        let together = Arc::clone(&together);
        crowd.spawn(async move {
            let tunnel = browser.connect("games.example:443").await.unwrap();
            together.wait().await;
            let patience = std::time::Duration::from_secs(60);
            let connector = tokio_rustls::TlsConnector::from(Arc::new(browser.trusting(&BOTH)));
            let shaken = connector.connect("games.example".try_into().unwrap(), tunnel);
            let shaken = tokio::time::timeout(patience, shaken).await.unwrap().unwrap();
            shaken.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
        });
    }
    let leaves = crowd.join_all().await;
    assert_eq!(gateway.running.leaves_minted(), 1);
    assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
    gateway.stop().await;
}

/// What the clients of a school ask of a leaf, and that its key is nobody else's.
fn lint(leaf: &CertificateDer<'_>, authority: &CertificateDer<'_>, host: &GeneralName<'_>) {
    let (leaf, authority) = (parsed(leaf), parsed(authority));
    assert_eq!(leaf.issuer(), authority.subject());
    let names = leaf.subject_alternative_name().unwrap().unwrap();
    assert_eq!(names.value.general_names, std::slice::from_ref(host), "this host and no other");
    assert!(leaf.basic_constraints().unwrap().is_none_or(|constraints| !constraints.value.ca));
    let purpose = leaf.extended_key_usage().unwrap().unwrap().value;
    assert!(purpose.server_auth && !purpose.client_auth && !purpose.any);
    assert!(leaf.key_usage().unwrap().unwrap().value.digital_signature());
    assert!(!leaf.key_usage().unwrap().unwrap().value.key_cert_sign());
    let days = (leaf.validity().not_after.timestamp() - leaf.validity().not_before.timestamp()) / 86_400;
    assert!(leaf.validity().is_valid() && (30..=197).contains(&days), "{days} days");
    assert_ne!(leaf.public_key().raw, authority.public_key().raw);
    assert!(leaf.raw_serial().len() >= 8 && leaf.raw_serial()[0] < 0x80, "{:?}", leaf.raw_serial());
    let by = leaf.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityKeyIdentifier(id) = extension.parsed_extension() else { return None };
        id.key_identifier.as_ref().map(|id| id.0)
    });
    let of = authority.extensions().iter().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(id) = extension.parsed_extension() else { return None };
        Some(id.0)
    });
    assert!(by.is_some());
    assert_eq!(by, of);
}

/// openssl, told to check as a browser does.
async fn verified_by_openssl(gateway: &Gateway, leaf: &CertificateDer<'_>, check: [&str; 2]) {
    let file = gateway.file("leaf.der");
    std::fs::write(&file, leaf).unwrap();
    let authority = gateway.file("var/ca/authority.pem");
    let mut command = Command::new("openssl");
    command.args(["verify", "-x509_strict", "-purpose", "sslserver"]).args(check);
    let said = command.arg("-CAfile").arg(authority).arg(file).output().await.unwrap();
    assert!(said.status.success(), "{check:?}: {}", String::from_utf8_lossy(&said.stderr));
}

/// Ordinary, international, long and wild names.
#[tokio::test(flavor = "multi_thread")]
async fn leaves_are_such_as_devices_take() {
    let gateway = always().start().await;
    let long = format!("{}.{}.h2.example", "a".repeat(63), "b".repeat(40));
    let longest = format!("{0}.{0}.{0}.{1}.example", "c".repeat(61), "d".repeat(58));
    for host in
        ["maths.example", "h2.example", "xn--mnchen-9ya.h2.example", "a_b.h2.example", &long, &longest]
    {
        let visit = gateway.managed("ks2").try_visit(host, &BOTH).await;
        let mut visit = visit.unwrap_or_else(|answer| panic!("{host}: {answer:?}"));
        lint(&visit.leaf, &gateway.authority(), &GeneralName::DNSName(host));
        verified_by_openssl(&gateway, &visit.leaf, ["-verify_hostname", host]).await;
        let page = visit.get("/").await;
        assert_eq!(page.status, 200, "{host}: {}", page.text());
    }
    assert_eq!(gateway.running.leaves_minted(), 6);
    let again = gateway.managed("ks2").visit("maths.example", &BOTH).await;
    let other = gateway.managed("staff").visit("maths.example", &BOTH).await;
    assert_eq!(again.leaf, other.leaf, "kept for everybody");
    assert_eq!(gateway.running.leaves_minted(), 6);
    gateway.stop().await;
}

/// A site that is a bare address has a leaf for that address, where the group may go there.
#[tokio::test(flavor = "multi_thread")]
async fn a_bare_address_has_a_leaf_of_its_own() {
    let gateway = always().start().await;
    let mut visit = gateway.managed("staff").visit("127.0.0.1", &BOTH).await;
    lint(&visit.leaf, &gateway.authority(), &GeneralName::IPAddress(&[127, 0, 0, 1]));
    verified_by_openssl(&gateway, &visit.leaf, ["-verify_ip", "127.0.0.1"]).await;
    assert_eq!(visit.get("/path?x").await.text(), "/path?x");
    let event = gateway.accesses().pop().unwrap().event;
    assert_eq!(event["url"]["full"], "https://127.0.0.1/path?x", "{event:#}");
    gateway.stop().await;
}

/// A restart makes new leaves with a new key, under the authority that the devices trust.
#[tokio::test(flavor = "multi_thread")]
async fn the_authority_outlives_a_restart_and_the_key_of_leaves_does_not() {
    let gateway = always().start().await;
    let authority = gateway.authority();
    let before = gateway.managed("ks2").visit("maths.example", &BOTH).await.leaf;
    let gateway = gateway.restarted().await;
    assert_eq!(gateway.authority(), authority);
    let after = gateway.managed("ks2").visit("maths.example", &BOTH).await.leaf;
    assert_ne!(parsed(&before).public_key().raw, parsed(&after).public_key().raw);
    assert_ne!(parsed(&before).raw_serial(), parsed(&after).raw_serial());
    gateway.stop().await;
}
