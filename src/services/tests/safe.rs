//! Safe search: rewritten addresses, and hosts dialled in the stead of others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{host, url};
use crate::model::Url;
use crate::services::{Enforce, Restrict, SafeSearch};

fn safe() -> Enforce {
    Enforce { safe_search: SafeSearch::Enforce, youtube: Restrict::Strict, ..Enforce::default() }
}

fn rewritten(text: &str) -> String {
    let url = url(text);
    safe().rewrite(&url).url.unwrap_or(url).to_string()
}

#[test]
fn an_engine_is_held_to_its_safe_search() {
    let cases = [
        ("https://www.google.com/search?q=a", "https://www.google.com/search?q=a&safe=active&ssui=on"),
        ("https://www.google.com/", "https://www.google.com/?safe=active&ssui=on"),
        (
            "https://www.google.co.uk/search?safe=off&q=a&safe=images",
            "https://www.google.co.uk/search?q=a&safe=active&ssui=on",
        ),
        (
            "https://google.de/search?SAFE=off&%73afe=off&safeui=off&q=a%20+b",
            "https://google.de/search?q=a%20+b&safe=active&ssui=on",
        ),
        (
            "https://www.google.com/search?q=a;safe=off",
            "https://www.google.com/search?q=a&safe=active&ssui=on",
        ),
        (
            "https://www.google.com/search?q=a&safe=active&ssui=on",
            "https://www.google.com/search?q=a&safe=active&ssui=on",
        ),
        (
            "https://www.google.com/search?safe&q=safe",
            "https://www.google.com/search?q=safe&safe=active&ssui=on",
        ),
        (
            "https://www.google.com/search?q=a&q=b&&x=%zz#f",
            "https://www.google.com/search?q=a&q=b&&x=%zz&safe=active&ssui=on",
        ),
        (
            "https://www.google.com/search?q=caf%e9",
            "https://www.google.com/search?q=caf%e9&safe=active&ssui=on",
        ),
        ("https://www.google.com/maps?q=a", "https://www.google.com/maps?q=a"),
        ("https://www.google.com.evil.example/search?q=a", "https://www.google.com.evil.example/search?q=a"),
        ("https://www.bing.com/search?adlt=off&q=a", "https://www.bing.com/search?q=a&adlt=strict"),
        ("https://duckduckgo.com/?q=a&kp=-2", "https://duckduckgo.com/?q=a&kp=1"),
        ("https://links.duckduckgo.com/d.js?q=a&p=-2", "https://links.duckduckgo.com/d.js?q=a&p=1"),
        ("https://uk.search.yahoo.com/search?p=a&vm=p", "https://uk.search.yahoo.com/search?p=a&vm=r"),
        (
            "https://api.qwant.com/v3/search/web?q=a&safesearch=0",
            "https://api.qwant.com/v3/search/web?q=a&safesearch=2",
        ),
        (
            "https://www.startpage.com/sp/search?query=a&qadf=none",
            "https://www.startpage.com/sp/search?query=a&qadf=heavy",
        ),
        ("https://search.brave.com/search?q=a", "https://search.brave.com/search?q=a&safesearch=strict"),
        ("https://www.mojeek.com/search?q=a&safe=0", "https://www.mojeek.com/search?q=a&safe=1"),
        ("https://www.ask.com/web?q=a&adt=1", "https://www.ask.com/web?q=a&adt=0"),
        (
            "https://search.aol.com/aol/search?q=a&sp=0",
            "https://search.aol.com/aol/search?q=a&safesearch=1&sp=1",
        ),
        ("https://yandex.com/search/?text=a", "https://yandex.com/search/?text=a&family=yes"),
        ("https://example.org/search?q=a&safe=off", "https://example.org/search?q=a&safe=off"),
    ];
    for (text, expected) in cases {
        assert_eq!(rewritten(text), expected, "{text}");
    }
    assert!(Enforce::default().rewrite(&url("https://www.google.com/search?q=a&safe=off")).is_nothing());
}

#[test]
fn preference_cookies_are_set_besides() {
    let cookies = |text| safe().rewrite(&url(text)).cookies;
    assert_eq!(cookies("https://www.bing.com/th?id=1"), [("SRCHHPGUSR", "ADLT=STRICT")]);
    assert_eq!(cookies("https://duckduckgo.com/?q=a"), [("p", "1")]);
    assert_eq!(cookies("https://search.yahoo.com/search?p=a"), [("sB", "v=1&vm=r")]);
    assert!(cookies("https://www.google.com/search?q=a").is_empty());
}

#[test]
fn youtube_is_restricted_by_its_five_hosts() {
    for name in [
        "www.youtube.com",
        "m.youtube.com",
        "youtubei.googleapis.com",
        "youtube.googleapis.com",
        "www.youtube-nocookie.com",
    ] {
        let asked = url(&format!("https://{name}/watch?v=x"));
        for (youtube, header, to) in [
            (Restrict::Strict, Some("Strict"), Some("restrict.youtube.com")),
            (Restrict::Moderate, Some("Moderate"), Some("restrictmoderate.youtube.com")),
            (Restrict::Off, None, None),
        ] {
            let enforce = Enforce { youtube, ..Enforce::default() };
            let rewrite = enforce.rewrite(&asked);
            assert_eq!(rewrite.set.first().map(|(_, value)| value.as_str()), header);
            assert_eq!(rewrite.remove, rewrite.set.iter().map(|(name, _)| *name).collect::<Vec<_>>());
            assert_eq!(enforce.connect_as(asked.host()).map(|host| host.to_string()).as_deref(), to);
            assert_eq!(enforce.needs_url(asked.host()), header.is_some(), "{name}");
        }
    }
    assert!(safe().rewrite(&url("https://i.ytimg.com/x")).is_nothing());
}

#[test]
fn every_engine_with_a_safe_mode_in_the_request_needs_the_url() {
    let cases = [
        ("www.google.com", true),
        ("www.bing.com", true),
        ("duckduckgo.com", true),
        ("search.brave.com", true),
        ("images.google.com", true),
        ("uk.search.yahoo.com", true),
        ("api.qwant.com", true),
        ("www.startpage.com", true),
        ("links.duckduckgo.com", true),
        ("example.org", false),
    ];
    for (name, needs) in cases {
        assert_eq!(safe().needs_url(&host(name)), needs, "{name}");
        assert!(!Enforce::default().needs_url(&host(name)), "{name}");
        assert_eq!(Enforce::default().connect_as(&host(name)), None, "{name}");
    }
}

/// Host to target, as others have noted the same facts; skipped where their files are not there.
fn noted_by_others(file: &str) -> Option<BTreeMap<String, String>> {
    let folder = std::env::var_os("SCHOOLGATE_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join("safesearch").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there (set SCHOOLGATE_DATA)", path.display());
        return None;
    };
    let facts = text.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix('|')?.split_once('^')?;
        Some((name.to_owned(), rest.rsplit(';').next()?.to_owned()))
    });
    Some(facts.collect())
}

#[test]
fn connect_overrides_agree_with_what_others_have_noted() {
    let files = [
        ("google.txt", 194),
        ("youtube.txt", 5),
        ("bing.txt", 2),
        ("duckduckgo.txt", 3),
        ("ecosia.txt", 1),
        ("pixabay.txt", 1),
        ("yandex.txt", 52),
    ];
    let moderate = Enforce { youtube: Restrict::Moderate, ..safe() };
    for (file, count) in files {
        let Some(facts) = noted_by_others(file) else { return };
        assert_eq!(facts.len(), count, "{file}");
        for (name, to) in facts {
            let dialled = moderate.connect_as(&host(&name)).map(|host| host.to_string());
            // Yandex is noted there by the address of its name.
            let to = if to == "213.180.193.56" { "familysearch.yandex.ru".to_owned() } else { to };
            assert_eq!(dialled, Some(to), "{name}");
        }
    }
}

#[test]
fn every_google_is_dialled_as_the_safe_one() {
    let dialled = |name| safe().connect_as(&host(name)).map(|host| host.to_string());
    assert_eq!(dialled("www.google.com").as_deref(), Some("forcesafesearch.google.com"));
    assert_eq!(dialled("www.google.co.uk").as_deref(), Some("forcesafesearch.google.com"));
    assert_eq!(dialled("search.brave.com").as_deref(), Some("forcesafe.search.brave.com"));
    for name in [
        "mail.google.com",
        "www.google.evil.example",
        "www.google.com.evil.example",
        "forcesafesearch.google.com",
    ] {
        assert_eq!(dialled(name), None, "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn rewriting_twice_is_rewriting_once(
        at in 0_usize..5,
        path in "(/search|/|/html|/d.js|/\\PC{0,9})",
        query in "((safe|SAFE|s%61fe|adlt|kp|q|ssui)?[=&;+]?[a-z%]?|\\PC){0,12}",
    ) {
        let hosts = ["www.google.com", "www.bing.com", "duckduckgo.com", "search.yahoo.com", "a.example"];
        if let Ok(asked) = Url::parse(&format!("https://{}{path}?{query}", hosts[at])) {
            let first = safe().rewrite(&asked).url.unwrap_or_else(|| asked.clone());
            proptest::prop_assert_eq!(safe().rewrite(&first).url, None);
            proptest::prop_assert_eq!(first.host(), asked.host());
            proptest::prop_assert_eq!(first.path(), asked.path());
            proptest::prop_assert_eq!(first.port(), asked.port());
            proptest::prop_assert_eq!(Url::parse(&first.to_string()), Ok(first));
        }
    }
}
