//! Searches, files and DNS over HTTPS: what decides, what is pointed out, and why.

use super::*;
use crate::content::{FileKind, Terms, TermsBuilder};
use crate::services::{Consumer, Restrict, SafeSearch, Search, SearchKind};

const RULES: &str = r#"
[groups.pupils.search_terms]
worry = "alert"
danger = "block"
noise = "allow"
[groups.pupils.file_kinds]
executable = "block"
video = "allow"
[groups.garden.search_terms]
danger = "alert"
[categories.updates]
programs = true
sources = ["updates"]
"#;

fn terms() -> Terms {
    let mut builder = TermsBuilder::new();
    for (name, text) in [("danger", "\nred apple\n"), ("noise", "plum\n"), ("worry", "apple\n!green apple\n")]
    {
        builder.add_list(name, "7", &format!("terms/{name}.txt"), text).unwrap();
    }
    builder.build()
}

fn policy(unblocks: Vec<Unblock>) -> Policy {
    let text = TEXT.replace("news = \"alert\"", "news = \"alert\"\nupdates = \"allow\"") + RULES;
    let mut lists = CatalogueBuilder::new([1; 16]);
    for (id, text) in
        [("adult", "adult.example\n"), ("games", "games.example\n"), ("updates", "updates.example\n")]
    {
        let list = lists.add_list(head(id, Reading::Block));
        lists.add_file(list, "list.txt", &Form::of(Format::Domains), text.as_bytes()).unwrap();
    }
    let mut lifeline = IndexBuilder::new([2; 16]);
    let origin = Origin { list: "lifeline".into(), version: "1".into(), file: "".into() };
    let origin = lifeline.add_origin(origin);
    for item in crate::lists::parse::read(
        &crate::lists::ReadOptions::of(Reading::Allow),
        Format::Domains,
        b"help.example\n",
    )
    .items
    {
        lifeline.add(origin, item);
    }
    let parts = Parts {
        draft: Arc::new(draft(&text).unwrap_or_else(|faults| panic!("{faults}"))),
        catalogue: Arc::new(lists.build()),
        school_allow: Arc::new(single("allow", Reading::Allow, "allowed.example\n")),
        school_block: Arc::new(single("block", Reading::Block, "blocked.example\n")),
        statutory: Arc::new(StatutoryBuilder::new([4; 32]).build()),
        lifeline: Arc::new(lifeline.build()),
        terms: Arc::new(terms()),
        reach: Arc::default(),
        unblocks: unblocks.into(),
    };
    Policy::compile(parts, 1).unwrap()
}

fn searched(query: &str, kind: SearchKind) -> Content {
    Content { search: Some(Search { engine: "google", query: query.into(), kind }), ..Content::NONE.clone() }
}

fn judged(policy: &Policy, group: &str, host: &str, content: &Content) -> Verdict<OnRequest> {
    let url = Url::parse(&format!("https://{host}/")).unwrap();
    let destination = Destination { host: Some(url.host().clone()), port: 443, url: Some(url) };
    let subject = subject(Some(group));
    let asked = Asked { subject: &subject, destination: &destination, shown: Shown::Request, content };
    let verdict = policy.on_request(&asked, now());
    assert_eq!(policy.explain(&asked, now()).verdict.reason, verdict.reason, "explained as decided");
    verdict
}

#[test]
fn a_search_is_blocked_in_the_ladders_order_and_pointed_out_whatever_lets_it_pass() {
    let policy = policy(vec![unblock("games.example", "ks2", 30)]);
    let (allow, alert, block) = (Action::Allow, Action::Alert, Action::Block);
    let cases = [
        ("ks2", "other.example", "apple", alert, Rung::SearchTerm, "search_term:worry"),
        ("ks2", "other.example", "a red apple", block, Rung::SearchTerm, "search_term:danger"),
        ("ks2", "other.example", "green apple", allow, Rung::Default, "default:default"),
        ("ks2", "other.example", "plum", allow, Rung::Default, "default:default"),
        ("ks2", "allowed.example", "apple", alert, Rung::SearchTerm, "search_term:worry"),
        ("ks2", "allowed.example", "red apple", alert, Rung::SearchTerm, "search_term:danger"),
        ("ks2", "games.example", "apple", alert, Rung::SearchTerm, "search_term:worry"),
        ("ks2", "help.example", "red apple", allow, Rung::Lifeline, "lifeline"),
        ("ks2", "blocked.example", "apple", block, Rung::SchoolLists, "school:block"),
        ("ks2", "adult.example", "apple", block, Rung::Category, "category:adult"),
        ("ks2", "adult.example", "red apple", block, Rung::SearchTerm, "search_term:danger"),
        ("garden", "other.example", "apple", block, Rung::WalledGarden, "walled_garden"),
        ("staff", "other.example", "red apple", allow, Rung::Default, "default:default"),
    ];
    for (group, host, query, action, rung, rule) in cases {
        let verdict = judged(&policy, group, host, &searched(query, SearchKind::Search));
        let found = (verdict.action, verdict.reason.rung, verdict.reason.rule.id.as_str());
        assert_eq!(found, (action, rung, rule), "{group} {host} {query}");
    }
    let opened = judged(&policy, "ks2", "games.example", &searched("apple", SearchKind::Search)).reason;
    assert_eq!(opened.unblock, Some(policy.unblocks()[0].id), "it still was the unblock that opened it");
}

#[test]
fn suggestions_block_nothing() {
    let policy = policy(Vec::new());
    let action =
        |query| judged(&policy, "ks2", "other.example", &searched(query, SearchKind::Suggestion)).action;
    assert_eq!(action("red apple"), Action::Alert);
    assert_eq!(action("red app"), Action::Allow);
}

#[test]
fn the_reason_of_a_search_names_list_and_line_but_no_word_of_it() {
    let verdict =
        judged(&policy(Vec::new()), "ks2", "other.example", &searched("my Red  Apple", SearchKind::Search));
    let reason = verdict.reason;
    let evidence = reason.evidence.clone().unwrap();
    assert_eq!(
        (evidence.ruleset().as_str(), evidence.file.as_str(), evidence.line),
        ("terms/danger@7", "terms/danger.txt", 2)
    );
    assert_eq!(reason.text, "searches with terms of the lists danger and worry are blocked for ks2");
    assert!(!format!("{reason:?}").to_lowercase().contains("apple"));
}

#[test]
fn explain_shows_what_raised_a_search() {
    let policy = policy(Vec::new());
    let subject = subject(Some("ks2"));
    let destination = Destination { host: Host::parse("allowed.example").ok(), port: 443, url: None };
    let content = searched("apple", SearchKind::Search);
    let asked =
        Asked { subject: &subject, destination: &destination, shown: Shown::Request, content: &content };
    let explained = policy.explain(&asked, now());
    let answers: Vec<(Rung, Action)> = explained
        .rungs
        .iter()
        .filter_map(|(rung, step)| match step {
            Step::Answer(action, _) => Some((*rung, *action)),
            Step::Pass(_) => None,
        })
        .collect();
    assert_eq!(
        answers,
        [
            (Rung::SchoolLists, Action::Allow),
            (Rung::Default, Action::Allow),
            (Rung::SearchTerm, Action::Alert)
        ]
    );
}

#[test]
fn a_search_inside_a_translators_address_is_pointed_out() {
    let policy = policy(Vec::new());
    let google = "https://www.google.com/search?q=apple";
    for (text, action) in [
        (format!("https://translate.google.com/translate?u={google}"), Action::Alert),
        ("https://www-google-com.translate.goog/search?q=apple".into(), Action::Alert),
        (format!("https://other.example/login?return={google}"), Action::Allow),
    ] {
        let url = Url::parse(&text).unwrap();
        let content = Content::of_url(&url);
        let destination = Destination { host: Some(url.host().clone()), port: 443, url: Some(url) };
        let subject = subject(Some("ks2"));
        let asked =
            Asked { subject: &subject, destination: &destination, shown: Shown::Request, content: &content };
        assert_eq!(policy.on_request(&asked, now()).action, action, "{text}");
    }
}

#[test]
fn files_of_a_kind_are_blocked_but_for_updates_and_what_the_school_allows() {
    let policy = policy(Vec::new());
    let file = |kinds: &[FileKind]| Content { file: kinds.to_vec(), ..Content::NONE.clone() };
    let program = [FileKind::Executable];
    let cases = [
        ("ks2", "other.example", &program[..], "file_kind:executable"),
        ("ks2", "other.example", &[FileKind::Video, FileKind::Executable], "file_kind:executable"),
        ("ks2", "other.example", &[FileKind::Video, FileKind::Audio], "default:default"),
        ("ks2", "allowed.example", &program, "school:allow"),
        ("ks2", "updates.example", &program, "category:updates"),
        ("staff", "other.example", &program, "default:default"),
    ];
    for (group, host, kinds, rule) in cases {
        assert_eq!(
            judged(&policy, group, host, &file(kinds)).reason.rule.id,
            rule,
            "{group} {host} {kinds:?}"
        );
    }
    assert!(policy.watches_files(policy.group_of(&subject(Some("ks2")))));
    assert!(!policy.watches_files(policy.group_of(&subject(Some("staff")))));
}

#[test]
fn dns_over_https_is_refused_where_what_cannot_be_classified_is() {
    let policy = policy(Vec::new());
    let dns = Content { carries: Carries::Dns, ..Content::NONE.clone() };
    assert_eq!(judged(&policy, "ks2", "other.example", &dns).reason.rule.id, "protocol:doh");
    assert_eq!(judged(&policy, "staff", "other.example", &dns).action, Action::Allow);
    assert_eq!(judged(&policy, "ks2", "allowed.example", &dns).action, Action::Allow);
}

#[test]
fn a_text_says_what_is_enforced_and_children_inherit_it() {
    let text = TEXT
        .replace(
            "name = \"Pupils\"\n",
            "name = \"Pupils\"\nsafe_search = \"enforce\"\nyoutube = \"strict\"\n",
        )
        .replace("[groups.ks2]\n", "[groups.ks2]\nyoutube = \"moderate\"\n")
        + r#"
[groups.pupils.search_terms]
worry = "alert"
danger = "block"
[groups.ks2.search_terms]
worry = "allow"
[groups.pupils.file_kinds]
audio = "block"
[groups.pupils.tenants]
google = ["school.sch.uk", "consumer_accounts"]
microsoft = ["school.onmicrosoft.com"]
microsoft_directory = "00000000-0000-4000-8000-000000000000"
microsoft_consumer = "block"
slack = ["T0ABC"]
slack_requester = "E0ABC"
dropbox = ["dbtid:x-Y_1"]
[groups.ks2.tenants]
google = []
"#;
    let draft = draft(&text).unwrap_or_else(|faults| panic!("{faults}"));
    let group = |id: &str| draft.groups.iter().find(|group| group.id.as_str() == id).unwrap();
    let (pupils, ks2, staff) = (group("pupils"), group("ks2"), group("staff"));
    assert_eq!((pupils.enforce.safe_search, pupils.enforce.youtube), (SafeSearch::Enforce, Restrict::Strict));
    assert_eq!((ks2.enforce.safe_search, ks2.enforce.youtube), (SafeSearch::Enforce, Restrict::Moderate));
    assert_eq!(ks2.search_terms["worry"], CategoryAction::Allow);
    assert_eq!(ks2.search_terms["danger"], CategoryAction::Block);
    assert_eq!(ks2.file_kinds[&FileKind::Audio], Treatment::Block);
    assert_eq!(pupils.enforce.tenants.google, ["school.sch.uk", "consumer_accounts"]);
    assert!(ks2.enforce.tenants.google.is_empty());
    assert_eq!(ks2.enforce.tenants.microsoft_consumer, Consumer::Block);
    assert_eq!(ks2.enforce.tenants.microsoft, pupils.enforce.tenants.microsoft);
    assert_eq!(ks2.enforce.tenants.slack.as_ref().map(|slack| slack.requester.as_str()), Some("E0ABC"));
    assert_eq!(staff.enforce, crate::services::Enforce::default());

    let before = super::draft(TEXT).unwrap();
    let changes = draft.changes_since(&before);
    for part in [
        "group ks2: youtube was Off, is Moderate",
        "safe_search was Off, is Enforce",
        "search_terms.danger was None, is Some(Block)",
        "file_kinds.audio was None",
        "tenants.google was []",
        "tenants.slack was None",
    ] {
        assert!(changes.iter().any(|change| change.contains(part)), "{part} in {changes:#?}");
    }
    assert!(draft.changes_since(&draft).is_empty());
}

#[test]
fn a_text_that_asks_for_what_there_is_not_tells_it() {
    let text = TEXT
        .replace("name = \"Pupils\"\n", "name = \"Pupils\"\nsafe_search = \"on\"\nyoutube = true\n")
        + r#"
[groups.pupils.search_terms]
worries = "alert"
worry = "warn"
[groups.pupils.file_kinds]
programs = "block"
video = "alert"
[groups.pupils.tenants]
google = ["school.sch.uk,evil.example", "*"]
microsoft = ["school.onmicrosoft.com"]
microsoft_consumer = "no"
slack_requester = "E0ABC"
dropbox = ["a b"]
facebook = []
[groups.ks2.tenants]
microsoft = ["a.example"]
microsoft_directory = "school"
"#;
    let document = Document::new("policy.toml", text);
    let faults = read_text(&document, &|list| list != "terms/worries").unwrap_err();
    let told: Vec<&str> = faults.iter().map(|fault| fault.problem.as_str()).collect();
    for part in [
        "“on” is no safe search",
        "true or false where text is expected",
        "there is no term list “worries”",
        "“warn” is no action",
        "unknown key `programs`",
        "“alert” is no treatment",
        "“school.sch.uk,evil.example” is not the domain of a Google Workspace",
        "“*” is not the domain",
        "`microsoft` needs `microsoft_directory` beside it",
        "“no” is no treatment",
        "`slack_requester` does nothing without `slack`",
        "“a b” is not the id of a Dropbox team",
        "unknown key `facebook`",
        "“school” is not the id of the directory",
    ] {
        assert!(told.iter().any(|fault| fault.contains(part)), "{part} in {told:#?}");
    }
    assert_eq!(faults.len(), 14, "{told:#?}");
}
