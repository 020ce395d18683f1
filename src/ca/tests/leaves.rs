//! Leaves: what is in them, how long they hold, how many are made.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rcgen::date_time_ymd;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};

use super::bench::{Bench, DAY, NOW, at, authority, host, lint, parsed};
use crate::ca::MintError;
use crate::model::Timestamp;

#[tokio::test]
async fn a_leaf_is_what_browsers_ipads_and_windows_want() {
    let bench = Bench::new();
    let minter = bench.minter();
    let leaf = minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap();
    let certificate = parsed(&leaf.cert[0]);
    assert_eq!(lint(&leaf.cert[0]), [""; 0]);
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    assert!(!names.critical);
    assert_eq!(names.value.general_names, [GeneralName::DNSName("www.example.org")]);
    let purposes = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(purposes.server_auth && !purposes.any && !purposes.client_auth);
    let usage = certificate.key_usage().unwrap().unwrap();
    assert!(usage.value.digital_signature());
    assert_eq!(usage.value.flags.count_ones(), 1);
    assert!(!certificate.is_ca());
    let own = parsed(&minter.public().der);
    assert_eq!(issuer_id(&certificate), subject_id(&own), "the leaf's AKI is the authority's SKI");
    assert!(issuer_id(&certificate).is_some() && subject_id(&certificate).is_none());
    assert_eq!(certificate.issuer().as_raw(), own.subject().as_raw());
    assert_eq!(moment(certificate.validity().not_before.timestamp()), at("2026-11-22T09:00:00Z"));
    assert_eq!(moment(certificate.validity().not_after.timestamp()), at(NOW).plus(90 * DAY));
}

#[tokio::test]
async fn leaves_share_a_key_of_one_run_that_is_not_the_authoritys() {
    let bench = Bench::new();
    let (first, second) = (bench.minter(), bench.minter());
    let mut keys = Vec::new();
    for minter in [&first, &second] {
        for text in ["a.example", "b.example"] {
            let leaf = minter.leaf(&host(text), at(NOW)).await.unwrap();
            keys.push(parsed(&leaf.cert[0]).public_key().raw.to_vec());
        }
    }
    assert_eq!((keys[0] == keys[1], keys[2] == keys[3]), (true, true));
    keys.push(parsed(&first.public().der).public_key().raw.to_vec());
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>().len(), 3, "two runs and the authority");
}

#[tokio::test]
async fn serial_numbers_are_positive_and_never_the_same() {
    let minter = Bench::new().minter();
    let mut seen = BTreeSet::new();
    let mut bits = [0_u8; 16];
    for n in 0..200 {
        let leaf = minter.leaf(&host(&format!("h{n}.example")), at(NOW)).await.unwrap();
        let serial = parsed(&leaf.cert[0]).raw_serial().to_vec();
        assert!(serial.len() <= 16 && serial[0] & 0x80 == 0, "{serial:?}");
        assert!(serial.iter().any(|byte| *byte != 0));
        for (at, byte) in serial.iter().rev().enumerate() {
            bits[at] |= byte;
        }
        assert!(seen.insert(serial));
    }
    assert_eq!(bits[..15], [0xff; 15], "all bits are in use");
    assert_eq!(bits[15], 0x7f);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_at_once_get_one_leaf() {
    let minter = Bench::new().minter();
    for (now, minted) in [(at(NOW), 1), (at(NOW).plus(45 * DAY), 2)] {
        let asking = (0..1000).map(|_| {
            let minter = minter.clone();
            tokio::spawn(async move { minter.leaf(&host("www.example.org"), now).await.unwrap() })
        });
        let asking: Vec<_> = asking.collect();
        let mut leaves = BTreeSet::new();
        for one in asking {
            leaves.insert(one.await.unwrap().cert[0].to_vec());
        }
        assert_eq!((leaves.len(), minter.minted()), (1, minted));
    }
}

#[tokio::test]
async fn a_leaf_is_renewed_at_half_its_life_and_when_the_clock_went_back() {
    let minter = Bench::new().minter();
    let ask = async |now: Timestamp| minter.leaf(&host("www.example.org"), now).await.unwrap();
    let first = ask(at(NOW)).await;
    let second = Duration::from_secs(1);
    assert!(Arc::ptr_eq(&first, &ask(at(NOW).plus(45 * DAY - second)).await));
    let renewed = ask(at(NOW).plus(45 * DAY)).await;
    assert!(!Arc::ptr_eq(&first, &renewed));
    assert_eq!(minter.minted(), 2);
    assert!(Arc::ptr_eq(&renewed, &ask(at(NOW).plus(43 * DAY)).await), "it began two days before");
    ask(at(NOW).plus(42 * DAY)).await;
    assert_eq!(minter.minted(), 3, "before it began it would be refused");
}

#[tokio::test]
async fn no_leaf_outlives_its_authority() {
    let mut short = authority("Short");
    short.not_before = date_time_ymd(2026, 11, 24);
    short.not_after = date_time_ymd(2026, 12, 24);
    let bench = Bench::given_as(&short);
    let minter = bench.minter();
    let leaf = minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap();
    let validity = parsed(&leaf.cert[0]).validity().clone();
    assert_eq!(moment(validity.not_before.timestamp()), at("2026-11-24T00:00:00Z"));
    assert_eq!(moment(validity.not_after.timestamp()), at("2026-12-24T00:00:00Z"));
    for text in ["2026-12-24T00:00:00Z", "2036-01-01T00:00:00Z", "2026-11-23T23:59:59Z"] {
        let refused = minter.leaf(&host("www.example.org"), at(text)).await;
        assert!(matches!(refused, Err(MintError::OutOfDate)), "{text}");
    }
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

fn issuer_id(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.iter_extensions().find_map(|extension| {
        let ParsedExtension::AuthorityKeyIdentifier(id) = extension.parsed_extension() else { return None };
        Some(id.key_identifier.as_ref()?.0.to_vec())
    })
}

fn subject_id(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.iter_extensions().find_map(|extension| {
        let ParsedExtension::SubjectKeyIdentifier(id) = extension.parsed_extension() else { return None };
        Some(id.0.to_vec())
    })
}
