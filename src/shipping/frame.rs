//! A line of the trail as a syslog message (RFC 5424), counted in octets (RFC 6587, RFC 5425).
//!
//! **Invariant:** one line is one message, whatever stands in it: its length is said before it, it
//! holds no control character, and nothing of it stands in a field of the head but words of ours.

use serde::Deserialize;

use crate::audit::Pseudonyms;

/// `local0`: what loghosts keep free for programs such as this.
const FACILITY: u8 = 16;
/// The number that RFC 5424 keeps for examples and documentation: this product has none of its own.
const ID: &str = "schoolgate@32473";
/// What says that a text is UTF-8 (RFC 5424 section 6.4); what is ASCII goes without.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Severities of RFC 5424.
const ALERT: u8 = 1;
const WARNING: u8 = 4;
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;

/// What a frame must know of a line.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "@timestamp")]
    time: &'a str,
    #[serde(borrow)]
    event: Event<'a>,
    #[serde(borrow)]
    schoolgate: Own<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    sequence: u64,
    dataset: &'a str,
    action: &'a str,
    outcome: &'a str,
}

#[derive(Deserialize)]
struct Own<'a> {
    hash: &'a str,
}

/// Which datasets are sent, from which box, with whose names.
pub(super) struct Framer {
    gateway: String,
    /// What stands for people's names; none where they are sent.
    pseudonyms: Option<Pseudonyms>,
    datasets: std::collections::BTreeSet<String>,
}

impl Framer {
    /// For a box of that name; no datasets are all.
    pub(super) fn new(gateway: &str, datasets: std::collections::BTreeSet<String>) -> Framer {
        Framer { gateway: word(gateway, 255), pseudonyms: None, datasets }
    }

    /// The same with these in the place of names.
    pub(super) fn under(self, pseudonyms: Pseudonyms) -> Framer {
        Framer { pseudonyms: Some(pseudonyms), ..self }
    }

    /// Puts the message of a line on the end of `out`, if it is to be sent. A line that is no event
    /// is not: naming it is `verify`'s part.
    pub(super) fn put(&self, line: &str, out: &mut Vec<u8>) {
        let Ok(read) = serde_json::from_str::<Line<'_>>(line) else { return };
        if !self.datasets.is_empty() && !self.datasets.contains(read.event.dataset) {
            return;
        }
        match &self.pseudonyms {
            None => self.message(&read, line, &format!(" hash=\"{}\"", word(read.schoolgate.hash, 64)), out),
            // With the hash of the line a guess at a name could be checked.
            Some(pseudonyms) => {
                if let Some(masked) = pseudonyms.line(line) {
                    self.message(&read, &masked, "", out);
                }
            }
        }
    }

    fn message(&self, read: &Line<'_>, line: &str, hash: &str, out: &mut Vec<u8>) {
        let priority = FACILITY * 8 + severity(&read.event);
        let (time, host, dataset) = (word(read.time, 32), &self.gateway, word(read.event.dataset, 32));
        let sequence = read.event.sequence;
        let head = format!(
            "<{priority}>1 {time} {host} schoolgate - {dataset} [{ID} sequence=\"{sequence}\"{hash}] "
        );
        let bom = if line.is_ascii() { &b""[..] } else { BOM };
        let length = head.len() + bom.len() + line.len();
        out.extend_from_slice(format!("{length} {head}").as_bytes());
        out.extend_from_slice(bom);
        // The trail writes none; a trail that somebody edited may hold some.
        out.extend(line.bytes().map(|byte| if byte.is_ascii_control() { b' ' } else { byte }));
    }
}

fn severity(event: &Event<'_>) -> u8 {
    match (event.dataset, event.action, event.outcome) {
        ("schoolgate.alert", _, _) => ALERT,
        ("schoolgate.access", "block" | "alert", _) => WARNING,
        ("schoolgate.access" | "schoolgate.close", _, _) => INFORMATIONAL,
        (_, "syslog.lost" | "audit.resumed" | "audit.disturbed" | "audit.repaired", _) => WARNING,
        (_, _, "failure") => WARNING,
        ("schoolgate.system" | "schoolgate.selftest", _, _) => INFORMATIONAL,
        _ => NOTICE,
    }
}

/// A field of the head: printable ASCII without a space or what ends a value, never empty.
fn word(text: &str, most: usize) -> String {
    let fits = |c: &char| c.is_ascii_graphic() && !"\"]\\".contains(*c);
    let word: String = text.chars().filter(fits).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}
