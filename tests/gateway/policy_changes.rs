//! Edits of the policy: what closes is in force at once, what opens waits for a second person,
//! over reloads, restarts and broken files.

use schoolgate::audit::Actor;
use schoolgate::control::changes::{
    Change, ChangeDecision, ChangeRequest, ChangeState, Risk, Verdict, Wanted,
};
use schoolgate::control::{ControlError, Staff};
use schoolgate::model::Role;

use crate::harness::{Builder, Gateway, POLICY};

const FILE: &str = "policy.toml";
const GAMES: &str = "http://games.example/";

fn held() -> Builder {
    Gateway::new().setting("POLICY__LOOSENING", "held")
}

/// The policy with games open to pupils, and shut to staff.
fn edited() -> String {
    let opened = POLICY.replacen("games = \"block\"", "games = \"allow\"", 1);
    opened.replace("[groups.staff.categories]\n", "[groups.staff.categories]\ngames = \"block\"\n")
}

async fn head(gateway: &Gateway) -> Staff {
    let control = &gateway.running.control;
    let name = "a.evans".parse().unwrap();
    // There after a restart already.
    let _ = control.add_staff(&name, &[Role::Headteacher]).await;
    control.staff().await.unwrap().into_iter().find(|staff| staff.name == name).unwrap()
}

async fn changes(gateway: &Gateway, state: ChangeState) -> Vec<Change> {
    gateway.running.control.changes(Some(state)).await.unwrap()
}

async fn status(gateway: &Gateway, group: &str) -> u16 {
    gateway.browser(group).get(GAMES).await.status
}

fn risk() -> Risk {
    Risk {
        benefit: "Puzzles that the maths club uses".to_owned(),
        risk: "Other games on the same sites".to_owned(),
        mitigation: "Only in the library, supervised".to_owned(),
    }
}

async fn decide(gateway: &Gateway, change: &Change, decision: ChangeDecision) -> Result<u64, ControlError> {
    let (head, comment) = (head(gateway).await, Some("seen with the club".to_owned()));
    let verdict = Verdict { decision, comment, risk: Some(risk()) };
    let decided = gateway.running.control.decide_change(&head, change.id, verdict, None).await;
    decided.map(|recorded| recorded.audit_seq)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_file_closes_at_once_and_opens_when_approved() {
    let gateway = held().start().await;
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (403, 200));
    gateway.rewrite(FILE, &edited()).await.unwrap();
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (403, 403));

    let gateway = gateway.restarted().await;
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (403, 403));
    let pending = changes(&gateway, ChangeState::Pending).await;
    assert_eq!(pending.len(), 1, "a restart asks for nothing anew: {pending:?}");
    let sentence = "Group pupils: the category games goes from blocked to allowed.";
    assert_eq!(pending[0].sentence(), sentence);
    decide(&gateway, &pending[0], ChangeDecision::Approve).await.unwrap();
    assert_eq!(status(&gateway, "ks2").await, 200, "at once");
    gateway.rewrite(FILE, &edited()).await.unwrap();
    let gateway = gateway.restarted().await;
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (200, 403));
    assert!(changes(&gateway, ChangeState::Pending).await.is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_force_survives_a_broken_file_at_the_start() {
    let gateway = held().start().await;
    gateway.rewrite(FILE, &edited()).await.unwrap();
    let change = changes(&gateway, ChangeState::Pending).await.remove(0);
    decide(&gateway, &change, ChangeDecision::Approve).await.unwrap();
    std::fs::write(gateway.file(FILE), "[groups.pupils\nbroken").unwrap();
    let gateway = gateway.restarted().await;
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (200, 403));
    assert!(gateway.running.control.policy(None).await.unwrap().file_differs);
    gateway.rewrite(FILE, "still broken").await.unwrap_err();
    assert_eq!((status(&gateway, "ks2").await, status(&gateway, "staff").await), (200, 403));
    gateway.rewrite(FILE, &edited()).await.unwrap();
    assert!(changes(&gateway, ChangeState::Pending).await.is_empty(), "mended, it says nothing new");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_comes_back_and_goes_again() {
    let gateway = held().start().await;
    let control = &gateway.running.control;
    let first = control.policy(None).await.unwrap().version.version;
    gateway.rewrite(FILE, &edited()).await.unwrap();
    let tightened = control.policy(None).await.unwrap().version.version;
    let roll = async |version: u64| {
        let request = ChangeRequest {
            change: Wanted::Rollback { version },
            reason: "The trial of this term is over".to_owned(),
            risk: Some(risk()),
            owner: None,
            review_on: None,
        };
        let proposer = Actor::Staff("m.jones".parse().unwrap());
        control.propose(&proposer, request, |_| true, None).await.unwrap().value.changes
    };
    let back = roll(first).await;
    assert_eq!((back.len(), back[0].state), (1, ChangeState::Pending), "its loosening part is held");
    assert_eq!(status(&gateway, "staff").await, 403);
    decide(&gateway, &back[0], ChangeDecision::Approve).await.unwrap();
    assert_eq!(status(&gateway, "staff").await, 200);
    let forward = roll(tightened).await;
    assert_eq!((forward.len(), forward[0].state), (1, ChangeState::AtOnce));
    assert_eq!(status(&gateway, "staff").await, 403);
    assert_eq!(control.policy_history(None, 10).await.unwrap().len(), 4);
    gateway.stop().await;
}

/// The school's choice, and itself on record.
#[tokio::test(flavor = "multi_thread")]
async fn loosening_at_once_needs_nobody_and_is_recorded() {
    let gateway = Gateway::new().setting("POLICY__LOOSENING", "at_once").start().await;
    let opened = POLICY.replacen("games = \"block\"", "games = \"allow\"", 1);
    gateway.rewrite(FILE, &opened).await.unwrap();
    assert_eq!(status(&gateway, "ks2").await, 200);
    let passed = changes(&gateway, ChangeState::Approved).await;
    assert_eq!((passed.len(), &passed[0].decided_by), (1, &None));
    let told = gateway.events("schoolgate.change").into_iter().map(|record| record.event);
    let told: Vec<_> = told.map(|event| event["schoolgate"]["details"]["policy_loosening"].clone()).collect();
    assert_eq!(told.iter().filter(|how| **how == "at_once").count(), 2, "{told:?}");
    gateway.stop().await;
}
