//! What a client asks, with all that is known of it; and what is done to what it asks.

use std::net::IpAddr;
use std::sync::Arc;

use crate::content::FileKind;
use crate::model::Subject;
use crate::policy::{Asked, Content, Destination, Reason, Shown};
use crate::services::Rewrite;

/// What a client asks, kept so that it can be asked again.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) address: IpAddr,
    pub(super) destination: Destination,
    pub(super) shown: Shown,
    pub(super) content: Arc<Content>,
}

/// What is known besides of an access that is to be judged.
#[derive(Default)]
pub(super) struct Circumstances {
    /// The connection that it would use, which stands already.
    pub(super) peer: Option<IpAddr>,
    /// Why it can't pass, whatever policy says.
    pub(super) fault: Option<Reason>,
}

/// What a client's group has done to its requests and their answers.
pub(super) struct Rules {
    pub(super) rewrite: Rewrite,
    pub(super) files: Files,
}

/// Whether the kinds of files matter to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// Some are refused or pointed out.
    Watched,
    /// All are alike.
    Any,
}

impl Question {
    /// Of what is not known to hold anything.
    pub(super) fn new(address: IpAddr, destination: Destination, shown: Shown) -> Question {
        Question { address, destination, shown, content: Arc::default() }
    }

    /// The same, now that the kinds of file of its answer are known.
    pub(super) fn answered_with(&self, file: Vec<FileKind>) -> Question {
        let content = Content { file, ..Content::clone(&self.content) };
        Question { content: Arc::new(content), ..self.clone() }
    }

    pub(super) fn asked<'a>(&'a self, subject: &'a Subject) -> Asked<'a> {
        Asked { subject, destination: &self.destination, shown: self.shown.clone(), content: &self.content }
    }
}
