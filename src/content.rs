//! What a request or an answer holds, as far as a rule may ask: terms in a text, kinds of files.
//!
//! **Invariant:** pure and total: any text and any bytes are judged, in time linear in them.

mod kinds;
mod line;
mod matching;
mod normal;
mod terms;

pub use kinds::{FIRST, FileKind, is_telling, kinds};
pub use terms::{TermList, TermMatch, Terms, TermsBuilder};

#[cfg(test)]
mod tests;
