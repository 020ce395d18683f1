//! What the policy as text says, and every fault in it.

use super::*;

#[test]
fn a_policy_text_tells_every_fault_at_its_place() {
    let text = TEXT
        .replace("games = \"block\"", "gmaes = \"block\"")
        .replace("default = \"block\"", "default = \"maybe\"")
        .replace("10.2.0.0/16", "10.1.2.0/24")
        .replace("inherits = \"pupils\"\nsubnets = [\"10.1.2", "inherits = \"pupil\"\nsubnets = [\"10.1.2")
        + "[unblock.caps]\njanitor = { hours = 2 }\nteacher = { hours = \"2\" }\n";
    let faults = draft(&text).unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| format!("{}:{}", fault.line, fault.problem)).collect();
    for part in [
        "there is no category “gmaes”",
        "“maybe” is no treatment",
        "overlaps 10.1.0.0/16",
        "there is no group “pupil”",
        "there is no role “janitor”",
    ] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part} in {told:#?}");
    }
    assert_eq!(faults.len(), 6, "{told:#?}");
    assert!(faults.iter().all(|fault| fault.line > 0));
}
