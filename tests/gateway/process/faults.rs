//! What a technician is told when something is configured wrong, and how the program exits.

use std::process::{Output, Stdio};

use serde_json::Value;

use crate::harness::Gateway;

/// `EX_CONFIG`: what is configured is wrong, and trying again does not help.
const CONFIGURATION: Option<i32> = Some(78);

const FAULTY_POLICY: &str = r#"[groups.pupils]
name = 7
default = "allow"
subnets = ["10.1.0.0/16"]
colour = "red"
[groups.pupils.categories]
gmaes = "block"
[groups.ks2]
name = "KS2"
inherits = "pupil"
subnets = ["10.1.2.0/24"]
[categories.games]
name = "Games"
sources = ["seed/games"]
"#;

#[tokio::test]
async fn a_sound_configuration_is_said_to_be_so() {
    let site = Gateway::new().site().await;
    let said = site.run(&["check"]).await;
    assert_eq!(said.status.code(), Some(0), "{}", text(&said.stderr));
    assert!(text(&said.stdout).starts_with("No faults."), "{}", text(&said.stdout));
    let said = site.run(&["check", "--json"]).await;
    let report: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(report["faults"], serde_json::json!([]));
    assert!(!site.file("var").exists(), "a check writes nothing");
}

#[tokio::test]
async fn every_fault_of_policy_and_lists_is_told_at_once_with_its_place() {
    let faulty = Gateway::new()
        .policy(FAULTY_POLICY)
        .file("blocklists/categories/games.txt", "games.example\nco.uk\n")
        .file("blocklists/school/block.txt", "com\ntwo words\n");
    let site = faulty.site().await;
    let said = site.run(&["check"]).await;
    assert_eq!(said.status.code(), CONFIGURATION);
    let told = text(&said.stderr);
    for (problem, place) in [
        ("a number where text is expected", "policy.toml:2:8"),
        ("put it in quotes: \"7\"", "policy.toml:2:8"),
        ("unknown key `colour`", "policy.toml:5:1"),
        ("there is no category “gmaes”", "policy.toml:7:1"),
        ("there is no group “pupil”", "policy.toml:10:12"),
        ("10.1.2.0/24 overlaps 10.1.0.0/16, a subnet of pupils", "policy.toml:11:12"),
        ("this is a public suffix", "games.txt:2:1"),
        ("this is a public suffix", "block.txt:1:1"),
        ("several words on one line", "block.txt:2:1"),
    ] {
        // A fault is a paragraph: the problem, its place, the line itself, what would help.
        let paragraph = told.split("\n\n").find(|fault| fault.contains(place));
        assert!(told.contains(place), "no fault at {place}:\n{told}");
        let near = told.split("error: ").any(|fault| fault.contains(place) && fault.contains(problem));
        assert!(near, "{problem:?} is not what is said of {place}: {paragraph:?}");
    }
    assert_eq!(told.matches("error: ").count(), 8, "no more and no less:\n{told}");

    let said = site.run(&["check", "--json"]).await;
    assert_eq!(said.status.code(), CONFIGURATION);
    let report: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(report["faults"].as_array().unwrap().len(), 8, "{report:#}");
}

#[tokio::test]
async fn every_fault_of_the_settings_is_told_at_once_and_nothing_is_served() {
    let site = Gateway::new().site().await;
    let wrong = "[state]\ndir = 5\ncolour = 1\n[listen]\nexplicit = [\"nowhere\"]\n[nonsense]\na = 1\n";
    site.write("schoolgate.toml", wrong);
    for command in ["check", "serve"] {
        let said = site.run(&[command]).await;
        assert_eq!(said.status.code(), CONFIGURATION, "{command}");
        let told = text(&said.stderr);
        for place in
            ["schoolgate.toml:2:7", "schoolgate.toml:3:1", "schoolgate.toml:5:13", "schoolgate.toml:6:"]
        {
            assert!(told.contains(place), "{command}: no fault at {place}:\n{told}");
        }
    }
    assert!(!site.file("var").exists());
}

#[tokio::test]
async fn a_faulty_policy_or_a_wrong_variable_keeps_the_gateway_from_serving() {
    let mut site = Gateway::new().policy(FAULTY_POLICY).site().await;
    let said = site.run(&["serve"]).await;
    assert_eq!(said.status.code(), CONFIGURATION);
    assert!(text(&said.stderr).contains("policy.toml:2:8"), "{}", text(&said.stderr));
    assert!(!text(&said.stdout).contains("explicit"), "no door was opened: {}", text(&said.stdout));
    let trail = site.trail();
    let of =
        |action: &str| trail.iter().filter(|event| event["event"]["action"] == action).collect::<Vec<_>>();
    assert!(of("gateway.started").is_empty(), "what failed is not recorded as a start");
    let failed = of("gateway.start_failed")[0];
    assert_eq!(failed["event"]["outcome"], "failure");
    let first = failed["schoolgate"]["details"]["faults"][0].as_str().unwrap();
    assert!(first.contains("policy.toml:2:8: "), "{first}");

    site.variable("SCHOOLGATE__LIMITS__DRAIN_SECONDS", "soon");
    let said = site.run(&["serve"]).await;
    assert_eq!(said.status.code(), CONFIGURATION);
    assert!(text(&said.stderr).contains("SCHOOLGATE__LIMITS__DRAIN_SECONDS"), "{}", text(&said.stderr));
}

/// The store knows what was recorded: a trail that is gone does not begin anew without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_trail_that_is_gone_is_no_sound_trail_and_the_next_start_says_so() {
    let site = Gateway::new().site().await;
    for lives in 0..3 {
        let mut program = site.serve().await;
        program.signal("TERM").await;
        assert!(program.ended().await.success());
        let trail = site.trail();
        let disturbed = trail.iter().filter(|event| event["event"]["action"] == "audit.disturbed");
        let disturbed: Vec<&Value> = disturbed.collect();
        assert_eq!(disturbed.len(), usize::from(lives > 0), "after {lives} starts: {disturbed:?}");
        if lives > 0 {
            assert!(disturbed[0]["schoolgate"]["details"]["lost_record"].as_u64().unwrap() > 1);
        }
        site.verify().await;
        if lives == 0 {
            let day = site.segments()[0].parent().unwrap().to_owned();
            std::fs::remove_dir_all(day).unwrap();
            let said = site.run(&["audit", "verify"]).await;
            assert_eq!(said.status.code(), Some(1));
            assert!(text(&said.stdout).contains("there is no trail here"), "{}", text(&said.stdout));
        }
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_told_from_a_wrong_configuration() {
    let site = Gateway::new().site().await;
    assert_eq!(site.run(&["serve", "--no-such-option"]).await.status.code(), Some(2));
    std::fs::remove_file(site.file("schoolgate.toml")).unwrap();
    let said = site.run(&["check"]).await;
    assert_eq!(said.status.code(), CONFIGURATION);
    assert!(text(&said.stderr).contains("schoolgate.toml"), "{}", text(&said.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_printed_is_not_done() {
    let site = Gateway::new().site().await;
    for arguments in [&["check"][..], &["check", "--json"], &["lists", "status"], &["--help"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let told = site.command(arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let said = told.wait_with_output().await.unwrap();
        assert_eq!(said.status.code(), Some(1), "{arguments:?}");
        assert!(text(&said.stderr).contains("can’t be written"), "{}", text(&said.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_gateway_on_the_same_state_does_not_start_and_harms_nothing() {
    let site = Gateway::new().site().await;
    let mut program = site.serve().await;
    let Output { status, stderr, .. } = site.run(&["serve"]).await;
    assert_eq!(status.code(), Some(1));
    assert!(text(&stderr).contains("another process writes to the audit trail"), "{}", text(&stderr));
    let browser = site.browser(&program, "ks2");
    assert_eq!(browser.get("http://maths.example/").await.status, 200, "the first goes on");
    program.signal("TERM").await;
    assert!(program.ended().await.success());
    site.verify().await;
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
