//! The authority as a technician meets it: made at the first start, shown, given out, kept.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Gateway, Program, Site, within};

#[tokio::test(flavor = "multi_thread")]
async fn it_is_made_once_recorded_shown_and_given_out() {
    let site = Gateway::new().site().await;
    let before = site.run(&["ca", "show"]).await;
    assert_eq!(before.status.code(), Some(1));
    assert!(text(&before.stderr).contains("there is no authority yet"), "{}", text(&before.stderr));
    assert!(!site.file("var").exists(), "to ask makes nothing");

    for _ in 0..2 {
        let mut program = site.serve().await;
        let shown = fingerprint(&site).await;
        let page = page(&program).await;
        assert!(page.contains(&shown), "{page}");
        program.signal("TERM").await;
        assert!(program.ended().await.success());
    }
    let trail = site.trail();
    let of = |action: &str, detail: &str| -> Vec<Value> {
        let events = trail.iter().filter(|event| event["event"]["action"] == action);
        events.map(|event| event["schoolgate"]["details"][detail].clone()).collect()
    };
    let shown = Value::from(fingerprint(&site).await);
    assert_eq!(of("gateway.started", "authority"), [shown.clone(), shown.clone()]);
    assert_eq!(of("authority.made", "fingerprint"), [shown]);
    let key = std::fs::read_to_string(site.file("var/ca/authority.key")).unwrap();
    let piece = key.lines().nth(1).unwrap();
    assert!(!trail.iter().any(|event| event.to_string().contains(piece)));

    for (form, out) in [("pem", "a.pem"), ("der", "a.crt"), ("mobileconfig", "a.mobileconfig")] {
        let out = site.file(out).display().to_string();
        let export = ["ca", "export", "--format", form, "--out", &out];
        assert!(site.run(&export).await.status.success());
        let again = site.run(&export).await;
        assert_eq!(again.status.code(), Some(1), "a file that is there is never overwritten");
    }
    let onto_the_key = site.file("var/ca/authority.key").display().to_string();
    assert!(!site.run(&["ca", "export", "--out", &onto_the_key]).await.status.success());
    assert_eq!(std::fs::read_to_string(site.file("var/ca/authority.key")).unwrap(), key);
    let piped = site.run(&["ca", "export"]).await.stdout;
    assert_eq!(piped, std::fs::read(site.file("a.pem")).unwrap());
}

#[tokio::test]
async fn a_key_that_others_may_read_keeps_the_gateway_from_serving() {
    let mut site = Gateway::new().site().await;
    for (variable, value) in [("CA_CERT", "own.pem"), ("CA_KEY", "own.key")] {
        site.variable(&format!("SCHOOLGATE__INSPECT__{variable}"), value);
    }
    let mut own = rcgen::CertificateParams::default();
    own.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let key = rcgen::KeyPair::generate().unwrap();
    site.write("own.pem", &own.self_signed(&key).unwrap().pem());
    site.write("own.key", &key.serialize_pem());
    std::fs::set_permissions(site.file("own.key"), PermissionsExt::from_mode(0o644)).unwrap();
    let Output { status, stderr, .. } = site.run(&["serve"]).await;
    assert_eq!(status.code(), Some(78), "trying again does not help");
    let told = text(&stderr);
    assert!(told.contains("own.key") && told.contains("chmod 600"), "{told}");
    std::fs::set_permissions(site.file("own.key"), PermissionsExt::from_mode(0o600)).unwrap();
    let mut program = site.serve().await;
    assert!(!site.file("var/ca").exists(), "none is made beside one that is given");
    program.signal("TERM").await;
    assert!(program.ended().await.success());
}

async fn fingerprint(site: &Site) -> String {
    let shown = site.run(&["ca", "show", "--json"]).await;
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    shown["fingerprint"].as_str().unwrap().to_owned()
}

/// What anybody is shown, without a token.
async fn page(program: &Program) -> String {
    let mut stream = TcpStream::connect(program.at("API")).await.unwrap();
    stream.write_all(b"GET /ca HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
