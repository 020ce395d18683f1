//! An origin's answer, looked at before any of it goes on: its kind of file may be refused.
//!
//! **Invariant:** the same ladder judges the answer as judged the request; of an answer that is
//! refused not one byte of the body reaches the client.

use std::collections::VecDeque;
use std::net::IpAddr;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body, Frame, Incoming};

use crate::audit::{ClosedBy, Seen as Sight};
use crate::model::Url;
use crate::proxy::content;
use crate::proxy::gate::{Admission, Gate, Open, Refusal};
use crate::proxy::question::{Circumstances, Question};
use crate::proxy::refuse::Failure;

/// An answer that has begun to come, with all that is known of it.
pub(super) struct Arrived {
    pub(super) response: Response<Incoming>,
    /// The start of its body, where that was held back.
    pub(super) held: VecDeque<Frame<Bytes>>,
    pub(super) url: Url,
    pub(super) question: Question,
    pub(super) peer: IpAddr,
    pub(super) open: Open,
    pub(super) sight: Sight,
}

/// What an answer came to.
pub(super) enum Screened {
    /// It may go on.
    Passed(Box<Arrived>),
    /// It may not.
    Refused(Box<Refusal>),
}

impl Arrived {
    /// Looks at the kind of file that this is. What a rule says of it is an event of its own,
    /// since the request's was written before anything was known of its answer.
    pub(super) async fn screened(mut self, gate: &Gate) -> Result<Screened, Failure> {
        if self.response.body().is_end_stream() {
            return Ok(Screened::Passed(Box::new(self)));
        }
        let looked = content::of_answer(&mut self.response, &self.url, gate).await;
        let (kinds, first) = looked.map_err(|_| Failure::BadAnswer)?;
        self.held = first.frames;
        if kinds.is_empty() {
            return Ok(Screened::Passed(Box::new(self)));
        }
        self.question = self.question.answered_with(kinds);
        let circumstances = Circumstances { peer: Some(self.peer), fault: None };
        let judged = gate.judge(&self.question, circumstances).await;
        if !judged.is_of_file() {
            return Ok(Screened::Passed(Box::new(self)));
        }
        match gate.enter(&self.question, judged, self.sight.clone()).await {
            Ok(Admission::Passed(noted)) => {
                self.open.note(0, 0, ClosedBy::Gateway);
                self.open = noted.open;
                Ok(Screened::Passed(Box::new(self)))
            }
            Ok(Admission::Blocked(refusal)) => {
                self.open.note(0, 0, ClosedBy::Policy);
                Ok(Screened::Refused(Box::new(refusal)))
            }
            Ok(Admission::Nowhere) => Err(Failure::Unreachable),
            Err(_) => Err(Failure::CannotRecord),
        }
    }
}
