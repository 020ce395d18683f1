//! Response policy zones: a zone file whose owners are triggers.
//!
//! See draft-vixie-dnsop-dns-rpz-00 sections 3 and 4. `name` is the name alone and `*.name` what
//! lies below it; owners are relative to the zone, whose own name is cut off.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::lists::parse::hosts::is_sink;
use crate::lists::parse::intake::{Intake, Written};
use crate::lists::parse::lines::{LineOf, Text};
use crate::lists::parse::{MAX_LINE, Parsed, RejectReason, Said};
use crate::lists::{Effect, PatternFault, Scope};

/// A zone file as far as it was read.
#[derive(Default)]
struct Zone {
    /// What relative names hang below, without dots around it.
    origin: String,
    /// The zone's own name; what is cut off owners.
    apex: Option<String>,
    /// The owner of the record before, for lines that start with white space.
    owner: String,
    /// The record whose parenthesis is open.
    open: Option<Open>,
}

struct Open {
    text: String,
    indented: bool,
}

/// Reads every record.
pub(super) fn read(bytes: &[u8], mut intake: Intake<'_>) -> Parsed {
    let (mut parsed, mut zone) = (Parsed::default(), Zone::default());
    parsed.take_lines(&mut intake, &[';'], bytes, |intake, text| zone.line(intake, text));
    if zone.open.is_some() {
        let last = LineOf::new(bytes).byte(bytes.len());
        parsed.take(&mut intake, last, &Text::of(b"("), |_| Err(RejectReason::Grammar));
    }
    parsed
}

impl Zone {
    /// A line of the file.
    fn line(&mut self, intake: &mut Intake<'_>, text: &str) -> Result<Said, RejectReason> {
        let line = without_comment(text);
        if line.trim().is_empty() {
            return Ok(Said::Nothing);
        }
        let is_open = self.open.is_some();
        let started = || Open { text: String::new(), indented: intake.indented };
        let mut record = self.open.take().unwrap_or_else(started);
        if record.text.len() + line.len() > MAX_LINE {
            return Err(RejectReason::TooLong);
        }
        record.text.push_str(line);
        record.text.push(' ');
        if !is_open_after(line, is_open)? {
            return self.record(intake, &record);
        }
        self.open = Some(record);
        Ok(Said::Skipped(RejectReason::Continued))
    }

    fn record(&mut self, intake: &mut Intake<'_>, record: &Open) -> Result<Said, RejectReason> {
        let text = record.text.replace(['(', ')'], " ");
        let mut words = text.split_whitespace();
        if !record.indented {
            match words.next().unwrap_or_default() {
                directive if directive.starts_with('$') => return self.directive(directive, words.next()),
                owner => self.owner = owner.to_owned(),
            }
        }
        let mut rest = words.skip_while(|word| is_ttl(word) || is_class(word));
        let kind = rest.next().ok_or(RejectReason::Grammar)?.to_ascii_uppercase();
        let target = rest.next().unwrap_or_default().to_ascii_lowercase();
        if kind == "SOA" {
            self.apex = Some(self.absolute(&self.owner));
        }
        let effect = match &*kind {
            "CNAME" => self.alias(&target)?,
            "A" | "AAAA" if is_sink(&target) => Action::Does(Effect::Lists),
            "A" | "AAAA" if target.parse::<IpAddr>().is_ok() => Action::Rewrites,
            "A" | "AAAA" => return Err(RejectReason::Grammar),
            _ if is_type(&kind) => return Ok(Said::Skipped(RejectReason::ZoneRecord)),
            _ => return Err(RejectReason::Grammar),
        };
        match effect {
            Action::Does(effect) => self.trigger(intake, effect),
            // A page that says "blocked", mostly: here it is ours.
            Action::Rewrites => {
                intake.repaired();
                self.trigger(intake, Effect::Lists)
            }
            Action::DnsOnly => Ok(Said::Skipped(RejectReason::DnsOnly)),
        }
    }

    fn directive(&mut self, directive: &str, value: Option<&str>) -> Result<Said, RejectReason> {
        match (directive.to_ascii_uppercase().as_str(), value) {
            ("$ORIGIN", Some(name)) => {
                self.origin = self.absolute(name);
                self.apex.get_or_insert_with(|| self.origin.clone());
                Ok(Said::Skipped(RejectReason::ZoneRecord))
            }
            ("$TTL", _) => Ok(Said::Skipped(RejectReason::ZoneRecord)),
            ("$INCLUDE" | "$GENERATE", _) => Ok(Said::Skipped(RejectReason::Include)),
            _ => Err(RejectReason::Grammar),
        }
    }

    fn alias(&self, target: &str) -> Result<Action, RejectReason> {
        Ok(match target {
            "" => return Err(RejectReason::Grammar),
            "." | "*." | "rpz-drop." | "rpz-drop" => Action::Does(Effect::Lists),
            "rpz-passthru." | "rpz-passthru" => Action::Does(Effect::Excepts),
            "rpz-tcp-only." | "rpz-tcp-only" => Action::DnsOnly,
            // The older way to let pass: the name leads to itself.
            own if self.relative(&self.owner).is_ok_and(|owner| owner == own.trim_end_matches('.')) => {
                Action::Does(Effect::Excepts)
            }
            _ => Action::Rewrites,
        })
    }

    /// What the owner stands for.
    fn trigger(&self, intake: &mut Intake<'_>, effect: Effect) -> Result<Said, RejectReason> {
        let owner = self.relative(&self.owner)?;
        if let Some(address) = owner.strip_suffix(".rpz-ip") {
            intake.network(network(address).ok_or(RejectReason::NotANetwork)?, effect)?;
            return Ok(Said::Entries);
        }
        let dns_only = [".rpz-client-ip", ".rpz-nsip", ".rpz-nsdname"];
        if dns_only.iter().any(|kind| owner.ends_with(kind)) {
            return Ok(Said::Skipped(RejectReason::DnsOnly));
        }
        match owner.strip_prefix("*.") {
            _ if owner == "*" => return Err(PatternFault::MatchesAll.into()),
            Some(parent) => intake.host(parent, Written::Marked(Scope::Children), effect)?,
            None => intake.host(&owner, Written::Bare(Scope::Exact), effect)?,
        }
        Ok(Said::Entries)
    }

    /// A name of the file in full, without its last dot.
    fn absolute(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        match name.strip_suffix('.') {
            Some(whole) => whole.to_owned(),
            None if name == "@" => self.origin.clone(),
            None if self.origin.is_empty() => name,
            None => format!("{name}.{}", self.origin),
        }
    }

    /// A name of the file as seen from the zone.
    fn relative(&self, name: &str) -> Result<String, RejectReason> {
        let whole = self.absolute(name);
        match self.apex.as_deref().unwrap_or_default() {
            "" => Ok(whole),
            apex => whole
                .strip_suffix(apex)
                .and_then(|rest| rest.strip_suffix('.'))
                .map(str::to_owned)
                .ok_or(RejectReason::OutOfZone),
        }
    }
}

/// What a record does.
enum Action {
    Does(Effect),
    Rewrites,
    DnsOnly,
}

/// `32.5.2.0.192`: the length and then the address from behind; `zz` is `::`.
fn network(text: &str) -> Option<IpNet> {
    let (length, reversed) = text.split_once('.')?;
    let length = length.parse().ok()?;
    let parts: Vec<&str> = reversed.split('.').rev().collect();
    let address: IpAddr = if parts.len() == 4 && !parts.contains(&"zz") {
        parts.join(".").parse::<Ipv4Addr>().ok()?.into()
    } else {
        let words = parts.iter().map(|&part| if part == "zz" { "" } else { part }).collect::<Vec<_>>();
        let text = words.join(":");
        let ends = (parts.first() == Some(&"zz"), parts.last() == Some(&"zz"));
        let text = match ends {
            (true, true) => "::".to_owned(),
            (true, false) => format!(":{text}"),
            (false, true) => format!("{text}:"),
            (false, false) => text,
        };
        text.parse::<Ipv6Addr>().ok()?.into()
    };
    IpNet::new(address, length).ok()
}

/// Whether a parenthesis is open at the end of the line.
fn is_open_after(line: &str, mut is_open: bool) -> Result<bool, RejectReason> {
    let mut quoted = false;
    for byte in line.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' | b')' if !quoted && is_open == (byte == b'(') => return Err(RejectReason::Grammar),
            b'(' | b')' if !quoted => is_open = !is_open,
            _ => {}
        }
    }
    Ok(is_open)
}

fn without_comment(text: &str) -> &str {
    let mut quoted = false;
    let comment = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b';' && !quoted
    });
    comment.map_or(text, |at| &text[..at])
}

/// `300`, `1h30m`.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || b"smhdwSMHDW".contains(&byte))
}

fn is_class(word: &str) -> bool {
    ["IN", "CH", "HS"].iter().any(|class| word.eq_ignore_ascii_case(class))
}

fn is_type(kind: &str) -> bool {
    let kinds = ["SOA", "NS", "TXT", "DNAME", "MX", "SRV", "PTR", "CAA", "HINFO", "SPF", "NAPTR", "SVCB"];
    kinds.contains(&kind) || ["HTTPS", "RRSIG", "DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM", "DS"].contains(&kind)
}
