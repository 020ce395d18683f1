//! What is decrypted, and for whom.

use super::*;
use crate::model::Host;

/// Host, group, how it is shown, and what becomes of the connection.
const CASES: [(&str, &str, How, &str); 16] = [
    // Nothing but the host is needed to judge these.
    ("news.example", "ks2", How::Name, "splice"),
    ("unknown.example", "ks2", How::Name, "splice"),
    // Pages of it are listed: by a statutory list, by the school.
    ("other.example", "ks2", How::Name, "inspect"),
    ("allowed.example", "ks2", How::Name, "inspect"),
    ("allowed.example", "ks2", How::Connect, "inspect"),
    // The school has it inspected, with what lies below.
    ("chosen.example", "ks2", How::Name, "inspect"),
    ("deep.chosen.example", "ks2", How::Name, "inspect"),
    ("notchosen.example", "ks2", How::Name, "splice"),
    // On the no-inspect list, and below it; statutory pages weigh more.
    ("bank.chosen.example", "ks2", How::Name, "splice"),
    ("nhs.example", "whole", How::Name, "splice"),
    ("other.example", "whole", How::Name, "inspect"),
    ("unknown.example", "whole", How::Name, "inspect"),
    // A refusal is explained where it may be decrypted, and only there.
    ("games.example", "ks2", How::Name, "page"),
    ("games.example", "staff", How::Name, "splice"),
    ("adult.example", "pupils", How::Name, "alert"),
    // What hides its name is not opened.
    ("unknown.example", "ks2", How::NoName, "alert"),
];

#[derive(Clone, Copy, Debug)]
enum How {
    Name,
    NoName,
    Connect,
}

fn policy() -> Policy {
    let text = TEXT
        .replace(
            "[groups.ks2]\n",
            "[groups.ks2]\ninspect = \"surgical\"\ninspect_hosts = [\"chosen.example\"]\n",
        )
        .replace(
            "[groups.staff]\n",
            "[groups.whole]\ninherits = \"pupils\"\ninspect = \"always\"\n[groups.staff]\n",
        );
    let no_inspect = vec!["bank.chosen.example", "nhs.example", "other.example"];
    World { no_inspect, ..World::usual() }.policy_of(&text)
}

#[test]
fn every_case_is_decrypted_or_not_as_written() {
    let policy = policy();
    for (host, group, how, expected) in CASES {
        let subject = subject(Some(group));
        let destination = Destination { host: Host::parse(host).ok(), port: 443, url: None };
        let shown = match how {
            How::Name => Shown::TlsName,
            How::NoName => Shown::TlsNoName,
            How::Connect => Shown::ConnectTarget,
        };
        let asked = Asked { subject: &subject, destination: &destination, shown, content: Content::unseen() };
        let became = match policy.on_connect(&asked, now()).answer {
            OnConnect::Block(Seal::Kept) => "alert",
            OnConnect::Block(Seal::Opened) => "page",
            OnConnect::Inspect(_) => "inspect",
            OnConnect::Splice(_) => "splice",
        };
        assert_eq!(became, expected, "{host} for {group}, {how:?}");
    }
}

/// An unblock of one page needs the URL, so that it opens that page and no other.
#[test]
fn an_unblocked_page_is_told_from_its_neighbours() {
    let text = TEXT.replace("[groups.ks2]\n", "[groups.ks2]\ninspect = \"surgical\"\n");
    let mut world = World::usual();
    world.unblocks = vec![unblock("https://games.example/maths/", "ks2", 60)];
    let policy = world.policy_of(&text);
    let subject = subject(Some("ks2"));
    let destination = Destination { host: Host::parse("games.example").ok(), port: 443, url: None };
    let asked = Asked {
        subject: &subject,
        destination: &destination,
        shown: Shown::TlsName,
        content: Content::unseen(),
    };
    assert!(matches!(policy.on_connect(&asked, now()).answer, OnConnect::Inspect(_)));
    for (url, passes) in [("https://games.example/maths/x", true), ("https://games.example/other", false)] {
        let url = Url::parse(url).unwrap();
        let destination = Destination { host: Some(url.host().clone()), port: 443, url: Some(url) };
        let asked = Asked {
            subject: &subject,
            destination: &destination,
            shown: Shown::Request,
            content: Content::unseen(),
        };
        let verdict = policy.on_request(&asked, now());
        assert_eq!(matches!(verdict.answer, OnRequest::Forward(_)), passes, "{verdict:?}");
    }
}
