//! Killed in the middle of a change of the school's lists: it is held, or in force with its record.

use std::process::Stdio;

use crate::harness::{Gateway, Program, Site, within};

const ALLOW: &str = "blocklists/school/allow.txt";
const GAMES: &str = "http://chess.games.example/";

async fn site() -> Site {
    let mut site = Gateway::new().site().await;
    site.variable("SCHOOLGATE__LISTS__LOOSENING", "held");
    site
}

async fn command(site: &Site, arguments: &[&str]) -> String {
    let said = site.run(arguments).await;
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

async fn manager(site: &mut Site) {
    command(site, &["staff", "add", "m.jones", "--role", "filtering_manager"]).await;
    let token = command(site, &["staff", "token", "m.jones"]).await;
    site.variable("SCHOOLGATE_TOKEN", token.trim());
}

/// The changes in a state.
async fn changes(site: &Site, state: &str) -> Vec<serde_json::Value> {
    let listed = command(site, &["changes", "list", "--state", state, "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    listed["items"].as_array().unwrap().clone()
}

async fn status(site: &Site, program: &Program) -> u16 {
    site.browser(program, "ks2").get(GAMES).await.status
}

/// Waits until an act is on file, without asking the gateway.
async fn on_file(site: &Site, action: &str) {
    let seen = || {
        let texts = site.segments().into_iter().map(|path| std::fs::read_to_string(path).unwrap());
        texts.into_iter().any(|text| text.contains(&format!("\"action\":\"{action}\"")))
    };
    within(async {
        while !seen() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technician_and_a_manager_open_a_site_by_commands_alone() {
    let mut site = site().await;
    let mut program = site.serve().await;
    manager(&mut site).await;
    site.write(ALLOW, "times-tables.games.example\nchess.games.example # chess club\n");
    let checked = command(&site, &["check"]).await;
    assert!(checked.contains("school allow list: add chess.games.example (line 2)"), "{checked}");
    let explained = command(&site, &["explain", GAMES, "--group", "ks2", "--json"]).await;
    assert!(explained.contains("\"action\":\"block\""), "{explained}");
    program.signal("HUP").await;
    program.says("lists reloaded").await;
    assert_eq!(status(&site, &program).await, 403);
    let id = changes(&site, "pending").await[0]["id"].as_str().unwrap().to_owned();
    let refused = site.run(&["changes", "approve", &id]).await;
    assert_eq!(refused.status.code(), Some(2), "an approval says why");
    command(&site, &["changes", "approve", &id, "--comment", "seen, it is chess"]).await;
    assert_eq!(status(&site, &program).await, 200);
    program.kill().await;

    let mut program = site.serve().await;
    assert_eq!(status(&site, &program).await, 200);
    site.write(ALLOW, "times-tables.games.example\nchess.games.example\ngames.example\n");
    program.signal("HUP").await;
    program.says("lists reloaded").await;
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    let explained = command(&site, &["explain", "http://games.example/", "--group", "ks2"]).await;
    assert!(explained.starts_with("BLOCK"), "what is held is so without the gateway too: {explained}");
    site.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_an_edit_is_held_it_is_held_after_the_start() {
    let site = site().await;
    let program = site.serve().await;
    site.write(ALLOW, "times-tables.games.example\nchess.games.example\n");
    program.signal("HUP").await;
    on_file(&site, "change.held").await;
    program.kill().await;
    let mut site = site;
    let program = site.serve().await;
    manager(&mut site).await;
    assert_eq!(status(&site, &program).await, 403);
    assert_eq!(changes(&site, "pending").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_change_is_approved_it_is_held_or_in_force_with_its_record() {
    let mut site = site().await;
    let mut program = site.serve().await;
    manager(&mut site).await;
    site.write(ALLOW, "times-tables.games.example\nchess.games.example\n");
    program.signal("HUP").await;
    program.says("lists reloaded").await;
    let id = changes(&site, "pending").await[0]["id"].as_str().unwrap().to_owned();
    let approve = ["changes", "approve", &id, "--comment", "seen, it is chess"];
    let mut approving = site.command(&approve).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    on_file(&site, "change.approved").await;
    program.kill().await;
    within(approving.wait()).await.unwrap();

    let mut program = site.serve().await;
    let open = status(&site, &program).await == 200;
    let states = (changes(&site, "pending").await.len(), changes(&site, "approved").await.len());
    assert_eq!(states, if open { (0, 1) } else { (1, 0) });
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
}
