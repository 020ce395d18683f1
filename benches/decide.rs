//! How long a decision takes: the whole ladder, over a million listed names.
#![allow(clippy::unwrap_used, reason = "a bench ends by panicking")]

use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use schoolgate::document::Document;
use schoolgate::lists::{
    Catalogue, CatalogueBuilder, Form, Format, IndexBuilder, ListHead, Reading, StatutoryBuilder,
};
use schoolgate::model::{Attribution, Host, Justification, Subject, Timestamp, Window};
use schoolgate::policy::{
    Asked, Audience, Content, Decided, Destination, OnConnect, Parts, Policy, Shown, Target, Unblock,
    read_text,
};

const NAMES: u32 = 1_000_000;
const STATUTORY: u32 = 6_000;
const UNBLOCKS: u32 = 100;

const POLICY: &str = r#"
[groups.pupils]
name = "Pupils"
default = "allow"
uncategorised = "allow"
unclassified = "block"
[groups.pupils.categories]
games = "block"
news = "alert"
[groups.ks2]
name = "Key Stage 2"
inherits = "pupils"
subnets = ["10.1.2.0/24"]
[categories.games]
name = "Games"
unblockable = true
sources = ["bench/games"]
[categories.news]
name = "News"
sources = ["bench/news"]
"#;

fn name(number: u32) -> String {
    format!("{:x}-site.example", number.wrapping_mul(2_654_435_761))
}

fn list(id: &str, reading: Reading, text: &str) -> Catalogue {
    let mut builder = CatalogueBuilder::new(*b"a bench, no case");
    add(&mut builder, id, reading, text);
    builder.build()
}

fn add(builder: &mut CatalogueBuilder, id: &str, reading: Reading, text: &str) {
    let (title, version, licence) = (id.into(), "1".into(), "".into());
    let list = builder.add_list(ListHead { id: id.into(), title, version, licence, reading });
    builder.add_file(list, "domains", &Form::of(Format::Domains), text.as_bytes()).unwrap();
}

/// What every policy of this bench shares.
fn parts() -> Parts {
    let mut catalogue = CatalogueBuilder::new(*b"a bench, no case");
    let games: String = (0..NAMES).map(|number| name(number) + "\n").collect();
    add(&mut catalogue, "bench/games", Reading::Block, &games);
    add(&mut catalogue, "bench/news", Reading::Block, "news.example\n");
    let mut statutory = StatutoryBuilder::new([42; 32]);
    let entries = statutory.add_list("bench", "1");
    for number in 0..STATUTORY {
        statutory.add_line(entries, &format!("s{number}.example/pages/{number}")).unwrap();
    }
    let text = Document::new("policy.toml", POLICY.to_owned());
    Parts {
        draft: Arc::new(read_text(&text, &|_| true).unwrap_or_else(|faults| panic!("{faults}"))),
        catalogue: Arc::new(catalogue.build()),
        school_allow: Arc::new(list("allow", Reading::Allow, "allowed.example\n")),
        school_block: Arc::new(list("block", Reading::Block, "blocked.example\n")),
        statutory: Arc::new(statutory.build()),
        lifeline: Arc::new(IndexBuilder::new([2; 16]).build()),
        no_inspect: Arc::new(IndexBuilder::new([2; 16]).build()),
        terms: Arc::default(),
        reach: Arc::default(),
        unblocks: Arc::default(),
        suspensions: Arc::default(),
        blocks: Arc::default(),
        zone: jiff::tz::TimeZone::UTC,
    }
}

fn unblock(number: u32, now: Timestamp) -> Unblock {
    Unblock {
        id: uuid::Uuid::from_u128(number.into()),
        target: Target::parse(&name(number)).unwrap(),
        also: Vec::new(),
        audience: Audience { groups: vec!["ks2".parse().unwrap()], ..Audience::default() },
        window: Window::new(now, now.plus(Duration::from_secs(3600))).unwrap(),
        justification: Justification::parse("Chess club looks at openings in lesson two").unwrap(),
        lesson: None,
        requester: "a.teacher".parse().unwrap(),
        approvers: Vec::new(),
        answer_by: now.plus(Duration::from_secs(60)),
        decided: Decided::Approved,
    }
}

fn decisions(c: &mut Criterion) {
    let now: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    let subject = Subject {
        group: Some("ks2".parse().unwrap()),
        attribution: Attribution::Subnet,
        ..Subject::unknown(IpAddr::from([10, 1, 2, 33]))
    };
    let plain = parts();
    let opened = Parts { unblocks: (0..UNBLOCKS).map(|n| unblock(n, now)).collect(), ..plain.clone() };
    let plain = Policy::compile(plain, 1).unwrap();
    let opened = Policy::compile(opened, 1).unwrap();
    let cases = [
        ("allowed", &plain, "www.maths.example".to_owned(), true),
        ("blocked by category", &plain, name(7), false),
        ("deep subdomain, blocked", &plain, format!("a.b.c.d.e.f.{}", name(7)), false),
        ("deep subdomain, allowed", &plain, "a.b.c.d.e.f.maths.example".to_owned(), true),
        ("100 unblocks, one fits", &opened, name(7), true),
        ("100 unblocks, none fits", &opened, name(UNBLOCKS + 7), false),
    ];
    for (case, policy, host, passes) in cases {
        let destination = Destination { host: Some(Host::parse(&host).unwrap()), port: 443, url: None };
        let asked = Asked {
            subject: &subject,
            destination: &destination,
            shown: Shown::TlsName,
            content: Content::unseen(),
        };
        let passed =
            matches!(policy.on_connect(&asked, now).answer, OnConnect::Splice(_) | OnConnect::Inspect(_));
        assert_eq!(passed, passes, "{case}: the bench does not measure what it says");
        c.bench_function(&format!("decide/1M names/{case}"), |b| {
            b.iter(|| policy.on_connect(black_box(&asked), black_box(now)).action);
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(2));
    targets = decisions
}
criterion_main!(benches);
