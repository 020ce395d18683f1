//! Answers and records belong to whoever asked, however many ask at once.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::*;
use crate::harness::Browser;
use schoolgate::proxy::Door;
use tokio::sync::Semaphore;

const USERS: u16 = 1_000;
const ROUNDS: usize = 3;
/// Connections at a time: enough that they mix, and within what the host may open.
const AT_ONCE: usize = 200;
const SITES: [&str; 3] = ["h2.example", "h1only.example", "h2only.example"];

/// A pupil's address.
fn address(user: u16) -> IpAddr {
    let [high, low] = user.to_be_bytes();
    Ipv4Addr::new(127, 9, high, low).into()
}

/// A site and an offer for a user, so that neighbours differ in both.
fn way(user: u16) -> (&'static str, &'static str) {
    let offer = if user.is_multiple_of(2) { "h2" } else { "http/1.1" };
    (SITES[usize::from(user) % SITES.len()], offer)
}

async fn asks_for_its_own(browser: Browser, user: u16) {
    let (site, offer) = way(user);
    let mut visit = browser.visit(site, &[offer]).await;
    for round in 0..ROUNDS {
        let path = format!("/token?user={user}&round={round}");
        let (token, cookie, body) =
            (format!("t{user}-{round}"), format!("c={user}"), format!("b{user}-{round}"));
        let fields = [("x-token", token.as_str()), ("cookie", cookie.as_str())];
        let page = visit.ask("POST", &path, &fields, body.clone()).await.unwrap();
        assert_eq!(
            (page.status, page.text()),
            (200, format!("{path} {token} {cookie} {body}")),
            "{site} {offer}"
        );
    }
}

/// Invariant 18: a thousand users, interleaved over both protocols, each get their own answers,
/// and each request is on record under its own address once.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_users_get_their_own_answers() {
    let policy = always_policy().replace("\"127.1.2.0/24\"", "\"127.9.0.0/16\"");
    let gateway = Gateway::new().policy(&policy).start().await;
    let trusted = vec![gateway.origin.authority.clone(), gateway.authority()];
    let door = gateway.door(Door::Explicit);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut users = tokio::task::JoinSet::new();
    for user in 1..=USERS {
        let browser = Browser::new(address(user), door, trusted.clone());
        let places = Arc::clone(&places);
        users.spawn(async move {
            let _place = places.acquire().await.unwrap();
            asks_for_its_own(browser, user).await;
        });
    }
    users.join_all().await;
    let mut recorded: BTreeMap<(String, String), usize> = BTreeMap::new();
    for access in gateway.accesses() {
        let event = access.event;
        let Some(url) = event["url"]["full"].as_str() else { continue };
        let source = event["source"]["ip"].as_str().unwrap().to_owned();
        *recorded.entry((source, url.to_owned())).or_default() += 1;
    }
    assert_eq!(recorded.len(), usize::from(USERS) * ROUNDS);
    for user in 1..=USERS {
        for round in 0..ROUNDS {
            let url = format!("https://{}/token?user={user}&round={round}", way(user).0);
            let count = recorded.get(&(address(user).to_string(), url.clone()));
            assert_eq!(count, Some(&1), "{url}");
        }
    }
    assert_eq!(gateway.running.leaves_minted(), SITES.len() as u64);
    gateway.stop().await;
}

/// What one user may not have, another gets at the same time on a connection of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_to_one_is_not_refused_to_another() {
    let gateway = always().start().await;
    let mut asks = tokio::task::JoinSet::new();
    for user in 0..60 {
        let (group, status) = if user % 2 == 0 { ("ks2", 403) } else { ("staff", 200) };
        let browser = gateway.managed(group);
        asks.spawn(async move {
            let mut visit = browser.visit("games.example", &[["h2", "http/1.1"][user / 2 % 2]]).await;
            assert_eq!(visit.get(&format!("/path?{user}")).await.status, status, "{group}");
        });
    }
    asks.join_all().await;
    for access in gateway.accesses() {
        let Some(path) = access.event["url"]["full"].as_str() else { continue };
        let blocked = access.event["event"]["action"] == "block";
        assert_eq!(blocked, access.event["source"]["ip"] == "127.1.2.7", "{path}");
    }
    gateway.stop().await;
}
