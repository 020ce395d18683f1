//! Emergency blocks and suspensions hold for what is open already, across sudden ends, and no longer
//! than they should.

use std::time::{Duration, Instant};

use schoolgate::control::{BlockRequest, Staff, SuspensionRequest};
use schoolgate::model::Role;
use schoolgate::policy::Reduced;
use tokio::io::AsyncReadExt;

use crate::harness::{AT_ONCE, Gateway, Program, Site, within};

const WHY: &str = "a stranger writes to pupils there";

async fn headteacher(gateway: &Gateway) -> Staff {
    let control = &gateway.running.control;
    control.add_staff(&"head".parse().unwrap(), &[Role::Headteacher]).await.unwrap();
    control.staff().await.unwrap().remove(0)
}

async fn command(site: &Site, arguments: &[&str]) -> String {
    let said = site.run(arguments).await;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

async fn status(site: &Site, program: &Program, url: &str) -> u16 {
    site.browser(program, "ks2").get(url).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_block_cuts_an_open_tunnel_and_that_alone() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let mut tunnel = gateway.browser("ks2").tls("new.example:443", "new.example").await.unwrap();
    let mut other = gateway.browser("ks2").talk().await;
    other.say("GET http://maths.example/stream HTTP/1.1\r\nHost: maths.example\r\n\r\n").await;
    assert!(!other.first().await.is_empty());
    let since = Instant::now();
    let request = BlockRequest { target: "new.example".to_owned(), reason: WHY.to_owned() };
    gateway.running.control.place_block(&head, &request, None).await.unwrap();
    let mut rest = Vec::new();
    let _ = within(tunnel.read_to_end(&mut rest)).await;
    assert!(since.elapsed() < AT_ONCE, "{:?}", since.elapsed());
    let closed = gateway.closed(0).await;
    assert_eq!(closed["schoolgate"]["closed_by"], "policy", "{closed:#}");
    for group in ["ks2", "staff"] {
        assert_eq!(gateway.browser(group).get("http://new.example/").await.status, 403, "{group}");
    }
    let refused = gateway.accesses().pop().unwrap().event;
    assert_eq!(refused["schoolgate"]["rung"], "emergency_block", "{refused:#}");
    assert!(!other.first().await.is_empty(), "what is not shut goes on");
    drop(other);
    gateway.stop().await;
}

/// Both are read from the store by every start, and by `explain` too.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_and_a_suspension_are_in_force_after_a_kill_and_are_lifted_by_commands() {
    let mut site = Gateway::new().site().await;
    let mut program = site.serve().await;
    site.variable("SCHOOLGATE__POLICY__LOOSENING", "held");
    for (name, role) in [("head", "headteacher"), ("m.jones", "filtering_manager")] {
        command(&site, &["staff", "add", name, "--role", role]).await;
    }
    let token = command(&site, &["staff", "token", "head"]).await;
    site.variable("SCHOOLGATE_TOKEN", token.trim());
    assert_eq!(status(&site, &program, "http://new.example/").await, 200);
    command(&site, &["block", "add", "new.example", "--reason", WHY]).await;
    let suspend = ["suspend", "add", "--user", "y5.042", "--minutes", "60", "--reason", WHY];
    command(&site, &suspend).await;
    program.kill().await;

    program = site.serve().await;
    assert_eq!(status(&site, &program, "http://new.example/").await, 403);
    let asked =
        command(&site, &["explain", "http://maths.example/", "--group", "ks2", "--user", "y5.042"]).await;
    assert!(asked.starts_with("BLOCK"), "{asked}");
    let listed = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap()["items"].clone();
    let blocks = listed(command(&site, &["block", "list", "--json"]).await);
    let suspensions = listed(command(&site, &["suspend", "list", "--state", "active", "--json"]).await);
    let id = |items: &serde_json::Value| items[0]["id"].as_str().unwrap().to_owned();
    for (noun, id) in [("block", id(&blocks)), ("suspend", id(&suspensions))] {
        command(&site, &[noun, "lift", &id, "--reason", "the site has taken it down"]).await;
    }
    assert_eq!(status(&site, &program, "http://new.example/").await, 403, "a second person is asked");
    let other = command(&site, &["staff", "token", "m.jones"]).await;
    site.variable("SCHOOLGATE_TOKEN", other.trim());
    let changes = listed(command(&site, &["changes", "list", "--state", "pending", "--json"]).await);
    command(&site, &["changes", "approve", &id(&changes), "--comment", "seen, it is gone"]).await;
    assert_eq!(status(&site, &program, "http://new.example/").await, 200);
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
}

/// The clock alone ends it: a scheduled end is told once, by the gateway's own sweep.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_ends_by_itself_and_that_is_told_once() {
    let gateway = Gateway::new().start().await;
    let head = headteacher(&gateway).await;
    let control = &gateway.running.control;
    let request = SuspensionRequest {
        users: vec!["y5.042".to_owned()],
        devices: Vec::new(),
        to: Reduced::Nothing,
        exceptions: Vec::new(),
        starts_at: None,
        ends_at: Some(control.now().plus(Duration::from_secs(3))),
        minutes: None,
        reason: WHY.to_owned(),
    };
    let kept = control.suspend(&head, &request, None).await.unwrap().value;
    let ends = |gateway: &Gateway| {
        let acts = gateway.events("schoolgate.change").into_iter();
        acts.filter(|record| record.event["event"]["action"] == "suspension.ended").count()
    };
    gateway.eventually("the end in the record", |gateway| ends(gateway) == 1).await;
    control.sweep_suspensions().await.unwrap();
    assert_eq!(ends(&gateway), 1);
    let now = control.suspension(kept.suspension.id).await.unwrap();
    assert!(now.lifted.is_none() && now.suspension.state(control.now()).as_str() == "ended");
    gateway.stop().await;
}
