//! What is inside: searches, kinds of files, DNS.

use super::*;
use crate::content::FileKind;
use crate::services::{Search, SearchKind};

/// The usual world with term lists and kinds of files for Key Stage 2.
fn policy() -> Policy {
    let text = TEXT.replace(
        "[groups.ks2]\n",
        "[groups.ks2.search_terms]\nworry = \"alert\"\nstop = \"block\"\nnoted = \"allow\"\n\
         [groups.ks2.file_kinds]\nexecutable = \"block\"\nvideo = \"alert\"\n[groups.ks2]\n",
    );
    World::usual().policy_of(&text)
}

fn asked_for(policy: &Policy, group: &str, host: &str, content: &Content) -> (Action, String, Option<u32>) {
    let url = Url::parse(&format!("https://{host}/search")).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: 443, url: Some(url) };
    let subject = subject(Some(group));
    let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content };
    let verdict = policy.on_request(&asked, now());
    assert_eq!(policy.explain(&asked, now()).verdict.reason, verdict.reason);
    assert!(!verdict.reason.text.contains("worry about") && !verdict.reason.text.contains("stop that"));
    (verdict.action, verdict.reason.rule.id, verdict.reason.evidence.map(|evidence| evidence.line))
}

fn search(query: &str, kind: SearchKind) -> Content {
    Content { search: Some(Search { engine: "other", query: query.into(), kind }), ..Content::default() }
}

#[test]
fn a_search_is_judged_by_its_words() {
    let policy = policy();
    let cases = [
        ("ks2", "other.example", "a worry about school", Action::Alert, "search_term:worry"),
        ("ks2", "other.example", "please stop that now", Action::Block, "search_term:stop"),
        ("ks2", "other.example", "stop that worry about it", Action::Block, "search_term:stop"),
        ("ks2", "other.example", "only noted here", Action::Allow, "default:default"),
        ("ks2", "other.example", "volcanoes", Action::Allow, "default:default"),
        ("staff", "other.example", "stop that", Action::Allow, "default:default"),
        // What the school opened is pointed out all the same; what is blocked stays blocked.
        ("ks2", "allowed.example", "worry about", Action::Alert, "search_term:worry"),
        ("ks2", "allowed.example", "stop that", Action::Allow, "school:allow"),
        ("ks2", "games.example", "worry about", Action::Block, "category:games"),
        ("ks2", "news.example", "worry about", Action::Alert, "search_term:worry"),
    ];
    for (group, host, words, action, rule) in cases {
        let content = search(words, SearchKind::Search);
        let (found, by, line) = asked_for(&policy, group, host, &content);
        assert_eq!((found, by.as_str()), (action, rule), "{words} at {host} by {group}");
        assert_eq!(line.is_some(), !rule.starts_with("default"), "{rule}");
    }
}

#[test]
fn somebody_who_is_still_typing_is_not_stopped() {
    let (policy, content) = (policy(), search("stop that", SearchKind::Suggestion));
    let (action, rule, line) = asked_for(&policy, "ks2", "other.example", &content);
    assert_eq!((action, rule.as_str(), line), (Action::Alert, "search_term:stop", Some(2)));
}

#[test]
fn a_kind_of_file_is_refused_or_pointed_out() {
    let policy = policy();
    for (kinds, action, rule) in [
        (vec![FileKind::Executable], Action::Block, "file_kind:executable"),
        (vec![FileKind::Video, FileKind::Executable], Action::Block, "file_kind:executable"),
        (vec![FileKind::Video], Action::Alert, "file_kind:video"),
        (vec![FileKind::Audio], Action::Allow, "default:default"),
    ] {
        let content = Content { file: kinds.clone(), ..Content::default() };
        let (found, by, _) = asked_for(&policy, "ks2", "other.example", &content);
        assert_eq!((found, by.as_str()), (action, rule), "{kinds:?}");
    }
}

#[test]
fn dns_inside_https_is_refused_but_where_anything_may_pass() {
    let (policy, content) = (policy(), Content { carries: Carries::Dns, ..Content::default() });
    let ks2 = asked_for(&policy, "ks2", "other.example", &content);
    assert_eq!((ks2.0, ks2.1.as_str()), (Action::Block, "protocol:doh"));
    assert_eq!(asked_for(&policy, "staff", "other.example", &content).0, Action::Allow);
}

#[test]
fn a_group_inherits_and_overrides_what_is_seen_inside() {
    let text = TEXT
        .replace(
            "[groups.pupils]\n",
            "[groups.pupils.search_terms]\nworry = \"alert\"\n[groups.pupils.file_kinds]\nvideo = \"block\"\n\
             [groups.pupils.tenants]\ngoogle = [\"school.example\"]\n\
             [groups.pupils]\nsafe_search = \"enforce\"\nyoutube = \"strict\"\n",
        )
        .replace(
            "[groups.ks2]\n",
            "[groups.ks2.search_terms]\nworry = \"block\"\n[groups.ks2]\nyoutube = \"off\"\n",
        );
    let draft = draft(&text).unwrap();
    let group = |id: &str| draft.groups.iter().find(|group| group.id.as_str() == id).unwrap();
    assert_eq!(group("ks2").search_terms["worry"], CategoryAction::Block);
    assert_eq!(group("garden").search_terms["worry"], CategoryAction::Alert);
    assert_eq!(group("ks2").file_kinds[&FileKind::Video], CategoryAction::Block);
    assert_eq!(group("ks2").enforce.youtube, crate::services::Restrict::Off);
    assert_eq!(group("ks2").enforce.safe_search, crate::services::SafeSearch::Enforce);
    assert_eq!(group("garden").enforce.tenants.google, ["school.example"]);
    assert_eq!(group("staff").enforce, crate::services::Enforce::default());
}

#[test]
fn what_can_not_be_enforced_is_a_fault_at_its_line() {
    let text = TEXT.replace(
        "[groups.ks2]\n",
        "[groups.ks2.file_kinds]\nprogram = \"block\"\n[groups.ks2.tenants]\nmicrosoft = [\"a.example\"]\n\
         google = [\"a, b\"]\nmicrosoft_consumer = \"no\"\n[groups.ks2]\nsafe_search = \"on\"\nyoutube = \"hard\"\n",
    );
    let faults = draft(&text).unwrap_err();
    let told: Vec<String> = faults.iter().map(|fault| fault.problem.clone()).collect();
    for part in [
        "there is no kind of file “program”",
        "need `microsoft_directory` beside them",
        "“a, b” can't stand in a header field",
        "“no” is no treatment",
        "“on” is no safe search",
        "“hard” is no restriction",
    ] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part} in {told:#?}");
    }
    assert!(faults.len() == 6 && faults.iter().all(|fault| fault.line > 0), "{told:#?}");
}

/// A tablet that can't fetch its updates stops working.
#[test]
fn devices_may_be_updated_from_where_the_group_allows_it_by_name() {
    let text = TEXT
        .replace("sources = [\"approved\"]", "programs = true\nsources = [\"approved\"]")
        .replace(
            "[groups.ks2]\n",
            "[groups.ks2.categories]\napproved = \"allow\"\n[groups.ks2.file_kinds]\nexecutable = \"block\"\n\
             [groups.ks2]\n",
        )
        .replace("[groups.staff]\n", "[groups.staff.file_kinds]\nexecutable = \"block\"\n[groups.staff]\n");
    let policy = World::usual().policy_of(&text);
    let content = Content { file: vec![FileKind::Executable], ..Content::default() };
    for (group, host, action) in [
        ("ks2", "approved.example", Action::Allow),
        ("ks2", "other.example", Action::Block),
        // Staff do not name the category, so nothing is trusted for them.
        ("staff", "approved.example", Action::Block),
    ] {
        assert_eq!(asked_for(&policy, group, host, &content).0, action, "{host} for {group}");
    }
}
