//! A pupil asks for what was refused, on the block page itself and without script.
//!
//! The form goes to a path of the refused site, which this gateway answers in its place. So it needs
//! no way through the proxy to another address, and works inside TLS with the certificate that the
//! page was shown with.
//!
//! **Invariant:** a form sent to that path never leaves the gateway, whatever the policy says of the
//! site by then; what was refused is what the signed ticket says.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};

use crate::model::{GroupName, Host, Url};
use crate::policy::Reason;
use crate::proxy::gate::Gate;
use crate::proxy::refuse;

/// Where the form goes, on the site that was refused.
pub(super) const PATH: &str = "/.well-known/schoolgate/ask";
/// The longest form, in bytes.
const MAX_FORM: usize = 16 * 1024;
/// How long a client may take to send it, and the gateway to keep it.
const FORM_TIME: Duration = Duration::from_secs(10);

/// Takes what pupils ask for. The administration half does; the proxy knows no more of it.
pub trait Asking: Send + Sync {
    /// What the page of a refusal offers. Must not wait.
    fn offer(&self, denied: &Denied<'_>) -> Offer;

    /// Takes what a client asks for.
    fn ask<'a>(&'a self, client: IpAddr, ticket: &'a str, words: &'a str) -> Answering<'a>;
}

/// What becomes of an ask, in a while.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Told> + Send + 'a>>;

/// What was refused to whom.
#[derive(Clone, Copy, Debug)]
pub struct Denied<'a> {
    /// The client.
    pub client: IpAddr,
    /// The group that was judged.
    pub group: &'a GroupName,
    /// The host.
    pub host: &'a Host,
    /// The page.
    pub url: &'a Url,
    /// Why.
    pub reason: &'a Reason,
}

/// What a block page offers to a pupil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing.
    Nothing,
    /// To ask, with this ticket.
    Form(String),
    /// How what was asked before stands.
    Asked(Told),
}

/// What a pupil is told of an ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Somebody will see it.
    Waiting,
    /// Somebody asked for it on the pupil's behalf.
    Taken,
    /// Somebody said no.
    Refused,
    /// Nobody answered in time.
    Lapsed,
    /// There were too many asks of this device.
    TooOften,
    /// There were too few words.
    TooShort,
    /// The page was too old, or none of ours.
    TooOld,
    /// It can't be asked for.
    NotOffered,
    /// The gateway could not keep it.
    Failed,
}

/// Whether a request is a form of the block page.
pub(super) fn is_ask(request: &Request<Incoming>, url: &Url) -> bool {
    request.method() == Method::POST && url.path() == PATH
}

/// Answers a form of the block page.
pub(super) async fn answer(request: Request<Incoming>, client: IpAddr, gate: &Gate) -> Response<Full<Bytes>> {
    let form = tokio::time::timeout(FORM_TIME, Limited::new(request.into_body(), MAX_FORM).collect());
    let told = match form.await {
        Ok(Ok(form)) => {
            let form = form.to_bytes();
            let (ticket, words) = (field(&form, "ticket"), field(&form, "why"));
            let asked = gate.asking.ask(client, &ticket, &words);
            tokio::time::timeout(FORM_TIME, asked).await.unwrap_or(Told::Failed)
        }
        Ok(Err(_)) | Err(_) => Told::TooOld,
    };
    refuse::asked(told, &gate.site)
}

/// A field of a form, with its escapes undone; what is no text is left out.
fn field(form: &[u8], name: &str) -> String {
    let pairs = form.split(|byte| *byte == b'&');
    let found = pairs
        .filter_map(|pair| {
            pair.iter().position(|byte| *byte == b'=').map(|at| (&pair[..at], &pair[at + 1..]))
        })
        .find(|(found, _)| *found == name.as_bytes());
    found.map(|(_, value)| String::from_utf8_lossy(&unescaped(value)).into_owned()).unwrap_or_default()
}

fn unescaped(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(byte) = text.get(at) {
        let escaped = digit(at + 1).zip(digit(at + 2)).filter(|_| *byte == b'%');
        match escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = b"ticket=7b22.00ff&why=We+need+it+%26+want%2Bit+for+Welsh%3A+t%C5%B7&why=twice&x";
        assert_eq!(field(form, "ticket"), "7b22.00ff");
        assert_eq!(field(form, "why"), "We need it & want+it for Welsh: tŷ");
        assert_eq!(field(form, "x"), "");
        for text in ["%", "%4", "%zz", "a%2", "%%41"] {
            assert!(!unescaped(text.as_bytes()).is_empty(), "{text}");
        }
        assert_eq!(unescaped(b"%%41%g0+"), b"%A%g0 ");
    }
}
