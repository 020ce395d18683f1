//! What is too long, too deep, too many, out of range or out of its mind: 4xx that says what.

use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use serde_json::{Value, json};

use super::fixture::{Office, read, wish};

fn wish_with(field: &str, value: Value) -> Value {
    let mut wish = wish("games.example");
    wish[field] = value;
    wish
}

#[tokio::test]
async fn a_body_has_its_bounds() {
    let office = Office::open().await;
    let (long, id) = (|count: usize| json!("x".repeat(count)), office.pending().await);
    let revoke = format!("/unblocks/{id}/revoke");
    let deep = |depth: usize| {
        Value::from_iter((0..depth).fold(None, |inner: Option<Value>, _| Some(json!([inner]))))
    };
    let rows: [(&str, Value, u16, &str); 25] = [
        (&revoke, json!({ "comment": "x".repeat(1001) }), 422, "comment"),
        (&revoke, json!({ "comment": "a\u{0}b" }), 422, "comment"),
        (&revoke, json!({ "comment": 7 }), 422, ""),
        ("/lists/reload", json!({ "reason": "x".repeat(1001) }), 422, "reason"),
        ("/lists/reload", json!({ "reason": "a\r\nb" }), 422, "reason"),
        ("/lists/reload", json!({ "reason": deep(20) }), 400, ""),
        ("/unblocks", wish_with("groups", json!(vec!["ks2"; 501])), 422, "groups"),
        ("/unblocks", wish_with("users", json!(vec!["y5.042"; 501])), 422, "users"),
        ("/unblocks", wish_with("devices", json!(["x".repeat(65)])), 422, "devices"),
        ("/unblocks", wish_with("minutes", json!(-1)), 422, ""),
        ("/unblocks", wish_with("minutes", json!(1.5)), 422, ""),
        ("/unblocks", wish_with("minutes", json!(u32::MAX)), 422, "ends_at"),
        ("/unblocks", wish_with("minutes", json!(u64::from(u32::MAX) + 1)), 422, ""),
        ("/unblocks", wish_with("starts_at", json!("-009999-01-03T00:00:00Z")), 422, "starts_at"),
        ("/unblocks", wish_with("starts_at", json!("9999-12-30T21:00:00Z")), 422, "starts_at"),
        ("/unblocks", wish_with("starts_at", json!("10000-01-01T00:00:00Z")), 422, ""),
        ("/unblocks", wish_with("lesson", long(101)), 422, "lesson"),
        ("/unblocks", wish_with("reason", long(1001)), 422, "invalid_reason"),
        ("/unblocks", wish_with("target", long(17_000)), 422, "target"),
        ("/unblocks", wish_with("target", json!("http://\u{202e}elpmaxe\u{0}/")), 422, "target"),
        ("/explain", json!({ "url": "x".repeat(17_000) }), 422, "url"),
        ("/explain", json!({ "url": "http://a\u{0}.example/" }), 422, "url"),
        ("/explain", json!({ "url": "games.example", "user": "x".repeat(65) }), 422, ""),
        ("/explain", json!({ "url": "games.example", "client": "999.1.1.1" }), 422, ""),
        ("/explain", json!({ "url": "games.example", "group": "no such group" }), 422, ""),
    ];
    for (path, body, status, what) in rows {
        let (found, answer) = office.post("filtering_manager", path, body).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(
            what.is_empty() || answer["field"] == what || answer["code"] == what,
            "{path} {what}: {answer}"
        );
    }
    let (_, answer) = office.post("dsl", "/explain", json!({ "url": deep(17) })).await;
    assert_eq!(answer["code"], "too_deep");
    for (at, url) in [
        ("-009999-01-02T01:59:59Z", "games.example"),
        ("9999-12-30T22:00:00Z", "https://xn--bcher-kva.example/ü?q=%00%ff"),
        ("0000-01-01T00:00:00Z", "http://[::1]:65535/"),
        ("2026-11-24T09:00:00.999999999+14:00", "http://0x7f.1/"),
    ] {
        for group in ["pupils", "ks2", "staff"] {
            let question = json!({ "url": url, "group": group, "at": at, "client": "::ffff:10.1.2.3" });
            let (status, answer) = office.post("teacher", "/explain", question).await;
            assert_eq!(status, 200, "{at} {url}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_query_is_read_strictly() {
    let office = Office::open().await;
    let why = "reason=looking+into+a+report";
    let word = "x".repeat(101);
    let rows = [
        ("/me?surprise=1".to_owned(), 422, "surprise"),
        ("/audit/head?head=1".to_owned(), 422, "head"),
        ("/openapi.json?v=2".to_owned(), 422, "v"),
        ("/unblocks?limit=0".to_owned(), 422, "limit"),
        ("/unblocks?limit=501".to_owned(), 422, "limit"),
        ("/unblocks?limit=99999999999999999999".to_owned(), 422, "limit"),
        ("/unblocks?limit=1.5".to_owned(), 422, "limit"),
        ("/unblocks?cursor=x".to_owned(), 422, "cursor"),
        ("/unblocks?state=PENDING".to_owned(), 422, "state"),
        ("/unblocks?state=pending&state=active".to_owned(), 422, "state"),
        ("/unblocks?st%61te=pending&state=active".to_owned(), 422, "state"),
        ("/unblocks?Limit=1".to_owned(), 422, "Limit"),
        ("/unblocks?state=%00".to_owned(), 422, "state"),
        ("/changes?cursor=-1".to_owned(), 422, "cursor"),
        (format!("/events?{why}&from=yesterday"), 422, "from"),
        (format!("/events?{why}&limit=1001"), 422, "limit"),
        (format!("/events?{why}&cursor=18446744073709551616"), 422, "cursor"),
        (format!("/events?{why}&category={word}"), 422, "category"),
        (format!("/events?{why}&rung=a%0Ab"), 422, "rung"),
        (format!("/events?{why}&user={}", "x".repeat(5000)), 422, "user"),
        ("/events?reason=%F0%9F%98%80".to_owned(), 422, "reason"),
        (format!("/events?reason={}", "x".repeat(1001)), 422, "reason"),
        (format!("/events?{why}&from=-009999-01-03T00:00:00Z&to=9999-12-30T22:00:00Z"), 200, ""),
        (format!("/events?{why}&to=-009999-01-03T00:00:00Z"), 200, ""),
        (format!("/events?{why}&cursor=0"), 200, ""),
        (format!("/events?{why}&cursor=18446744073709551615"), 200, ""),
        (format!("/events?{why}&limit=&user=+"), 200, ""),
        (format!("/events?{why}&category=%22%5C%E2%80%AE&client=::1"), 200, ""),
        ("/reads?by=a+b".to_owned(), 422, "by"),
        ("/inspection/candidates?days=367".to_owned(), 422, "days"),
        ("/inspection/candidates?days=18446744073709551615".to_owned(), 422, "days"),
        ("/audit/verify?head=1:z".to_owned(), 422, "head"),
        ("/audit/verify?since=yesterday".to_owned(), 422, "since"),
        ("/audit/verify?since=2000-01-01T00:00:00Z".to_owned(), 200, ""),
        ("/audit/verify?since=9999-12-30T22:00:00Z".to_owned(), 200, ""),
        ("/unblocks?".to_owned(), 200, ""),
        ("/unblocks?&&".to_owned(), 200, ""),
    ];
    for (path, status, field) in rows {
        let (found, answer) = office.get("dsl", &path).await;
        assert_eq!(found, status, "{path}: {answer}");
        assert!(field.is_empty() || answer["field"] == field, "{path}: {answer}");
    }
    for q in ["", "%20", "http%3A%2F%2F%00", "a..b"] {
        let (status, answer) = office.get("technician", &format!("/lists/lookup?q={q}")).await;
        assert_eq!((status, &answer["field"]), (422, &json!("q")), "{q}");
    }
}

#[tokio::test]
async fn what_is_no_id_is_nothing_that_there_is() {
    let office = Office::open().await;
    let long = "0".repeat(5000);
    for id in
        ["x", "%ff", "%00", "%2e%2e", "7", "00000000-0000-7000-8000-00000000000g", "%F0%9F%98%80", &long]
    {
        for (method, path) in [
            ("GET", format!("/unblocks/{id}")),
            ("GET", format!("/unblocks/{id}/usage")),
            ("POST", format!("/unblocks/{id}/approve")),
            ("GET", format!("/changes/{id}")),
            ("POST", format!("/changes/{id}/refuse")),
            (
                "GET",
                format!("/events/{}/explain?reason=a+report+of+a+site", if id == "7" { "seven" } else { id }),
            ),
        ] {
            let (status, answer) = office.send("dsl", method, &path, "", b"").await;
            assert_eq!((status, &answer["code"]), (404, &json!("not_found")), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn odd_heads_are_refused_or_passed_over() {
    let office = Office::open().await;
    let rows: [(&str, &[u8], u16); 12] = [
        ("content-type", b"", 415),
        ("content-type", b"\xff", 415),
        ("content-type", b"application/json, text/plain", 415),
        ("content-type", b"APPLICATION/JSON ; charset=utf-16", 201),
        ("idempotency-key", b"", 422),
        ("idempotency-key", b"\xc3\xa9", 422),
        ("if-match", b"nonsense", 201),
        ("accept", b"image/png", 201),
        ("content-encoding", b"gzip", 201),
        ("x-forwarded-for", b"\xff\xff", 201),
        ("x-http-method-override", b"DELETE", 201),
        ("range", b"bytes=0-0", 201),
    ];
    for (name, value, status) in rows {
        let mut request =
            Request::post("/api/v1/unblocks").body(Body::from(wish("games.example").to_string())).unwrap();
        let headers = request.headers_mut();
        let token = format!("Bearer {}", office.token("dsl").unwrap());
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        let (found, answer) = read(office.answer(request).await).await;
        assert_eq!(found, status, "{name}: {answer}");
    }
    let wrong = Request::put("/api/v1/me")
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token("dsl").unwrap()));
    let answer = office.answer(wrong.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()[header::ALLOW]),
        (405, &HeaderValue::from_static("GET,HEAD"))
    );
}
