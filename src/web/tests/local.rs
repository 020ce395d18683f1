//! The local socket, by its own client.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::fixture::Office;
use crate::web::local::{CallError, LocalSocket, SOCKET, call};

#[tokio::test]
async fn the_commands_reach_the_running_gateway() {
    use std::os::unix::fs::PermissionsExt;

    let office = Office::open().await;
    let (state, path) = (office.folder.path().to_owned(), office.folder.path().join(SOCKET));
    assert!(matches!(call(&path, "GET", "/local/staff", None, None).await, Err(CallError::NotRunning)));
    // What a killed gateway leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(matches!(call(&path, "GET", "/local/staff", None, None).await, Err(CallError::NotRunning)));
    let socket = LocalSocket::bind(&state).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(LocalSocket::bind(&state).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let stop = CancellationToken::new();
    let (shared, stopped) = (office.shared.clone(), stop.clone());
    let served = tokio::spawn(async move { socket.serve(&shared, stopped).await });
    let ask = async |method: &str, to: &str, body: Option<Value>| {
        call(&path, method, to, None, body).await.unwrap()
    };

    let new = json!({ "name": "j.evans", "roles": ["dsl", "teacher"] });
    assert_eq!(ask("POST", "/local/staff", Some(new.clone())).await.0, 201);
    let (status, taken) = ask("POST", "/local/staff", Some(new)).await;
    assert_eq!((status, &taken["code"]), (409, &json!("taken")));
    let bad = json!({ "name": "j.evans", "roles": ["admin"] });
    assert_eq!(ask("POST", "/local/staff", Some(bad)).await.0, 422);
    let (status, made) = ask("POST", "/local/staff/j.evans/token", None).await;
    assert_eq!(status, 201);
    let token = made["token"].as_str().unwrap();
    let (status, me) = call(&path, "GET", "/api/v1/me", Some(token), None).await.unwrap();
    assert_eq!((status, &me["name"]), (200, &json!("j.evans")));
    assert_eq!(ask("GET", "/api/v1/me", None).await.0, 401, "the API asks for its token here too");
    assert_eq!(ask("GET", "/local/staff", None).await.1["items"].as_array().unwrap().len(), 8);
    assert_eq!(ask("POST", "/local/staff/j.evans/disable", None).await.0, 200);
    assert_eq!(call(&path, "GET", "/api/v1/me", Some(token), None).await.unwrap().0, 401);
    assert_eq!(ask("POST", "/local/staff/nobody/disable", None).await.0, 404);

    let question = json!({ "url": "games.example", "group": "ks2" });
    assert_eq!(ask("POST", "/local/explain", Some(question)).await.1["rung"], "category");
    assert_eq!(ask("POST", "/local/reload", Some(json!({ "reason": "a new list" }))).await.0, 200);
    let (_, policy) = ask("GET", "/local/policy", None).await;
    let version = policy["version"].as_u64().unwrap();
    assert_eq!(ask("GET", &format!("/local/policy/{version}"), None).await.1["text"], policy["text"]);
    assert_eq!(ask("GET", "/local/policy/history?limit=1", None).await.1["items"][0]["version"], version);
    let same = format!("/local/policy/diff?from={version}&to={version}");
    assert_eq!(ask("GET", &same, None).await.1["edits"], json!([]));
    assert_eq!(ask("GET", "/local/reviews", None).await.1["items"], json!([]));
    let change = json!({ "kind": "set", "key": "groups.staff.categories.games", "value": "block" });
    let proposal = json!({ "change": change, "reason": "Asked for by the teachers of year 5" });
    let (status, weighed) = ask("POST", "/local/changes?dry_run=true", Some(proposal.clone())).await;
    assert_eq!((status, &weighed["changes"][0]["state"]), (200, &json!("at_once")), "{weighed}");
    assert_eq!(ask("POST", "/local/changes", Some(proposal)).await.0, 401, "to propose, say who you are");
    assert_eq!(ask("GET", "/local/policy", None).await.1["version"], version);
    office.visit("10.1.2.3", "y5.042", "games.example").await;
    let (_, page) = ask("GET", "/local/events?user=y5.042&reason=a+weekly+review", None).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let trail = office.trail().await;
    assert_eq!(trail.last().unwrap()["schoolgate"]["actor"], "local");
    assert!(!serde_json::to_string(&trail).unwrap().contains(token), "no token is in the record");

    stop.cancel();
    served.await.unwrap();
    assert!(!path.exists());
}

/// Needs root, to become somebody else; without it the check on the uid alone is tested.
#[tokio::test]
async fn another_user_is_turned_away() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let office = Office::open().await;
    let (state, path) = (office.folder.path().to_owned(), office.folder.path().join(SOCKET));
    let socket = LocalSocket::bind(&state).unwrap();
    let stop = CancellationToken::new();
    let (shared, stopped) = (office.shared.clone(), stop.clone());
    let served = tokio::spawn(async move { socket.serve(&shared, stopped).await });
    // Were the modes ever wrong, the kernel's word on who is there still holds.
    std::fs::set_permissions(&state, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    let run = async |user: &[&str], words: &[&str]| {
        let words = [user, words].concat();
        tokio::process::Command::new(words[0]).args(&words[1..]).output().await
    };
    let socket = path.to_str().unwrap();
    let ask = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--unix-socket",
        socket,
        "http://x/local/staff",
    ];
    let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
    if let (Ok(own), Ok(may)) = (run(&[], &ask).await, run(&nobody, &["test", "-w", socket]).await) {
        assert_eq!(own.stdout, b"200");
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            assert!(may.status.success(), "the modes alone would let a stranger in");
            let stranger = run(&nobody, &ask).await.unwrap();
            assert_eq!(stranger.stdout, b"000", "a stranger was heard");
        }
    }
    stop.cancel();
    served.await.unwrap();
}
