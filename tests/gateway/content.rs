//! Searches, safe search, files and DNS: what is inside a request, over plain HTTP, where it needs
//! no decryption to be seen.

use serde_json::Value;

use crate::harness::{Builder, Gateway, POLICY};

/// What pupils have in force besides.
const INSIDE: &str = r#"
[groups.pupils.search_terms]
worry = "alert"
stop = "block"
[groups.pupils.file_kinds]
executable = "block"
archive = "block"
video = "alert"
[groups.pupils.tenants]
google = ["school.example", "trust.example"]
"#;

/// Search engines are on loopback too, but where a safe host stands for one: then the engine's own
/// address is out of reach, and what arrives has gone to the safe host.
const HOSTS: [(&str, &str); 7] = [
    ("*.example", "127.0.0.1"),
    ("www.google.com", "127.0.0.9"),
    ("*.google.com", "127.0.0.1"),
    ("*.youtube.com", "127.0.0.1"),
    ("*.search.yahoo.com", "127.0.0.1"),
    ("duckduckgo.com", "127.0.0.9"),
    ("safe.duckduckgo.com", "127.0.0.1"),
];

fn gateway() -> Builder {
    let safe = "[groups.pupils]\ninspect = \"surgical\"\nsafe_search = \"enforce\"\nyoutube = \"strict\"\n";
    let hosts = HOSTS.map(|(host, address)| format!("\"{host}\" = \"{address}\"")).join(", ");
    Gateway::new()
        .policy(&format!("{}{INSIDE}", POLICY.replace("[groups.pupils]\n", safe)))
        .file("blocklists/terms/worry.txt", "# language: en\nworried about\n")
        .file("blocklists/terms/stop.txt", "# language: en\nforbidden words\n")
        .setting("RESOLVER__HOSTS", &format!("{{ {hosts} }}"))
}

fn text<'e>(event: &'e Value, path: &str) -> &'e str {
    event.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test]
async fn a_search_is_made_safe_whatever_the_pupil_asked_for() {
    let gateway = gateway().start().await;
    let browser = gateway.browser("ks2");
    let cookie = "Cookie: a=1; SRCHHPGUSR=ADLT=OFF; b=2\r\n";
    for (url, sent) in [
        ("http://www.google.com/search?q=owls&safe=off&SAFE=images&hl=cy", "q=owls&hl=cy&safe=active"),
        ("http://uk.search.yahoo.com/search?p=owls&vm=p", "p=owls&vm=r"),
        ("http://duckduckgo.com/?q=owls&kp=-2", "q=owls&kp=1"),
    ] {
        let host = url.split('/').nth(2).unwrap();
        let request = format!("GET {url} HTTP/1.1\r\nHost: {host}\r\n{cookie}Connection: close\r\n\r\n");
        let answer = browser.send(&request).await;
        assert_eq!(answer.status, 200, "{url}: {answer:?}");
        let head = gateway.origin.heads().pop().unwrap();
        let target = head.split(' ').nth(1).unwrap();
        assert!(target.contains(sent) && !target.contains("off") && !target.contains("images"), "{head}");
        assert!(
            head.contains(&format!("Host: {host}\r\n")) || head.contains(&format!("host: {host}\r\n")),
            "{head}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn staff_search_as_they_like() {
    let gateway = gateway().setting("RESOLVER__HOSTS", r#"{ "*.google.com" = "127.0.0.1" }"#).start().await;
    gateway.browser("staff").get("http://www.google.com/search?q=owls&safe=off").await;
    assert!(gateway.origin.heads()[0].contains("q=owls&safe=off"));
    gateway.stop().await;
}

#[tokio::test]
async fn a_pupils_own_headers_for_services_are_taken_out() {
    let gateway = gateway().start().await;
    let browser = gateway.browser("ks2");
    let request = "GET http://www.youtube.com/ HTTP/1.1\r\nHost: www.youtube.com\r\nYouTube-Restrict: None\r\n\
                   youtube-restrict: Moderate\r\nConnection: close\r\n\r\n";
    browser.send(request).await;
    let head = gateway.origin.heads().pop().unwrap().to_ascii_lowercase();
    assert_eq!(head.matches("youtube-restrict:").count(), 1, "{head}");
    assert!(head.contains("youtube-restrict: strict\r\n"), "{head}");
    let request = "GET http://accounts.google.com/ HTTP/1.1\r\nHost: accounts.google.com\r\n\
                   X-GoogApps-Allowed-Domains: gmail.example\r\nConnection: close\r\n\r\n";
    browser.send(request).await;
    let head = gateway.origin.heads().pop().unwrap().to_ascii_lowercase();
    assert!(head.contains("x-googapps-allowed-domains: school.example,trust.example\r\n"), "{head}");
    assert!(!head.contains("gmail.example"), "{head}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_search_is_recorded_pointed_out_or_stopped() {
    let gateway = gateway().start().await;
    let browser = gateway.browser("ks2");
    for (url, status) in [
        ("http://www.google.com/search?q=barn+owls", 200),
        ("http://www.google.com/search?q=I%20am%20worried+about+home", 200),
        ("http://www.google.com/search?q=forbidden%20words", 403),
        ("http://www.google.com/complete/search?q=forbidden%20words", 200),
    ] {
        assert_eq!(browser.get(url).await.status, status, "{url}");
    }
    let seen: Vec<Value> = gateway.accesses().into_iter().map(|record| record.event).collect();
    let told: Vec<[&str; 4]> = seen
        .iter()
        .map(|event| {
            let told = ["/event/action", "/rule/id", "/schoolgate/search", "/schoolgate/suggestion"];
            told.map(|path| text(event, path))
        })
        .collect();
    assert_eq!(
        told,
        [
            ["allow", "default:default", "barn owls", ""],
            ["alert", "search_term:worry", "I am worried about home", ""],
            ["block", "search_term:stop", "forbidden words", ""],
            ["alert", "search_term:stop", "", "forbidden words"],
        ]
    );
    assert_eq!(seen[1].pointer("/schoolgate/list/line"), Some(&Value::from(2)));
    assert!(!text(&seen[2], "/event/reason").contains("forbidden"));
    gateway.stop().await;
}

/// A query in a body is read, and the body goes on whole.
#[tokio::test]
async fn a_search_in_a_body_is_seen_and_sent_on() {
    let gateway = gateway().start().await;
    let post = |body: &str| {
        format!(
            "POST http://duckduckgo.com/html/ HTTP/1.1\r\nHost: duckduckgo.com\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let browser = gateway.browser("ks2");
    assert_eq!(browser.send(&post("b=&q=forbidden+words&kl=")).await.status, 403);
    assert_eq!(browser.send(&post("q=owls")).await.status, 200);
    let searches: Vec<String> = gateway
        .accesses()
        .iter()
        .map(|record| text(&record.event, "/schoolgate/search").to_owned())
        .collect();
    assert_eq!(searches, ["forbidden words", "owls"]);
    assert_eq!(gateway.origin.heads().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn dns_over_https_is_refused_by_its_shape() {
    let gateway = gateway().start().await;
    let browser = gateway.browser("ks2");
    assert_eq!(browser.get("http://maths.example/dns-query?dns=AAABAAABAAAAAAAAA3d3dw").await.status, 403);
    let post = "POST http://maths.example/any HTTP/1.1\r\nHost: maths.example\r\nContent-Type: \
                application/dns-message\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab";
    assert_eq!(browser.send(post).await.status, 403);
    assert_eq!(browser.get("http://maths.example/dns").await.status, 200);
    let rules: Vec<String> =
        gateway.accesses().iter().map(|record| text(&record.event, "/rule/id").to_owned()).collect();
    assert_eq!(rules, ["protocol:doh", "protocol:doh", "default:default"]);
    gateway.stop().await;
}

/// By its first bytes, its name and its type, also packed; not one byte of it arrives.
#[tokio::test]
async fn a_file_of_a_refused_kind_does_not_arrive() {
    let gateway = gateway().start().await;
    let browser = gateway.browser("ks2");
    for (path, status, rule) in [
        ("program", 403, "file_kind:executable"),
        ("program-as-picture.png", 403, "file_kind:executable"),
        ("program-in-pieces", 403, "file_kind:executable"),
        ("program-gzipped", 403, "file_kind:executable"),
        ("film.mp4", 200, "file_kind:video"),
        ("page", 200, "default:default"),
    ] {
        let answer = browser.get(&format!("http://maths.example/file/{path}")).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(status == 200 || !answer.body.contains("This program"), "{path}: {}", answer.body);
        let event = gateway.accesses().pop().unwrap().event;
        assert_eq!(text(&event, "/rule/id"), rule, "{path}");
    }
    gateway.stop().await;
}

/// A search engine is decrypted because a rule needs its URLs; a site beside it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_inside_tls_is_seen_and_made_safe() {
    let gateway = gateway().start().await;
    let browser = gateway.managed("ks2");
    for (url, status) in [
        ("https://www.google.com/search?q=barn+owls&safe=off", 200),
        ("https://www.google.com/search?q=forbidden+words", 403),
        ("https://maths.example/search?q=forbidden+words", 200),
    ] {
        assert_eq!(browser.get(url).await.status, status, "{url}");
    }
    let heads = gateway.origin.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    assert!(heads[0].starts_with("GET /search?q=barn+owls&safe=active"), "{heads:?}");
    let seen: Vec<Value> = gateway.accesses().into_iter().map(|record| record.event).collect();
    let told: Vec<[&str; 4]> = seen
        .iter()
        .map(|event| {
            let told = ["/schoolgate/mode", "/schoolgate/visibility", "/rule/id", "/schoolgate/search"];
            told.map(|path| text(event, path))
        })
        .collect();
    assert_eq!(
        told,
        [
            ["inspect", "host", "default:default", ""],
            ["allow", "url", "default:default", "barn owls"],
            ["inspect", "host", "default:default", ""],
            ["block", "url", "search_term:stop", "forbidden words"],
            ["allow", "host", "default:default", ""],
        ]
    );
    gateway.stop().await;
}
