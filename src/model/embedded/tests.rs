//! Which pages stand inside which addresses, and which addresses hold none.

use proptest::prelude::*;

use super::*;

fn inside(text: &str) -> Vec<String> {
    let url = Url::parse(text).unwrap();
    listed(&targets(url.host(), Some(&url)))
}

fn listed(targets: &Targets) -> Vec<String> {
    let sign = |carriage| match carriage {
        Carriage::Carried => "=",
        Carriage::Named => "?",
        Carriage::NamedOwn => "~",
    };
    let text = |target: &Target| match &target.url {
        Some(url) => format!("{}{url}", sign(target.carriage)),
        None => format!("{}{}", sign(target.carriage), target.host),
    };
    targets.found.iter().map(text).collect()
}

fn assert_hold(cases: &[(&str, &str)]) {
    let held = |address: &str| inside(address).join(" ");
    let wrong: Vec<_> = cases.iter().filter(|(address, pages)| held(address) != *pages).collect();
    let wrong = wrong.iter().map(|(address, pages)| format!("{address}: {} not {pages}", held(address)));
    assert_eq!(wrong.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn carriers_hold_the_page_they_show() {
    let cases = [
        // Translators
        (
            "https://blocked-example.translate.goog/a?x=1&_x_tr_sl=auto&_x_tr_tl=en",
            "=https://blocked.example/a?x=1",
        ),
        ("https://a--b-blocked-example.translate.goog/?_x_tr_sch=http", "=http://a-b.blocked.example/"),
        ("https://münchen-example.translate.goog/", "=https://xn--mnchen-3ya.example/"),
        ("https://0-xn----mnchen--3ya-example-0.translate.goog/", "=https://xn--mnchen-3ya.example/"),
        (
            "https://translate.google.com/translate?sl=auto&tl=en&u=http%3A%2F%2Fblocked.example%2F",
            "=http://blocked.example/",
        ),
        ("https://translate.google.co.uk/translate?u=blocked.example/x", "=http://blocked.example/x"),
        (
            "https://translate.googleusercontent.com/translate_c?u=http://blocked.example/",
            "=http://blocked.example/",
        ),
        (
            "https://www.translatetheweb.com/?from=&to=en&a=http%3A%2F%2Fblocked.example",
            "=http://blocked.example/",
        ),
        // Archives
        (
            "http://web.archive.org/web/20200101000000/http://blocked.example/a?b=c",
            "=http://blocked.example/a?b=c",
        ),
        ("http://web.archive.org/web/2020id_/blocked.example/a", "=http://blocked.example/a"),
        ("http://web.archive.org/web/*/http://blocked.example/*", "=http://blocked.example/*"),
        ("http://web.archive.org/web/2020/http:/blocked.example/", "=http://blocked.example/"),
        ("http://web.archive.org/save/https://blocked.example/", "=https://blocked.example/"),
        ("http://archive.ph/newest/blocked.example/x", "=http://blocked.example/x"),
        ("http://archive.today/?run=1&url=blocked.example", "=http://blocked.example/"),
        (
            "http://webarchive.nationalarchives.gov.uk/ukgwa/2020/https://blocked.example/",
            "=https://blocked.example/",
        ),
        // Caches
        (
            "http://webcache.googleusercontent.com/search?q=cache:AbC_d-123456:http://blocked.example/a+words",
            "=http://blocked.example/a",
        ),
        (
            "http://webcache.googleusercontent.com/search?q=cache:blocked.example/a",
            "=http://blocked.example/a",
        ),
        ("http://cc.bingj.com/cache.aspx?q=blocked.example&d=1", "=http://blocked.example/"),
        ("https://blocked-example.cdn.ampproject.org/c/s/blocked.example/a", "=http://blocked.example/a"),
        ("https://cdn.ampproject.org/v/blocked.example/a?amp_js_v=1", "=http://blocked.example/a?amp_js_v=1"),
        ("https://www.google.co.uk/amp/s/blocked.example/a", "=http://blocked.example/a"),
        ("https://blocked-example.bing-amp.com/c/s/blocked.example/a", "=http://blocked.example/a"),
        // Readers
        ("https://r.jina.ai/http://blocked.example/", "=http://blocked.example/"),
        ("https://r.jina.ai/blocked.example", "=http://blocked.example/"),
        ("https://12ft.io/proxy?q=https%3A%2F%2Fblocked.example%2F", "=https://blocked.example/"),
        ("https://outline.com/blocked.example/a", "=http://blocked.example/a"),
    ];
    assert_hold(&cases);
}

#[test]
fn any_site_may_name_a_page() {
    let cases = [
        ("http://ok.example/?u=http://blocked.example/", "?http://blocked.example/"),
        ("http://ok.example/?u=http%3A%2F%2Fblocked.example%2F", "?http://blocked.example/"),
        ("http://ok.example/?u=http%253A%252F%252Fblocked.example%252F", "?http://blocked.example/"),
        ("http://ok.example/?u=http%25253A%25252F%25252Fblocked.example", ""),
        ("http://ok.example/?URL=%20HTTP:%5C%5Cblocked.example", "?http://blocked.example/"),
        ("http://ok.example/?%75rl=%68t%09tps://blocked.example", "?https://blocked.example/"),
        ("http://ok.example/?url=//blocked.example/x", "?http://blocked.example/x"),
        ("http://ok.example/?url=http:/blocked.example", "?http://blocked.example/"),
        ("http://ok.example/?url=http://user:pw@blocked.example:81/", "?http://blocked.example:81/"),
        ("http://ok.example/?url=http://blocked.example/%2500", "?http://blocked.example/"),
        ("http://ok.example/?url=http://blocked%252eexample", "?http://blocked.example/"),
        (
            "http://ok.example/?http://blocked.example/a?b=c&d",
            "?http://blocked.example/a?b=c&d ?http://blocked.example/a?b=c",
        ),
        ("http://ok.example/?x=1&https%3A%2F%2Fblocked.example", "?https://blocked.example/"),
        ("http://ok.example/http://blocked.example/a?b", "?http://blocked.example/a?b"),
        ("http://ok.example/get/https:/blocked.example", "?https://blocked.example/"),
        ("http://ok.example/http%3A%2F%2Fblocked.example%2Fa%3Fb?c", "?http://blocked.example/a?b&c"),
        ("http://ok.example/?url=http://192.0.2.5/", "?http://192.0.2.5/"),
        ("http://www.ok.example/?url=http://media.ok.example/", "~http://media.ok.example/"),
        ("http://ok.example/?url=http://notok.example/", "?http://notok.example/"),
    ];
    assert_hold(&cases);
}

#[test]
fn everyday_addresses_hold_no_page() {
    let cases = [
        "http://ok.example/",
        "http://ok.example/search?q=volcano+facts",
        "http://ok.example/search?q=blocked.example",
        "http://ok.example/search?q=what+is+http%3A+and+https",
        "http://ok.example/search?q=https",
        "http://ok.example/httpd/https-guide/http2?url=about:blank",
        "http://ok.example/?url=%2Fnews%2Fstory",
        "http://ok.example/?url=//cdn",
        "http://ok.example/?url=blocked.example",
        "http://ok.example/login?continue=http://blocked.example/&returnUrl=https://blocked.example",
        "http://ok.example/oauth?redirect_uri=https%3A%2F%2Fblocked.example%2Fcb&next=//blocked.example",
        "http://ok.example/?ref=http://blocked.example/&referrer=https://blocked.example/",
        "http://ok.example/blocked.example/index.html",
        "http://ok.example//a//b",
        "http://ok.example/?u=ftp://blocked.example/&link=mailto:a@blocked.example",
        "https://translate.google.com/?sl=en&tl=cy&text=http%3A%2F%2Fblocked.example&op=translate",
        "https://www.google.com/search?q=cache+memory",
        "https://www.google.com/amplifier/s/blocked.example",
        "http://web.archive.org/details/movies",
        "https://www.bing.com/search?q=amp",
        "https://translate.goog/",
    ];
    for address in cases {
        assert_eq!(inside(address), Vec::<String>::new(), "{address}");
    }
}

#[test]
fn a_name_alone_is_enough_where_it_holds_a_name() {
    let cases = [
        ("blocked-example.translate.goog", "=blocked.example"),
        ("www-a--b-example.cdn.ampproject.org", "=www.a-b.example"),
        ("0-en--uk-blocked-example-0.cdn.ampproject.org", "=en-uk.blocked.example"),
        (
            "blocked--example-translate-goog.translate.goog",
            "=blocked-example.translate.goog =blocked.example",
        ),
        ("translate.goog", ""),
        ("mytool.translate.goog", ""),
        ("web.archive.org", ""),
        ("ok.example", ""),
    ];
    for (name, pages) in cases {
        let host = Host::parse(name).unwrap();
        assert_eq!(listed(&targets(&host, None)).join(" "), pages, "{name}");
    }
}

#[test]
fn pages_in_pages_are_found_to_the_third_and_what_is_deeper_is_told() {
    let mut address = "http://blocked.example/".to_owned();
    for depth in 1..=4 {
        address = format!("http://web.archive.org/web/2020/{address}");
        let url = Url::parse(&address).unwrap();
        let found = targets(url.host(), Some(&url));
        let blocked = found.found.iter().any(|target| target.host.to_string() == "blocked.example");
        assert_eq!(blocked, depth <= MAX_DEPTH, "{address}");
        let beyond = if depth > MAX_DEPTH { Beyond::Unread } else { Beyond::Nothing };
        assert_eq!(found.beyond, beyond, "{address}");
    }
    let many: String = (0..=MAX_TARGETS).map(|number| format!("u=http://h{number}.example&")).collect();
    let url = Url::parse(&format!("http://ok.example/?{many}")).unwrap();
    let found = targets(url.host(), Some(&url));
    assert_eq!((found.found.len(), found.beyond), (MAX_TARGETS, Beyond::Unread));
}

#[test]
fn the_longest_address_is_looked_through_in_no_time() {
    for part in ["/http://%", "/http:/", "/http://a", "%2568", "&u=http://%", "&http:/%", "//", "&u=http:///"]
    {
        for start in ["http://ok.example/?x", "http://ok.example/x", "http://web.archive.org/web/"] {
            let address = start.to_owned() + &part.repeat((crate::model::MAX_URL - start.len()) / part.len());
            let Ok(url) = Url::parse(&address) else { continue };
            let started = std::time::Instant::now();
            let _ = targets(url.host(), Some(&url));
            let taken = started.elapsed();
            // A few milliseconds; seconds, were it not linear.
            assert!(taken.as_millis() < 1_500, "{start}{part}…: {taken:?}");
        }
    }
}

proptest! {
    #[test]
    fn any_address_is_looked_through(text in "[ -~]{0,60}", host in "[a-z-]{1,20}\\.(translate\\.goog|google\\.com|archive\\.ph)") {
        for address in [format!("http://{host}/{text}"), format!("http://{host}/?{text}"), format!("http://{text}")] {
            if let Ok(url) = Url::parse(&address) {
                let found = targets(url.host(), Some(&url));
                prop_assert!(found.found.len() <= MAX_TARGETS);
                for target in found.found {
                    prop_assert!(target.url.is_none_or(|url| *url.host() == target.host));
                }
            }
        }
    }
}
