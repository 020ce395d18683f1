//! A name server that is silent: whoever looks for a mail server, a webhook or a collector by it holds up
//! no stop.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::harness::{Gateway, Program, Site, skipped, within};

/// A network of its own, in which questions to name servers go unanswered for a minute.
const SILENT: &str = r#"
set -eu
ip link set lo up
mount --bind "$1" /etc/resolv.conf
nft add table inet silent
nft add chain inet silent in '{ type filter hook input priority 0; }'
nft add rule inet silent in udp dport 53 drop
nft add rule inet silent in tcp dport 53 drop
shift
exec "$@"
"#;
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n";
/// How long a stop may take: no lookup is over by then.
const IN_TIME: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_name_server_holds_up_no_stop() {
    let mut site = site().await;
    if !can_be_silent(&site).await {
        return;
    }
    // Somebody is to be told, before anybody is asked where that is.
    site.variable("SCHOOLGATE__SMTP__HOST", "127.0.0.1");
    let program = site.serve().await;
    assert_eq!(site.browser(&program, "ks2").get("http://statutory.example/").await.status, 403);
    attempted(&site, "mail", 0).await;
    attempted(&site, "webhook", 0).await;
    program.kill().await;

    site.variable("SCHOOLGATE__SMTP__HOST", "mail.school.county.sch.uk");
    let before = (attempts(&site, "mail"), attempts(&site, "webhook"));
    let mut program = Program::start(&mut silent(&site, &site.command(&["serve"]))).await;
    attempted(&site, "mail", before.0).await;
    attempted(&site, "webhook", before.1).await;
    program.signal("TERM").await;
    program.says("stopping").await;
    let told = Instant::now();
    assert_eq!(program.ended().await.code(), Some(0), "{}", program.said());
    assert!(told.elapsed() < IN_TIME, "it took {:?}", told.elapsed());
    site.verify().await;
    assert_eq!(site.trail().last().unwrap()["event"]["action"], "gateway.stopped", "the record closes last");
}

/// All that is looked for by name is on this site.
async fn site() -> Site {
    let hook = r#"[{ url = "http://hooks.school.county.sch.uk:9/in", secret_file = "hook" }]"#;
    let collector =
        r#"[{ name = "county", address = "collector.school.county.sch.uk:6514", transport = "tls" }]"#;
    let site = Gateway::new()
        .setting("SMTP__TLS", "none")
        .setting("SMTP__PORT", "9")
        .setting("SMTP__FROM", "filter@school.county.sch.uk")
        .setting("ALERTS__DSL", r#"["dsl@school.county.sch.uk"]"#)
        .setting("ALERTS__DIGEST_AT", "never")
        .setting("ALERTS__WEBHOOK", hook)
        .setting("AUDIT__SYSLOG", collector)
        .setting("LIMITS__DRAIN_SECONDS", "1")
        .file("hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
    let site = site.site().await;
    site.write("resolv.conf", RESOLVER);
    site
}

/// A command where name servers are silent.
fn silent(site: &Site, command: &Command) -> Command {
    let (command, mut silent) = (command.as_std(), Command::new("unshare"));
    silent.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", SILENT, "sh"]);
    silent.arg(site.file("resolv.conf")).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => silent.env(name, value),
            None => silent.env_remove(name),
        };
    }
    silent.kill_on_drop(true);
    silent
}

/// Whether namespaces can be made here; as root in CI they must be.
async fn can_be_silent(site: &Site) -> bool {
    let said = within(silent(site, &Command::new("true")).stdin(Stdio::null()).output()).await;
    let why =
        said.as_ref().map_or_else(ToString::to_string, |said| String::from_utf8_lossy(&said.stderr).into());
    let can = said.is_ok_and(|said| said.status.success());
    if !can {
        skipped("a silent name server at a stop was", &why);
    }
    can
}

/// How often it was tried to deliver something.
fn attempts(site: &Site, channel: &str) -> i64 {
    let store = rusqlite::Connection::open(site.file("var/state.db")).unwrap();
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    let query = "SELECT coalesce(max(attempts), 0) FROM outbox WHERE channel = ?1";
    store.query_row(query, [channel], |row| row.get(0)).unwrap()
}

/// Waits until it was tried more often.
async fn attempted(site: &Site, channel: &str, before: i64) {
    let deadline = Instant::now() + Duration::from_secs(40);
    while attempts(site, channel) <= before {
        assert!(Instant::now() < deadline, "no attempt by {channel}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
