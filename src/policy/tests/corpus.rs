//! Every row of the URL corpus that the peers were measured with, by the whole ladder.

use super::*;

const CORPUS: &str = include_str!("../../../tests/fixtures/url_corpus.tsv");
const DOMAINS: &str = "blocked.example\ndeep.a.example\nxn--mnchen-3ya.example\n192.0.2.5\n";
const URLS: &str = "site.example/~badguy\nsite.example/a/b\nsite.example/search?q=bad\nsite.example/a b\n\
                    site.example/CaseUrl\nhostonly.example\nport.example:8080/x\nslash.example/dir/\n";
/// Open to every port, so that only the lists decide.
const EVERYBODY: &str = "[groups.staff]\ndefault = \"allow\"\nunclassified = \"allow\"\nports = [80, 8080]\n\
                         [groups.staff.categories]\nlisted = \"block\"\n\
                         [categories.listed]\nsources = [\"listed\"]\n";

/// Rows whose verdict is a choice (`*`) and where ours is to block: an encoded slash is a slash,
/// because many servers take it for one, and a page inside another address is judged as itself.
const OURS: [&str; 7] = [
    "http://site.example/a;x=1/b",
    "http://site.example/a%2fb",
    "http://site.example/x/..%2fa/b",
    "http://ok.example/?u=http://blocked.example/",
    "http://ok.example/http://blocked.example/",
    "http://ok.example/?u=http%3A%2F%2Fblocked.example%2F",
    "http://blocked-example.translate.goog/",
];

fn policy() -> Policy {
    let mut catalogue = CatalogueBuilder::new([1; 16]);
    let list = catalogue.add_list(head("listed", Reading::Block));
    catalogue
        .add_file(
            list,
            "listed/domains",
            &crate::lists::Form::of(crate::lists::Format::Domains),
            DOMAINS.as_bytes(),
        )
        .unwrap();
    catalogue
        .add_file(list, "listed/urls", &crate::lists::Form::of(crate::lists::Format::Urls), URLS.as_bytes())
        .unwrap();
    let parts = Parts {
        draft: Arc::new(draft(EVERYBODY).unwrap()),
        catalogue: Arc::new(catalogue.build()),
        school_allow: Arc::new(single("allow", Reading::Allow, "nobody.example\n")),
        school_block: Arc::new(single("block", Reading::Block, "nobody.example\n")),
        statutory: Arc::new(StatutoryBuilder::new([4; 32]).build()),
        lifeline: Arc::new(IndexBuilder::new([2; 16]).build()),
        no_inspect: Arc::new(index_of(&[])),
        terms: Arc::default(),
        reach: Arc::new(Reach { allow_private: vec!["192.0.2.0/24".parse().unwrap()], own: Vec::new() }),
        unblocks: Arc::default(),
        suspensions: Arc::default(),
        blocks: Arc::default(),
        zone: jiff::tz::TimeZone::UTC,
    };
    Policy::compile(parts, 1).unwrap()
}

#[test]
fn every_row_is_decided_as_written() {
    let policy = policy();
    let mut wrong = Vec::new();
    for row in CORPUS.lines().skip(1) {
        let [text, written, note] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let expected = if OURS.contains(&text) { "B" } else { written.trim_end_matches('*') };
        let answer = match Url::parse(text) {
            Err(_) => "R",
            Ok(_) if decided(&policy, "staff", text, now()).0 == Action::Block => "B",
            Ok(_) => "A",
        };
        if answer != expected {
            wrong.push(format!("{text}: {answer}, expected {expected} ({note})"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
