//! `/ca`: public, whole, and within the guards of every answer.

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};

use super::fixture::Office;

async fn fetch(office: &Office, path: &str) -> (u16, String, Vec<u8>) {
    let answer = office.answer(Request::get(path).body(Body::empty()).unwrap()).await;
    let (status, kind) = (answer.status().as_u16(), answer.headers()[header::CONTENT_TYPE].clone());
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{path}: {policy}");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, kind.to_str().unwrap().to_owned(), body.to_vec())
}

#[tokio::test]
async fn anybody_gets_the_certificate_in_the_form_of_their_device() {
    let office = Office::open().await;
    let pem = std::fs::read_to_string(office.folder.path().join("ca/authority.pem")).unwrap();
    let (status, kind, body) = fetch(&office, "/ca/authority.pem").await;
    assert_eq!((status, kind.as_str()), (200, "application/x-pem-file"));
    assert_eq!(body, pem.as_bytes());
    let (status, kind, der) = fetch(&office, "/ca/authority.crt").await;
    assert_eq!((status, kind.as_str()), (200, "application/x-x509-ca-cert"));
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert!(parsed.is_ca());
    let (status, kind, body) = fetch(&office, "/ca/authority.mobileconfig").await;
    assert_eq!((status, kind.as_str()), (200, "application/x-apple-aspen-config"));
    assert!(String::from_utf8(body).unwrap().contains("<string>Fish &amp; Chips: web filter</string>"));
    for path in ["/ca/authority.key", "/ca/../ca/authority.key", "/ca/", "/ca/authority"] {
        assert_eq!(fetch(&office, path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_page_says_whose_it_is_and_loads_nothing_from_elsewhere() {
    let office = Office::open().await;
    let (status, kind, body) = fetch(&office, "/ca").await;
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    let page = String::from_utf8(body).unwrap();
    let (_, _, der) = fetch(&office, "/ca/authority.crt").await;
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&der);
    let fingerprint: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(page.contains(&fingerprint.join(":")), "{page}");
    assert!(page.contains("Fish &#38; Chips") && !page.contains("Fish & Chips"));
    for word in
        ["lang=\"cy\"", "Chromebook", "Certificate Trust Settings", "ImportEnterpriseRoots", "certutil"]
    {
        assert!(page.contains(word), "{word}");
    }
    for word in ["<script", "style=", "<style", "<img", "http://", "https://"] {
        assert!(!page.contains(word), "{word}: nothing that the guards forbid");
    }
    assert_eq!(page.matches("<section>").count(), page.matches("<section lang=\"cy\">").count());
    for link in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let (status, _, body) = fetch(&office, link).await;
        assert!(status == 200 && !body.is_empty(), "{link}");
    }
}
