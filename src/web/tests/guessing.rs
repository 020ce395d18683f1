//! Codes of a second factor: slowed for the account as a whole, and used once.

use std::time::Duration;

use serde_json::{Value, json};

use super::fixture::Office;
use super::people::{Browser, HOME, PASSWORD, settled};
use crate::control::Kind;
use crate::control::accounts::{By, code_at};
use crate::model::Role;

const WHY: &str = "the phone fell into the pond";

/// Whoever has the password and many addresses still has six digits before them.
#[tokio::test]
async fn guessing_codes_from_everywhere_is_slowed_and_keeps_nobody_out_at_home() {
    let office = Office::open().await;
    let secret = settled(&office, "h.owen", &[Role::Headteacher], Kind::School).await.unwrap();
    let mut owner = Browser::at(&office, HOME);
    assert_eq!(owner.sign_in("h.owen", Some(&code_at(&secret, office.clock.now()))).await.0, 200);
    for at in 0..5 {
        let mut guesser = Browser::at(&office, &format!("198.51.100.{at}"));
        assert_eq!(guesser.sign_in("h.owen", None).await.1["code"], "code_needed", "no guess");
        assert_eq!(guesser.sign_in("h.owen", Some("000000")).await.0, 401);
    }
    for (at, wait) in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900].into_iter().enumerate() {
        let mut guesser = Browser::at(&office, &format!("203.0.113.{at}"));
        for _ in 0..7 {
            let (status, slow) = guesser.sign_in("h.owen", Some("000000")).await;
            assert_eq!((status, &slow["retry_after"]), (429, &json!(wait)), "{slow}");
        }
        office.clock.advance(Duration::from_secs(wait));
        assert_eq!(guesser.sign_in("h.owen", Some("000000")).await.0, 401, "what waited was not counted");
        let code = code_at(&secret, office.clock.now().plus(Duration::from_secs(30)));
        let mut away = Browser::at(&office, "192.0.2.99");
        assert_eq!(away.sign_in("h.owen", Some(&code)).await.0, 429, "what is right must wait too");
    }
    let code = code_at(&secret, office.clock.now());
    assert_eq!(owner.sign_in("h.owen", Some(&code)).await.0, 200, "the owner is not kept out at home");
    office.clock.advance(Duration::from_secs(900));
    let code = code_at(&secret, office.clock.now());
    let mut away = Browser::at(&office, "192.0.2.99");
    assert_eq!(away.sign_in("h.owen", Some(&code)).await.0, 200, "nor away for good");
}

#[tokio::test]
async fn guessing_the_code_that_confirms_a_factor_is_slowed() {
    let office = Office::open().await;
    let new = json!({ "name": "d.lead", "roles": ["dsl"], "reason": WHY });
    let mut head = super::people::seated(&office, "h.seated", &[Role::Headteacher]).await;
    let (_, made) = head.send("POST", "/staff", new).await;
    let link = made["setup_path"].as_str().unwrap();
    let mut browser = Browser::at(&office, HOME);
    assert_eq!(browser.page(link, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await.0, 303);
    browser.send("GET", "/me", Value::Null).await;
    let begun = browser.send("POST", "/me/totp", json!({})).await.1;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let mut confirm =
        async |code: &str| browser.send("POST", "/me/totp/confirm", json!({ "code": code })).await;
    for _ in 0..5 {
        assert_eq!(confirm("000000").await.1["code"], "wrong_code");
    }
    let right = || code_at(&secret, office.clock.now());
    let (status, slow) = confirm(&right()).await;
    assert_eq!((status, &slow["retry_after"]), (429, &json!(1)), "{slow}");
    office.clock.advance(Duration::from_secs(1));
    assert_eq!(confirm(&right()).await.0, 200);
}

/// A link is let in at once, whatever strangers guess, and its address is known from then on.
#[tokio::test]
async fn a_link_is_a_way_in_that_no_guesses_hold_up() {
    let office = Office::open().await;
    settled(&office, "t.rees", &[Role::Teacher], Kind::School).await;
    for at in 0..30 {
        let mut guesser = Browser::at(&office, &format!("198.51.100.{at}"));
        let guess = json!({ "name": "t.rees", "password": "a wrong password" });
        guesser.send("POST", "/session", guess).await;
    }
    let mut away = Browser::at(&office, "192.0.2.99");
    assert_eq!(away.sign_in("t.rees", None).await.0, 429);
    let link =
        office.control.reset_member(&By::local(), &"t.rees".parse().unwrap(), Some(WHY)).await.unwrap();
    let path = format!("/setup/{}", link.value.token);
    assert_eq!(away.page(&path, Some(&[("password", PASSWORD), ("again", PASSWORD)])).await.0, 303);
    assert_eq!(away.sign_in("t.rees", None).await.0, 200, "known there");
}

/// Two who sign in at once with one code: one of them does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_counts_once_however_many_come_with_it_at_once() {
    let office = Office::open().await;
    let secret = settled(&office, "h.owen", &[Role::Headteacher], Kind::School).await.unwrap();
    for _ in 0..5 {
        let code = code_at(&secret, office.clock.now());
        let try_it = async || Browser::at(&office, HOME).sign_in("h.owen", Some(&code)).await.0;
        let (a, b, c, d) = tokio::join!(try_it(), try_it(), try_it(), try_it());
        let mut answers = [a, b, c, d];
        answers.sort_unstable();
        assert_eq!(answers, [200, 401, 401, 401]);
        office.clock.advance(Duration::from_secs(60));
    }
    let trail = office.trail().await;
    let begun = trail.iter().filter(|event| {
        let session = event["event"]["action"] == "session.begun";
        session && event["user"]["name"] == "h.owen"
    });
    assert_eq!(begun.count(), 5, "and no other is on record");
}
