//! What the lines of a file say about its format.

use std::net::IpAddr;

use crate::lists::parse::hosts::is_sink;
use crate::lists::parse::lines::lines;
use crate::lists::parse::word::without_comment;
use crate::lists::parse::{Format, csv};

/// How many lines vote.
const VOTERS: usize = 2000;
/// How many lines may hold what a format starts with.
const HEAD: usize = 20;

type Found = (Format, &'static str);

/// By what only one format starts with.
pub(super) fn head(text: &[u8]) -> Option<Found> {
    let mut first = true;
    for line in lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).take(HEAD) {
        let line = String::from_utf8_lossy(line);
        let upper = line.to_ascii_uppercase();
        let words = || upper.split_whitespace().take_while(|word| !word.starts_with(';'));
        if is_json_head(&line) && first {
            return Some((Format::Json, "the file starts as JSON does"));
        }
        if upper.starts_with("[ADBLOCK") || line.starts_with("! Title:") || line.starts_with("![") {
            return Some((Format::Adblock, "the file starts as Adblock lists do"));
        }
        if upper.starts_with("#LISTCATEGORY:") {
            return Some((Format::E2Sites, "the file names its category as e2guardian's lists do"));
        }
        if line.starts_with(['#', ';', '!', '/']) || upper.starts_with("SEP=") {
            continue;
        }
        if upper.starts_with("$TTL") || upper.starts_with("$ORIGIN") || words().any(|word| word == "SOA") {
            return Some((Format::Rpz, "the file starts as a DNS zone does"));
        }
        if line == "server:" || line.starts_with("local-zone:") {
            return Some((Format::Unbound, "the file starts as an unbound configuration does"));
        }
        if first && csv::is_head(line.as_bytes()) {
            return Some((Format::Csv, "the first row names the columns"));
        }
        first = false;
    }
    None
}

/// `[`, `["`, `[{` or `{"`; a head of Adblock lists and a regular expression are other things.
fn is_json_head(line: &str) -> bool {
    let inner = line.strip_prefix('[').unwrap_or(line).trim_start();
    line == "[" || line == "{" || line == "[]" || inner.starts_with("{\"") || inner == "{" || {
        line.starts_with('[') && inner.starts_with('"')
    }
}

/// What most lines look like.
#[derive(Default)]
struct Count {
    all: usize,
    adblock: usize,
    dnsmasq: usize,
    unbound: usize,
    hosts: usize,
    networks: usize,
    v2fly: usize,
    stars: usize,
    dots: usize,
    aliases: usize,
    commas: usize,
    host_patterns: usize,
    url_patterns: usize,
    urls: usize,
}

/// By what more than half of the first lines look like.
pub(super) fn vote(leaf: &str, text: &[u8]) -> Found {
    let mut count = Count::default();
    for line in lines(text).map(<[u8]>::trim_ascii) {
        let line = String::from_utf8_lossy(line);
        let line = without_comment(&line);
        if !line.is_empty() && !line.starts_with(['#', ';']) {
            count.take(line);
        }
        if count.all == VOTERS {
            break;
        }
    }
    count.winner(leaf)
}

impl Count {
    fn take(&mut self, line: &str) {
        self.all += 1;
        let counted = match line {
            _ if is_adblock(line) => &mut self.adblock,
            _ if is_dnsmasq(line) => &mut self.dnsmasq,
            _ if line.starts_with("local-zone:") || line.starts_with("local-data:") => &mut self.unbound,
            _ if is_v2fly(line) => &mut self.v2fly,
            _ if line.split_once(char::is_whitespace).is_some_and(|(first, _)| is_sink(first)) => {
                &mut self.hosts
            }
            _ if is_network(line) => &mut self.networks,
            _ if line.split_whitespace().any(|word| word.eq_ignore_ascii_case("cname")) => &mut self.aliases,
            _ if is_expression(line) && line.contains('/') => &mut self.url_patterns,
            _ if is_expression(line) => &mut self.host_patterns,
            _ if line.contains([',', ';', '\t']) => &mut self.commas,
            _ if line.contains('*') || line.starts_with('=') => &mut self.stars,
            _ if line.starts_with('.') => &mut self.dots,
            _ if is_url(line) => &mut self.urls,
            _ => return,
        };
        *counted += 1;
    }

    fn winner(&self, leaf: &str) -> Found {
        let most = |count: usize| count * 2 > self.all;
        let patterns = self.host_patterns + self.url_patterns;
        let is_squid = leaf.ends_with(".acl") || leaf.contains("squid");
        match () {
            () if self.all == 0 => (Format::Domains, "no line holds an entry"),
            () if most(self.adblock) => (Format::Adblock, "most lines are Adblock rules"),
            () if most(self.dnsmasq) => (Format::Dnsmasq, "most lines are dnsmasq settings"),
            () if most(self.unbound) => (Format::Unbound, "most lines are unbound settings"),
            () if most(self.hosts) => (Format::Hosts, "most lines give names an address that leads nowhere"),
            () if most(self.aliases) => (Format::Rpz, "most lines are records of a DNS zone"),
            () if self.networks == self.all => (Format::Networks, "every line is an address or a network"),
            () if self.commas * 5 >= self.all * 4 => (Format::Csv, "most lines are rows of a table"),
            () if most(patterns) && self.url_patterns > 0 => {
                (Format::Expressions, "most lines are regular expressions, and some look at a path")
            }
            () if most(patterns) => (Format::PiholeRegex, "most lines are regular expressions of hosts"),
            // What the other lines hold, a domain list holds too, but not these.
            () if self.v2fly > 0 && self.urls + self.stars + self.dots == 0 => {
                (Format::V2fly, "some lines start with domain:, full: or the like")
            }
            () if most(self.stars) => (Format::Wildcard, "most lines are names with a star"),
            () if self.dots == self.all || (is_squid && most(self.dots)) => {
                (Format::Squid, "the names start with a dot (Squid's dstdomain)")
            }
            () if most(self.urls) => {
                (Format::Urls, "most lines are addresses of pages; one without a path is the whole host")
            }
            () => (Format::Domains, "most lines are a host alone"),
        }
    }
}

fn is_adblock(line: &str) -> bool {
    let marks = ["||", "@@", "!", "|http"];
    let cosmetic = ["##", "#@#", "#?#", "#$#"];
    marks.iter().any(|mark| line.starts_with(mark)) || cosmetic.iter().any(|sign| line.contains(sign))
}

fn is_dnsmasq(line: &str) -> bool {
    ["address=/", "server=/", "local=/"].iter().any(|key| line.trim_start_matches("--").starts_with(key))
}

fn is_v2fly(line: &str) -> bool {
    ["domain:", "full:", "keyword:", "regexp:", "include:"].iter().any(|key| line.starts_with(key))
}

fn is_network(line: &str) -> bool {
    let is_address = |text: &str| text.trim().parse::<IpAddr>().is_ok();
    let (address, _) = line.split_once('/').unwrap_or((line, ""));
    is_address(address) || line.split_once('-').is_some_and(|(from, to)| is_address(from) && is_address(to))
}

/// Whether it holds what only an expression holds: `^`, `$` at its end, `\`, a group, a set.
fn is_expression(line: &str) -> bool {
    let is_group = line.contains('(') && line.contains(')');
    line.starts_with('^') || line.ends_with('$') || line.contains(r"\.") || line.contains("[^") || is_group
}

fn is_url(line: &str) -> bool {
    match line.split_once("://") {
        Some((_, rest)) => !rest.is_empty(),
        None => line.split_once('/').is_some_and(|(_, path)| !path.is_empty()),
    }
}
