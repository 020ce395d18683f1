//! Signing in and out; what guessing costs; when sessions end; who may change in their name.

use std::time::Duration;

use axum::http::{Request, header};
use serde_json::{Value, json};

use super::fixture::Office;
use super::people::{Browser, HOME, PASSWORD, seated, settled};
use crate::control::Kind;
use crate::control::accounts::{By, MemberChanges, code_at};
use crate::model::Role;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_password_and_a_code_that_counts_once() {
    let office = Office::open().await;
    let secret = settled(&office, "h.owen", &[Role::Headteacher], Kind::School).await.unwrap();
    let code = || code_at(&secret, office.clock.now());
    let mut browser = Browser::at(&office, HOME);
    let wrong = json!({ "name": "h.owen", "password": "five words in rain", "code": code() });
    assert_eq!(browser.send("POST", "/session", wrong).await.1["code"], "invalid_credentials");
    assert_eq!(browser.sign_in("h.owen", None).await.1["code"], "code_needed");
    assert_eq!(browser.sign_in("h.owen", Some("000000")).await.1["code"], "invalid_credentials");
    let used = code();
    let (status, me) = browser.sign_in("h.owen", Some(&used)).await;
    assert_eq!((status, &me["roles"], &me["must"]), (200, &json!(["headteacher"]), &json!([])), "{me}");
    assert_eq!(browser.send("GET", "/me", Value::Null).await.1["name"], "h.owen");
    let mut other = Browser::at(&office, HOME);
    assert_eq!(other.sign_in("h.owen", Some(&used)).await.0, 401, "a code counts once");
    office.clock.advance(30 * SECOND);
    let next = code();
    assert_eq!(other.sign_in("h.owen", Some(&next)).await.0, 200);

    let cookie = browser.cookie.clone();
    assert_eq!(browser.send("DELETE", "/session", Value::Null).await.0, 200);
    browser.cookie = cookie;
    assert_eq!(browser.send("GET", "/me", Value::Null).await.0, 401, "the cookie is dead, not gone alone");
    let trail = serde_json::to_string(&office.trail().await).unwrap();
    for hidden in [PASSWORD, "five words", &secret, &used, &next, &other.csrf, &other.cookie[18..]] {
        assert!(!trail.contains(hidden), "{hidden} is in the record");
    }
}

#[tokio::test]
async fn nothing_says_which_of_them_was_wrong_and_a_stranger_has_no_name() {
    let office = Office::open().await;
    settled(&office, "t.rees", &[Role::Teacher], Kind::School).await;
    let mut browser = Browser::at(&office, HOME);
    let mut answers = Vec::new();
    for (name, password) in
        [("t.rees", "not that one"), ("my secret", PASSWORD), ("nobody", PASSWORD), ("break-glass", PASSWORD)]
    {
        let sent = json!({ "name": name, "password": password });
        answers.push(browser.send("POST", "/session", sent).await);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.0 == 401), "{answers:?}");
    let trail = office.trail().await;
    let refused: Vec<&Value> =
        trail.iter().filter(|event| event["event"]["action"] == "session.refused").collect();
    let names: Vec<&Value> = refused.iter().map(|event| &event["user"]["name"]).collect();
    assert_eq!(names, [&json!("t.rees"), &Value::Null, &Value::Null, &Value::Null]);
    assert!(!serde_json::to_string(&trail).unwrap().contains("my secret"));
}

#[tokio::test]
async fn guessing_is_slowed_and_keeps_nobody_out_elsewhere() {
    let office = Office::open().await;
    settled(&office, "t.rees", &[Role::Teacher], Kind::School).await;
    let mut owner = Browser::at(&office, "192.0.2.1");
    assert_eq!(owner.sign_in("t.rees", None).await.0, 200);
    let mut guesser = Browser::at(&office, "198.51.100.9");
    let guess = || json!({ "name": "t.rees", "password": "a wrong password" });
    for _ in 0..5 {
        assert_eq!(guesser.send("POST", "/session", guess()).await.0, 401);
    }
    let before = office.recorder.head().sequence;
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        let (status, slow) = guesser.send("POST", "/session", guess()).await;
        assert_eq!((status, &slow["retry_after"]), (429, &json!(wait)), "{slow}");
        let (status, _) = guesser.sign_in("t.rees", None).await;
        assert_eq!(status, 429, "what is right must wait too, or waiting says nothing");
        office.clock.advance(wait * SECOND);
        assert_eq!(guesser.send("POST", "/session", guess()).await.0, 401);
    }
    assert_eq!(office.recorder.head().sequence - before, 12, "what is turned away is not recorded");
    assert_eq!(owner.sign_in("t.rees", None).await.0, 200, "the owner is not kept out at home");
    let mut away = Browser::at(&office, "203.0.113.5");
    assert_eq!(away.sign_in("t.rees", None).await.0, 200, "nor away, after a while");
    office.clock.advance(900 * SECOND);
    assert_eq!(guesser.sign_in("t.rees", None).await.0, 200, "nobody is locked out for good");
}

#[tokio::test]
async fn guessing_from_everywhere_slows_strangers_and_not_known_addresses() {
    let office = Office::open().await;
    settled(&office, "t.rees", &[Role::Teacher], Kind::School).await;
    let mut owner = Browser::at(&office, "192.0.2.1");
    assert_eq!(owner.sign_in("t.rees", None).await.0, 200);
    for at in 0..20 {
        let mut guesser = Browser::at(&office, &format!("198.51.100.{at}"));
        let guess = json!({ "name": "t.rees", "password": "a wrong password" });
        assert_eq!(guesser.send("POST", "/session", guess).await.0, 401);
    }
    let mut stranger = Browser::at(&office, "198.51.100.200");
    assert_eq!(stranger.sign_in("t.rees", None).await.0, 429);
    assert_eq!(owner.sign_in("t.rees", None).await.0, 200);
    office.clock.advance(60 * SECOND);
    assert_eq!(stranger.sign_in("t.rees", None).await.0, 200);
}

#[tokio::test]
async fn trying_one_password_on_many_names_is_slowed() {
    let office = Office::open().await;
    let mut browser = Browser::at(&office, HOME);
    let mut answers = Vec::new();
    for at in 0..31 {
        answers.push(browser.sign_in(&format!("name{at}"), None).await.0);
    }
    assert_eq!(answers[..30], [401; 30]);
    assert_eq!(answers[30], 429);
}

#[tokio::test]
async fn sessions_end() {
    let office = Office::open().await;
    let mut browser = seated(&office, "t.rees", &[Role::Teacher]).await;
    let me = async |browser: &mut Browser<'_>| browser.send("GET", "/me", Value::Null).await.0;
    for _ in 0..3 {
        office.clock.advance(569 * SECOND);
        assert_eq!(me(&mut browser).await, 200, "a session that is used goes on");
    }
    office.clock.advance(600 * SECOND);
    assert_eq!(me(&mut browser).await, 401, "an idle one ends");

    assert_eq!(browser.sign_in("t.rees", None).await.0, 200);
    for _ in 0..(12 * 60 / 9) {
        office.clock.advance(9 * 60 * SECOND);
        me(&mut browser).await;
    }
    assert_eq!(me(&mut browser).await, 401, "none is longer than 12 hours");

    let name = "t.rees".parse().unwrap();
    let change = async |changes| office.control.change_member(&By::local(), &name, changes, None).await;
    let disabled = |disabled| MemberChanges { disabled: Some(disabled), ..MemberChanges::default() };
    browser.sign_in("t.rees", None).await;
    change(disabled(true)).await.unwrap();
    assert_eq!(me(&mut browser).await, 401, "disabled");
    assert_eq!(browser.sign_in("t.rees", None).await.0, 401);
    change(disabled(false)).await.unwrap();
    assert_eq!(me(&mut browser).await, 401, "letting back in revives no session");

    browser.sign_in("t.rees", None).await;
    let roles = Some(vec![Role::Teacher, Role::Governor]);
    change(MemberChanges { roles, ..MemberChanges::default() }).await.unwrap();
    assert_eq!(me(&mut browser).await, 401, "other roles");

    browser.sign_in("t.rees", None).await;
    let ends_at = Some(Some(office.clock.now().plus(60 * SECOND)));
    change(MemberChanges { ends_at, ..MemberChanges::default() }).await.unwrap();
    assert_eq!(me(&mut browser).await, 200);
    office.clock.advance(60 * SECOND);
    assert_eq!(me(&mut browser).await, 401, "gone");
    assert_eq!(browser.sign_in("t.rees", None).await.0, 401);
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_takes_the_old_one() {
    let office = Office::open().await;
    let mut browser = seated(&office, "t.rees", &[Role::Teacher]).await;
    let mut other = Browser::at(&office, HOME);
    other.sign_in("t.rees", None).await;
    let own = other.send("GET", "/sessions", Value::Null).await.1;
    assert_eq!(own["items"].as_array().unwrap().len(), 3, "the link began one too: {own}");
    let next = "seven lamps and a quilt";
    let wrong = json!({ "old": next, "new": next });
    assert_eq!(browser.send("POST", "/me/password", wrong).await.1["code"], "invalid_credentials");
    for weak in ["short one", "passwordpassword", "T.Rees T.Rees T.Rees", "fishfishfish and chips"] {
        let (status, told) =
            browser.send("POST", "/me/password", json!({ "old": PASSWORD, "new": weak })).await;
        assert_eq!((status, &told["code"]), (422, &json!("weak_password")), "{weak}");
    }
    let right = json!({ "old": PASSWORD, "new": next });
    assert_eq!(browser.send("POST", "/me/password", right).await.0, 200);
    assert_eq!(other.send("GET", "/me", Value::Null).await.0, 401);
    assert_eq!(other.sign_in("t.rees", None).await.0, 401);
    let sent = json!({ "name": "t.rees", "password": next });
    assert_eq!(other.send("POST", "/session", sent).await.0, 200);
    let id = other.send("GET", "/sessions", Value::Null).await.1["items"][0]["id"].clone();
    let path = format!("/sessions/{}", id.as_str().unwrap());
    assert_eq!(
        other.send("DELETE", "/sessions/0193f0f0-0000-7000-8000-000000000000", Value::Null).await.0,
        404
    );
    assert_eq!(other.send("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(other.send("GET", "/me", Value::Null).await.0, 401);
}

#[tokio::test]
async fn whoever_must_have_a_second_factor_can_do_nothing_before() {
    let office = Office::open().await;
    let mut head = seated(&office, "h.seated", &[Role::Headteacher]).await;
    let new =
        json!({ "name": "d.lead", "roles": ["dsl"], "reason": "the new safeguarding lead of the school" });
    let (_, made) = head.send("POST", "/staff", new).await;
    let link = made["setup_path"].as_str().unwrap();
    let mut browser = Browser::at(&office, HOME);
    let (status, to, _) = browser.page(link, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await;
    assert_eq!((status, to.as_str()), (303, "/second-factor"));
    assert_eq!(browser.send("GET", "/me", Value::Null).await.1["must"], json!(["enrol_totp"]));
    for path in ["/events", "/unblocks", "/sessions", "/tokens", "/nothing"] {
        assert_eq!(browser.send("GET", path, Value::Null).await.1["code"], "enrol_totp", "{path}");
    }
    let begun = browser.send("POST", "/me/totp", json!({})).await.1;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    assert!(
        begun["otpauth_uri"].as_str().unwrap().contains(&secret)
            && begun["qr_svg"].as_str().unwrap().contains("<svg")
    );
    let confirm = async |browser: &mut Browser<'_>, code: &str| {
        browser.send("POST", "/me/totp/confirm", json!({ "code": code })).await
    };
    assert_eq!(confirm(&mut browser, "000000").await.1["code"], "wrong_code");
    let (status, done) = confirm(&mut browser, &code_at(&secret, office.clock.now())).await;
    assert_eq!(status, 200, "{done}");
    let codes = done["recovery_codes"].as_array().unwrap().clone();
    assert_eq!(codes.len(), 10);
    assert_eq!(browser.send("GET", "/events?limit=1&reason=a+first+look", Value::Null).await.0, 200);

    let recovery = codes[3].as_str().unwrap().to_lowercase().replace('-', " ");
    let (status, told) = browser.sign_in("d.lead", Some(&recovery)).await;
    assert_eq!((status, &told["recovery_codes_left"]), (200, &json!(9)));
    assert_eq!(browser.sign_in("d.lead", Some(&recovery)).await.0, 401, "a recovery code counts once");
    assert_eq!(browser.send("POST", "/me/totp", json!({})).await.0, 422, "a new phone takes the password");
    let with = json!({ "password": PASSWORD });
    assert_eq!(browser.send("POST", "/me/totp", with).await.0, 200);
}

#[tokio::test]
async fn a_change_in_a_session_s_name_comes_from_a_page_of_ours() {
    let office = Office::open().await;
    let mut browser = seated(&office, "t.rees", &[Role::Teacher]).await;
    let other = seated(&office, "t.pugh", &[Role::Teacher]).await;
    let own = browser.csrf.clone();
    let site = |value: &str| ("sec-fetch-site", value.to_owned());
    let word = |value: &str| ("x-csrf-token", value.to_owned());
    let rows: [(&[(&'static str, String)], u16); 9] = [
        (&[], 403),
        (&[site("same-origin")], 403),
        (&[word(&own)], 403),
        (&[site("cross-site"), word(&own)], 403),
        (&[site("same-site"), word(&own)], 403),
        (&[site("same-origin"), word(&other.csrf)], 403),
        (&[site("same-origin"), word(&own[..63])], 403),
        (
            &[
                ("origin", "http://filter.example".to_owned()),
                ("host", "filter.example".to_owned()),
                word(&own),
            ],
            200,
        ),
        (&[site("same-origin"), word(&own)], 200),
    ];
    for (fields, expected) in rows {
        let asked = json!({ "url": "games.example", "group": "ks2" });
        let (status, answer) = browser.send_with("POST", "/explain", asked, fields).await;
        assert_eq!(status, expected, "{fields:?}: {answer}");
        assert!(expected == 200 || answer["code"] == "csrf", "{answer}");
        let (status, _) = browser.send_with("GET", "/me", Value::Null, fields).await;
        assert_eq!(status, 200, "looking takes no word");
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_host_and_out_of_reach() {
    let office = Office::open().await;
    settled(&office, "t.rees", &[Role::Teacher], Kind::School).await;
    let mut browser = Browser::at(&office, HOME);
    let request = Request::post("/api/v1/session").header(header::CONTENT_TYPE, "application/json");
    let body = json!({ "name": "t.rees", "password": PASSWORD }).to_string();
    let answer = browser.exchange(request, body, &[]).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.starts_with("__Host-schoolgate=sgs_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Domain"));
    let store = std::fs::read(office.folder.path().join("state.db")).unwrap();
    let secret = browser.cookie.split_once('=').unwrap().1.as_bytes();
    assert!(!store.windows(secret.len()).any(|window| window == secret), "sessions are kept as hashes");
}

#[tokio::test]
async fn a_token_does_what_it_is_for_and_never_begets_another() {
    let office = Office::open().await;
    let mut browser = seated(&office, "m.bevan", &[Role::FilteringManager]).await;
    let make = async |browser: &mut Browser<'_>, body: Value| browser.send("POST", "/tokens", body).await;
    for bad in [
        json!({ "label": "x", "days": 366 }),
        json!({ "label": "x", "days": 0 }),
        json!({ "label": "x", "scopes": ["all"] }),
    ] {
        assert_eq!(make(&mut browser, bad).await.0, 422);
    }
    let (status, made) = make(&mut browser, json!({ "label": "report", "scopes": ["read"] })).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["expires_at"], json!(office.clock.now().plus(90 * 24 * 3600 * SECOND)));
    let token = made["token"].as_str().unwrap().to_owned();
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let answer = office.answer(request.body(axum::body::Body::empty()).unwrap()).await;
        super::fixture::read(answer).await
    };
    assert_eq!(ask("GET", "/lists").await.0, 200);
    for (method, path) in
        [("POST", "/lists/reload"), ("POST", "/unblocks"), ("POST", "/tokens"), ("POST", "/me/password")]
    {
        assert_eq!(ask(method, path).await.1["code"], "scope", "{path}");
    }
    let listed = browser.send("GET", "/tokens", Value::Null).await.1;
    assert!(!listed.to_string().contains(&token), "no read returns a token");
    assert_eq!(
        office.post("headteacher", "/tokens", json!({ "label": "x" })).await.1["code"],
        "session_needed"
    );
    let path = format!("/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(browser.send("DELETE", &path, Value::Null).await.0, 200);
    assert_eq!(ask("GET", "/lists").await.0, 401);
    assert_eq!(browser.send("DELETE", &path, Value::Null).await.0, 404);
}
