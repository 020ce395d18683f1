//! What the lines of a file say, on its way out: the one place that makes items.
//!
//! **Invariant:** no name leaves without being held against the Public Suffix List; an implied
//! `www` twin is exact, stands on block lists only, and never excepts.

use std::net::IpAddr;

use ipnet::IpNet;
use psl::Psl as _;

use crate::lists::keys::without_www;
use crate::lists::parse::{ReadOptions, RejectReason, Scoping, Suffixes};
use crate::lists::{Effect, Entry, Item, Pattern, Reading, Scope};
use crate::model::{Host, Name};

/// The widest networks taken: a wider one is a slip of the pen or an attack.
const WIDEST_V4: u8 = 16;
const WIDEST_V6: u8 = 32;

/// Takes what the current line says.
pub(super) struct Intake<'o> {
    pub(super) options: &'o ReadOptions,
    /// Whether the current line starts with white space.
    pub(super) indented: bool,
    keep: &'o mut dyn FnMut(Item),
    line: u32,
    /// How many items of the file except.
    pub(super) exceptions: usize,
    said: LineSaid,
}

/// What was found out about the current line besides its items.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineSaid {
    /// How many items it gave.
    pub(super) items: usize,
    /// Whether something was cut or mended.
    pub(super) repaired: bool,
    /// What it covers and should not.
    pub(super) dangerous: Option<RejectReason>,
    /// Why a part of it gave nothing, although the rest did.
    pub(super) fault: Option<RejectReason>,
}

/// How wide a name is, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The format, of a name without a mark.
    Bare(Scope),
    /// The line itself.
    Marked(Scope),
}

impl<'o> Intake<'o> {
    pub(super) fn new(options: &'o ReadOptions, keep: &'o mut dyn FnMut(Item)) -> Intake<'o> {
        Intake { options, indented: false, keep, line: 0, exceptions: 0, said: LineSaid::default() }
    }

    /// Starts a line.
    pub(super) fn start(&mut self, line: u32) {
        self.line = line;
        self.said = LineSaid::default();
    }

    /// What there is to say about the current line.
    pub(super) fn said(&self) -> LineSaid {
        self.said
    }

    /// Something of the line was cut or mended.
    pub(super) fn repaired(&mut self) {
        self.said.repaired = true;
    }

    /// Several entries on one line: what can't be one is a fault of the line, and the others are
    /// taken.
    pub(super) fn several<'l>(
        &mut self,
        words: impl Iterator<Item = &'l str>,
        mut read: impl FnMut(&mut Self, &'l str) -> Result<(), RejectReason>,
    ) -> Result<(), RejectReason> {
        let (mut taken, mut fault) = (0, None);
        for word in words {
            match read(self, word) {
                Ok(()) => taken += 1,
                Err(reason) => drop(fault.get_or_insert(reason)),
            }
        }
        match fault {
            Some(reason) if taken > 0 => self.said.fault = Some(reason),
            Some(reason) => return Err(reason),
            None if taken == 0 => return Err(RejectReason::Empty),
            None => {}
        }
        Ok(())
    }

    /// A host that stands alone: a name, or an address as the network that holds just it.
    pub(super) fn host(&mut self, text: &str, written: Written, effect: Effect) -> Result<(), RejectReason> {
        if text.is_empty() {
            return Err(RejectReason::Empty);
        }
        match Host::parse(text)? {
            Host::Name(name) => {
                self.said.repaired |= name.as_str().len() != text.trim_end_matches('.').len();
                self.name(name, written, effect)
            }
            Host::Address(address) => {
                self.said.repaired |= text.parse::<IpAddr>().is_err() && !text.starts_with('[');
                self.address(address, effect)
            }
        }
    }

    /// A name, with its `www` twin.
    pub(super) fn name(&mut self, host: Name, written: Written, effect: Effect) -> Result<(), RejectReason> {
        self.said.dangerous = self.danger_of(host.as_str())?.or(self.said.dangerous);
        let scope = self.scope(written, effect);
        if self.options.reading == Reading::Block && !effect.excepts() {
            self.twin(&host, scope, written, effect);
        }
        self.entry(Entry::Host { host, scope }, effect);
        Ok(())
    }

    /// A suffix that is meant. A single word may be one that is younger than the list of suffixes.
    pub(super) fn suffix(&mut self, host: Name) {
        if self.options.reading == Reading::Allow {
            self.said.dangerous = Some(RejectReason::PublicSuffix);
        }
        self.entry(Entry::Host { host, scope: Scope::Subtree }, Effect::Lists);
    }

    /// One address, if it is not one of those that hosts files point listed names at.
    pub(super) fn address(&mut self, address: IpAddr, effect: Effect) -> Result<(), RejectReason> {
        if address.is_unspecified() {
            return Err(RejectReason::LocalName);
        }
        self.entry(Entry::Network(IpNet::from(address.to_canonical())), effect);
        Ok(())
    }

    /// A network.
    pub(super) fn network(&mut self, network: IpNet, effect: Effect) -> Result<(), RejectReason> {
        let widest = if network.addr().is_ipv4() { WIDEST_V4 } else { WIDEST_V6 };
        if network.prefix_len() < widest {
            return Err(RejectReason::TooWide);
        }
        self.entry(Entry::Network(network.trunc()), effect);
        Ok(())
    }

    /// A pattern, unless it matches all there is, or all below a suffix.
    pub(super) fn pattern(&mut self, pattern: Pattern, effect: Effect) -> Result<(), RejectReason> {
        super::breadth::check(&pattern, self.options.suffixes)?;
        self.entry(Entry::Pattern(pattern), effect);
        Ok(())
    }

    /// An entry that was held against everything before.
    pub(super) fn entry(&mut self, entry: Entry, effect: Effect) {
        self.said.items += 1;
        self.exceptions += usize::from(effect.excepts());
        (self.keep)(Item { line: self.line, entry, effect });
    }

    /// Why a name can't be listed, or what is dangerous about it.
    fn danger_of(&self, name: &str) -> Result<Option<RejectReason>, RejectReason> {
        let Some(reason) = name_fault(name) else { return Ok(None) };
        let is_suffix = reason == RejectReason::PublicSuffix;
        match (self.options.suffixes, self.options.reading) {
            (Suffixes::Taken, Reading::Block) if is_suffix => Ok(None),
            (Suffixes::Taken, Reading::Allow) if is_suffix => Ok(Some(reason)),
            (Suffixes::Refused, Reading::Allow) if is_suffix && name.contains('.') => Ok(Some(reason)),
            (Suffixes::Refused | Suffixes::Taken, _) => Err(reason),
        }
    }

    fn scope(&self, written: Written, effect: Effect) -> Scope {
        match (written, self.options.scoping) {
            (Written::Marked(scope), _) | (Written::Bare(scope), Scoping::ByFormat) => scope,
            (Written::Bare(scope), Scoping::Subtree) if effect.excepts() => scope,
            (Written::Bare(_), Scoping::Subtree) => Scope::Subtree,
            (Written::Bare(_), Scoping::Exact) => Scope::Exact,
        }
    }

    /// `www.name` stands for `name` too, and, where the name alone is listed, `name` for
    /// `www.name`: people mean the site.
    fn twin(&mut self, host: &Name, scope: Scope, written: Written, effect: Effect) {
        let bare = || without_www(host.as_str()).filter(|rest| name_fault(rest).is_none()).map(str::to_owned);
        let other = match (scope, written) {
            (Scope::Subtree, _) => bare(),
            (Scope::Exact, Written::Bare(_)) => match without_www(host.as_str()) {
                Some(_) => bare(),
                None => Some(format!("www.{host}")).filter(|_| name_fault(host.as_str()).is_none()),
            },
            (Scope::Exact, Written::Marked(_)) | (Scope::Children, _) => None,
        };
        if let Some(Ok(Host::Name(host))) = other.map(|text| Host::parse(&text)) {
            self.entry(Entry::Host { host, scope: Scope::Exact }, effect);
        }
    }
}

/// What speaks against a name whatever the list.
pub(super) fn name_fault(name: &str) -> Option<RejectReason> {
    if is_local(name) {
        return Some(RejectReason::LocalName);
    }
    match (is_public_suffix(name), name.contains('.')) {
        (true, _) => Some(RejectReason::PublicSuffix),
        (false, false) => Some(RejectReason::SingleLabel),
        (false, true) => None,
    }
}

/// Names that hosts files give to the computer itself.
pub(super) fn is_local(name: &str) -> bool {
    let local = ["localhost", "localhost.localdomain", "local", "broadcasthost"];
    let is_ip6 = name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("ip6-"));
    local.iter().any(|local| name.eq_ignore_ascii_case(local)) || (is_ip6 && !name.contains('.'))
}

/// Whether the name is an ICANN suffix, or all below it are (`sch.uk`, of which the list says
/// `*.sch.uk`). Suffixes in its private section (`blogspot.com`) are companies' and can be listed.
pub(super) fn is_public_suffix(name: &str) -> bool {
    let labels = || name.as_bytes().rsplit(|&byte| byte == b'.');
    let is_icann = |found: psl::Info, len: usize| found.typ == Some(psl::Type::Icann) && found.len == len;
    is_icann(psl::List.find(labels()), name.len())
        || is_icann(psl::List.find(labels().chain([&b"*"[..]])), name.len() + 2)
}
