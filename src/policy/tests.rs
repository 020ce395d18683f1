//! What must hold of every decision, whatever is asked.

mod content;
mod corpus;
mod effect;
mod embedded;
mod inspection;
mod restrictions;
mod text;
mod timetable;
mod unblock;
mod world;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use world::*;

use super::*;
use crate::content::TermsBuilder;
use crate::document::Document;
use crate::lists::{
    CatalogueBuilder, Form, Format, IndexBuilder, Item, ListHead, Origin, Reading, StatutoryBuilder,
};
use crate::model::{Attribution, GroupName, Justification, Subject, Url, Window};

const TEXT: &str = r#"
[groups.pupils]
name = "Pupils"
default = "allow"
[groups.pupils.categories]
games = "block"
adult = "block"
news = "alert"
[groups.garden]
name = "Garden"
inherits = "pupils"
default = "block"
subnets = ["10.1.0.0/16"]
[groups.garden.categories]
approved = "allow"
[groups.ks2]
inherits = "pupils"
subnets = ["10.2.0.0/16"]
[groups.staff]
default = "allow"
unclassified = "allow"
[categories.adult]
unblockable = false
sources = ["adult"]
[categories.games]
unblockable = true
sources = ["games"]
[categories.news]
sources = ["news"]
[categories.approved]
sources = ["approved"]
"#;

const HOSTS: [&str; 10] = [
    "games.example",
    "chess.games.example",
    "adult.example",
    "news.example",
    "both.example",
    "approved.example",
    "allowed.example",
    "blocked.example",
    "other.example",
    "192.0.2.9",
];

fn now() -> Timestamp {
    "2026-11-24T09:00:00Z".parse().unwrap()
}

fn subject(group: Option<&str>) -> Subject {
    let group: Option<GroupName> = group.map(|group| group.parse().unwrap());
    Subject { group, attribution: Attribution::Subnet, ..Subject::unknown(IpAddr::from([10, 2, 0, 1])) }
}

fn unblock(target: &str, group: &str, minutes: u64) -> Unblock {
    Unblock {
        id: Uuid::now_v7(),
        target: Target::parse(target).unwrap(),
        also: Vec::new(),
        audience: Audience { groups: vec![group.parse().unwrap()], ..Audience::default() },
        window: Window::new(now(), now().plus(Duration::from_secs(minutes * 60))).unwrap(),
        justification: Justification::parse("chess club tournament practice").unwrap(),
        lesson: None,
        requester: "m.jones".parse().unwrap(),
        approvers: Vec::new(),
        answer_by: now().plus(Duration::from_secs(60)),
        decided: Decided::Approved,
    }
}

fn decided(policy: &Policy, group: &str, url: &str, at: Timestamp) -> (Action, Rung) {
    let url = Url::parse(url).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
    let subject = subject(Some(group));
    let asked = Asked {
        subject: &subject,
        destination: &destination,
        shown: Shown::Request,
        content: Content::unseen(),
    };
    let verdict = policy.on_request(&asked, at);
    (verdict.action, verdict.reason.rung)
}

#[test]
fn the_ladder_is_asked_in_its_order() {
    let rungs: Vec<Rung> = ladder::LADDER.iter().map(|(rung, _)| *rung).collect();
    let mut sorted = rungs.clone();
    sorted.sort();
    assert_eq!((rungs[0], &rungs), (Rung::Statutory, &sorted));
}

#[test]
fn an_unblock_opens_its_site_for_its_audience_and_its_time_alone() {
    let world = World { unblocks: vec![unblock("games.example", "ks2", 30)], ..World::usual() };
    let policy = world.policy();
    let (during, after) = (now(), now().plus(Duration::from_secs(30 * 60)));
    let cases = [
        ("ks2", "http://games.example/", during, Action::Allow, Rung::Unblock),
        ("ks2", "http://www.games.example/a", during, Action::Allow, Rung::Unblock),
        ("ks2", "http://games.example/", after, Action::Block, Rung::Category),
        ("ks2", "http://both.example/", during, Action::Block, Rung::Category),
        ("garden", "http://games.example/", during, Action::Block, Rung::WalledGarden),
        ("pupils", "http://games.example/", during, Action::Block, Rung::Category),
    ];
    for (group, url, at, action, rung) in cases {
        assert_eq!(decided(&policy, group, url, at), (action, rung), "{group} {url}");
    }
    let subject = subject(Some("ks2"));
    let destination = Destination { host: Host::parse("games.example").ok(), port: 443, url: None };
    let asked = Asked {
        subject: &subject,
        destination: &destination,
        shown: Shown::TlsName,
        content: Content::unseen(),
    };
    let until = policy.on_connect(&asked, now()).until;
    assert_eq!(until, Some(after), "the verdict says when time alone may change it");
}

#[test]
fn a_page_opens_its_host_where_only_the_host_can_be_seen_and_the_page_was_https() {
    let subject = subject(Some("ks2"));
    let destination = Destination { host: Host::parse("games.example").ok(), port: 443, url: None };
    let asked = Asked {
        subject: &subject,
        destination: &destination,
        shown: Shown::TlsName,
        content: Content::unseen(),
    };
    for (target, answer) in
        [("https://games.example/chess/", Action::Allow), ("http://games.example/chess/", Action::Block)]
    {
        let policy = World { unblocks: vec![unblock(target, "ks2", 30)], ..World::usual() }.policy();
        assert_eq!(policy.on_connect(&asked, now()).action, answer, "{target}");
        assert_eq!(
            decided(&policy, "ks2", "http://games.example/chess/x", now()).0,
            Action::Allow,
            "{target}"
        );
        assert_eq!(decided(&policy, "ks2", "http://games.example/other", now()).0, Action::Block, "{target}");
    }
}

#[test]
fn an_unblock_lifts_no_locked_category_and_no_statutory_entry() {
    let targets = ["adult.example", "both.example", "statutory.example", "http://other.example/bad/page"];
    let unblocks = targets.iter().map(|target| unblock(target, "pupils", 60)).collect();
    let policy = World { unblocks, ..World::usual() }.policy();
    for url in ["http://adult.example/", "http://both.example/"] {
        assert_eq!(decided(&policy, "ks2", url, now()), (Action::Block, Rung::Category), "{url}");
    }
    for url in ["http://statutory.example/", "http://x.statutory.example/", "http://other.example/bad/page"] {
        assert_eq!(decided(&policy, "ks2", url, now()), (Action::Block, Rung::Statutory), "{url}");
    }
    assert_eq!(
        decided(&policy, "ks2", "http://other.example/bad/", now()).0,
        Action::Allow,
        "its sibling is open"
    );
}

#[test]
fn a_category_is_opened_by_name_but_not_what_another_blocks_too() {
    let policy = World { unblocks: vec![unblock("category:games", "ks2", 60)], ..World::usual() }.policy();
    assert_eq!(decided(&policy, "ks2", "http://games.example/", now()), (Action::Allow, Rung::Unblock));
    assert_eq!(decided(&policy, "ks2", "http://both.example/", now()), (Action::Block, Rung::Category));
    assert_eq!(decided(&policy, "ks2", "http://blocked.example/", now()), (Action::Block, Rung::SchoolLists));
}

#[test]
fn the_most_specific_entry_of_the_school_wins_and_block_wins_a_tie() {
    let policy = World::usual().policy();
    let cases = [
        ("http://allowed.example/", Action::Allow),
        ("http://allowed.example/not/this/page", Action::Block),
        ("http://chess.games.example/", Action::Allow),
        ("http://blocked.example/", Action::Block),
    ];
    for (url, action) in cases {
        assert_eq!(decided(&policy, "ks2", url, now()), (action, Rung::SchoolLists), "{url}");
    }
}

#[test]
fn no_allow_entry_carries_two_names_or_another_protocol() {
    let policy = World::usual().policy();
    let subject = subject(Some("ks2"));
    let destination =
        Destination { host: Some(Host::parse("allowed.example").unwrap()), port: 443, url: None };
    let other = Host::parse("other.example").unwrap();
    for shown in [Shown::TlsOtherName(other), Shown::OtherProtocol("ssh")] {
        let asked = Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() };
        let verdict = policy.on_connect(&asked, now());
        assert_eq!((verdict.answer, verdict.reason.rung), (OnConnect::Block(Seal::Kept), Rung::Protocol));
    }
}

#[test]
fn an_unknown_client_is_judged_as_the_strictest_group() {
    let policy = World::usual().policy();
    for group in [None, Some("gone-since")] {
        assert_eq!(policy.group_of(&subject(group)).as_str(), "garden");
    }
}

fn shown() -> impl Strategy<Value = Shown> {
    prop_oneof![
        Just(Shown::Request),
        Just(Shown::ConnectTarget),
        Just(Shown::TlsName),
        Just(Shown::TlsNoName),
        Just(Shown::OtherProtocol("ssh")),
        (0..HOSTS.len()).prop_map(|at| Shown::TlsOtherName(Host::parse(HOSTS[at]).unwrap())),
    ]
}

fn group() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        Just(None),
        Just(Some("garden")),
        Just(Some("ks2")),
        Just(Some("staff")),
        Just(Some("pupils"))
    ]
}

fn target() -> impl Strategy<Value = String> {
    let path = prop_oneof![Just("/"), Just("/play/x"), Just("/bad/page"), Just("/a?b=c")];
    let port = prop_oneof![8 => Just(""), 1 => Just(":22"), 1 => Just(":443")];
    (0..HOSTS.len(), port, path).prop_map(|(at, port, path)| format!("http://{}{port}{path}", HOSTS[at]))
}

proptest! {
    /// Promise 1: a statutory entry refuses for everybody, however it is asked, and adding one
    /// never turns a refusal into leave.
    #[test]
    fn adding_a_statutory_entry_opens_nothing(
        entry in target(), url in target(), group in group(), shown in shown(),
        opened in proptest::collection::vec(target(), 0..3),
    ) {
        let unblocks: Vec<Unblock> = opened.iter().map(|target| unblock(target, "pupils", 60)).collect();
        let before = World { unblocks: unblocks.clone(), ..World::usual() }.policy();
        let mut statutory = World::usual().statutory;
        statutory.push(Url::parse(&entry).unwrap().host().to_string());
        let after = World { statutory, unblocks, ..World::usual() }.policy();
        let url = Url::parse(&url).unwrap();
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url.clone()) };
        let subject = subject(group);
        let asked = Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() };
        let (was, is) = (before.on_connect(&asked, now()), after.on_connect(&asked, now()));
        prop_assert!(!blocks(&was.answer) || blocks(&is.answer));
        if url.host() == Url::parse(&entry).unwrap().host() {
            prop_assert_eq!(is.reason.rung, Rung::Statutory);
            prop_assert!(blocks(&is.answer));
        }
    }

    /// Promise 3: what is explained is what is decided, on a connection and on a request.
    #[test]
    fn explain_says_what_decide_does(url in target(), group in group(), shown in shown(), minutes in 0u64..90) {
        let unblocks = vec![unblock("games.example", "ks2", 60), unblock("category:games", "garden", 30)];
        let policy = World { unblocks, ..World::usual() }.policy();
        let url = Url::parse(&url).unwrap();
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url) };
        let subject = subject(group);
        let asked = Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() };
        let at = now().plus(Duration::from_secs(minutes * 60));
        let explained = policy.explain(&asked, at);
        let (connect, request) = (policy.on_connect(&asked, at), policy.on_request(&asked, at));
        prop_assert_eq!(&explained.verdict, &connect);
        prop_assert_eq!(blocks(&connect.answer), request.answer == OnRequest::Block);
        prop_assert_eq!(&connect.reason, &request.reason);
        let first = explained.rungs.iter().find_map(|(rung, step)| match step {
            Step::Answer(_, reason) => Some((*rung, reason.as_ref())),
            Step::Pass(_) => None,
        });
        let (rung, reason) = first.unwrap();
        prop_assert_eq!(rung, reason.rung);
        // An address out of reach is refused after the ladder, by the protocol rung.
        let out_of_reach = connect.reason.rung == Rung::Protocol && rung != Rung::Protocol;
        prop_assert!(out_of_reach || *reason == connect.reason);
    }

    /// Promise 2: a refusal holds no permit, and a permit is for what was asked.
    #[test]
    fn a_permit_is_for_what_was_asked(url in target(), group in group(), shown in shown()) {
        let policy = World::usual().policy();
        let url = Url::parse(&url).unwrap();
        let destination = Destination { host: Some(url.host().clone()), port: url.port(), url: Some(url.clone()) };
        let subject = subject(group);
        let verdict = policy.on_connect(&Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() }, now());
        match verdict.answer {
            OnConnect::Block(_) => prop_assert_eq!(verdict.action, Action::Block),
            OnConnect::Splice(permit) | OnConnect::Inspect(permit) => {
                prop_assert_ne!(verdict.action, Action::Block);
                prop_assert_eq!((permit.host(), permit.port()), (url.host(), url.port()));
            }
        }
    }
}
