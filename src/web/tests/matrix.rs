//! Who may do what: every route, every role.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::{Office, read, wish};

/// In the order of the columns below.
const WHO: [&str; 6] = ["technician", "filtering_manager", "dsl", "headteacher", "governor", "teacher"];
const ANYONE: [u16; 6] = [200; 6];
const KEEPERS: [u16; 6] = [200, 200, 403, 403, 403, 403];
const DECIDERS: [u16; 6] = [403, 200, 200, 200, 403, 403];

fn tighter() -> Value {
    let change = json!({ "kind": "set", "key": "groups.staff.categories.games", "value": "block" });
    json!({ "change": change, "reason": "Asked for by the teachers of year 5" })
}

/// Method, path, body, and what each role is answered.
type Row = (&'static str, &'static str, Value, [u16; 6]);

fn rows() -> Vec<Row> {
    let none = || Value::Null;
    vec![
        ("GET", "/me", none(), ANYONE),
        ("POST", "/explain", json!({ "url": "games.example", "group": "ks2" }), ANYONE),
        ("POST", "/unblocks", wish("games.example"), [403, 201, 201, 201, 403, 201]),
        ("GET", "/unblocks", none(), ANYONE),
        ("GET", "/unblocks/{id}", none(), [200, 200, 200, 200, 404, 404]),
        ("GET", "/unblocks/{id}/usage?reason=a+weekly+review", none(), [403, 200, 200, 200, 404, 404]),
        (
            "GET",
            "/unblocks/dependencies?target=games.example&group=ks2",
            none(),
            [403, 200, 200, 200, 403, 403],
        ),
        ("GET", "/asks", none(), ANYONE),
        ("GET", "/suggestions", none(), [200, 200, 200, 200, 403, 403]),
        ("POST", "/unblocks/{id}/approve", json!({}), DECIDERS),
        ("POST", "/unblocks/{id}/refuse", json!({ "comment": "not today" }), DECIDERS),
        ("POST", "/unblocks/{id}/revoke", none(), DECIDERS),
        ("GET", "/changes", none(), [200, 200, 200, 200, 200, 403]),
        ("POST", "/changes?dry_run=true", tighter(), KEEPERS),
        ("GET", "/reviews?overdue=true", none(), [200, 200, 200, 200, 200, 403]),
        ("GET", "/policy", none(), ANYONE),
        ("GET", "/policy/history", none(), ANYONE),
        ("GET", "/policy/1", none(), ANYONE),
        ("GET", "/policy/diff?from=1&to=1", none(), ANYONE),
        ("GET", "/lists", none(), KEEPERS),
        ("GET", "/lists/lookup?q=games.example", none(), KEEPERS),
        ("POST", "/lists/reload", none(), KEEPERS),
        ("GET", "/events?limit=3&reason=a+weekly+review", none(), [200, 403, 200, 200, 403, 403]),
        ("GET", "/events/1/explain?reason=a+weekly+review", none(), [404, 403, 404, 404, 403, 403]),
        ("POST", "/exports", json!({ "reason": "a weekly review" }), [200, 403, 200, 200, 403, 403]),
        (
            "POST",
            "/evidence",
            json!({ "event": 1, "reason": "a weekly review" }),
            [403, 403, 404, 404, 403, 403],
        ),
        ("GET", "/events/1/around?reason=a+weekly+review", none(), [200, 403, 200, 200, 403, 403]),
        ("GET", "/reads", none(), [403, 403, 200, 200, 200, 403]),
        ("GET", "/openapi.json", none(), ANYONE),
        ("GET", "/inspection/candidates?days=3", none(), [200, 200, 200, 200, 403, 403]),
        ("GET", "/audit/head", none(), ANYONE),
        ("GET", "/audit/verify", none(), ANYONE),
        ("GET", "/nothing", none(), [404; 6]),
        ("GET", "/staff", none(), [200, 403, 403, 200, 403, 403]),
        ("DELETE", "/me", none(), [405; 6]),
        ("PUT", "/unblocks/{id}/approve", none(), [405; 6]),
        ("GET", "/lists/reload", none(), [405; 6]),
    ]
}

#[tokio::test]
async fn every_route_knows_every_role() {
    let office = Office::open().await;
    for (method, path, body, expected) in rows() {
        let outside = [("none", 401), ("wrong", 401)];
        for (who, expected) in outside.into_iter().chain(WHO.into_iter().zip(expected)) {
            let path = path.replace("{id}", &office.pending().await);
            let before = office.recorder.head().sequence;
            let (kind, bytes) = match body.is_null() {
                true => ("", String::new()),
                false => ("application/json", body.to_string()),
            };
            let (status, answer) = office.send(who, method, &path, kind, bytes.as_bytes()).await;
            assert_eq!(status, expected, "{who}: {method} {path}: {answer}");
            if status >= 400 {
                assert!(answer["code"].is_string() && answer["status"] == status, "{answer}");
            }
            let recorded = office.recorder.head().sequence - before;
            match status {
                401 => assert_eq!(recorded, 0, "{method} {path}"),
                403 => assert_eq!(recorded, 1, "{who}: {method} {path}: a refusal is recorded"),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn only_a_bearer_token_of_ours_is_taken() {
    let office = Office::open().await;
    let token = office.token("dsl").unwrap();
    let fields = [
        format!("Basic {token}"),
        token.clone(),
        format!("Bearer  {token}"),
        format!("Bearer {}", &token[3..]),
        format!("Bearer {token}0"),
        "Bearer sg_".to_owned(),
        format!("Bearer sg_{}", "0".repeat(10_000)),
        String::new(),
    ];
    for field in fields {
        let request = Request::get("/api/v1/me").header(header::AUTHORIZATION, &field);
        let answer = office.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer realm=\"schoolgate\"");
        let (status, answer) = read(answer).await;
        assert_eq!((status, &answer["code"]), (401, &json!("unauthenticated")), "{field}");
    }
    let twice = Request::get("/api/v1/me")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    assert_eq!(office.answer(twice.body(Body::empty()).unwrap()).await.status(), 401);
    let query = Request::get(format!("/api/v1/me?access_token={token}"));
    assert_eq!(office.answer(query.body(Body::empty()).unwrap()).await.status(), 401);

    office.control.disable_staff(&"dsl".parse().unwrap()).await.unwrap();
    assert_eq!(office.get("dsl", "/me").await.0, 401, "a disabled account's token is dead at once");
}

#[tokio::test]
async fn every_answer_carries_its_guards() {
    let office = Office::open().await;
    for (path, status, kind) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/api/v1/me", 401, "application/problem+json"),
        ("/api/v1", 401, "application/problem+json"),
        ("/api/v1/", 404, "application/problem+json"),
        ("/api/v1/nothing", 401, "application/problem+json"),
        ("/api/v1/../../local/staff", 401, "application/problem+json"),
        ("/local/staff", 404, "application/problem+json"),
        ("/metrics", 404, "application/problem+json"),
    ] {
        let answer = office.answer(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind, "{path}");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    let answer = office.answer(Request::delete("/").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), 405);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
}
