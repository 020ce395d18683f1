//! A table for each format: a whole file, and what becomes of each of its lines.
//!
//! `tests/fixtures/lists/FORMAT.txt` holds `LINE ⇒ OUTCOME`: the entries with their effects, or
//! `rejected REASON`, `skipped REASON`, `nothing`.

use crate::lists::{Effect, Format, Item, Parsed, ReadOptions, Reading, Rejected, parse};

const TABLES: [(Format, &str); 20] = [
    (Format::Domains, include_str!("../../../tests/fixtures/lists/domains.txt")),
    (Format::Urls, include_str!("../../../tests/fixtures/lists/urls.txt")),
    (Format::Hosts, include_str!("../../../tests/fixtures/lists/hosts.txt")),
    (Format::Wildcard, include_str!("../../../tests/fixtures/lists/wildcard.txt")),
    (Format::Dnsmasq, include_str!("../../../tests/fixtures/lists/dnsmasq.txt")),
    (Format::Unbound, include_str!("../../../tests/fixtures/lists/unbound.txt")),
    (Format::Rpz, include_str!("../../../tests/fixtures/lists/rpz.txt")),
    (Format::Adblock, include_str!("../../../tests/fixtures/lists/adblock.txt")),
    (Format::Squid, include_str!("../../../tests/fixtures/lists/squid.txt")),
    (Format::PiholeRegex, include_str!("../../../tests/fixtures/lists/pihole-regex.txt")),
    (Format::Expressions, include_str!("../../../tests/fixtures/lists/expressions.txt")),
    (Format::V2fly, include_str!("../../../tests/fixtures/lists/v2fly.txt")),
    (Format::Csv, include_str!("../../../tests/fixtures/lists/csv.txt")),
    (Format::Json, include_str!("../../../tests/fixtures/lists/json.txt")),
    (Format::Networks, include_str!("../../../tests/fixtures/lists/networks.txt")),
    (Format::Suffixes, include_str!("../../../tests/fixtures/lists/suffixes.txt")),
    (Format::E2Sites, include_str!("../../../tests/fixtures/lists/e2-sites.txt")),
    (Format::E2SiteIps, include_str!("../../../tests/fixtures/lists/e2-site-ips.txt")),
    (Format::E2Urls, include_str!("../../../tests/fixtures/lists/e2-urls.txt")),
    (Format::E2RegexUrls, include_str!("../../../tests/fixtures/lists/e2-regex-urls.txt")),
];

/// The file, the outcomes of its lines, and how many lines are taken after a repair.
fn table(text: &str) -> (String, Vec<String>, usize) {
    let rows: Vec<_> = text.lines().map(|line| line.split_once(" ⇒ ").unwrap()).collect();
    let file = rows.iter().map(|(line, _)| format!("{line}\n")).collect();
    let repaired = rows.iter().filter(|(_, outcome)| outcome.contains(" (repaired)")).count();
    (file, rows.iter().map(|(_, outcome)| outcome.replace(" (repaired)", "")).collect(), repaired)
}

pub(super) fn outcome(parsed: &Parsed, line: u32) -> String {
    let items = parsed.items.iter().filter(|item| item.line == line).map(item);
    let mut outcome = vec![items.collect::<Vec<_>>().join(" & ")];
    let on_line = |found: &&Rejected| found.line == line;
    outcome.extend(parsed.rejected.iter().filter(on_line).map(|found| format!("rejected {}", reason(found))));
    outcome.extend(parsed.skipped.iter().filter(on_line).map(|found| format!("skipped {}", reason(found))));
    outcome.retain(|part| !part.is_empty());
    if outcome.is_empty() { "nothing".to_owned() } else { outcome.join(" ") }
}

fn item(item: &Item) -> String {
    if item.effect == Effect::Lists {
        return item.entry.to_string();
    }
    format!("{:?} {}", item.effect, item.entry)
}

fn reason(found: &Rejected) -> String {
    let shown = format!("{:?}", found.reason);
    shown.split('(').next().unwrap_or_default().to_owned()
}

#[test]
fn every_line_of_every_format_has_its_outcome() {
    let mut wrong = Vec::new();
    for (format, text) in TABLES {
        let (file, outcomes, repaired) = table(text);
        let parsed = parse::read(&ReadOptions::of(Reading::Block), format, file.as_bytes());
        for ((number, line), expected) in (1u32..).zip(file.lines()).zip(&outcomes) {
            let outcome = outcome(&parsed, number);
            if outcome != *expected {
                wrong.push(format!("{format}:{number}: {line}\n  is   {outcome}\n  want {expected}"));
            }
        }
        if parsed.repaired != repaired {
            wrong.push(format!("{format}: {} repaired, want {repaired}", parsed.repaired));
        }
        let read = outcomes.iter().filter(|outcome| *outcome != "nothing").count();
        if parsed.read != read {
            wrong.push(format!("{format}: {} lines read, want {read}", parsed.read));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
