//! Between the block page and the administration half: what pupils ask for.

use std::net::IpAddr;
use std::sync::Arc;

use crate::control::{AskState, Control, NotAsked, Refused};
use crate::proxy::{Answering, Asking, Denied, Offer, Told};

/// Takes asks to control.
pub(super) struct ToControl(pub(super) Arc<Control>);

impl Asking for ToControl {
    fn offer(&self, denied: &Denied<'_>) -> Offer {
        let (policy, host) = (self.0.live().snapshot(), denied.host.to_string());
        if !policy.may_be_asked_for(denied.reason) {
            return Offer::Nothing;
        }
        if let Some(state @ (AskState::Waiting | AskState::Taken | AskState::Refused)) =
            self.0.asked_before(denied.client, &host)
        {
            return Offer::Asked(told(state));
        }
        let url = denied.url.to_string();
        let refused = Refused {
            client: denied.client,
            group: denied.group,
            url: Some(&url),
            host: &host,
            category: denied.reason.rule.category.as_deref(),
        };
        self.0.ticket(&refused).map_or(Offer::Nothing, Offer::Form)
    }

    fn ask<'a>(&'a self, client: IpAddr, ticket: &'a str, words: &'a str) -> Answering<'a> {
        let (control, ticket, words) = (Arc::clone(&self.0), ticket.to_owned(), words.to_owned());
        // Once begun it goes to its end, whether or not the pupil waits for the answer.
        let asked = tokio::spawn(async move { (control.ask(client, &ticket, &words).await, control.now()) });
        Box::pin(async move {
            let Ok((asked, now)) = asked.await else { return Told::Failed };
            match asked {
                Ok(ask) => told(ask.state(now)),
                Err(NotAsked::Ticket) => Told::TooOld,
                Err(NotAsked::Words) => Told::TooShort,
                Err(NotAsked::TooOften) => Told::TooOften,
                Err(NotAsked::NotOffered) => Told::NotOffered,
                Err(NotAsked::Failed(fault)) => {
                    tracing::error!(%fault, "what a pupil asked for could not be kept");
                    Told::Failed
                }
            }
        })
    }
}

fn told(state: AskState) -> Told {
    match state {
        AskState::Waiting => Told::Waiting,
        AskState::Taken => Told::Taken,
        AskState::Refused => Told::Refused,
        AskState::Lapsed => Told::Lapsed,
    }
}
