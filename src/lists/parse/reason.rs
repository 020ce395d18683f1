//! Why a line gave no entry, in one plain sentence each.

use crate::lists::PatternFault;

/// Why a line was not taken.
///
/// The first part are faults of the line; the second part are lines that are right where they
/// come from and mean nothing at a gateway, or something that can't be done here. A reader skips
/// those, and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RejectReason {
    /// A suffix under which anyone may register (ICANN section of the Public Suffix List), or a
    /// pattern that matches all below one.
    #[error("this is a public suffix: it would cover every site below it")]
    PublicSuffix,
    /// A name without a dot that is no known suffix.
    #[error("this is a single word, not a host name")]
    SingleLabel,
    /// `localhost` and its kin, which hosts files carry.
    #[error("this name means the computer itself")]
    LocalName,
    /// Wider than /16 (IPv4) or /32 (IPv6).
    #[error("this network is too wide: /16 is the widest for IPv4, /32 for IPv6")]
    TooWide,
    /// Only dots, stars or punctuation.
    #[error("no host is left once dots and stars are taken off")]
    Empty,
    /// Two dots in a row.
    #[error("the host has an empty label")]
    EmptyLabel,
    /// Something that no host name may hold.
    #[error("this character can't be in a host name")]
    Character,
    /// A NUL or another control character.
    #[error("the line holds a control character")]
    Control,
    /// Over 63 bytes a label, 253 a name, 16 KiB a URL or 64 KiB a line.
    #[error("the text is longer than such an entry can be")]
    TooLong,
    /// Looks like an IPv4 address and is none.
    #[error("this looks like an address but is none")]
    Address,
    /// Several words where one entry is expected.
    #[error("several words on one line")]
    SeveralWords,
    /// `mailto:` or a bare mail address: its host is a school's mail, not what is meant.
    #[error("this is a mail address")]
    MailAddress,
    /// A scheme that is not carried.
    #[error("only http, https and ftp addresses can be listed")]
    Scheme,
    /// A port that is no port.
    #[error("the port is not between 1 and 65535")]
    Port,
    /// A URL that can't be read, for whatever other cause.
    #[error("this is not a URL")]
    Url,
    /// A pattern that can't be used.
    #[error(transparent)]
    Pattern(#[from] PatternFault),
    /// `\1`: no automaton can match it in linear time.
    #[error("back-references can't be matched in linear time: write the pattern without \\1")]
    BackReference,
    /// `(?=…)`, `(?!…)`, `(?<…)`, `(?>…)`.
    #[error("look-around can't be matched in linear time: write the pattern without (?=, (?! or (?<")]
    LookAround,
    /// A network where only single addresses are taken (statutory lists).
    #[error("only single addresses can be listed here, not networks")]
    Network,
    /// Something else in a list of addresses.
    #[error("this is neither an address nor a network")]
    NotANetwork,
    /// Something else in a list of suffixes.
    #[error("this is no public suffix: list it as a host")]
    NotASuffix,
    /// Not the grammar of the format.
    #[error("this line is not written as its format asks")]
    Grammar,
    /// A record of a zone that lies outside the zone.
    #[error("this name is not in the zone of the file")]
    OutOfZone,
    /// A row without anything in the columns that name an entry.
    #[error("this row names no entry")]
    NoEntry,
    /// A word in the action column that is neither to block nor to allow.
    #[error("the action is neither to block nor to allow")]
    Action,
    /// The rest of the file can't be read.
    #[error("this is not JSON: nothing from here on was read")]
    Json,

    /// A hosts or DNS line that answers with some other address.
    #[error("this line answers with another address; it blocks nothing")]
    Rewrite,
    /// A setting of the DNS server or proxy that the file is for.
    #[error("this is a setting of the program that the file is for, not an entry")]
    Setting,
    /// `include:`, `.Include<…>`: a file that the reader does not have.
    #[error("this names another file: import it as well")]
    Include,
    /// SOA, NS, TXT and the like.
    #[error("this record belongs to the zone, not to the list")]
    ZoneRecord,
    /// `rpz-client-ip`, `rpz-nsip`, `rpz-nsdname`, `rpz-tcp-only`.
    #[error("this trigger or action exists in DNS only")]
    DnsOnly,
    /// A line of a record that ends further down.
    #[error("this line is a part of the record that ends below it")]
    Continued,
    /// `##`, `#@#`, `#$#`, `$$` and the like.
    #[error("this rule changes how a page looks; it blocks no address")]
    Cosmetic,
    /// `$third-party`, `$script`, `$domain=`, `$popup` and the like.
    #[error("this rule holds in a part of some pages only, which a gateway can't see")]
    Context,
    /// `$client=`, `$ctag=`, `$dnstype=`, `$dnsrewrite=`.
    #[error("this rule holds for some clients or DNS queries only")]
    SomeQueries,
    /// A path without a host.
    #[error("this rule names a part of an address on any host, which would block too much")]
    AnyHost,
    /// A rule with `$badfilter`: what it takes back is not read.
    #[error("this rule takes another one back")]
    TakesBack,
    /// A rule that another one takes back with `$badfilter`.
    #[error("another rule takes this one back")]
    TakenBack,
    /// `#time:`, `@schedule`: the list or line holds at certain times only.
    #[error("this holds at certain times only, which a list can't say: use a timetable")]
    Timed,
    /// `#listcategory:`.
    #[error("this line names the category, not an entry")]
    ListCategory,
    /// `**`, `*ip` and their kin.
    #[error("this line blocks everything or every address: set that in the policy")]
    Blanket,
}

impl RejectReason {
    /// Whether the line would have covered far too much.
    #[must_use]
    pub fn is_dangerous(self) -> bool {
        let all = RejectReason::Pattern(PatternFault::MatchesAll);
        self == all || self == RejectReason::PublicSuffix || self == RejectReason::TooWide
    }
}
