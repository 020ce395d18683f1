//! How long a look-up takes: one million made-up names, a page, a statutory miss, a search, a file.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use schoolgate::content::{TermsBuilder, kinds};
use schoolgate::lists::{
    Asked, Entry, Format, Index, IndexBuilder, Item, Origin, ReadOptions, Reading, Statutory,
    StatutoryBuilder, parse,
};
use schoolgate::model::{Host, Url};

const NAMES: u32 = 1_000_000;
const PAGES: u32 = 50_000;
const STATUTORY: u32 = 6_000;

/// A name that looks like those of the lists: two or three labels, 12 to 25 bytes.
fn name(number: u32) -> String {
    let spread = number.wrapping_mul(2_654_435_761);
    match number % 3 {
        0 => format!("{spread:x}-site.example"),
        1 => format!("sub{}.{spread:x}.example", number % 7),
        _ => format!("{spread:08x}{:04x}.example", number % 65_536),
    }
}

fn index() -> Index {
    let mut builder = IndexBuilder::new(*b"a bench, no case");
    let origin = builder.add_origin(Origin {
        list: "bench/names".into(),
        version: "1".into(),
        file: "domains".into(),
    });
    for number in 0..NAMES {
        if let Ok(Host::Name(host)) = Host::parse(&name(number)) {
            let entry = Entry::Host { host, scope: schoolgate::lists::Scope::Subtree };
            builder.add(origin, Item::listed(number + 1, entry));
        }
    }
    let pages: String = (0..PAGES).map(|n| format!("pages{}.example/a/{n}/x\n", n % 9_000)).collect();
    for item in parse::read(&ReadOptions::of(Reading::Block), Format::Urls, pages.as_bytes()).items {
        builder.add(origin, item);
    }
    builder.build()
}

fn statutory() -> Statutory {
    let mut builder = StatutoryBuilder::new([42; 32]);
    let list = builder.add_list("bench", "1");
    for number in 0..STATUTORY {
        let _ = builder.add_line(list, &format!("s{number}.example/pages/{number}"));
    }
    builder.build()
}

fn hosts(made: impl Fn(u32) -> String) -> Vec<Host> {
    (0..20_000u32).filter_map(|n| Host::parse(&made(n.wrapping_mul(48_271) % NAMES)).ok()).collect()
}

fn look_ups(c: &mut Criterion) {
    let (index, statutory) = (index(), statutory());
    let cases = [
        ("hit", hosts(name)),
        ("miss", hosts(|n| format!("www.{}.org", name(n).replace(".example", "")))),
        ("deep subdomain", hosts(|n| format!("a.b.c.d.e.f.{}", name(n)))),
    ];
    for (case, hosts) in cases {
        let mut turn = hosts.iter().cycle();
        c.bench_function(&format!("lists/1M names/{case}"), |b| {
            b.iter(|| {
                let host = turn.next();
                host.map(|host| index.find(black_box(&Asked { host, url: None }), Reading::Block).len())
            });
        });
    }
    let pages = ["https://www.pages5.example/a/5/x/y?z=1", "https://www.elsewhere.example/a/5/x/y?z=1"];
    let urls: Vec<Url> = pages.iter().filter_map(|text| Url::parse(text).ok()).collect();
    for (case, url) in ["page hit", "page miss"].iter().zip(&urls) {
        let asked = Asked { host: url.host(), url: Some(url) };
        c.bench_function(&format!("lists/{case}"), |b| {
            b.iter(|| index.find(black_box(&asked), Reading::Block).len());
        });
        c.bench_function(&format!("lists/statutory miss/{case}"), |b| {
            b.iter(|| statutory.find(black_box(&asked)).is_some());
        });
    }
}

/// The shipped term lists against searches, and what kind of file an answer is.
fn contents(c: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("blocklists/terms");
    let mut builder = TermsBuilder::new();
    for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        builder.add_list(&name, "1", &name, &text).unwrap_or_else(|faults| panic!("{faults}"));
    }
    let terms = builder.build();
    let long = "how do volcanoes erupt and why is the lava red ".repeat(20);
    for (case, query) in
        [("harmless", "roman soldiers facts ks2"), ("concern", "how to hurt myself"), ("long", &long)]
    {
        c.bench_function(&format!("terms/{case}"), |b| b.iter(|| terms.find(black_box(query)).len()));
    }
    let page = "<!doctype html><p>Volcanoes</p>".repeat(600).into_bytes();
    c.bench_function("kinds/a page", |b| {
        b.iter(|| kinds(Some("volcano.html"), Some("text/html"), None, black_box(&page)).len());
    });
}

criterion_group!(benches, look_ups, contents);
criterion_main!(benches);
