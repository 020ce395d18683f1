//! A page inside TLS is judged by its URL.

use super::*;

/// `mixed.example/games/` is listed, `shared.example/listed/page` is on a statutory list.
#[tokio::test]
async fn a_page_is_refused_and_its_neighbour_is_not() {
    let gateway = inspected().start().await;
    let browser = gateway.managed("ks2");
    for (url, status) in [
        ("https://shared.example/listed/page", 403),
        ("https://shared.example/listed/./%70age", 403),
        ("https://shared.example/listed/other", 200),
        ("https://maths.example/", 200),
        ("https://games.example/", 403),
        ("https://times-tables.games.example/", 200),
    ] {
        let answer = browser.get(url).await;
        assert_eq!(answer.status, status, "{url}: {answer:#?}");
    }
    gateway.stop().await;
}
