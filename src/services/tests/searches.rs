//! What is searched for, engine by engine, and what is no search.

use super::{host, url};
use crate::services::{SearchKind, is_search_host, search, wants_body};

fn get(text: &str) -> Option<(&'static str, String, SearchKind)> {
    search("GET", &url(text), None, None).map(|search| (search.engine, search.query, search.kind))
}

#[test]
fn each_engine_tells_what_is_searched_for() {
    let cases = [
        ("https://www.google.com/search?q=roman+soldiers&safe=off", "google"),
        ("https://www.google.co.uk/search?hl=en&q=roman%20soldiers", "google"),
        ("https://google.com.au/search?q=roman+soldiers#x", "google"),
        ("https://images.google.de/images?q=roman+soldiers", "google"),
        ("https://scholar.google.cat/scholar?q=roman+soldiers", "google"),
        ("https://www.google.com/search?as_q=roman&as_epq=soldiers&as_eq=greek", "google"),
        ("https://cse.google.com/cse/element/v1?q=roman+soldiers", "google"),
        ("https://play.google.com/store/search?q=roman+soldiers&c=apps", "google"),
        ("https://www.bing.com/search?q=roman+soldiers", "bing"),
        ("https://www.bing.com/images/search?q=roman+soldiers", "bing"),
        ("https://www.bing.com/copilotsearch?q=roman+soldiers", "bing"),
        ("https://duckduckgo.com/?q=roman+soldiers", "duckduckgo"),
        ("https://html.duckduckgo.com/html/?q=roman+soldiers", "duckduckgo"),
        ("https://lite.duckduckgo.com/lite/?q=roman+soldiers", "duckduckgo"),
        ("https://uk.search.yahoo.com/search;_ylt=x?p=roman+soldiers", "yahoo"),
        ("https://www.youtube.com/results?search_query=roman+soldiers", "youtube"),
        ("https://m.youtube.com/results?q=roman+soldiers", "youtube"),
        ("https://music.youtube.com/search?q=roman+soldiers", "youtube"),
        ("https://www.ecosia.org/search?q=roman+soldiers", "ecosia"),
        ("https://www.qwant.com/?q=roman+soldiers", "qwant"),
        ("https://api.qwant.com/v3/search/web?q=roman+soldiers", "qwant"),
        ("https://www.startpage.com/sp/search?query=roman+soldiers", "startpage"),
        ("https://search.brave.com/search?q=roman+soldiers", "brave"),
        ("https://www.kiddle.co/s.php?q=roman+soldiers", "kiddle"),
        ("https://swiggle.org.uk/?q=roman+soldiers", "swiggle"),
        ("https://www.kidrex.org/results/?q=roman+soldiers", "kidrex"),
        ("https://yandex.com/search/?text=roman+soldiers", "yandex"),
        ("https://ya.ru/search?text=roman+soldiers", "yandex"),
        ("https://www.baidu.com/s?wd=roman+soldiers", "baidu"),
        ("https://www.ask.com/web?q=roman+soldiers", "ask"),
        ("https://search.aol.com/aol/search?q=roman+soldiers", "aol"),
        ("https://www.mojeek.com/search?q=roman+soldiers", "mojeek"),
        ("https://en.wikipedia.org/w/index.php?search=roman+soldiers", "wikipedia"),
        ("https://cy.wikipedia.org/wiki/Special:Search?search=roman+soldiers", "wikipedia"),
        ("https://www.amazon.co.uk/s?k=roman+soldiers", "amazon"),
        ("https://www.ebay.co.uk/sch/i.html?_nkw=roman+soldiers", "ebay"),
        ("https://www.pinterest.co.uk/search/pins/?q=roman+soldiers", "pinterest"),
        ("https://www.tiktok.com/search?q=roman+soldiers", "tiktok"),
        ("https://www.reddit.com/r/history/search/?q=roman+soldiers", "reddit"),
        ("https://giphy.com/search/roman-soldiers", "giphy"),
        ("https://tenor.com/search/roman-soldiers", "tenor"),
        ("https://open.spotify.com/search/roman%20soldiers/playlists", "spotify"),
        ("https://pixabay.com/images/search/roman-soldiers/", "pixabay"),
        ("https://www.dailymotion.com/search/roman%20soldiers/videos", "dailymotion"),
        ("https://vimeo.com/search?q=roman+soldiers", "vimeo"),
        ("https://x.com/search?q=roman+soldiers", "x"),
    ];
    for (text, engine) in cases {
        assert_eq!(get(text), Some((engine, "roman soldiers".into(), SearchKind::Search)), "{text}");
        assert!(is_search_host(url(text).host()), "{text}");
    }
}

#[test]
fn each_key_press_is_a_suggestion() {
    let cases = [
        ("https://www.google.com/complete/search?q=rom&client=gws-wiz", "google"),
        ("https://suggestqueries.google.com/complete/search?q=rom", "google"),
        ("https://suggestqueries-clients6.youtube.com/complete/search?q=rom", "google"),
        ("https://www.bing.com/AS/Suggestions?qry=rom", "bing"),
        ("https://duckduckgo.com/ac/?q=rom", "duckduckgo"),
        ("https://uk.search.yahoo.com/sugg/gossip/gossip-uk?command=rom", "yahoo"),
        ("https://ac.ecosia.org/autocomplete?q=rom", "ecosia"),
        ("https://api.qwant.com/v3/suggest?q=rom", "qwant"),
        ("https://www.startpage.com/osuggestions?q=rom", "startpage"),
        ("https://search.brave.com/api/suggest?q=rom", "brave"),
        ("https://suggest.yandex.com/suggest-ya.cgi?part=rom", "yandex"),
        ("https://www.baidu.com/sugrec?wd=rom", "baidu"),
        ("https://en.wikipedia.org/w/api.php?action=opensearch&search=rom", "wikipedia"),
        ("https://completion.amazon.co.uk/api/2017/suggestions?prefix=rom", "amazon"),
    ];
    for (text, engine) in cases {
        assert_eq!(get(text), Some((engine, "rom".into(), SearchKind::Suggestion)), "{text}");
    }
}

#[test]
fn no_trick_hides_a_query() {
    let cases = [
        ("https://www.google.com/search?q=", None),
        ("https://www.google.com/search?q=+%20%09", None),
        ("https://www.google.com/search", None),
        ("https://www.google.com/search#q=a", None),
        ("https://www.google.com/search?oq=a", None),
        ("https://www.google.com/search?%71=a", Some("a")),
        ("https://www.google.com/search?Q=a", Some("a")),
        ("https://www.google.com/search?x=1;q=a", Some("a")),
        ("https://www.google.com/search?q=a;b", Some("a;b")),
        ("https://www.google.com/search?q=a&q=b&q=a&q=", Some("a b")),
        ("https://www.google.com/search?q=a%2Bb%26c", Some("a+b&c")),
        ("https://www.google.com/search?q=a%00%0a%0db", Some("a b")),
        ("https://www.google.com/search?q=caf%e9", Some("café")),
        ("https://www.google.com/search?q=caf%C3%A9", Some("café")),
        ("https://www.google.com/search?q=%2541", Some("%41")),
        ("https://www.google.com//%53earch/?q=a", Some("a")),
        ("http://WWW.GOOGLE.COM./search?q=a", Some("a")),
        ("https://www.google.com:8443/search?q=a", Some("a")),
        ("https://duckduckgo.com?q=a", Some("a")),
        ("https://www.google.com/maps?q=a", None),
        ("https://google.evil.example/search?q=a", None),
        ("https://www.google.com.evil.example/search?q=a", None),
        ("https://www.google.evil/search?q=a", None),
        ("https://notgoogle.com/search?q=a", None),
        ("https://docs.google.com/search?q=a", None),
        ("https://192.0.2.5/search?q=a", None),
    ];
    for (text, query) in cases {
        assert_eq!(get(text).map(|(_, query, _)| query).as_deref(), query, "{text}");
    }
}

#[test]
fn a_query_in_a_body_is_read() {
    let form = Some("application/x-www-form-urlencoded");
    let cases = [
        ("https://duckduckgo.com/", form, &b"q=roman+soldiers&kl=uk"[..], "roman soldiers"),
        ("https://html.duckduckgo.com/html/", None, b"b=&q=roman%20soldiers", "roman soldiers"),
        ("https://www.startpage.com/sp/search", form, b"query=roman&cat=web", "roman"),
        (
            "https://www.youtube.com/youtubei/v1/search?key=x",
            Some("application/json"),
            br#"{"context":{"client":{"hl":"en"}},"query":"roman soldiers"}"#,
            "roman soldiers",
        ),
        (
            "https://www.youtube.com/youtubei/v1/search?query=a",
            Some("application/json"),
            br#"{"query":"b"}"#,
            "a b",
        ),
    ];
    for (text, content_type, body, query) in cases {
        assert!(wants_body("POST", &url(text)), "{text}");
        let found = search("POST", &url(text), content_type, Some(body)).map(|search| search.query);
        assert_eq!(found.as_deref(), Some(query), "{text}");
    }
    assert!(!wants_body("GET", &url("https://duckduckgo.com/")));
    assert!(!wants_body("POST", &url("https://www.google.com/search")));
    assert!(!wants_body("POST", &url("https://www.youtube.com/youtubei/v1/player")));
    assert_eq!(search("GET", &url("https://duckduckgo.com/"), form, Some(b"q=a")), None);
}

#[test]
fn hosts_without_a_search_are_none() {
    for name in ["mail.google.com", "accounts.google.com", "www.gov.uk", "google.evil.example", "192.0.2.1"] {
        assert!(!is_search_host(&host(name)), "{name}");
    }
}

proptest::proptest! {
    #[test]
    fn any_request_is_read(
        at in 0_usize..6,
        path in "(/search|/html|/youtubei/v1/search|/\\PC{0,9})",
        query in "([qp%71=&;+ ]|\\PC){0,30}",
        kind in "(application/json|multipart/form-data|x)",
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
    ) {
        let hosts = ["www.google.com", "duckduckgo.com", "www.youtube.com", "open.spotify.com", "giphy.com", "a.example"];
        if let Ok(url) = crate::model::Url::parse(&format!("https://{}{path}?{query}", hosts[at])) {
            let found = search("POST", &url, Some(&kind), Some(&body));
            proptest::prop_assert!(found.is_none_or(|search| !search.query.is_empty() && !search.query.contains("  ")));
        }
    }
}
