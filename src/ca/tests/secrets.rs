//! The key: in its file, and in nothing that can be printed.

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::bench::{Bench, NOW, at, authority, host};
use crate::ca::{Minter, Public};

/// Every way in which a run of the key's bytes could be written.
struct Needles(Vec<String>);

impl Needles {
    fn of(key: &str) -> Needles {
        let der = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut needles: Vec<String> = key
            .lines()
            .filter(|line| !line.starts_with('-'))
            .map(|line| line[..16.min(line.len())].to_owned())
            .collect();
        // The scalar of a P-256 key in PKCS #8: 32 bytes from the 37th.
        for run in der.secret_der()[36..68].windows(4) {
            let all = |form: fn(&u8) -> String, between: &str| {
                run.iter().map(form).collect::<Vec<_>>().join(between)
            };
            needles.push(all(|byte| byte.to_string(), ", "));
            needles.push(all(|byte| format!("{byte:02x}"), ""));
            needles.push(all(|byte| format!("{byte:02X}"), ""));
            needles.push(all(|byte| format!("{byte:02X}"), ":"));
        }
        Needles(needles)
    }

    fn found_in(&self, text: &str) -> bool {
        self.0.iter().any(|needle| text.contains(needle.as_str()))
    }
}

#[tokio::test]
async fn nothing_that_can_be_printed_holds_a_piece_of_the_key() {
    let bench = Bench::new();
    let authority = bench.open().unwrap();
    let key = bench.text("ca/authority.key");
    let needles = Needles::of(&key);
    assert!(needles.found_in(&key), "the search itself works");
    let public = Public::open(&bench.inspect, bench.dir.path()).unwrap();
    let mut printed = vec![
        format!("{authority:?} {authority:#?}"),
        format!("{public:?} {}", public.mobileconfig("School")),
        bench.text("ca/authority.pem"),
    ];
    let minter = Minter::new(authority).unwrap();
    let leaf = minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap();
    printed.push(format!("{minter:?} {leaf:?} {:?}", leaf.cert));
    printed.push(format!("{:?}", minter.leaf(&host("nhs.uk"), at(NOW)).await.unwrap_err()));
    for text in printed {
        assert!(!needles.found_in(&text), "{text}");
    }
}

#[test]
fn no_fault_holds_a_piece_of_the_key() {
    let bench = Bench::given_as(&authority("X"));
    let (certificate, key) = (bench.text("ca.pem"), bench.text("ca.key"));
    let needles = Needles::of(&key);
    let mut told = Vec::new();
    let mut break_it = |certificate: &str, text: &str, mode: u32| {
        bench.write("ca.pem", certificate);
        bench.write_key("ca.key", text);
        bench.allow("ca.key", mode);
        let fault = bench.open().unwrap_err();
        told.push(format!("{fault} {fault:?}"));
    };
    let other = Bench::given_as(&authority("Y")).text("ca.pem");
    break_it(&certificate, &key, 0o644);
    break_it(&other, &key, 0o600);
    break_it(&certificate, &key.replace("-----END PRIVATE KEY-----", ""), 0o600);
    break_it(&certificate, &key.replace("PRIVATE", "SECRET"), 0o600);
    break_it(&certificate, &key[..key.len() / 2], 0o600);
    break_it(&key, &key, 0o600);
    for text in &told {
        assert!(!needles.found_in(text), "{text}");
    }
}
