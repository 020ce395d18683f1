//! Every row of the URL corpus that the peers were measured with (`url_corpus.tsv`).

use super::{found, index_of};
use crate::lists::Reading;
use crate::model::Url;

const CORPUS: &str = include_str!("../../../tests/fixtures/url_corpus.tsv");
const DOMAINS: &str = "blocked.example\ndeep.a.example\nxn--mnchen-3ya.example\n192.0.2.5\n";
const URLS: &str = "site.example/~badguy\nsite.example/a/b\nsite.example/search?q=bad\nsite.example/a b\n\
                    site.example/CaseUrl\nhostonly.example\nport.example:8080/x\nslash.example/dir/\n";

/// Rows whose verdict is a choice (`*`) and where ours is not the one written: an encoded slash
/// is a slash when blocking, because many servers take it for one. (Targets embedded in another
/// URL stay allowed here: the ladder will look them up as URLs of their own.)
const OURS: [(&str, &str); 3] = [
    ("http://site.example/a%2fb", "B"),
    ("http://site.example/x/..%2fa/b", "B"),
    ("http://site.example/a;x=1/b", "B"),
];

#[test]
fn every_row_is_decided_as_written() {
    let index = index_of(DOMAINS, URLS);
    let mut wrong = Vec::new();
    for row in CORPUS.lines().skip(1) {
        let [text, written, note] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let ours = OURS.iter().find(|(choice, _)| *choice == text).map(|(_, verdict)| *verdict);
        let expected = ours.unwrap_or(written.trim_end_matches('*'));
        let verdict = match Url::parse(text) {
            Err(_) => "R",
            Ok(_) if found(&index, text, Reading::Block).is_empty() => "A",
            Ok(_) => "B",
        };
        if verdict != expected {
            wrong.push(format!("{text}: {verdict}, expected {expected} ({note})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(CORPUS.lines().count(), 83, "82 rows and a head");
}
