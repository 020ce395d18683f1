//! The log to take away: by whom, with which names, recorded, and to be checked by anybody.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::process::Command;

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::{self, Office};
use crate::audit::Seen;
use crate::web::admin;

/// What came: the fields of its head, and the files of the archive.
struct Taken {
    digest: String,
    audit_seq: u64,
    bytes: Vec<u8>,
    files: BTreeMap<String, String>,
}

async fn take(office: &Office, who: &str, path: &str, body: Value) -> Taken {
    let request = Request::builder().method("POST").uri(format!("/api/v1{path}"));
    let request = request
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token(who).unwrap()))
        .header(header::CONTENT_TYPE, "application/json");
    let answer = office.answer(request.body(Body::from(body.to_string())).unwrap()).await;
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, 1 << 28).await.unwrap().to_vec();
    assert_eq!(parts.status, 200, "{}", String::from_utf8_lossy(&bytes));
    let field = |name: &str| parts.headers[name].to_str().unwrap().to_owned();
    assert_eq!(field("content-type"), "application/zip");
    assert_eq!(field("content-length"), bytes.len().to_string());
    let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..zip.len() {
        let mut file = zip.by_index(at).unwrap();
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        files.insert(file.name().unwrap().into_owned(), String::from_utf8_lossy(&text).into_owned());
    }
    let audit_seq = field("audit-seq").parse().unwrap();
    Taken { digest: field("manifest-sha256"), audit_seq, bytes, files }
}

impl Taken {
    fn manifest(&self) -> Value {
        serde_json::from_str(&self.files["manifest.json"]).unwrap()
    }

    /// What the script that came along says of what it came with.
    fn verified(&self) -> String {
        let dir = tempfile::tempdir().unwrap();
        let (archive, script) = (dir.path().join("archive.zip"), dir.path().join("verify_export.py"));
        std::fs::write(&archive, &self.bytes).unwrap();
        std::fs::write(&script, &self.files["verify_export.py"]).unwrap();
        let ran =
            Command::new("python3").arg(&script).arg(&archive).args(["--manifest", &self.digest]).output();
        let ran = ran.unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        assert!(ran.status.success(), "{said}");
        said
    }
}

#[tokio::test]
async fn what_is_taken_away_is_recorded_and_can_be_checked() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "games.example").await;
    office.visit("10.1.2.3", "y5.042", "other.example").await;
    let wish = json!({ "query": { "user": "y5.042" }, "reason": "asked for by the board" });
    let taken = take(&office, "dsl", "/exports", wish).await;
    assert!(taken.verified().contains("Of 2 lines of the trail, 2 are proven"));
    for (name, text) in &taken.files {
        assert!(!text.contains("y5.043"), "{name}");
    }
    assert!(
        taken.files["events.csv"].contains("y5.042") && taken.files["events.csv"].contains("other.example")
    );
    let manifest = taken.manifest();
    assert_eq!((&manifest["events"], &manifest["asked_by"]), (&json!(2), &json!("dsl")));
    assert_eq!((&manifest["names"], &manifest["query"]["user"]), (&json!("own"), &json!("y5.042")));
    assert_eq!(manifest["reason"], "asked for by the board");

    let trail = office.trail().await;
    let by = |sequence: u64| trail.iter().find(|event| event["event"]["sequence"] == sequence).unwrap();
    let asked = by(manifest["audit_seq"].as_u64().unwrap());
    assert_eq!(
        (&asked["event"]["action"], &asked["event"]["dataset"]),
        (&json!("events.export"), &json!("schoolgate.read"))
    );
    assert_eq!(asked["event"]["reason"], "asked for by the board");
    assert_eq!(asked["schoolgate"]["details"]["formats"], json!(["jsonl", "csv", "xlsx"]));
    let told = by(taken.audit_seq);
    assert_eq!(told["event"]["action"], "events.exported");
    assert_eq!(told["schoolgate"]["details"]["manifest"], json!(taken.digest));
    assert_eq!(told["schoolgate"]["details"]["export"], manifest["audit_seq"]);
    let left: Vec<_> = std::fs::read_dir(office.folder.path().join("exports")).unwrap().collect();
    assert!(left.is_empty(), "nothing stays behind: {left:?}");
}

#[tokio::test]
async fn searches_and_page_views_are_taken_away_as_they_are_looked_at() {
    let office = Office::open().await;
    for (host, words) in [("search.example", "how to hide"), ("search.example", "maths"), ("a.example", "")] {
        let search = (!words.is_empty()).then(|| words.to_owned());
        office.see("10.1.2.3", "y5.042", host, Seen { search, ..Seen::default() }).await;
    }
    let why = "asked for by the board";
    let wish = json!({ "query": { "search": "HIDE" }, "reason": why, "formats": ["jsonl", "csv"] });
    let taken = take(&office, "dsl", "/exports", wish).await;
    assert_eq!(taken.files["events.jsonl"].lines().count(), 1);
    assert!(taken.verified().contains("Of 1 line"), "{}", taken.verified());
    for (who, why) in [("dsl", Some(why)), ("technician", None)] {
        let wish = json!({ "query": { "view": "pages" }, "reason": why, "formats": ["csv"] });
        let taken = take(&office, who, "/exports", wish).await;
        assert!(taken.files["events.csv"].contains("Records of it"), "{who}");
        let manifest = taken.manifest();
        assert!(manifest["pages"].as_u64().is_some_and(|pages| pages > 0), "{who}: {manifest}");
    }
    for query in [json!({ "view": "pages" }), json!({ "view": "heaps" })] {
        let wish = json!({ "query": query, "reason": why, "formats": ["jsonl"] });
        let (status, answer) = office.post("dsl", "/exports", wish).await;
        assert_eq!(status, 422, "{answer}");
    }
}

/// A bug: why somebody is suspended, and what was written of a change, was told to technicians.
#[tokio::test]
async fn what_staff_wrote_is_told_with_names_alone() {
    let office = Office::open().await;
    let wish =
        json!({ "users": ["y5.042"], "to": "nothing", "minutes": 60, "reason": "a fight: written one" });
    assert_eq!(office.post("headteacher", "/suspensions", wish).await.0, 201);
    let proposal = json!({
        "change": { "kind": "set", "key": "groups.pupils.categories.games", "value": "alert" },
        "reason": "for a pupil: written two", "review_on": "2027-07-01", "owner": "headteacher",
        "risk": { "benefit": "a pupil plays: written three", "risk": "a pupil plays on: written four",
            "mitigation": "a pupil is supervised: written five" },
    });
    let (status, proposed) = office.post("filtering_manager", "/changes", proposal).await;
    assert_eq!(status, 201, "{proposed}");
    office.write("lists/school/allow.txt", "chess.example # for a pupil: written six\n");
    assert_eq!(office.post("technician", "/lists/reload", json!({})).await.0, 200);

    let named = office.get("dsl", "/events?reason=a+weekly+review").await.1.to_string();
    for word in ["one", "two", "three", "four", "five", "six"] {
        assert!(named.contains(&format!("written {word}")), "{word} in {named}");
    }
    let pseudonyms = office.control.pseudonyms().await.unwrap();
    let lines = office.trail().await.into_iter().filter_map(|event| pseudonyms.line(&event.to_string()));
    let told = [
        office.get("technician", "/events").await.1.to_string(),
        take(&office, "technician", "/exports", json!({})).await.files["events.csv"].clone(),
        lines.collect::<String>(),
    ];
    for text in told {
        assert!(text.contains("suspension.imposed") && text.contains("change.proposed"), "{text}");
        assert!(!text.contains("written "), "{text}");
    }
}

#[tokio::test]
async fn a_technician_takes_pseudonyms_away_and_no_line() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    office.visit("10.1.2.4", "y5.043", "listed.example").await;
    let taken = take(&office, "technician", "/exports", json!({})).await;
    let names: Vec<&str> = taken.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["SHA256SUMS", "VERIFY.txt", "events.csv", "manifest.json", "verify_export.py"]);
    let hashes: Vec<Value> =
        office.trail().await.iter().map(|event| event["schoolgate"]["hash"].clone()).collect();
    for (name, text) in &taken.files {
        for word in ["y5.04", "10.1.2.", "CB-2-017", "listed.example"] {
            assert!(!text.contains(word), "{word} in {name}");
        }
        let found = hashes.iter().filter_map(Value::as_str).find(|hash| text.contains(hash));
        assert!(found.is_none(), "{found:?} in {name}");
    }
    assert!(taken.files["events.csv"].contains("user-"));
    assert_eq!((&taken.manifest()["names"], &taken.manifest()["head"]), (&json!("pseudonyms"), &Value::Null));
    taken.verified();
    let full = take(&office, "dsl", "/exports", json!({ "reason": "a weekly review" })).await;
    assert!(full.files.values().all(|text| !text.contains("listed.example")), "masked for everybody");
}

#[tokio::test]
async fn the_evidence_of_a_matter_is_of_one_person_and_time() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "early.example").await;
    office.clock.advance(std::time::Duration::from_secs(3600));
    office.visit("10.1.2.3", "y5.042", "before.example").await;
    office.visit("10.1.2.4", "y5.043", "games.example").await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let sequence = office.recorder.head().sequence;
    let taken = take(
        &office,
        "headteacher",
        "/evidence",
        json!({ "event": sequence, "reason": "a disclosure in class" }),
    )
    .await;
    assert!(taken.verified().contains("Of 2 lines of the trail, 2 are proven"));
    assert_eq!(taken.manifest()["event"], sequence);
    let page = &taken.files["matter.html"];
    assert!(page.contains(&format!("<tr class=\"own\"><td>{sequence}</td>")), "{page}");
    assert!(
        page.contains("before.example")
            && page.contains("games.example")
            && page.contains("a disclosure in class")
    );
    assert!(taken.files.values().all(|text| !text.contains("early.example") && !text.contains("y5.043")));
    let decisions = &taken.files["explanations.jsonl"];
    assert!(decisions.contains("\"rung\":\"category\"") && decisions.lines().count() == 2, "{decisions}");
    let wish = json!({ "user": "y5.042", "from": "2026-11-24T00:00:00Z", "to": "2026-11-25T00:00:00Z", "reason": "a disclosure in class" });
    let taken = take(&office, "dsl", "/evidence", wish).await;
    assert_eq!(taken.manifest()["events"], 3);
    assert_eq!(taken.manifest()["kind"], "evidence");
}

/// A reader who takes their time keeps the room on the disk: they have no second one meanwhile.
#[tokio::test]
async fn nobody_has_two_archives_on_their_way() {
    let office = Office::open().await;
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let ask = async |who: &str| {
        let request = Request::builder().method("POST").uri("/api/v1/exports");
        let request = request
            .header(header::AUTHORIZATION, format!("Bearer {}", office.token(who).unwrap()))
            .header(header::CONTENT_TYPE, "application/json");
        let wish = json!({ "reason": "a weekly review" }).to_string();
        fixture::ask(admin(&office.shared), request.body(Body::from(wish)).unwrap()).await
    };
    let unread = ask("dsl").await;
    assert_eq!(unread.status(), 200);
    assert_eq!(ask("dsl").await.status(), 429);
    assert_eq!(ask("headteacher").await.status(), 200, "others do");
    drop(unread);
    assert_eq!(ask("dsl").await.status(), 200);
}

#[tokio::test]
async fn a_wish_is_read_strictly() {
    let office = Office::open().await;
    let why = "a weekly review";
    for (who, path, body, status, field) in [
        ("dsl", "/exports", json!({}), 422, "reason"),
        ("dsl", "/exports", json!({ "reason": "short" }), 422, "reason"),
        ("dsl", "/exports", json!({ "reason": why, "formats": ["pdf"] }), 422, "formats"),
        ("dsl", "/exports", json!({ "reason": why, "formats": [] }), 422, "formats"),
        ("dsl", "/exports", json!({ "reason": why, "query": { "host": "a..b" } }), 422, "host"),
        ("dsl", "/exports", json!({ "reason": why, "query": { "limit": "1" } }), 422, "limit"),
        ("technician", "/exports", json!({ "formats": ["jsonl"] }), 422, "formats"),
        ("technician", "/exports", json!({ "query": { "user": "u".repeat(65) } }), 422, "user"),
        ("technician", "/exports", json!({ "query": { "device": "d".repeat(65) } }), 422, "device"),
        ("technician", "/exports", json!({ "query": { "client": "c".repeat(65) } }), 422, "client"),
        ("dsl", "/evidence", json!({ "reason": why }), 422, "event"),
        ("dsl", "/evidence", json!({ "event": 1 }), 422, "reason"),
        ("dsl", "/evidence", json!({ "event": 1, "user": "y5.042", "reason": why }), 422, "event"),
        ("dsl", "/evidence", json!({ "user": "y5.042", "reason": why }), 422, "event"),
        ("dsl", "/evidence", json!({ "event": 1, "minutes": 0, "reason": why }), 422, "minutes"),
        ("dsl", "/evidence", json!({ "event": 1, "reason": "short" }), 422, "reason"),
        ("technician", "/evidence", json!({ "event": 1, "reason": why }), 403, ""),
        ("governor", "/exports", json!({ "reason": why }), 403, ""),
    ] {
        let (found, answer) = office.post(who, path, body.clone()).await;
        assert_eq!(found, status, "{who} {path} {body}: {answer}");
        assert_eq!(answer["field"].as_str().unwrap_or_default(), field, "{who} {path} {body}: {answer}");
    }
}
