//! Suppliers: nobody but in their window.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;
use super::people::{Browser, HOME, settled};
use crate::control::Kind;
use crate::control::accounts::code_at;
use crate::model::Role;

const WHY: &str = "looks into why lists are late";

#[tokio::test]
async fn a_supplier_is_somebody_in_a_window_alone() {
    let office = Office::open().await;
    let roles = [Role::Technician];
    let secret = settled(&office, "acme.help", &roles, Kind::Supplier).await.unwrap();
    let code = || code_at(&secret, office.clock.now());
    let mut browser = Browser::at(&office, HOME);
    assert_eq!(browser.sign_in("acme.help", Some(&code())).await.0, 401, "off by default");
    let open = async |who: &str, minutes: u32| {
        office.post(who, "/staff/acme.help/access", json!({ "reason": WHY, "minutes": minutes })).await
    };
    for (who, minutes, expected) in [
        ("dsl", 60, 403),
        ("teacher", 60, 403),
        ("technician", 0, 422),
        ("technician", 481, 422),
        ("technician", 30, 200),
    ] {
        assert_eq!(open(who, minutes).await.0, expected, "{who} {minutes}");
    }
    office.clock.advance(Duration::from_secs(60));
    let (status, told) = browser.sign_in("acme.help", Some(&code())).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["expires_at"], json!(office.clock.now().plus(Duration::from_secs(29 * 60))));
    let own = json!({ "reason": WHY, "minutes": 480 });
    assert_eq!(browser.send("POST", "/staff/acme.help/access", own).await.0, 403, "no supplier opens one");
    let new = json!({ "name": "back.door", "roles": ["technician"], "reason": WHY });
    assert_eq!(browser.send("POST", "/staff", new).await.0, 403, "nor leaves a way in behind");
    let token = browser.send("POST", "/tokens", json!({ "label": "x" })).await.1["token"].clone();
    let bearer = async || office.control.bearer(token.as_str().unwrap()).await.unwrap();
    assert!(bearer().await.is_some());

    let (status, _) = office.send("technician", "DELETE", "/staff/acme.help/access", "", b"").await;
    assert_eq!(status, 200);
    assert_eq!(browser.send("GET", "/me", Value::Null).await.0, 401, "out at once");
    assert!(bearer().await.is_none(), "and so are the tokens");
    open("headteacher", 5).await;
    office.clock.advance(Duration::from_secs(60));
    assert_eq!(browser.sign_in("acme.help", Some(&code())).await.0, 200);
    office.clock.advance(Duration::from_secs(4 * 60));
    assert_eq!(browser.send("GET", "/me", Value::Null).await.0, 401, "out by the clock");
    assert_eq!(
        office.post("headteacher", "/staff/asker/access", json!({ "reason": WHY, "minutes": 5 })).await.0,
        422
    );
    let trail = office.trail().await;
    let opened = trail
        .iter()
        .find(|event| event["event"]["action"] == "supplier.let_in" && event["event"]["reason"] == WHY);
    assert_eq!(opened.unwrap()["schoolgate"]["details"]["staff"], "acme.help");
}
