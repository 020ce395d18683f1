//! One message to a program, in the form of Standard Webhooks 1.0.0.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};
use uuid::Uuid;

use crate::clock::Clock;
use crate::control::feeds;
use crate::control::mail::deliver::{Undelivered, of_tls};
use crate::control::mail::outbox::Outgoing;
use crate::model::Scheme;
use crate::settings::Webhook;

/// How long the program may take in all.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a secret starts with.
const PREFIX: &str = "whsec_";
/// The shortest secret, in bytes.
const SHORTEST: usize = 16;

/// Hands a message to the program.
pub(super) fn send(hook: &Webhook, extra_roots: &[PathBuf], outgoing: &Outgoing) -> Result<(), Undelivered> {
    let secret = fs::read_to_string(&hook.secret_file)
        .map_err(|fault| Undelivered(format!("the webhook's secret can't be read: {}", fault.kind())))?;
    let body = outgoing.payload.to_string();
    // The wall's clock: the receiver refuses what is old, and has no other.
    let seconds = Clock::system().now().as_millis() / 1000;
    let signature = signature(&secret, outgoing.id, seconds, &body)?;
    let request = agent(extra_roots)?
        .post(hook.url.to_string())
        .header("content-type", "application/json")
        .header("webhook-id", outgoing.id.to_string())
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signature);
    let request = request.config().https_only(hook.url.scheme() == Scheme::Https).build();
    match request.send(body) {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(Undelivered(format!("the webhook answered {}", answer.status().as_u16()))),
        Err(fault) => Err(unsent(&fault)),
    }
}

fn unsent(fault: &ureq::Error) -> Undelivered {
    if matches!(fault, ureq::Error::Timeout(_)) {
        return Undelivered("the webhook takes too long".to_owned());
    }
    let why = if let ureq::Error::Io(inside) = fault {
        of_tls(inside)
    } else if let ureq::Error::Rustls(inside) = fault {
        of_tls(inside)
    } else {
        None
    };
    Undelivered(match why {
        Some(why) => format!("the webhook can't be trusted: {why}"),
        None => "the webhook can't be reached".to_owned(),
    })
}

/// `v1,` and the keyed hash of id, moment and body.
pub(super) fn signature(secret: &str, id: Uuid, seconds: i64, body: &str) -> Result<String, Undelivered> {
    let secret = secret.trim();
    let key = STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).ok();
    let key = key.filter(|key| key.len() >= SHORTEST);
    let key = key.ok_or_else(|| Undelivered("the webhook's secret is not whsec_ and base64".to_owned()))?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let tag = hmac::sign(&key, format!("{id}.{seconds}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(tag)))
}

fn agent(extra_roots: &[PathBuf]) -> Result<Agent, Undelivered> {
    let roots = feeds::roots(extra_roots);
    let roots = roots.ok_or_else(|| Undelivered("upstream.extra_roots can't be read".to_owned()))?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    Ok(Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE))
        .user_agent(concat!("schoolgate/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent())
}
