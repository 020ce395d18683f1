//! What a gateway says of itself at `/readyz`, and waiting until it does.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::{Gateway, PATIENCE, Program, fetch};

impl Gateway {
    /// What `/readyz` says.
    pub(crate) async fn ready(&self) -> (u16, Value) {
        ready(self.running.metrics[0]).await
    }

    /// Waits until `/readyz` says it. What it tells is on record before.
    pub(crate) async fn becomes(&self, what: &str, says: impl Fn(u16, &Value) -> bool) -> (u16, Value) {
        becomes(self.running.metrics[0], what, says).await
    }
}

impl Program {
    /// Waits until `/readyz` says it; of much of it nothing else tells.
    pub(crate) async fn becomes(&self, what: &str, says: impl Fn(u16, &Value) -> bool) -> (u16, Value) {
        becomes(self.at("metrics"), what, says).await
    }
}

async fn ready(at: SocketAddr) -> (u16, Value) {
    let answer = fetch(at, "/readyz", None).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

async fn becomes(at: SocketAddr, what: &str, says: impl Fn(u16, &Value) -> bool) -> (u16, Value) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, body) = ready(at).await;
        if says(status, &body) {
            return (status, body);
        }
        assert!(Instant::now() < deadline, "never came: {what}, but {status} {body}");
        sleep(Duration::from_millis(20)).await;
    }
}
