//! What passes and what does not, by every door and spelling.

use schoolgate::proxy::Door;

use crate::harness::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_page_passes_and_is_recorded_once_with_its_end() {
    let gateway = Gateway::new().start().await;
    let answer = gateway.browser("ks2").get("http://maths.example/body").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(gateway.only_access()["user"]["group"]["name"], "ks2");
    let event = gateway.closed(0).await;
    assert_eq!(event["event"]["action"], "allow");
    assert_eq!(event["url"]["full"], "http://maths.example/body");
    assert_eq!(event["schoolgate"]["visibility"], "url");
    assert_eq!(event["user"]["group"]["name"], "ks2");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_tls_site_keeps_its_own_certificate() {
    let gateway = Gateway::new().start().await;
    let answer = gateway.browser("ks2").get("https://maths.example/").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "hello from the origin"), "{answer:?}");
    let event = gateway.closed(0).await;
    assert_eq!(event["schoolgate"]["visibility"], "host");
    assert_eq!(event["tls"]["client"]["server_name"], "maths.example");
    assert!(event["schoolgate"]["bytes_down"].as_u64().unwrap() > 500, "{event:#}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_host_is_refused_by_every_spelling_over_http() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for url in [
        "http://games.example/",
        "http://GAMES.Example/",
        "http://games.example./",
        "http://games.example:80/",
        "http://www.games.example/a/b?c",
        "http://user:pw@games.example/",
        "http://games%2eexample/",
        "http://xn--mnchen-3ya.example/",
        "http://m\u{fc}nchen.example/",
        "http://192.0.2.66/",
        "http://3221226050/",
        "http://[::ffff:192.0.2.66]/",
        "http://mixed.example/games/chess",
        "http://mixed.example/x/../games/",
    ] {
        let answer = browser.get(url).await;
        // Userinfo, an escape in `Host` or raw U-labels are no request that a browser sends: 400.
        let odd = (url.contains(['@', '%']) || !url.is_ascii()) && answer.status == 400;
        let refused = answer.status == 403 || odd;
        assert!(refused, "{url}: {answer:?}");
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "nothing reached the origin");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_host_is_refused_by_connect() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    for target in
        ["games.example:443", "GAMES.example:443", "games.example.:443", "xn--mnchen-3ya.example:443"]
    {
        let answer = browser.connect(target).await.unwrap_err();
        assert_eq!(answer.status, 403, "{target}: {answer:?}");
        assert!(answer.body.contains("This site is blocked"), "{answer:?}");
    }
    gateway.stop().await;
}

/// What is redirected there is filtered: see `netns`. Here the door's own port is what was dialled.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_calls_a_transparent_door_directly_gets_nowhere() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let tls = browser.at(gateway.door(Door::TransparentTls));
    let http = browser.at(gateway.door(Door::TransparentHttp));
    for host in ["maths.example", "games.example", "GAMES.example"] {
        let answer = tls.tls_direct(host).await.unwrap_err();
        assert!(answer.body.contains("AccessDenied"), "{host}: {answer:?}");
        let answer = http.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(answer.status, 403, "{host}: {answer:?}");
    }
    for access in gateway.accesses() {
        assert_eq!(access.event["rule"]["id"], "protocol:port", "{:#}", access.event);
    }
    assert_eq!(gateway.origin.heads(), Vec::<String>::new(), "nothing reached the origin");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_when_no_statutory_list_is_held() {
    let gateway = Gateway::new().start().await;
    let answer = gateway.browser("ks2").get("http://games.example/").await;
    assert!(answer.body.contains("it holds no IWF or police list"), "{answer:?}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_keeps_its_id_over_restarts_and_records_it() {
    let gateway = Gateway::new().start().await.restarted().await;
    let id = std::fs::read_to_string(gateway.file("var/gateway-id")).unwrap();
    let starts = gateway.events("schoolgate.system").into_iter().map(|record| record.event);
    let starts = starts.filter(|event| event["event"]["action"] == "gateway.started");
    let ids: Vec<_> = starts.map(|event| event["schoolgate"]["details"]["gateway_id"].clone()).collect();
    assert_eq!(ids, [id.trim(), id.trim()]);
    gateway.stop().await;
}

/// Invariant 40: the time to drain is kept, and what is cut then is closed in the record.
#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_outlasts_the_drain_is_cut_and_closed_in_the_record() {
    let gateway = Gateway::new().start().await;
    let browser = gateway.browser("ks2");
    let download = tokio::spawn(async move { browser.get("http://maths.example/stream").await });
    while gateway.origin.heads().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let trail = schoolgate::app::audit_dir(&gateway.settings);
    let _folder = gateway.stop_within(std::time::Duration::from_millis(200)).await;
    let answer = download.await.unwrap();
    assert!(answer.body.len() < 1_000_000, "cut short");
    let access = crate::harness::events(&trail, "schoolgate.access");
    assert_eq!(access.len(), 1);
    assert_eq!(access[0].event["schoolgate"]["closed_by"], "gateway", "{:#}", access[0].event);
}
