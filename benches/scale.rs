//! What millions of names cost: building, keeping, mapping, looking up. Anyone can run it:
//!
//! ```sh
//! cargo bench --bench scale                            # 5 million made-up names
//! SCHOOLGATE_DATA=…/data cargo bench --bench scale     # real lists first, then made-up names
//! SCHOOLGATE_NAMES=1000000 cargo bench --bench scale
//! ```

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use schoolgate::lists::{
    Asked, Catalogue, CatalogueBuilder, Compiled, Form, Format, ListHead, NotAList, Reading, archive,
};
use schoolgate::mapped;
use schoolgate::model::Host;

const LOOK_UPS: usize = 400_000;

fn main() {
    let wanted = std::env::var("SCHOOLGATE_NAMES").ok().and_then(|text| text.parse().ok());
    let wanted: usize = wanted.unwrap_or(5_000_000);
    let (built, read, took) = build(wanted);
    let names = built.index().len();
    row("names in the index", names);
    row("lines read", read);
    row("build, ns a line (read, hash, sort)", nanos(took, read));
    let compiled = built.compiled();
    row("resident bytes a name, at most", format!("{:.1}", compiled.hot_bytes() as f64 / names as f64));
    row("bytes a name on disk", format!("{:.1}", compiled.len() as f64 / names as f64));

    let path = std::env::temp_dir().join(format!("schoolgate-scale-{}", std::process::id()));
    let started = Instant::now();
    let mut out = BufWriter::new(File::create(&path).expect("a temporary file"));
    compiled.write(&mut out).and_then(|()| out.flush()).expect("room for a temporary file");
    row("write, ms", started.elapsed().as_millis());
    drop(built);

    let before = resident();
    let started = Instant::now();
    let mut file = File::open(&path).expect("the file just written");
    Compiled::verify(&mut file).expect("what was written");
    let catalogue = Catalogue::open(&mapped::map(&file).expect("a mapping")).expect("what was written");
    row("verify and map, ms", started.elapsed().as_millis());
    row("resident after mapping, KiB more", resident().saturating_sub(before));
    let host = |text: &str| Host::parse(text).ok();
    let sample = |made: &dyn Fn(u32) -> String| -> Vec<Host> {
        (0..100_000u32).filter_map(|n| host(&made(spread(n) % 4_000_000))).collect()
    };
    let cases: [(&str, Vec<Host>); 4] = [
        ("look-up, ns: hit, two or three labels", sample(&name)),
        ("look-up, ns: hit, four labels deeper", sample(&|n| format!("a.b.cdn.www.{}", name(n)))),
        ("look-up, ns: miss, four labels", sample(&|n| format!("www.cdn.{:x}.org", spread(n)))),
        ("look-up, ns: miss, eight labels", sample(&|n| format!("a.b.c.d.www.cdn.{:x}.org", spread(n)))),
    ];
    for (case, hosts) in &cases {
        row(case, look_up(&catalogue, hosts));
    }
    row("resident after look-ups, KiB more", resident().saturating_sub(before));
    let _ = std::fs::remove_file(&path);
}

/// Real lists as far as they are there, then made-up names.
fn build(wanted: usize) -> (Catalogue, usize, Duration) {
    let mut builder = CatalogueBuilder::new(*b"a bench, no case");
    let (mut read, mut took) = (0, Duration::ZERO);
    let mut add = |builder: &mut CatalogueBuilder, id: &str, bytes: &[u8]| {
        let started = Instant::now();
        let head = ListHead {
            id: id.into(),
            title: id.into(),
            version: "bench".into(),
            licence: "".into(),
            reading: Reading::Block,
        };
        let list = builder.add_list(head);
        let format = if id.ends_with("/urls") { Format::Urls } else { Format::Domains };
        match builder.add_file(list, id, &Form::of(format), bytes) {
            Ok(report) => read += report.parsed.read,
            Err(NotAList::Empty) => {}
            Err(why) => panic!("{id}: {why}"),
        }
        took += started.elapsed();
        read
    };
    let mut count = 0;
    for (id, bytes) in real() {
        count = add(&mut builder, &id, &bytes);
    }
    let mut text = String::new();
    let mut number = 0;
    while count < wanted {
        text.clear();
        for _ in 0..(wanted - count).min(500_000) {
            text.push_str(&name(number));
            text.push('\n');
            number += 1;
        }
        count = add(&mut builder, &format!("made-up/{number}"), text.as_bytes());
    }
    let started = Instant::now();
    let built = builder.build();
    (built, read, took + started.elapsed())
}

fn real() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = std::env::var_os("SCHOOLGATE_DATA").map(PathBuf::from) else { return Vec::new() };
    let mut lists = Vec::new();
    if let Ok(file) = File::open(folder.join("lists/adult-2.27m.txt.gz")) {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("a whole gzip file");
        lists.push(("adult".to_owned(), bytes));
    }
    if let Ok(file) = File::open(folder.join("ut1/blacklists.tar.gz")) {
        let unpacked = archive::unpack(file).expect("a whole archive");
        let wanted = |path: &str| path.ends_with("/domains") || path.ends_with("/urls");
        let files = unpacked.files.into_iter().filter(|file| wanted(&file.path));
        lists.extend(files.map(|file| (file.path, file.bytes)));
    }
    lists
}

/// A name that looks like those of the lists: two or three labels, 12 to 25 bytes.
fn name(number: u32) -> String {
    let spread = spread(number);
    match number % 3 {
        0 => format!("{spread:x}-site.example"),
        1 => format!("sub{}.{spread:x}.example", number % 7),
        _ => format!("{spread:08x}{:04x}.example", number % 65_536),
    }
}

fn spread(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761)
}

fn look_up(catalogue: &Catalogue, hosts: &[Host]) -> u128 {
    let index = catalogue.index();
    let mut asked = hosts.iter().cycle();
    let mut round = |times: usize| {
        for host in asked.by_ref().take(times) {
            black_box(index.find(black_box(&Asked { host, url: None }), Reading::Block).len());
        }
    };
    round(hosts.len());
    let started = Instant::now();
    round(LOOK_UPS);
    nanos(started.elapsed(), LOOK_UPS)
}

fn nanos(took: Duration, times: usize) -> u128 {
    took.as_nanos() / times.max(1) as u128
}

/// Memory of this process that is in RAM, in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn row(what: &str, figure: impl std::fmt::Display) {
    println!("{what:<42} {figure:>12}");
}
