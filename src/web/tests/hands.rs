//! Two names are two people only where nobody had both in their hands.

use serde_json::{Value, json};

use super::fixture::{Office, wish};
use super::people::{Browser, HOME, seated, sits_down, taken};
use crate::control::accounts::By;
use crate::model::Role;

const WHY: &str = "as agreed with the governing body";

/// Somebody makes an account, and keeps the link for themselves.
async fn makes<'o>(office: &'o Office, maker: &mut Browser<'o>, name: &str, role: &str) -> Browser<'o> {
    let new = json!({ "name": name, "roles": [role], "reason": WHY });
    let (status, made) = maker.send("POST", "/staff", new).await;
    assert_eq!(status, 201, "{made}");
    let link = made["setup_path"].as_str().unwrap().trim_start_matches("/setup/").to_owned();
    let secret = taken(office, &link).await;
    sits_down(office, name, secret).await
}

async fn asks(browser: &mut Browser<'_>) -> String {
    let (status, asked) = browser.send("POST", "/unblocks", wish("games.example")).await;
    assert_eq!((status, &asked["state"]), (201, &json!("pending")), "{asked}");
    format!("/unblocks/{}", asked["id"].as_str().unwrap())
}

/// The code of the answer when somebody decides; `ok` when it is done.
async fn decides(browser: &mut Browser<'_>, path: &str, body: Value) -> String {
    let (status, answer) = browser.send("POST", path, body).await;
    answer["code"].as_str().map_or_else(|| format!("ok {status}"), ToOwned::to_owned)
}

/// A rule may let technicians approve; it makes no technician two people.
#[tokio::test]
async fn whoever_makes_an_account_is_no_second_person_for_it_until_a_headteacher_says_so() {
    let office = Office::open().await;
    let text = std::fs::read_to_string(office.folder.path().join("policy.toml")).unwrap();
    let rule = "[[unblock.rule]]\ncategories = [\"games\"]\napproved_by = [\"technician\"]\n";
    office.write("policy.toml", &(text + rule));
    let (_, read) = office.post("technician", "/lists/reload", json!({})).await;
    for change in read["held"].as_array().unwrap() {
        let path = format!("/changes/{}/approve", change["id"].as_str().unwrap());
        assert_eq!(office.post("dsl", &path, json!({ "comment": "as agreed" })).await.0, 200);
    }
    let mut maker = seated(&office, "t.maker", &[Role::Technician]).await;
    let mut teacher = makes(&office, &mut maker, "m.made", "teacher").await;
    let mut technician = makes(&office, &mut maker, "t.made", "technician").await;
    let mut child = makes(&office, &mut technician, "m.child", "teacher").await;

    for asker in [&mut teacher, &mut child] {
        let asked = asks(asker).await;
        for approver in [&mut maker, &mut technician] {
            for act in ["approve", "refuse"] {
                let said = json!({ "comment": "as agreed" });
                assert_eq!(decides(approver, &format!("{asked}/{act}"), said).await, "four_eyes");
            }
        }
        let (status, done) = office.post("technician", &format!("{asked}/approve"), json!({})).await;
        assert_eq!((status, &done["decided_by"]), (200, &json!("technician")), "a person of their own");
    }

    let why = json!({ "reason": WHY });
    for who in ["technician", "filtering_manager", "dsl", "governor", "teacher"] {
        assert_eq!(office.post(who, "/staff/m.made/confirm", why.clone()).await.0, 403, "{who}");
    }
    assert_eq!(decides(&mut teacher, "/staff/m.made/confirm", why.clone()).await, "own_account");
    let (status, told) = office.get("headteacher", "/staff/m.child").await;
    assert_eq!((status, &told["counts_as"]), (200, &json!("t.maker")), "{told}");
    let (status, told) = office.post("headteacher", "/staff/m.made/confirm", why.clone()).await;
    assert_eq!((status, &told["counts_as"]), (200, &Value::Null), "{told}");
    let asked = asks(&mut teacher).await;
    assert_eq!(decides(&mut technician, &format!("{asked}/approve"), json!({})).await, "ok 200");
    let trail = office.trail().await;
    let act = trail.iter().rfind(|event| event["event"]["action"] == "staff.confirmed").unwrap();
    assert_eq!(act["event"]["outcome"], "success", "{act}");
    assert_eq!(act["schoolgate"]["details"]["counted_as"], "t.maker", "{act}");

    // A new link is a new pair of hands.
    let (status, _) = maker.send("POST", "/staff/m.made/invite", why.clone()).await;
    assert_eq!(status, 201);
    assert_eq!(office.get("headteacher", "/staff/m.made").await.1["counts_as"], "t.maker");
    let mut head = seated(&office, "h.seated", &[Role::Headteacher]).await;
    assert_eq!(head.send("POST", "/staff/m.made/invite", why).await.0, 201);
    assert_eq!(office.get("headteacher", "/staff/m.made").await.1["counts_as"], Value::Null);
}

/// Whoever has the sealed code makes themselves no second person with it.
#[tokio::test]
async fn what_the_sealed_code_made_counts_as_whoever_opened_it() {
    let office = Office::open().await;
    let code = office.control.seal_anew(&By::local(), None).await.unwrap().value.code;
    let mut opened = Browser::at(&office, HOME);
    let sent = json!({ "code": code, "reason": "the head and both deputies are ill" });
    assert_eq!(opened.send("POST", "/break-glass", sent).await.0, 200);
    let mut head = makes(&office, &mut opened, "h.fresh", "headteacher").await;
    let mut dsl = makes(&office, &mut head, "d.fresh", "dsl").await;

    let add = json!({ "kind": "entry", "list": "school/allow", "op": "add", "entry": "chess.example" });
    let change = json!({ "change": add, "reason": "Chess puzzles for the maths club" });
    let (status, proposed) = opened.send("POST", "/changes", change).await;
    assert_eq!(status, 201, "{proposed}");
    let id = proposed["changes"][0]["id"].as_str().unwrap();
    let path = format!("/changes/{id}/approve");
    let said = || json!({ "comment": "as agreed" });
    for approver in [&mut head, &mut dsl] {
        assert_eq!(decides(approver, &path, said()).await, "four_eyes");
    }
    let why = json!({ "reason": WHY });
    assert_eq!(decides(&mut head, "/staff/d.fresh/confirm", why.clone()).await, "forbidden");
    assert_eq!(decides(&mut opened, "/staff/d.fresh/confirm", why.clone()).await, "forbidden");
    assert_eq!(office.post("headteacher", "/staff/d.fresh/confirm", why).await.0, 200);
    assert_eq!(decides(&mut dsl, &path, said()).await, "ok 200");

    // What stands in a file has nobody's name: whoever may be a technician can't approve it.
    office.write("lists/school/allow.txt", "quiz.example\n");
    let (_, read) = office.post("filtering_manager", "/lists/reload", json!({})).await;
    let id = read["held"][0]["id"].as_str().unwrap();
    let path = format!("/changes/{id}/approve");
    assert_eq!(decides(&mut head, &path, said()).await, "four_eyes");
    assert_eq!(decides(&mut dsl, &path, said()).await, "ok 200");
}
