//! Real lists, where they are at hand.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

use super::data;
use crate::lists::{
    Asked, CatalogueBuilder, Entry, Format, IndexBuilder, ReadOptions, Reading, archive, parse,
};
use crate::model::Host;

#[test]
fn the_whole_ut1_archive_is_read() {
    let (Some(packed), Some(manifest)) = (data("ut1/blacklists.tar.gz"), data("ut1/manifest.csv")) else {
        return;
    };
    let started = Instant::now();
    let unpacked = archive::unpack(&packed[..]).unwrap();
    let mut builder = CatalogueBuilder::new([5; 16]);
    let reports = builder.add_ut1(&unpacked, "2026-08-17");
    let catalogue = builder.build();
    eprintln!("{} entries in {:?}", catalogue.index().len(), started.elapsed());

    let mut read = BTreeMap::new();
    for (file, report) in &reports {
        let parsed = &report.as_ref().unwrap().parsed;
        read.insert(file.to_string(), parsed.read);
        for rejected in &parsed.rejected {
            eprintln!("{file}:{}:{} {} ({})", rejected.line, rejected.column, rejected.text, rejected.reason);
        }
    }
    let manifest = String::from_utf8(manifest).unwrap();
    let mut aliases = 0;
    for row in manifest.lines().skip(1) {
        let [category, domains, urls, _, _, link] = row.split(',').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        aliases += usize::from(!link.is_empty());
        for (kind, lines) in [("domains", domains), ("urls", urls)] {
            let expected = lines.parse().unwrap_or(0);
            let file = format!("{category}/{kind}");
            assert_eq!(read.get(&file).copied().unwrap_or(0), expected, "{file}");
        }
    }
    assert_eq!(unpacked.aliases.len(), aliases);
    assert!(catalogue.index().len() > 650_000);
}

#[test]
fn every_ut1_line_finds_itself() {
    let Some(packed) = data("ut1/blacklists.tar.gz") else { return };
    let unpacked = archive::unpack(&packed[..]).unwrap();
    let mut builder = CatalogueBuilder::new([6; 16]);
    let _ = builder.add_ut1(&unpacked, "2026-08-17");
    let catalogue = builder.build();
    for category in crate::lists::ut1::categories(&unpacked) {
        let id = format!("ut1/{}", category.name);
        for (format, file) in [(Format::Domains, &category.domains), (Format::Urls, &category.urls)] {
            let Some(file) = file else { continue };
            let reading = category.kind.reading();
            for item in
                parse::read(&ReadOptions::of(reading), format, &file.bytes).items.into_iter().step_by(7)
            {
                let line = item.line;
                let text = match &item.entry {
                    Entry::Host { host, .. } => host.to_string(),
                    Entry::Network(network) => Host::from(network.addr()).to_string(),
                    Entry::Url(_) | Entry::Pattern(_) => item.entry.to_string(),
                };
                let url = crate::model::Url::parse(&format!("http://{text}")).unwrap();
                let asked = Asked { host: url.host(), url: Some(&url) };
                let found = catalogue.index().find(&asked, reading);
                assert!(
                    found
                        .iter()
                        .any(|m| *catalogue.list_of(m.origin).id == *id && catalogue.index().line(m) <= line),
                    "{id} {line}: {text}"
                );
            }
        }
    }
}

#[test]
fn two_million_names_load_and_find_themselves() {
    let Some(packed) = data("lists/adult-2.27m.txt.gz") else { return };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut bytes).unwrap();
    let started = Instant::now();
    let mut builder = IndexBuilder::new([9; 16]);
    let origin = super::add_origin(&mut builder, "adult");
    let parsed = parse::read_each(&ReadOptions::of(Reading::Block), Format::Domains, &bytes, &mut |item| {
        builder.add(origin, item);
    });
    let parsing = started.elapsed();
    let index = builder.build();
    eprintln!("{} read in {parsing:?}, built after {:?}", parsed.read, started.elapsed());
    for rejected in parsed.rejected.iter().take(20) {
        eprintln!("{}: {} ({})", rejected.line, rejected.text, rejected.reason);
    }
    assert!(parsed.read > 2_200_000 && parsed.rejected_total * 1000 < parsed.read);
    let text = std::str::from_utf8(&bytes).unwrap();
    for (line, name) in (1u32..).zip(text.lines()).step_by(11) {
        let Ok(host) = Host::parse(name) else { continue };
        let found = index.find(&Asked { host: &host, url: None }, Reading::Block);
        let itself = found
            .iter()
            .any(|m| index.line(m) <= line && index.entry_text(m).trim_start_matches('=') == name);
        assert!(itself || parsed.rejected.iter().any(|rejected| rejected.line == line), "{line}: {name}");
    }
}
