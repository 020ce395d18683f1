//! The API's description: whole, valid, and about every route.

use std::collections::BTreeSet;
use std::path::Path;

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;

use super::conform::{DOCUMENT, resolved};
use super::fixture::{Office, read, wish};

const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// Every operation: method, path, and what is said of it.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let of = |(path, item): (&'static String, &'static Value)| {
        METHODS.into_iter().filter_map(move |method| Some((method, path.as_str(), item.get(method)?)))
    };
    paths.iter().flat_map(of).collect()
}

#[tokio::test]
async fn the_description_is_for_whoever_is_signed_in() {
    let office = Office::open().await;
    assert_eq!(office.get("none", "/openapi.json").await.0, 401);
    let (status, document) = office.get("governor", "/openapi.json").await;
    assert_eq!((status, &document), (200, &*DOCUMENT));
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], "/api/v1");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_says_what_it_is_and_what_it_answers() {
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(ids.insert(id) && !id.is_empty(), "{method} {path}: {id} stands twice");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.ends_with('.')), "{method} {path}");
        assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{method} {path}");
        let placeholders: BTreeSet<&str> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let named: BTreeSet<&str> = parameters
            .clone()
            .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        assert_eq!(named, placeholders, "{method} {path}");
        assert!(
            parameters.into_iter().all(|parameter| parameter["description"].is_string()),
            "{method} {path}"
        );
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
        let has = |status: &str| responses.contains_key(status);
        assert!(has("500") && has("503") && has("422"), "{method} {path}");
        assert_eq!(operation.get("requestBody").is_some(), has("413") && has("415") && has("408"));
        assert!(path.contains('{') <= has("404"), "{method} {path}");
        for (status, answer) in responses {
            let answer = resolved(answer);
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path}");
            let good = match path {
                "/events/stream" => "text/event-stream",
                "/exports" | "/evidence" => "application/zip",
                _ => "application/json",
            };
            let kind = if status.starts_with('2') { good } else { "application/problem+json" };
            // The head is not read to its end, so no handler is asked.
            let bare = status == "431";
            assert_eq!(answer["content"][kind]["schema"].is_object(), !bare, "{method} {path} {status}");
        }
    }
    assert!(ids.len() >= 20, "{ids:?}");
}

#[test]
fn every_reference_leads_somewhere_and_every_part_is_used() {
    fn walk(value: &'static Value, found: &mut BTreeSet<&'static str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| walk(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    walk(&DOCUMENT, &mut found);
    for place in &found {
        assert!(DOCUMENT.pointer(place.trim_start_matches('#')).is_some(), "{place}");
    }
    // What is a part of generic pages alone stands there in full.
    for name in DOCUMENT["components"]["responses"].as_object().unwrap().keys() {
        let place = format!("#/components/responses/{name}");
        assert!(found.contains(place.as_str()), "{place} is not used");
    }
    let schemes = DOCUMENT["components"]["securitySchemes"].as_object().unwrap();
    for (method, path, operation) in operations() {
        for name in
            operation["security"].as_array().unwrap().iter().flat_map(|keys| keys.as_object().unwrap().keys())
        {
            assert!(schemes.contains_key(name), "{method} {path}: {name}");
        }
    }
}

#[tokio::test]
async fn every_operation_described_is_a_route() {
    let office = Office::open().await;
    for (method, path, operation) in operations() {
        let path = path
            .replace("{id}", "00000000-0000-7000-8000-000000000000")
            .replace("{seq}", "1")
            .replace("{version}", "1");
        let (status, answer) = office.send("headteacher", &method.to_uppercase(), &path, "", b"").await;
        assert!(
            status != 405 && answer["detail"] != "there is nothing at this path",
            "{method} {path}: {answer}"
        );
        // Signing in takes neither token nor session; all else does.
        let is_public = operation["security"] == serde_json::json!([{}]);
        let (status, _) = office.send("none", &method.to_uppercase(), &path, "", b"").await;
        assert_eq!(status == 401, !is_public, "{method} {path}: {status}");
    }
}

#[test]
fn every_route_of_the_api_is_described() {
    fn look(path: &Path, undescribed: &mut Vec<String>) {
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().for_each(|entry| look(&entry.unwrap().path(), undescribed));
            return;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let bare = [".route(", ".route_service(", ".nest_service("];
        undescribed.extend(
            text.lines().filter(|line| bare.iter().any(|word| line.contains(word))).map(str::to_owned),
        );
    }
    let mut undescribed = Vec::new();
    for path in ["src/web/api.rs", "src/web/api"] {
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), &mut undescribed);
    }
    assert!(undescribed.is_empty(), "say `.routes(routes!(…))`: {undescribed:#?}");
}

#[tokio::test]
async fn a_page_links_to_the_next_one() {
    let office = Office::open().await;
    for _ in 0..3 {
        office.pending().await;
    }
    office.post("asker", "/unblocks", wish("games.example")).await;
    let (mut path, mut found) = ("?limit=2&state=pending".to_owned(), 0);
    loop {
        let request = Request::get(format!("/api/v1/unblocks{path}"));
        let request =
            request.header(header::AUTHORIZATION, format!("Bearer {}", office.token("dsl").unwrap()));
        let answer = office.answer(request.body(Body::empty()).unwrap()).await;
        let link = answer.headers().get(header::LINK).map(|link| link.to_str().unwrap().to_owned());
        let (_, page) = read(answer).await;
        found += page["items"].as_array().unwrap().len();
        assert_eq!(link.is_some(), page["next"].is_string());
        let Some(link) = link else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.contains("state=pending") && path.contains("limit=2"), "{path}");
    }
    assert_eq!(found, 4);
}
