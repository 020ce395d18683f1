//! What goes out: without names, whole, signed; and kept until it was taken.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use uuid::Uuid;

use super::outbox::Outgoing;
use super::*;
use crate::control::alerts::{About, AlertState, Person};
use crate::control::store::Store;
use crate::model::Theme;
use crate::settings::{Smtp, SmtpTls};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn alert() -> KeptAlert {
    KeptAlert {
        id: Uuid::now_v7(),
        theme: Theme::SelfHarm,
        severity: Severity::Danger,
        about: About::Pupil,
        person: Person::User("y5.042".to_owned()),
        group: Some("ks2".to_owned()),
        state: AlertState::New,
        false_positive: false,
        rule: "search_term:suicide".to_owned(),
        count: 3,
        first_at: at("2026-07-01T08:14:00Z"),
        last_at: at("2026-07-01T08:15:00Z"),
        last_seq: 88_121,
        told_at: None,
        escalated: 0,
        seen_at: None,
        closed_at: None,
    }
}

fn letter_of(alert: &KeptAlert, link: Option<&Url>) -> Letter {
    let zone = TimeZone::get("Europe/London").unwrap();
    Notice { alert, action: "alert.raised", now: alert.last_at, link, zone: &zone }.letter()
}

fn smtp() -> Smtp {
    Smtp {
        host: "127.0.0.1".to_owned(),
        port: 25,
        from: "filter@school.county.sch.uk".parse().unwrap(),
        tls: SmtpTls::None,
        login: None,
        ca: None,
    }
}

#[test]
fn a_letter_says_what_when_and_where_to_look_and_names_nobody() {
    let (alert, link) = (alert(), Url::parse("https://filter.school.county.sch.uk:8443").unwrap());
    let letter = letter_of(&alert, Some(&link));
    assert_eq!(letter.subject, "DANGER: Self-harm (Wed 1 Jul 2026, 09:15)", "by the school's clock");
    let sign_in = "https://filter.school.county.sch.uk:8443/sign-in";
    let look = format!("schoolgate alerts show {}", alert.id);
    for text in [&letter.text, &letter.html] {
        for word in ["Self-harm", "danger", "ks2", "Wed 1 Jul 2026, 09:15", sign_in, look.as_str()] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(!text.contains("y5") && !text.contains("042") && !text.contains("suicide"), "{text}");
    }
    let without = letter_of(&alert, None);
    assert!(without.text.contains(&look) && !without.text.contains("Sign in"), "{}", without.text);
}

#[test]
fn numbers_are_said_as_people_say_them() {
    for (escalated, said) in [(1, "told once before"), (2, "told 2 times before")] {
        let letter = letter_of(&KeptAlert { escalated, ..alert() }, None);
        assert!(letter.text.contains(said) && letter.html.contains(said), "{}", letter.text);
    }
}

#[test]
fn markup_in_a_group_is_text() {
    let alert = KeptAlert { group: Some("<script>&".to_owned()), ..alert() };
    let letter = letter_of(&alert, None);
    assert!(
        letter.html.contains("&#60;script&#62;&#38;") || letter.html.contains("&lt;script&gt;&amp;"),
        "{}",
        letter.html
    );
}

#[test]
fn nothing_that_is_written_makes_a_header_or_a_second_one() {
    let letter = Letter {
        subject: "x\r\nBcc: other@evil.example\r\n\r\nbody".to_owned(),
        text: "one\r\n.\r\ntwo".to_owned(),
        html: "<p>é</p>".to_owned(),
    };
    let made =
        Outgoing::new(Channel::Mail, "dsl@school.county.sch.uk", json!(letter), at("2026-07-01T08:15:00Z"));
    let message = smtp::message(&smtp(), &made.clone().pressing(Severity::Danger)).unwrap();
    let text = String::from_utf8(message.formatted()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.to_ascii_lowercase().starts_with("bcc")), "{head}");
    let fields: BTreeMap<&str, &str> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    assert_eq!(fields["To"], "dsl@school.county.sch.uk");
    assert_eq!(fields["Message-ID"], format!("<{}@school.county.sch.uk>", made.id));
    assert_eq!((fields["Auto-Submitted"], fields["Importance"]), ("auto-generated", "high"));
    assert!(
        fields["Content-Type"].starts_with("multipart/alternative") || head.contains("multipart/alternative")
    );
    assert!(body.contains("text/plain") && body.contains("text/html"), "{body}");
    assert_eq!(message.envelope().to().len(), 1);
}

/// The expected signature was made with Python's `hmac`.
#[test]
fn a_webhook_is_signed_as_the_specification_says() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let id: Uuid = "018f3c5e-0000-7000-8000-000000000001".parse().unwrap();
    let signed = webhook::signature(secret, id, 1_614_265_330, "{\"test\": 2432232314}").unwrap();
    assert_eq!(signed, "v1,qS6fklPhJ3dn099VHlUArv9pQ2GDBsUVxwGzVaTWGDc=");
    assert_eq!(
        webhook::signature(&format!("{secret}\n"), id, 1_614_265_330, "{\"test\": 2432232314}").unwrap(),
        signed
    );
    for other in [
        webhook::signature(secret, id, 1_614_265_331, "{\"test\": 2432232314}"),
        webhook::signature(secret, id, 1_614_265_330, "{\"test\": 2432232315}"),
        webhook::signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx",
            id,
            1_614_265_330,
            "{\"test\": 2432232314}",
        ),
    ] {
        assert_ne!(other.unwrap(), signed);
    }
    for bad in ["", "whsec_", "whsec_AAAA", "no base64 at all!"] {
        assert!(webhook::signature(bad, id, 0, "").is_err(), "{bad}");
    }
}

#[test]
fn a_webhook_names_nobody() {
    let (alert, zone) = (alert(), TimeZone::UTC);
    let link = Url::parse("https://filter.school.county.sch.uk:8443/").unwrap();
    let link = Some(&link);
    let notice = Notice { alert: &alert, action: "alert.raised", now: alert.last_at, link, zone: &zone };
    let hook = crate::settings::Webhook {
        url: Url::parse("https://hooks.example/in").unwrap(),
        secret_file: "secret".into(),
    };
    let put = serde_json::to_value(notice.webhook(&hook)).unwrap();
    let payload: Value = serde_json::from_str(put["row"]["payload"].as_str().unwrap()).unwrap();
    assert_eq!((&payload["type"], &payload["data"]["theme"]), (&json!("alert.raised"), &json!("self_harm")));
    let address = format!("https://filter.school.county.sch.uk:8443/api/v1/alerts/{}", alert.id);
    assert_eq!(payload["data"]["link"], json!(address));
    assert!(!put.to_string().contains("y5") && !put.to_string().contains("suicide"), "{put}");
}

#[test]
fn what_waits_is_tried_later_and_later_and_never_forgotten_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state.db")).unwrap();
    let began = at("2026-07-01T08:15:00Z");
    let danger = Outgoing::new(Channel::Mail, "a@x.example", json!({}), began).pressing(Severity::Danger);
    let other = Outgoing::new(Channel::Mail, "b@x.example", json!({}), began.minus(Duration::from_secs(5)));
    for outgoing in [&other, &danger] {
        store.put(&outgoing.put()).unwrap();
    }
    let due = store.due(Channel::Mail, began, 9).unwrap();
    assert_eq!(due.iter().map(|one| one.id).collect::<Vec<_>>(), [danger.id, other.id], "a danger first");
    assert!(store.due(Channel::Webhook, began, 9).unwrap().is_empty());
    store.sent(other.id, began).unwrap();
    let (mut now, mut waits) = (began, Vec::new());
    loop {
        let due = store.due(Channel::Mail, now, 9).unwrap();
        let Some(one) = due.first() else { break };
        store.put_off(one, "the mail server can't be reached", now).unwrap();
        if store.waiting().unwrap().is_empty() {
            break;
        }
        assert!(store.due(Channel::Mail, now, 9).unwrap().is_empty(), "not at once");
        let next = (1..=700).map(|second| now.plus(Duration::from_secs(second)));
        let next =
            next.into_iter().find(|next| !store.due(Channel::Mail, *next, 9).unwrap().is_empty()).unwrap();
        waits.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(waits[..7], [2, 5, 15, 30, 120, 600, 600]);
    let tried = now.since(began);
    assert!(tried > Duration::from_secs(3 * 86_400 - 1200), "{tried:?}");
}
