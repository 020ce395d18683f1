//! Edits of the school's lists: what closes is in force at once, what opens waits for a second
//! person.

use schoolgate::audit::Actor;
use schoolgate::control::changes::{Change, ChangeDecision, ChangeState, Verdict};
use schoolgate::control::{ControlError, Staff};
use schoolgate::model::Role;

use crate::harness::{Builder, Gateway};

const ALLOW: &str = "blocklists/school/allow.txt";
const BLOCK: &str = "blocklists/school/block.txt";
const GAMES: &str = "http://chess.games.example/";
const BLOCKED: &str = "http://school-blocked.example/";

fn held() -> Builder {
    Gateway::new().setting("LISTS__LOOSENING", "held")
}

async fn manager(gateway: &Gateway, name: &str) -> Staff {
    let control = &gateway.running.control;
    control.add_staff(&name.parse().unwrap(), &[Role::FilteringManager]).await.unwrap();
    control.staff().await.unwrap().into_iter().find(|staff| staff.name.as_str() == name).unwrap()
}

async fn changes(gateway: &Gateway, state: ChangeState) -> Vec<Change> {
    gateway.running.control.changes(Some(state)).await.unwrap()
}

async fn status(gateway: &Gateway, url: &str) -> u16 {
    gateway.browser("ks2").get(url).await.status
}

async fn decide(
    gateway: &Gateway,
    staff: &Staff,
    change: &Change,
    decision: ChangeDecision,
) -> Result<u64, ControlError> {
    let verdict = Verdict { decision, comment: Some("seen with the class".to_owned()), risk: None };
    let decided = gateway.running.control.decide_change(staff, change.id, verdict, None).await;
    decided.map(|recorded| recorded.audit_seq)
}

/// The acts on changes so far: action, and what the changes are about.
fn acts(gateway: &Gateway) -> Vec<String> {
    let told = gateway.events("schoolgate.change").into_iter().map(|record| record.event);
    let told = told.filter(|event| event["event"]["action"].as_str().unwrap().starts_with("change."));
    told.map(|event| {
        let changes = event["schoolgate"]["details"]["changes"].as_array().unwrap();
        let each = |change: &serde_json::Value| {
            format!("{} {}", change["op"].as_str().unwrap(), change["entry"].as_str().unwrap())
        };
        let changes: Vec<String> = changes.iter().map(each).collect();
        format!("{} {}", event["event"]["action"].as_str().unwrap(), changes.join(", "))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_allow_entry_waits_until_a_second_person_approves() {
    let gateway = held().start().await;
    assert_eq!(status(&gateway, GAMES).await, 403);
    let edit = "# ours\ntimes-tables.games.example\nchess.games.example   # 2026-11-22 chess club, AB\n";
    gateway.rewrite(ALLOW, edit).await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 403, "nobody has approved it");
    assert_eq!(status(&gateway, "http://times-tables.games.example/").await, 200, "moved, not changed");

    let pending = changes(&gateway, ChangeState::Pending).await;
    assert_eq!(pending.len(), 1);
    let change = &pending[0];
    assert_eq!(change.to_string(), "school allow list: add chess.games.example (line 3)");
    assert_eq!(change.reason.as_deref(), Some("2026-11-22 chess club, AB"));
    assert_eq!(change.proposer, Actor::System);

    let manager = manager(&gateway, "m.jones").await;
    let audit_seq = decide(&gateway, &manager, change, ChangeDecision::Approve).await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 200, "at once");
    assert!(changes(&gateway, ChangeState::Pending).await.is_empty());
    assert_eq!(
        acts(&gateway),
        ["change.held add chess.games.example", "change.approved add chess.games.example"]
    );
    let mut record = gateway.events("schoolgate.change").into_iter().map(|record| record.event);
    let record = record.rfind(|event| event["event"]["sequence"] == audit_seq).unwrap();
    assert_eq!(record["user"]["name"], "m.jones");
    assert_eq!(record["event"]["reason"], "seen with the class");

    gateway.rewrite(ALLOW, edit).await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 200, "approved once, it stays");
    let evidence = gateway.accesses().pop().unwrap().event["schoolgate"]["list"].clone();
    assert_eq!((&evidence["file"], &evidence["line"]), (&"school/allow.txt".into(), &3.into()));
    gateway.rewrite(ALLOW, "times-tables.games.example\n").await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 403, "taking it out closes at once");
    gateway.rewrite(ALLOW, edit).await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 403, "and it is asked for anew");
    assert_eq!(changes(&gateway, ChangeState::Pending).await.len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_entry_taken_out_is_in_force_until_a_second_person_approves() {
    let gateway = held().file(BLOCK, "# ours\n\nschool-blocked.example # swearing\n").start().await;
    gateway.rewrite(BLOCK, "# nothing any more\nnew.example\n").await.unwrap();
    assert_eq!(status(&gateway, BLOCKED).await, 403, "nobody has approved it");
    assert_eq!(status(&gateway, "http://new.example/").await, 403, "a new block is in force at once");
    let mut access = gateway.accesses().into_iter().map(|access| access.event);
    let access = access.rfind(|event| event["url"]["domain"] == "school-blocked.example").unwrap();
    let evidence = &access["schoolgate"]["list"];
    assert_eq!((&evidence["file"], &evidence["line"]), (&"school/block.txt (held)".into(), &3.into()));

    let gateway = gateway.restarted().await;
    assert_eq!(status(&gateway, BLOCKED).await, 403, "no restart lets it slip");
    let pending = changes(&gateway, ChangeState::Pending).await;
    assert_eq!(pending.len(), 1, "still the one change");
    assert_eq!(pending[0].to_string(), "school block list: remove school-blocked.example (line 3)");
    assert_eq!(pending[0].reason.as_deref(), Some("swearing"));
    let manager = manager(&gateway, "m.jones").await;
    decide(&gateway, &manager, &pending[0], ChangeDecision::Approve).await.unwrap();
    assert_eq!(status(&gateway, BLOCKED).await, 200);
    let gateway = gateway.restarted().await;
    assert_eq!(status(&gateway, BLOCKED).await, 200, "what was approved is not held again");
    assert_eq!(
        acts(&gateway),
        ["change.held remove school-blocked.example", "change.approved remove school-blocked.example"]
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_made_while_the_gateway_is_down_is_held_as_well() {
    let gateway = held().start().await;
    std::fs::write(gateway.file(ALLOW), "games.example\n").unwrap();
    std::fs::write(gateway.file(BLOCK), "# empty\n").unwrap();
    let gateway = gateway.restarted().await;
    assert_eq!(status(&gateway, GAMES).await, 403);
    assert_eq!(status(&gateway, BLOCKED).await, 403);
    assert_eq!(changes(&gateway, ChangeState::Pending).await.len(), 2);
    let mut loaded = gateway.events("schoolgate.change").into_iter().map(|record| record.event);
    let loaded = loaded.rfind(|event| event["event"]["action"] == "policy.loaded").unwrap();
    let details = &loaded["schoolgate"]["details"];
    assert_eq!((&details["loosening"], &details["held"]), (&"held".into(), &2.into()));
    let removed = "school allow list: removed times-tables.games.example";
    assert_eq!(details["changes"], serde_json::json!([removed]), "only what is in force");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_the_edit_back_withdraws_the_change() {
    let gateway = held().start().await;
    let before = std::fs::read_to_string(gateway.file(ALLOW)).unwrap();
    gateway.rewrite(ALLOW, &format!("{before}chess.games.example\n")).await.unwrap();
    gateway.rewrite(BLOCK, "# empty\n").await.unwrap();
    gateway.rewrite(ALLOW, &before).await.unwrap();
    gateway.rewrite(BLOCK, "SCHOOL-blocked.example.\n").await.unwrap();
    assert!(changes(&gateway, ChangeState::Pending).await.is_empty());
    let withdrawn = changes(&gateway, ChangeState::Withdrawn).await;
    assert_eq!(withdrawn.len(), 2);
    let manager = manager(&gateway, "m.jones").await;
    let fault = decide(&gateway, &manager, &withdrawn[0], ChangeDecision::Approve).await.unwrap_err();
    assert_eq!(fault.code(), "over");
    assert_eq!(status(&gateway, GAMES).await, 403);
    assert_eq!(status(&gateway, BLOCKED).await, 403);
    assert_eq!(
        acts(&gateway),
        [
            "change.held add chess.games.example",
            "change.held remove school-blocked.example",
            "change.withdrawn add chess.games.example",
            "change.withdrawn remove school-blocked.example",
        ]
    );
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_stays_out_and_is_not_asked_for_again() {
    let gateway = held().start().await;
    let edit = "times-tables.games.example\nchess.games.example\n";
    gateway.rewrite(ALLOW, edit).await.unwrap();
    let manager = manager(&gateway, "m.jones").await;
    let change = changes(&gateway, ChangeState::Pending).await.remove(0);
    decide(&gateway, &manager, &change, ChangeDecision::Refuse).await.unwrap();
    for _ in 0..2 {
        gateway.rewrite(ALLOW, edit).await.unwrap();
        assert_eq!(status(&gateway, GAMES).await, 403);
        assert!(changes(&gateway, ChangeState::Pending).await.is_empty(), "refused is refused");
    }
    let gateway = gateway.restarted().await;
    assert_eq!(status(&gateway, GAMES).await, 403);
    assert!(changes(&gateway, ChangeState::Pending).await.is_empty());
    gateway.rewrite(ALLOW, "times-tables.games.example\n").await.unwrap();
    gateway.rewrite(ALLOW, edit).await.unwrap();
    assert_eq!(changes(&gateway, ChangeState::Pending).await.len(), 1, "written anew, it is asked for anew");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_on_their_own_edit() {
    let gateway = held().start().await;
    let (one, other) = (manager(&gateway, "m.jones").await, manager(&gateway, "a.evans").await);
    std::fs::write(gateway.file(ALLOW), "times-tables.games.example\nchess.games.example\n").unwrap();
    let control = &gateway.running.control;
    control.reload(Actor::Staff(one.name.clone()), Some("chess club"), &|_, _, _| {}).await.unwrap();
    control.reload(Actor::System, None, &|_, _, _| {}).await.unwrap();
    let change = changes(&gateway, ChangeState::Pending).await.remove(0);
    assert_eq!(change.proposer, Actor::Staff(one.name.clone()), "a reload by another changes nothing");
    let fault = decide(&gateway, &one, &change, ChangeDecision::Approve).await.unwrap_err();
    assert_eq!(fault.code(), "four_eyes");
    assert_eq!(status(&gateway, GAMES).await, 403);
    decide(&gateway, &other, &change, ChangeDecision::Approve).await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 200);
    gateway.stop().await;
}

/// The school's choice, and itself on record.
#[tokio::test(flavor = "multi_thread")]
async fn loosening_at_once_is_recorded_at_every_start_and_reload() {
    let gateway = held().start().await;
    gateway.rewrite(ALLOW, "times-tables.games.example\nchess.games.example\n").await.unwrap();
    assert_eq!(status(&gateway, GAMES).await, 403);
    let gateway = gateway.restarted_with("LISTS__LOOSENING", "at_once").await;
    assert_eq!(status(&gateway, GAMES).await, 200);
    let passed = changes(&gateway, ChangeState::Approved).await;
    assert_eq!((passed.len(), &passed[0].decided_by), (1, &None));
    gateway.rewrite(BLOCK, "# empty\n").await.unwrap();
    assert_eq!(status(&gateway, BLOCKED).await, 200);
    let told = gateway.events("schoolgate.change").into_iter().map(|record| record.event);
    let told: Vec<_> = told.map(|event| event["schoolgate"]["details"]["loosening"].clone()).collect();
    assert_eq!(told.iter().filter(|how| **how == "at_once").count(), 2, "{told:?}");
    assert_eq!(
        acts(&gateway),
        ["change.held add chess.games.example", "change.at_once add chess.games.example"]
    );
    let gateway = gateway.restarted_with("LISTS__LOOSENING", "held").await;
    assert_eq!(status(&gateway, GAMES).await, 200, "what came in force stays in force");
    gateway.stop().await;
}
