//! Hostile origins, properly certified: what they answer comes whole and as it was meant, or not
//! at all, and harms nothing but their own page.

use super::*;
use crate::harness::Page;

const OFFERS: [&str; 2] = ["h2", "http/1.1"];

/// Answers over HTTP/1.1, byte by byte. What is `evil` must never reach the client as an answer.
const ANSWERS: [&str; 27] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nContent-Length: 4, 5\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nevil\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-4\r\nevil\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nevil\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevilmore\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: b\0c\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nX-A: b\rX-Evil: c\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 2oo OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 99 OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 1000 OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/0.9 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "http/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "evil",
    "<html>evil</html>\r\n\r\n",
    "\0\0\0\x04\0\0\0\0\0evil",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nevil",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nevil",
    "HTTP/1.1 100 Continue\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nevil",
];

/// What stands behind a whole answer, which is taken; the rest is nobody's answer.
const BEHIND: [&str; 3] = [
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
    "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodevil",
];

const FRAMES: [&str; 22] = [
    "break-in-value",
    "nul-in-value",
    "break-in-name",
    "upper-case",
    "transfer-encoding",
    "no-status",
    "two-statuses",
    "odd-status",
    "too-short",
    "too-long",
    "two-lengths",
    "switching",
    "body-first",
    "reset",
    "reset-at-once",
    "away",
    "pushed",
    "other-stream",
    "long-head",
    "settings",
    "pings",
    "nonsense",
];

/// The query by which an origin is told what bytes to answer with.
fn hex(bytes: &str) -> String {
    bytes.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn is_refused(answered: &Result<Page, String>) -> bool {
    answered.as_ref().map_or(true, |page| [502, 504].contains(&page.status) && !page.text().contains("evil"))
}

/// Invariant 18: an answer that can't be read is none, and the next request has its own answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_answer_is_none() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for offer in OFFERS {
        for answer in ANSWERS {
            let mut visit = browser.visit("h1only.example", &[offer]).await;
            let answered = visit.ask("GET", &format!("/raw?{}", hex(answer)), &[], "").await;
            assert!(is_refused(&answered), "{offer} {answer:?}: {answered:?}");
            if offer == "h2" {
                assert_eq!(visit.get("/path?next").await.text(), "/path?next", "{answer:?}");
            }
        }
    }
    assert_eq!(gateway.metric("panics_total"), 0);
    gateway.stop().await;
}

/// Invariant 18: what an origin sends beyond its answer is the answer to no request.
#[tokio::test(flavor = "multi_thread")]
async fn what_stands_behind_an_answer_answers_nothing() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for offer in OFFERS {
        for answer in BEHIND {
            let mut visit = browser.visit("h1only.example", &[offer]).await;
            for round in 0..3 {
                let page = visit.get(&format!("/raw-and-kept?{}", hex(answer))).await;
                assert_eq!((page.status, page.text().as_str()), (200, "good"), "{offer} {round} {answer:?}");
                let path = format!("/path?{round}");
                assert_eq!(visit.get(&path).await.text(), path, "{offer} {round} {answer:?}");
            }
        }
    }
    gateway.stop().await;
}

/// Invariant 21: an answer's head has a bound, of fields and of bytes.
#[tokio::test(flavor = "multi_thread")]
async fn an_endless_head_of_an_answer_is_refused() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for offer in OFFERS {
        for path in ["/fields?5000", "/fields?1000000"] {
            let mut visit = browser.visit("h1only.example", &[offer]).await;
            let answered = visit.ask("GET", path, &[], "").await;
            assert!(is_refused(&answered), "{offer} {path}");
        }
    }
    gateway.stop().await;
}

/// The same over HTTP/2, frame by frame.
#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_answer_over_http2_is_none() {
    let gateway = always().start().await;
    let browser = gateway.managed("ks2");
    for offer in OFFERS {
        let mut good = browser.visit("good.raw-h2.example", &[offer]).await;
        for kind in FRAMES {
            let mut visit = browser.visit(&format!("{kind}.raw-h2.example"), &[offer]).await;
            let asked =
                tokio::time::timeout(std::time::Duration::from_secs(5), visit.ask("GET", "/", &[], ""));
            // An origin may also never answer: that is waited for, as for any slow one.
            if let Ok(answered) = asked.await {
                assert!(is_refused(&answered), "{offer} {kind}: {answered:?}");
            }
            assert_eq!(good.get("/").await.text(), "good", "{offer} beside {kind}");
        }
    }
    assert_eq!(gateway.metric("panics_total"), 0);
    gateway.stop().await;
}
