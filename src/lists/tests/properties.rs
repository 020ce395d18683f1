//! The index gives what a scan over all entries would.

use std::net::IpAddr;

use proptest::prelude::*;

use super::{add_origin, host, url};
use crate::lists::{
    Asked, Effect, Entry, IndexBuilder, Item, Origin, Pattern, PatternSubject, Reading, Scope, UrlEntry, keys,
};
use crate::model::Host;

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "www", "www2", "c-d"]), 0..4)
        .prop_map(|labels| [&labels[..], &["example"]].concat().join("."))
}

fn path() -> impl Strategy<Value = String> {
    let parts = vec!["a", "B", "b", "a;x", "%2f", "%61", "..", ".", "", "a%28b", "%zz", "é"];
    prop::collection::vec(prop::sample::select(parts), 0..5).prop_map(|parts| format!("/{}", parts.join("/")))
}

fn query() -> impl Strategy<Value = String> {
    let parts = vec!["q=1", "q=2", "Q=1", "x", "q=%31", "x=a+b", "x=a%2Bb", "y=?", ""];
    prop::collection::vec(prop::sample::select(parts), 0..3)
        .prop_map(|parts| if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) })
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0u8..3, any::<u8>()).prop_map(|(c, d)| IpAddr::from([192, 0, c, d & 0x83])),
        (0u16..3).prop_map(|last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, last, last])),
    ]
}

pub(super) fn entry() -> impl Strategy<Value = Entry> {
    let scope = prop::sample::select(vec![Scope::Exact, Scope::Subtree, Scope::Children]);
    let network = (address(), 16u8..=32).prop_map(|(address, length)| {
        let length = if address.is_ipv4() { length } else { length * 4 };
        Entry::Network(ipnet::IpNet::new(address, length).unwrap().trunc())
    });
    let page = (name(), path(), query()).prop_filter_map("a page", |(name, path, query)| {
        UrlEntry::of(&url(&format!("http://{name}{path}{query}"))).map(Entry::Url)
    });
    let host = (name(), scope).prop_map(|(name, scope)| {
        let Host::Name(name) = host(&name) else { panic!("a name") };
        Entry::Host { host: name, scope }
    });
    prop_oneof![host, network, page]
}

/// What "covers" means, said once more without any index.
fn covers(entry: &Entry, asked: &Asked<'_>, reading: Reading) -> bool {
    match (entry, asked.host) {
        (Entry::Host { host, scope }, Host::Name(name)) => match scope {
            Scope::Exact => name == host,
            Scope::Subtree => name.is_within(host),
            Scope::Children => name != host && name.is_within(host),
        },
        (Entry::Network(network), Host::Address(address)) => network.contains(address),
        (Entry::Host { .. }, Host::Address(_)) | (Entry::Network(_), Host::Name(_)) => false,
        (Entry::Pattern(pattern), host) => host.to_string().contains(pattern.text()),
        (Entry::Url(page), _) => asked.url.is_some_and(|asked| page_covers(page, asked, reading)),
    }
}

/// What an entry weighs against others of its list, said once more.
fn weight(item: &Item, asked: &Asked<'_>) -> (u8, usize, usize, usize, bool, bool) {
    let labels = |name: &crate::model::Name| name.suffixes().count();
    let (host, segments, parameters, exact) = match &item.entry {
        Entry::Host { host, scope } => (labels(host), 0, 0, *scope == Scope::Exact),
        Entry::Network(network) => (usize::from(network.prefix_len()), 0, 0, true),
        Entry::Url(page) => {
            let host = asked.host.name().map_or(32, labels);
            (host, keys::liberal_path(page.path()).matches('/').count(), page.parameters().len(), true)
        }
        Entry::Pattern(_) => (0, 0, 0, false),
    };
    (item.effect.rank(), host, segments, parameters, exact, item.effect.excepts())
}

/// A pattern that a scan can follow without an automaton.
fn keyword() -> impl Strategy<Value = Entry> {
    let word = prop::sample::select(vec!["a.b", "www", "c-d.ex", "example"]);
    word.prop_map(|word| Entry::Pattern(Pattern::keyword(PatternSubject::Host, word).unwrap()))
}

fn effect() -> impl Strategy<Value = Effect> {
    prop::sample::select(vec![
        Effect::Lists,
        Effect::Lists,
        Effect::Excepts,
        Effect::ExceptsAll,
        Effect::ListsImportant,
        Effect::ExceptsImportant,
    ])
}

fn page_covers(page: &UrlEntry, asked: &crate::model::Url, reading: Reading) -> bool {
    let twins = |host: &Host| match reading {
        Reading::Block => keys::HostText::of(host).without_www().to_owned(),
        Reading::Allow => host.to_string(),
    };
    let (listed, forms) = match reading {
        Reading::Block => (keys::path_forms(page.path()), keys::path_forms(asked.path())),
        Reading::Allow => (vec![page.path().to_owned()], vec![keys::strict_path(asked.path())]),
    };
    let ends: &[char] = if reading == Reading::Block { &['/', ';'] } else { &['/'] };
    let below = |path: &String| {
        let rests = listed.iter().filter_map(|listed| path.strip_prefix(&**listed));
        rests.into_iter().any(|rest| rest.is_empty() || rest.starts_with(ends))
    };
    let has = |wanted: &str| {
        let given = || keys::any_parameters(asked.query());
        let is = |given| keys::parameter(given, reading) == keys::parameter(wanted, reading);
        let named = |given: &&str| keys::parameter_name(given) == keys::parameter_name(wanted);
        match reading {
            Reading::Block => given().any(is),
            Reading::Allow => given().filter(named).count() == 1 && given().find(named).is_some_and(is),
        }
    };
    let stays = reading == Reading::Block || keys::stays_below(asked.path(), page.path());
    twins(page.host()) == twins(asked.host())
        && forms.iter().any(below)
        && stays
        && page.parameters().iter().all(|wanted| has(wanted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_index_is_a_naive_scan(
        entries in prop::collection::vec(entry(), 0..40),
        names in prop::collection::vec((name(), path(), query()), 1..20),
        addresses in prop::collection::vec(address(), 1..10),
        key in any::<[u8; 16]>(),
    ) {
        let mut builder = IndexBuilder::new(key);
        let origins = [add_origin(&mut builder, "even"), add_origin(&mut builder, "odd")];
        for (line, entry) in (1u32..).zip(&entries) {
            builder.add(origins[line as usize % 2], Item::listed(line, entry.clone()));
        }
        let index = builder.build();
        prop_assert!(index.len() <= entries.len());
        let urls = names.iter().map(|(name, path, query)| url(&format!("https://{name}{path}{query}")));
        let literals = addresses.iter().map(|&address| url(&format!("http://{}/", Host::from(address))));
        for asked_url in urls.chain(literals) {
            let asked = Asked { host: asked_url.host(), url: Some(&asked_url) };
            for reading in [Reading::Block, Reading::Allow] {
                // Of one entry twice in a file the index keeps the first line: compare entries.
                let mut naive: Vec<_> = (1u32..).zip(&entries)
                    .filter(|(_, entry)| covers(entry, &asked, reading))
                    .map(|(line, entry)| (line % 2, entry.clone()))
                    .collect();
                naive.sort();
                naive.dedup();
                let matches = index.find(&asked, reading);
                let mut indexed: Vec<_> = matches.iter()
                    .map(|found| index.line(found))
                    .map(|line| (line % 2, entries[line as usize - 1].clone()))
                    .collect();
                indexed.sort();
                indexed.dedup();
                prop_assert_eq!(&indexed, &naive, "{} {:?}", asked_url, reading);
                prop_assert!(matches.is_sorted_by(|a, b| a.specificity >= b.specificity));
                if matches.iter().any(|found| index.entry_text(found).contains('/')) && asked_url.host().name().is_some() {
                    prop_assert!(index.has_url_entries(asked_url.host()));
                }
            }
        }
    }

    #[test]
    fn exceptions_take_off_their_own_list_what_a_scan_would(
        written in prop::collection::vec((prop_oneof![4 => entry(), 1 => keyword()], effect()), 0..30),
        names in prop::collection::vec((name(), path(), query()), 1..20),
        key in any::<[u8; 16]>(),
    ) {
        let items: Vec<Item> = (1u32..)
            .zip(written)
            .map(|(line, (entry, effect))| Item { line, entry, effect })
            .collect();
        let mut builder = IndexBuilder::new(key);
        let lists = ["even", "odd"].map(|list| builder.add_origin(Origin {
            list: list.into(),
            version: "1".into(),
            file: "f".into(),
        }));
        for item in &items {
            builder.add(lists[item.line as usize % 2], item.clone());
        }
        let index = builder.build();
        for (name, path, query) in names {
            let asked_url = url(&format!("https://{name}{path}{query}"));
            let asked = Asked { host: asked_url.host(), url: Some(&asked_url) };
            for reading in [Reading::Block, Reading::Allow] {
                let mut naive = Vec::new();
                for list in 0..2 {
                    let mine = items.iter().filter(|item| item.line % 2 == list);
                    let covering: Vec<&Item> = mine
                        .filter(|item| covers(&item.entry, &asked, item.effect.reading(reading)))
                        .collect();
                    let heaviest = covering.iter().max_by_key(|item| weight(item, &asked));
                    if heaviest.is_some_and(|heaviest| !heaviest.effect.excepts()) {
                        let listed = covering.iter().filter(|item| !item.effect.excepts());
                        naive.extend(listed.map(|item| (list, item.entry.clone())));
                    }
                }
                naive.sort();
                naive.dedup();
                let found = index.find(&asked, reading);
                let lines = found.iter().map(|found| index.line(found));
                let mut indexed: Vec<_> =
                    lines.map(|line| (line % 2, items[line as usize - 1].entry.clone())).collect();
                indexed.sort();
                indexed.dedup();
                prop_assert_eq!(&indexed, &naive, "{} {:?}", asked_url, reading);
            }
        }
    }

    #[test]
    fn what_is_allowed_would_also_be_blocked(page in entry(), name in name(), path in path(), query in query()) {
        let asked_url = url(&format!("https://{name}{path}{query}"));
        let asked = Asked { host: asked_url.host(), url: Some(&asked_url) };
        if covers(&page, &asked, Reading::Allow) {
            prop_assert!(covers(&page, &asked, Reading::Block));
        }
    }
}
