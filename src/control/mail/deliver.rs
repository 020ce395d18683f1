//! Delivers what waits, one channel a thread: a server that is slow holds up nothing but its channel.
//!
//! **Invariant:** a message is marked as delivered once a server has taken it, never before; the same
//! message keeps its id, so that one that is sent twice can be told. Nothing is sent of which the store
//! can't keep that it was tried: what can't be marked would be sent again and again.

use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::CertificateError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::control::mail::outbox::Outgoing;
use crate::control::mail::{Channel, smtp, webhook};
use crate::control::{Control, ControlError};
use crate::model::Timestamp;

/// Most messages of one round.
const AT_ONCE: u32 = 20;
/// How long it waits before it looks for what is due again.
const ROUND: Duration = Duration::from_secs(1);

/// How it goes with a channel.
#[derive(Default)]
struct Going {
    /// What servers have taken and when, while the store does not know yet.
    taken: Vec<(Uuid, Timestamp)>,
    /// Whether the last message was not taken.
    is_failing: bool,
}

/// Why a message was not taken, in words without a name or address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Undelivered(pub(super) String);

/// Why TLS did not come about, where that is what a connection failed of: libraries hand it on inside of
/// other faults.
pub(super) fn of_tls(fault: &(dyn Error + 'static)) -> Option<&'static str> {
    let inside = fault.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let inside = inside.and_then(|inside| inside.downcast_ref::<rustls::Error>());
    match inside.or_else(|| fault.downcast_ref()) {
        Some(fault) => Some(in_words(fault)),
        None => fault.source().and_then(of_tls),
    }
}

fn in_words(fault: &rustls::Error) -> &'static str {
    use CertificateError::{Expired, ExpiredContext, NotValidForName, NotValidForNameContext, UnknownIssuer};
    let rustls::Error::InvalidCertificate(fault) = fault else { return "TLS with it can't be set up" };
    if matches!(fault, Expired | ExpiredContext { .. }) {
        "its certificate has lapsed"
    } else if matches!(fault, NotValidForName | NotValidForNameContext { .. }) {
        "its certificate is for another name"
    } else if matches!(fault, UnknownIssuer) {
        "nobody who is trusted signed its certificate"
    } else {
        "its certificate does not hold"
    }
}

impl Control {
    /// Delivers what waits, until `stop`. To be awaited on a thread of its own: it waits for servers.
    pub async fn deliver(&self, channel: Channel, stop: CancellationToken) {
        let mut going = Going::default();
        while !stop.is_cancelled() {
            if let Err(fault) = self.deliver_due(channel, &mut going).await {
                tracing::error!(%fault, channel = channel.as_str(), "could not keep what is delivered, or look for it");
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.alerting.wakes[channel as usize].notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Tries everything that is due once. Blocks its thread.
    ///
    /// # Errors
    /// What the store says; nothing is sent before all that was taken is marked.
    async fn deliver_due(&self, channel: Channel, going: &mut Going) -> Result<(), ControlError> {
        self.mark(going).await?;
        for _ in 0..AT_ONCE {
            // Anew each time: a danger that came meanwhile goes before all that waits.
            let due = self.journal.lock().await.store.due(channel, self.clock.now(), 1)?.pop();
            let Some(outgoing) = due else { break };
            self.journal.lock().await.store.attempt(&outgoing, self.clock.now())?;
            let sent = self.send(&outgoing);
            let now = self.clock.now();
            match sent {
                Ok(()) => {
                    going.taken.push((outgoing.id, now));
                    self.mark(going).await?;
                    going.is_failing = false;
                }
                Err(Undelivered(fault)) => {
                    // Once, not for each: who reads the diagnostics may not know how many are on staff.
                    if !std::mem::replace(&mut going.is_failing, true) {
                        tracing::warn!(
                            channel = channel.as_str(),
                            fault,
                            "a message was not taken; trying again"
                        );
                    }
                    self.journal.lock().await.store.put_off(&outgoing, &fault, now)?;
                }
            }
            let waiting = self.journal.lock().await.store.waiting()?;
            self.metrics.alerts_undelivered(self.waiting_on_pupils(&waiting));
        }
        Ok(())
    }

    /// Marks what servers have taken; what can't be marked is left for the next time.
    async fn mark(&self, going: &mut Going) -> Result<(), ControlError> {
        let store = &self.journal.lock().await.store;
        while let Some((id, when)) = going.taken.last() {
            store.sent(*id, *when)?;
            going.taken.pop();
        }
        Ok(())
    }

    fn send(&self, outgoing: &Outgoing) -> Result<(), Undelivered> {
        let alerting = &self.alerting;
        match outgoing.channel {
            Channel::Mail => match &alerting.smtp {
                Some(smtp) => smtp::send(smtp, outgoing),
                None => Err(Undelivered("there is no [smtp] in the settings any more".to_owned())),
            },
            Channel::Webhook => {
                let hooks = &alerting.settings.webhooks;
                match hooks.iter().find(|hook| hook.url.to_string() == outgoing.recipient) {
                    Some(hook) => webhook::send(hook, &alerting.extra_roots, outgoing),
                    None => Err(Undelivered("this webhook is not in the settings any more".to_owned())),
                }
            }
        }
    }
}
