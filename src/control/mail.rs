//! What the gateway tells outside itself: mail and webhooks, kept until they are delivered.
//!
//! **Invariant:** nothing that goes out names a person, a device, an address or a site; and nothing is
//! let go of before a server has taken it, or three days are over and it was said aloud.

use askama::Template;
use jiff::tz::TimeZone;
use serde_json::json;
use uuid::Uuid;

use crate::control::alerts::KeptAlert;
use crate::control::journal::Put;
use crate::model::{Severity, Timestamp, Url, counted};
use crate::settings::{MailAddress, Webhook};

mod deliver;
mod outbox;
mod smtp;
mod webhook;

#[cfg(test)]
mod tests;

use outbox::Outgoing;

/// The way by which something goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// By mail.
    Mail,
    /// To a program.
    Webhook,
}

/// What is told of an alert.
pub(super) struct Notice<'a> {
    pub(super) alert: &'a KeptAlert,
    /// What became of it: `alert.raised`, …
    pub(super) action: &'static str,
    pub(super) now: Timestamp,
    pub(super) link: Option<&'a Url>,
    pub(super) zone: &'a TimeZone,
}

/// A message: what it is about, as text, and as a page.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

#[derive(Template)]
#[template(path = "alert.html")]
struct Page<'a> {
    heading: &'a str,
    rows: &'a [(&'static str, String)],
    sign_in: Option<&'a str>,
    command: &'a str,
    advice: &'static str,
}

impl Channel {
    /// As kept.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Mail => "mail",
            Channel::Webhook => "webhook",
        }
    }
}

impl Notice<'_> {
    /// Mail to somebody.
    pub(super) fn mail(&self, recipient: &MailAddress) -> Put {
        let letter = self.letter();
        let outgoing = Outgoing::new(Channel::Mail, recipient.as_str(), json!(letter), self.now);
        outgoing.pressing(self.alert.severity).put()
    }

    /// A message to a program, which has the form of Standard Webhooks.
    pub(super) fn webhook(&self, hook: &Webhook) -> Put {
        let alert = self.alert;
        let payload = json!({
            "type": self.action,
            "timestamp": self.now,
            "data": {
                "alert_id": alert.id,
                "theme": alert.theme,
                "severity": alert.severity,
                "state": alert.state,
                "group": alert.group,
                "count": alert.count,
                "first_at": alert.first_at,
                "last_at": alert.last_at,
                "link": self.address(),
            },
        });
        let outgoing = Outgoing::new(Channel::Webhook, &hook.url.to_string(), payload, self.now);
        outgoing.pressing(alert.severity).put()
    }

    fn letter(&self) -> Letter {
        let alert = self.alert;
        let heading = format!("{}: {}", self.what(), alert.theme.in_words());
        let sign_in = self.link.map(|link| at(link, "/sign-in"));
        let mut rows = vec![
            ("Theme", alert.theme.in_words().to_owned()),
            ("Severity", alert.severity.as_str().to_owned()),
            ("Last event", local(alert.last_at, self.zone)),
            ("Events", alert.count.to_string()),
            ("Group", alert.group.clone().unwrap_or_else(|| "not known".to_owned())),
            ("Alert", alert.id.to_string()),
        ];
        if alert.escalated > 0 {
            let before = match alert.escalated {
                1 => "once".to_owned(),
                times => counted(times, "time"),
            };
            rows.push(("Nobody has answered", format!("told {before} before")));
        }
        let advice = advice(alert.severity);
        let mut text = format!("{heading}\n\n");
        rows.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
        let command = format!("schoolgate alerts show {} --reason \"…\"", alert.id);
        text.push_str(&format!("\nLook at it: {command}\n"));
        if let Some(sign_in) = &sign_in {
            text.push_str(&format!("Sign in: {sign_in}\n"));
        }
        text.push_str(&format!("\n{advice}\n"));
        let page =
            Page { heading: &heading, rows: &rows, sign_in: sign_in.as_deref(), command: &command, advice };
        let html = page.render().unwrap_or_default();
        let subject = format!("{heading} ({})", local(alert.last_at, self.zone));
        Letter { subject, text, html }
    }

    fn what(&self) -> String {
        let severity = match self.alert.severity {
            Severity::Danger => "DANGER",
            Severity::Caution => "Caution",
            Severity::Advisory => "Advisory",
        };
        match self.action {
            "alert.escalated" => format!("{severity}, unanswered"),
            "alert.risen" => format!("{severity}, graver than before"),
            "alert.again" => format!("{severity}, again"),
            "alert.reopened" => format!("{severity}, open again"),
            _ => severity.to_owned(),
        }
    }

    /// Where a program with a token reads the alert: it says why in `?reason=`.
    fn address(&self) -> Option<String> {
        Some(at(self.link?, &format!("/api/v1/alerts/{}", self.alert.id)))
    }
}

/// A path of the gateway's own, as staff reach it.
fn at(link: &Url, path: &str) -> String {
    format!("{}{path}", link.to_string().trim_end_matches('/'))
}

/// A letter to somebody that presses nobody.
pub(super) fn letter(recipient: &MailAddress, letter: &Letter, now: Timestamp) -> Put {
    Outgoing::new(Channel::Mail, recipient.as_str(), json!(letter), now).put()
}

/// By the clock on the school's wall.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%a %-d %b %Y, %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}

fn advice(severity: Severity) -> &'static str {
    match severity {
        Severity::Danger => {
            "Somebody may come to harm. Look at it now, and follow your school's safeguarding procedure. \
             Nobody is named here: sign in to see who it is about."
        }
        Severity::Caution | Severity::Advisory => {
            "Look at it today. Nobody is named here: sign in to see who it is about."
        }
    }
}

/// A new id of something that goes out.
fn fresh_id() -> Uuid {
    Uuid::now_v7()
}
