//! The policy of record through the API: proposed, weighed, approved, compared, rolled back.

use axum::body::Body;
use axum::http::{Request, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::fixture::{Office, read};
use crate::audit::Actor;
use crate::control::ControlError;
use crate::control::changes::{ChangeDecision, Verdict};
use crate::model::Role;
use crate::web::problem::Problem;

const WHY: &str = "Asked for by the teachers of year 5";
const STAFF: &str = "10.1.9.7";
const PUPIL: &str = "10.1.2.3";

fn set(key: &str, value: &str) -> Value {
    json!({ "change": { "kind": "set", "key": key, "value": value }, "reason": WHY })
}

fn text(text: &str) -> Value {
    json!({ "change": { "kind": "policy", "text": text }, "reason": WHY })
}

fn rollback(version: u64) -> Value {
    json!({ "change": { "kind": "rollback", "version": version }, "reason": WHY })
}

fn with_risk(mut proposal: Value) -> Value {
    proposal["risk"] = json!({
        "benefit": "Chess puzzles for the maths club",
        "risk": "Other games on the same sites",
        "mitigation": "Only on the library's devices, supervised",
    });
    proposal
}

async fn propose(office: &Office, proposal: Value) -> Value {
    let (status, done) = office.post("filtering_manager", "/changes", proposal).await;
    assert_eq!(status, 201, "{done}");
    done
}

async fn approve(office: &Office, change: &Value) -> (u16, Value) {
    let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
    office.post("dsl", &path, json!({ "comment": "Looked at it with the club" })).await
}

async fn version(office: &Office) -> u64 {
    office.get("teacher", "/policy").await.1["version"].as_u64().unwrap()
}

async fn seen(office: &Office, client: &str) -> String {
    let verdict = office.visit(client, "y5.042", "games.example").await;
    verdict.split(' ').next().unwrap().to_owned()
}

/// A technician edits the file and has it read, nobody saying who they are.
async fn reread(office: &Office, file: &str) -> Result<usize, String> {
    office.write("policy.toml", file);
    let done = office.control.reload(Actor::System, None, &|_, _, _| ()).await;
    done.map(|done| done.value.held.len()).map_err(|fault| fault.to_string())
}

fn file(office: &Office) -> String {
    std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap()
}

#[tokio::test]
async fn what_tightens_is_in_force_at_once_and_what_opens_waits() {
    let office = Office::open().await;
    let done = propose(&office, set("groups.staff.categories.games", "block")).await;
    let change = &done["changes"][0];
    assert_eq!((&change["state"], &change["effect"]), (&json!("at_once"), &json!("tightens")));
    assert_eq!((&change["needs"], &change["why_it_loosens"]), (&json!([]), &Value::Null));
    assert_eq!(seen(&office, STAFF).await, "block");
    assert_eq!(version(&office).await, done["version"].as_u64().unwrap());

    let opens = set("groups.pupils.categories.games", "allow");
    let done = propose(&office, with_risk(opens)).await;
    let change = &done["changes"][0];
    assert_eq!((&change["state"], &change["effect"]), (&json!("pending"), &json!("loosens")));
    assert_eq!(change["sentence"], "Group pupils: the category games goes from blocked to allowed.");
    assert_eq!(change["why_it_loosens"], "what was refused may pass");
    assert_eq!(change["needs"], json!(["filtering_manager", "dsl", "headteacher"]));
    assert_eq!((&change["owner"], &change["review_on"]), (&json!("filtering_manager"), &json!("2027-11-25")));
    assert_eq!(seen(&office, PUPIL).await, "block", "nobody has approved it");

    let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
    let own = office.post("filtering_manager", &path, json!({ "comment": "It is fine" })).await;
    assert_eq!((own.0, &own.1["code"]), (403, &json!("four_eyes")));
    let (status, done) = approve(&office, change).await;
    assert_eq!((status, &done["state"], &done["needs"]), (200, &json!("approved"), &json!([])), "{done}");
    assert_eq!(seen(&office, PUPIL).await, "allow");
}

#[tokio::test]
async fn a_risk_assessment_may_come_with_the_approval() {
    let office = Office::open().await;
    let opened = file(&office).replace("games = \"block\"", "games = \"allow\"");
    assert_eq!(reread(&office, &opened).await, Ok(1));
    let (_, listed) = office.get("governor", "/changes?state=pending").await;
    let change = &listed["items"][0];
    assert_eq!((&change["kind"], &change["needs_risk"]), (&json!("policy"), &json!(true)));
    let (status, told) = approve(&office, change).await;
    assert_eq!((status, &told["field"]), (422, &json!("risk")));
    let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
    let mut said = with_risk(json!({}));
    said["comment"] = json!("Looked at it with the club");
    let (status, done) = office.post("dsl", &path, said).await;
    assert_eq!((status, &done["needs_risk"]), (200, &json!(false)), "{done}");
    assert_eq!(done["risk"]["risk"], "Other games on the same sites");
    assert_eq!(seen(&office, PUPIL).await, "allow");
}

/// A proposal without one waits, as an edit of the file does; what of it tightens is in force at once.
#[tokio::test]
async fn a_proposal_may_leave_the_risk_assessment_to_the_approval() {
    let office = Office::open().await;
    let edited = file(&office).replace("games = \"block\"", "games = \"allow\"").replace(
        "subnets = [\"10.1.9.0/24\"]",
        "categories = { games = \"block\" }\nsubnets = [\"10.1.9.0/24\"]",
    );
    let (status, done) = office.post("filtering_manager", "/changes", text(&edited)).await;
    assert_eq!(status, 201, "{done}");
    let changes = done["changes"].as_array().unwrap();
    let pending = changes.iter().find(|change| change["state"] == "pending").unwrap();
    assert_eq!((&pending["needs_risk"], &pending["risk"]), (&json!(true), &Value::Null));
    assert_eq!((seen(&office, STAFF).await, seen(&office, PUPIL).await), ("block".into(), "block".into()));
    assert_eq!(approve(&office, pending).await.1["field"], "risk", "and it is not approved without");
    let path = format!("/changes/{}/approve", pending["id"].as_str().unwrap());
    let mut said = with_risk(json!({}));
    said["comment"] = json!("Looked at it with the club");
    assert_eq!(office.post("dsl", &path, said).await.0, 200);
    assert_eq!(seen(&office, PUPIL).await, "allow");
}

/// Who answers for a change must be somebody.
#[tokio::test]
async fn nobody_answers_for_no_change() {
    let office = Office::open().await;
    let mut proposal = set("groups.staff.categories.games", "block");
    proposal["owner"] = json!("n.body");
    let (status, told) = office.post("filtering_manager", "/changes", proposal.clone()).await;
    assert_eq!((status, &told["field"]), (422, &json!("owner")), "{told}");
    proposal["owner"] = json!("dsl");
    assert_eq!(office.post("filtering_manager", "/changes", proposal).await.0, 201);
}

#[tokio::test]
async fn of_two_who_looked_at_the_same_version_one_is_told() {
    let office = Office::open().await;
    let send = async |who: &str, tag: &str, proposal: Value| {
        let request = Request::post("/api/v1/changes")
            .header(header::AUTHORIZATION, format!("Bearer {}", office.token(who).unwrap()))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::IF_MATCH, tag);
        read(office.answer(request.body(Body::from(proposal.to_string())).unwrap()).await).await
    };
    let request = Request::get("/api/v1/policy")
        .header(header::AUTHORIZATION, format!("Bearer {}", office.token("teacher").unwrap()));
    let answer = office.answer(request.body(Body::empty()).unwrap()).await;
    let tag = answer.headers()[header::ETAG].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", version(&office).await));

    let block = set("groups.staff.categories.games", "block");
    assert_eq!(send("filtering_manager", &tag, block).await.0, 201);
    let other = set("groups.staff.categories.adult", "block");
    let (status, told) = send("filtering_manager", &tag, other.clone()).await;
    assert_eq!((status, &told["code"]), (412, &json!("precondition_failed")), "{told}");
    let now = format!("\"{}\"", version(&office).await);
    assert_eq!(send("filtering_manager", &now, other).await.0, 201, "after a look at what is now");
}

#[tokio::test]
async fn a_stale_approval_is_a_conflict() {
    let problem = Problem::from(ControlError::Stale("groups.pupils.default".to_owned()));
    let (status, told) = read(problem.into_response()).await;
    assert_eq!((status, &told["code"]), (409, &json!("stale")));
    assert!(told["detail"].as_str().unwrap().starts_with("groups.pupils.default is not what it was"));
}

#[tokio::test]
async fn a_file_that_knows_less_than_the_policy_changes_nothing() {
    let office = Office::open().await;
    propose(&office, set("groups.staff.categories.games", "block")).await;
    let before = office.get("teacher", "/policy").await.1;
    assert_eq!(before["file_differs"], true);
    let staff = "[groups.staff]\n";
    let edited = file(&office).replace(staff, &format!("{staff}categories = {{ games = \"alert\" }}\n"));
    let told = reread(&office, &edited).await.unwrap_err();
    assert!(told.contains("groups.staff.categories.games was changed since this file was written"), "{told}");
    assert!(told.contains("schoolgate policy export"), "{told}");
    assert_eq!(office.get("teacher", "/policy").await.1["text"], before["text"]);
    assert_eq!(seen(&office, STAFF).await, "block");
}

#[tokio::test]
async fn a_dry_run_changes_and_records_nothing() {
    let office = Office::open().await;
    let (head, was) = (office.recorder.head().sequence, version(&office).await);
    let edited = file(&office).replace("games = \"block\"", "games = \"allow\"").replace(
        "subnets = [\"10.1.9.0/24\"]",
        "categories = { games = \"block\" }\nsubnets = [\"10.1.9.0/24\"]",
    );
    for who in ["technician", "filtering_manager"] {
        let (status, told) = office.post(who, "/changes?dry_run=true", text(&edited)).await;
        assert_eq!(status, 200, "{told}");
        let changes = told["changes"].as_array().unwrap();
        let of = |state: &str| changes.iter().find(|change| change["state"] == state).unwrap();
        assert_eq!(of("at_once")["edits"][0]["key"], "groups.staff.categories.games");
        assert_eq!(of("pending")["edits"][0]["key"], "groups.pupils.categories.games");
        assert_eq!(of("pending")["needs_risk"], true, "it says so, and does not refuse");
        assert!(told.get("audit_seq").is_none());
    }
    assert_eq!((office.recorder.head().sequence, version(&office).await), (head, was));
    assert_eq!(office.get("dsl", "/changes").await.1["items"], json!([]));
    assert_eq!(office.post("dsl", "/changes?dry_run=true", text(&edited)).await.0, 403);
    assert_eq!(office.post("technician", "/changes", text(&edited)).await.0, 403);
    let (status, _) = office.post("technician", "/changes?dry_run=yes", text(&edited)).await;
    assert_eq!(status, 422);
    let listed = json!({ "kind": "entry", "list": "school/allow", "op": "add", "entry": "listed.example" });
    let before = office.recorder.head().sequence;
    let proposal = json!({ "change": listed, "reason": WHY });
    let (status, told) = office.post("technician", "/changes?dry_run=true", proposal).await;
    assert_eq!((status, &told["code"]), (403, &json!("statutory")));
    assert_eq!(office.recorder.head().sequence, before + 1, "trying out a statutory list leaves a trace");
}

#[tokio::test]
async fn the_faults_of_a_proposed_text_are_told_where_they_stand() {
    let office = Office::open().await;
    let edited = format!("# a remark\n\n{}", file(&office).replace("games = \"block\"", "games = \"shut\""));
    let line = edited.lines().position(|line| line.contains("shut")).unwrap() + 1;
    let (status, told) = office.post("filtering_manager", "/changes", text(&edited)).await;
    assert_eq!((status, &told["code"]), (422, &json!("faulty")), "{told}");
    let fault = &told["faults"][0];
    assert_eq!((&fault["file"], &fault["line"]), (&json!("policy"), &json!(line)), "{told}");
    assert_eq!(fault["column"], 9);
    assert_eq!(told["faults"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_version_is_kept_compared_and_can_come_back() {
    let office = Office::open().await;
    let first = version(&office).await;
    let second =
        propose(&office, set("groups.staff.categories.games", "block")).await["version"].as_u64().unwrap();
    let entry = json!({ "kind": "entry", "list": "school/block", "op": "add", "entry": "puzzles.example" });
    let third =
        propose(&office, json!({ "change": entry, "reason": WHY })).await["version"].as_u64().unwrap();

    let (_, history) = office.get("governor", "/policy/history?limit=2").await;
    let numbers: Vec<u64> =
        history["items"].as_array().unwrap().iter().map(|item| item["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [third, second]);
    assert_eq!(history["items"][1]["actor"], "filtering_manager");
    assert_eq!(history["items"][1]["reason"], WHY);
    let next = history["next"].as_str().unwrap();
    let (_, rest) = office.get("governor", &format!("/policy/history?cursor={next}")).await;
    assert_eq!((&rest["items"][0]["version"], &rest["next"]), (&json!(first), &Value::Null));

    let (_, old) = office.get("teacher", &format!("/policy/{first}")).await;
    assert_eq!((&old["text"], &old["file_differs"]), (&json!(file(&office)), &json!(false)));
    let (_, diff) = office.get("teacher", &format!("/policy/diff?from={first}&to={third}")).await;
    assert_eq!(diff["effect"], "tightens", "{diff}");
    let edit = &diff["edits"][0];
    assert_eq!((&edit["before"], &edit["after"]), (&Value::Null, &json!("block")));
    assert_eq!(edit["effect"], "tightens");
    let came = json!([{
        "list": "school/block", "op": "add", "entry": "puzzles.example", "effect": "tightens",
    }]);
    assert_eq!(diff["entries"], came);
    let (_, back) = office.get("teacher", &format!("/policy/diff?from={third}&to={first}")).await;
    assert_eq!((&back["effect"], &back["entries"][0]["op"]), (&json!("loosens"), &json!("remove")));
    for (path, status) in [
        ("/policy/99999".to_owned(), 404),
        ("/policy/x".to_owned(), 404),
        (format!("/policy/diff?from={first}&to=99999"), 404),
        (format!("/policy/diff?from={first}"), 422),
        ("/policy/history?cursor=x".to_owned(), 422),
    ] {
        assert_eq!(office.get("teacher", &path).await.0, status, "{path}");
    }

    let unknown = office.post("filtering_manager", "/changes", rollback(99_999)).await;
    assert_eq!(unknown.0, 404, "{unknown:?}");
    let done = propose(&office, with_risk(rollback(first))).await;
    assert_eq!(done["changes"][0]["state"], "pending", "what it opens waits");
    assert_eq!(seen(&office, STAFF).await, "block");
    assert_eq!(approve(&office, &done["changes"][0]).await.0, 200);
    assert_eq!(seen(&office, STAFF).await, "allow");
    let done = propose(&office, rollback(second)).await;
    assert_eq!(done["changes"][0]["state"], "at_once", "rolling forward closes again");
    assert_eq!(seen(&office, STAFF).await, "block");
    let (status, told) = office.post("filtering_manager", "/changes", rollback(second)).await;
    assert_eq!((status, &told["field"]), (422, &json!("change")), "it is so already: {told}");
}

#[tokio::test]
async fn what_makes_sense_only_together_is_one_change() {
    let office = Office::open().await;
    office.write("lists/categories/chess.txt", "# list: Chess\n# Date: 2026-11-22\nchess.example\n");
    office.control.reload(Actor::Local, None, &|_, _, _| ()).await.unwrap();
    let seen = async || office.visit(STAFF, "j.evans", "chess.example").await;
    // What is approved sites only is judged before the protocol is: it may be more open somewhere.
    let done = propose(&office, with_risk(set("groups.staff.default", "block"))).await;
    assert_eq!(approve(&office, &done["changes"][0]).await.0, 200, "{done}");
    assert!(seen().await.starts_with("block"));
    let now = office.get("teacher", "/policy").await.1["text"].as_str().unwrap().to_owned();
    let edited = now.replace("[groups.staff]\n", "[groups.staff]\ncategories = { chess = \"allow\" }\n")
        + "\n[categories.chess]\nname = \"Chess\"\nunblockable = true\nsources = [\"seed/chess\"]\n";
    let done = propose(&office, with_risk(text(&edited))).await;
    let pending: Vec<&Value> =
        done["changes"].as_array().unwrap().iter().filter(|change| change["state"] == "pending").collect();
    let [change] = pending[..] else { panic!("{done}") };
    let keys: Vec<&str> =
        change["edits"].as_array().unwrap().iter().map(|edit| edit["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"groups.staff.categories.chess"), "{keys:?}");
    assert_eq!(approve(&office, change).await.0, 200);
    assert!(seen().await.starts_with("allow"));
}

#[tokio::test]
async fn an_edit_of_the_file_is_refused_for_good_or_taken_back() {
    let office = Office::open().await;
    let (before, opened) = (file(&office), file(&office).replace("games = \"block\"", "games = \"allow\""));
    assert_eq!(reread(&office, &opened).await, Ok(1));
    assert_eq!(reread(&office, &before).await, Ok(0));
    let (_, listed) = office.get("dsl", "/changes?kind=policy").await;
    assert_eq!(listed["items"][0]["state"], "withdrawn");
    assert_eq!(approve(&office, &listed["items"][0]).await.1["code"], "over");

    assert_eq!(reread(&office, &opened).await, Ok(1), "written anew, it is asked for anew");
    let (_, listed) = office.get("dsl", "/changes?state=pending").await;
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    office.control.add_staff(&"both".parse().unwrap(), &[Role::Technician, Role::Dsl]).await.unwrap();
    let staff = office.control.staff().await.unwrap();
    let both = staff.into_iter().find(|staff| staff.name.as_str() == "both").unwrap();
    let verdict = Verdict { decision: ChangeDecision::Approve, comment: Some("Fine".into()), risk: None };
    let fault = office.control.decide_change(&both, id.parse().unwrap(), verdict, None).await.unwrap_err();
    assert_eq!(fault.code(), "four_eyes", "who can edit the file may have");
    assert_eq!(office.post("headteacher", &format!("/changes/{id}/refuse"), json!({})).await.0, 200);
    for _ in 0..2 {
        assert_eq!(reread(&office, &opened).await, Ok(0), "refused is refused");
    }
    assert_eq!(office.get("dsl", "/changes?state=pending").await.1["items"], json!([]));
    assert_eq!(seen(&office, PUPIL).await, "block");
}

#[tokio::test]
async fn changes_are_found_by_what_they_do() {
    let office = Office::open().await;
    propose(&office, set("groups.staff.categories.games", "block")).await;
    propose(&office, with_risk(set("groups.pupils.categories.games", "allow"))).await;
    office.write("lists/school/allow.txt", "chess.example # for the club\n");
    office.control.reload(Actor::Local, None, &|_, _, _| ()).await.unwrap();
    for (query, found) in [
        ("", 3),
        ("?effect=loosens", 2),
        ("?effect=tightens", 1),
        ("?effect=none", 0),
        ("?kind=entry", 1),
        ("?kind=policy&effect=loosens", 1),
        ("?proposer=filtering_manager", 2),
        ("?proposer=local", 1),
        ("?proposer=nobody", 0),
        ("?state=at_once", 1),
        ("?from=2026-11-24T00:00:00Z", 3),
        ("?to=2026-11-24T00:00:00Z", 0),
    ] {
        let (status, page) = office.get("governor", &format!("/changes{query}")).await;
        assert_eq!((status, page["items"].as_array().unwrap().len()), (200, found), "{query}: {page}");
    }
    for query in ["?effect=open", "?kind=all", "?from=yesterday"] {
        assert_eq!(office.get("governor", &format!("/changes{query}")).await.0, 422, "{query}");
    }
    let (_, page) = office.get("governor", "/changes?kind=entry").await;
    assert_eq!(page["items"][0]["sentence"], "chess.example is put on the school allow list.");
}

/// Found on reading: the file says what still waits, so that another edit of the same key fitted
/// neither, and every reload was refused.
#[tokio::test]
async fn an_edit_of_what_waits_takes_its_place() {
    let office = Office::open().await;
    let before = file(&office);
    let saying = |action: &str| before.replace("games = \"block\"", &format!("games = \"{action}\""));
    assert_eq!(reread(&office, &saying("allow")).await, Ok(1));
    assert_eq!(reread(&office, &saying("alert")).await, Ok(1));
    let (_, listed) = office.get("dsl", "/changes?kind=policy").await;
    let states: Vec<(&Value, &Value)> =
        listed["items"].as_array().unwrap().iter().map(|c| (&c["state"], &c["edits"][0]["after"])).collect();
    assert_eq!(states, [(&json!("pending"), &json!("alert")), (&json!("withdrawn"), &json!("allow"))]);
}
