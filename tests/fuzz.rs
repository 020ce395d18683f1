//! The functions that are fuzzed (`fuzz/`), over seeds, changed seeds and random bytes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(unreachable_pub, reason = "a library there, a module here")]
#[path = "../fuzz/src/lib.rs"]
mod fuzzed;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;

use fuzzed::ENTRIES;

/// Texts that reach into the readers.
const TEXTS: [&str; 23] = [
    "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5;x=\"y\"\r\nhello\r\n0\r\n\r\n",
    "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
    "5;x=\"y\"\r\nhello\r\n0\r\nA: b\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH-2.0-x\r\n",
    "\u{0}games.example\n0.0.0.0 b.example # c\nhttp://c.example/\n192.0.2.0/24\n*.d.example\n",
    "\u{2}site.example/a/b?k=v&l=%20w\nhttp://site.example/c;d\nb\u{fc}cher.example/\u{e4}\n[2001:db8::9]/z\n",
    "\u{3}allowed.example\nwww.allowed.example/A\n",
    "http://statutory.example/page?x=1\nstatutory.example\n198.51.100.7\n",
    "http://user:pw@m\u{fc}nchen.example:8080/a/../%7eb?c#d",
    "http://[::ffff:192.0.2.5]/",
    "http://0xc0.0x0.517/",
    "http://web.archive.org/web/2020/http://translate.google.com/translate?u=http%253A%252F%252Fb.example",
    "http://b-example.translate.goog/?_x_tr_sl=auto&u=//c.example/",
    "http%3A%2F%2Fb.example%2F%00&url=http:/c.example&http://d.example",
    "web/2020/http://a.example/http://b.example/http://c.example/http://d.example",
    "0-en--uk-b-example-0.cdn.ampproject.org",
    "/search?q=a&safe=off;Safe=x&%73afe#b\n{\"query\":\"a\",\"x\":{\"query\":\"b\"}}",
    "https://search.yahoo.com//Search;x?p=a+b&vm=p\n--x\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\na\r\n--x--",
    // A bug of the check: of an entry with `;` in a value nobody knows which name it has.
    "\u{1}a.example/?q=a!safe=off;!afe=x&safe\na.example/?safk=off;Safe=x&%73afe=1&safe=2\n",
    "# language: en\nred apple\nmake|buy a|some? tart & now\n=plum\n!tart-cup\nab\n",
    "PK\u{3}\u{4}\u{14}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{5}\0\0\0a.exe",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Texts, captured hellos, the shipped policy and settings, and a packed list.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    for file in files(&root().join("tests/fixtures/clienthello"), "bin") {
        seeds.push(std::fs::read(file).unwrap());
    }
    for file in ["config/policy.toml", "config/schoolgate.toml"] {
        seeds.push(std::fs::read(root().join(file)).unwrap());
    }
    seeds.push(packed());
    seeds
}

fn packed() -> Vec<u8> {
    let mut archive =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    let text = b"games.example\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    archive.append_data(&mut header, "blacklists/games/domains", &text[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    archive.append_link(&mut header, "blacklists/jeux", "games").unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

#[test]
fn every_entry_takes_every_seed() {
    let seeds = seeds();
    assert!(seeds.len() > 30, "{}", seeds.len());
    for (_, entry) in ENTRIES {
        seeds.iter().for_each(|seed| entry(seed));
    }
}

/// A function without a target would never be fuzzed.
#[test]
fn every_entry_is_a_target() {
    let manifest: toml::Table =
        std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap().parse().unwrap();
    let bins: Vec<&str> =
        manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    let names: Vec<&str> = ENTRIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(bins, names);
    assert_eq!(files(&root().join("fuzz/fuzz_targets"), "rs").len(), names.len());
    for name in names {
        let target = std::fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("schoolgate_fuzz::{name}(")), "{name}");
    }
}

proptest! {
    #[test]
    fn every_entry_takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, entry) in ENTRIES {
            entry(&bytes);
        }
    }

    #[test]
    fn every_entry_takes_changed_seeds(
        seed in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in any::<Index>(),
    ) {
        let seeds = seeds();
        let mut bytes = seeds[seed.index(seeds.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let kept = cut.index(bytes.len() * 2).min(bytes.len());
        for (_, entry) in ENTRIES {
            entry(&bytes[..kept]);
        }
    }
}
