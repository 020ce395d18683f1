//! The readers take any bytes, and account for every line.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::properties::entry;
use crate::lists::{
    Entry, Format, Item, Parsed, ReadOptions, Reading, Scope, Scoping, Suffixes, UrlEntry, archive, parse,
};

/// Pieces that the grammars are made of, between `~`.
const PIECES: &str = "||~@@~^~$important~$badfilter~$denyallow=b.example~,~/~*~*.~=~|~games.example~\
    www.games.example~com~co.uk~localhost~0.0.0.0 ~127.1\t~192.0.2.7~10.0.0.0/8~192.0.2.1-192.0.2.9~\
    2001:db8::/32~address=/~server=/~/#~local-zone: ~\"~ always_null~ transparent~local-data: ~ A 0.0.0.0~\
    CNAME ~.~rpz-passthru.~32.7.2.0.192.rpz-ip~@~ IN ~ SOA ~(~)~;~$ORIGIN ~full:~keyword:~regexp:~include:x~\
    domain:~[a-z]{2,}~(?=x)~\\1~\\.~[~]~{~{\"url\":\"~\"}~domain,category~é~#~ # c~! c~##.ad~.Include<x>~\
    #listcategory: \"x\"~ ~\t~\u{200b}~http://~:80~?q=1~acl x dstdomain ~&";

fn line() -> impl Strategy<Value = String> {
    let pieces: Vec<&str> = PIECES.split('~').collect();
    prop::collection::vec(prop::sample::select(pieces), 0..7).prop_map(|parts| parts.concat())
}

fn lines_of(parsed: &Parsed) -> BTreeSet<u32> {
    let items = parsed.items.iter().map(|item| item.line);
    let others = parsed.rejected.iter().chain(&parsed.skipped).map(|rejected| rejected.line);
    items.chain(others).collect()
}

fn options() -> impl Strategy<Value = ReadOptions> {
    let readings = prop::sample::select(vec![Reading::Block, Reading::Allow]);
    let scopings = prop::sample::select(vec![Scoping::ByFormat, Scoping::Subtree, Scoping::Exact]);
    let suffixes = prop::sample::select(vec![Suffixes::Refused, Suffixes::Taken]);
    (readings, scopings, suffixes).prop_map(|(reading, scoping, suffixes)| ReadOptions {
        scoping,
        suffixes,
        ..ReadOptions::of(reading)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600), options in options()) {
        let _ = parse::detect("any", &bytes);
        for format in Format::ALL {
            let parsed = parse::read(&options, format, &bytes);
            prop_assert!(parsed.rejected_total <= parsed.read && parsed.skipped_total <= parsed.read);
            let _ = parse::categories(format, &bytes);
        }
        let _ = archive::unpack(&bytes[..]);
    }

    #[test]
    fn every_line_is_taken_rejected_or_skipped(
        text in prop::collection::vec(line(), 0..6),
        options in options(),
    ) {
        let text = text.join("\n");
        for format in Format::ALL {
            let parsed = parse::read(&options, format, text.as_bytes());
            let lines = lines_of(&parsed);
            let excepting = parsed.items.iter().filter(|item| item.effect.excepts()).count();
            prop_assert_eq!(parsed.exceptions, excepting);
            // Rows may share a line, and a row may have several.
            if format == Format::Csv || format == Format::Json {
                prop_assert!(lines.len() <= parsed.read);
            } else {
                prop_assert!(lines.len() == parsed.read || format == Format::Rpz, "{format} {parsed:?}");
            }
        }
    }

    #[test]
    fn an_entry_text_reads_back_as_the_entry(entry in entry()) {
        let (format, expected) = match &entry {
            Entry::Url(_) => (Format::Urls, entry.clone()),
            // A list can't say "below the name alone": `*.name` is the name too, as people mean it.
            Entry::Host { host, scope: Scope::Children } => {
                (Format::Wildcard, Entry::Host { host: host.clone(), scope: Scope::Subtree })
            }
            Entry::Host { .. } | Entry::Network(_) | Entry::Pattern(_) => (Format::Wildcard, entry.clone()),
        };
        let options = ReadOptions { suffixes: Suffixes::Taken, ..ReadOptions::of(Reading::Allow) };
        let parsed = parse::read(&options, format, entry.to_string().as_bytes());
        if let Entry::Host { host, .. } = &entry
            && !host.as_str().contains('.')
        {
            return Ok(());
        }
        prop_assert_eq!(parsed.items, vec![Item::listed(1, expected)]);
    }

    #[test]
    fn a_page_reads_back_on_a_block_list_too(entry in entry()) {
        let Entry::Url(page) = entry else { return Ok(()) };
        let text = UrlEntry::to_string(&page);
        let parsed = parse::read(&ReadOptions::of(Reading::Block), Format::Urls, text.as_bytes());
        prop_assert_eq!(parsed.items, vec![Item::listed(1, Entry::Url(page))]);
    }
}

#[test]
fn time_grows_with_the_bytes_and_no_faster() {
    let pieces = "$~(~[~{~\\~*~^~|~,~;~\"~'~#~ #~.~/~-~:~@~&~a~ ~\n~ \n~(\n~\"\n~0.0.0.0 ~a.example ~a.example\n~\
                  $a,~||a^$badfilter\n~a.b|~\"a\",~\"a\",\n~{\"a\":~a,\n~\r~address=/a~1-2\n~%2f~xn--~\u{200b}";
    let started = std::time::Instant::now();
    // Every pattern is compiled, which takes its time however few there are.
    let patterns = [Format::Expressions, Format::PiholeRegex, Format::E2RegexUrls];
    for piece in pieces.split('~') {
        for format in Format::ALL {
            let size = if patterns.contains(&format) { 4 * 1024 } else { 256 * 1024 };
            let bytes = piece.repeat(size / piece.len());
            let _ = parse::detect("any", bytes.as_bytes());
            let parsed =
                parse::read_each(&ReadOptions::of(Reading::Block), format, bytes.as_bytes(), &mut drop);
            assert!(parsed.rejected.len() <= parse::MAX_REPORTED);
        }
    }
    let spaces = "\"a.example\",".repeat(20_000) + &" ".repeat(256 * 1024);
    let _ = parse::read(&ReadOptions::of(Reading::Block), Format::Json, spaces.as_bytes());
    // A quadratic reader needs hours for this; a linear one seconds, on any machine.
    assert!(started.elapsed().as_secs() < 300, "{:?}", started.elapsed());
}
